"""When a school's MIS was last asked by its web service, and what came of it.

Why: what the account of the guide opens is collected every day.
Locks: two columns, the second with a default, which PostgreSQL adds without a rewrite.
Undo: drops them; the next start asks each MIS once more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("mis_guide") as table:
        table.add_column(sa.Column("asked_at", sa.DateTime(timezone=True)))
        table.add_column(sa.Column("asked_result", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("mis_guide") as table:
        table.drop_column("asked_result")
        table.drop_column("asked_at")
