"""When a client secret was last used.

Why: a partner that exchanges its secret sees whether the older one is still in use before it ends it.
Locks: one nullable column, which PostgreSQL adds without a rewrite.
Undo: drops it, and with it when each secret was last used.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("app_secret") as table:
        table.add_column(sa.Column("last_used_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    with op.batch_alter_table("app_secret") as table:
        table.drop_column("last_used_at")
