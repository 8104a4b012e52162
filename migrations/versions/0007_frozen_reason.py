"""Why a school stopped every app at once.

Why: whoever finds everything frozen reads the reason on the page, not only in a mail.
Locks: one nullable column, which PostgreSQL adds without a rewrite.
Undo: drops it, and with it the reasons of freezes that stand.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("school") as table:
        table.add_column(sa.Column("frozen_reason", sa.Text))


def downgrade() -> None:
    with op.batch_alter_table("school") as table:
        table.drop_column("frozen_reason")
