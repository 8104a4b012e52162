"""The Groupcall-style API: secrets of schools, their way to partners, and what an app was given of a list.

Why: integrations of the older aggregator move by changing their addresses; see ADR 24.
Locks: three nullable columns, which PostgreSQL adds without a rewrite, and three new tables.
Undo: drops them. Clients of this API then have neither a secret nor a place in their change sets, and begin anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("app") as table:
        table.add_column(sa.Column("groupcall_at", MOMENT))
        table.add_column(sa.Column("authorisation_uri", sa.Text))
        table.add_column(sa.Column("management_sealed", sa.Text))
    op.create_table(
        "school_secret",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("authorisation_id", sa.Uuid, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.ForeignKeyConstraint(["authorisation_id"], ["authorisation.id"], name="school_secret_authorisation_id_fkey"),
        sa.PrimaryKeyConstraint("digest", name="school_secret_pkey"),
    )
    op.create_index("school_secret_authorisation_id_idx", "school_secret", ["authorisation_id"])
    op.create_table(
        "hand_over",
        sa.Column("authorisation_id", sa.Uuid, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("secret_digest", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.Text),
        sa.Column("delivered_at", MOMENT),
        sa.Column("last_status", sa.Integer),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_try_at", MOMENT),
        sa.Column("failed_at", MOMENT),
        sa.Column("last_error", sa.Text),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="hand_over_app_id_fkey"),
        sa.ForeignKeyConstraint(["authorisation_id"], ["authorisation.id"], name="hand_over_authorisation_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="hand_over_pkey"),
    )
    op.create_index("hand_over_app_id_idx", "hand_over", ["app_id"])
    op.create_index("hand_over_authorisation_id_idx", "hand_over", ["authorisation_id"])
    op.create_index("hand_over_next_try_at_idx", "hand_over", ["next_try_at"])
    op.create_table(
        "snapshot",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("listing", sa.String, nullable=False),
        sa.Column("before", sa.Uuid),
        sa.Column("seen_as", sa.LargeBinary(16), nullable=False),
        sa.Column("packed", sa.LargeBinary, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="snapshot_app_id_fkey"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="snapshot_school_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="snapshot_pkey"),
    )
    op.create_index("snapshot_listing_idx", "snapshot", ["school_id", "app_id", "listing", "made_at"])
    op.create_index("snapshot_made_at_idx", "snapshot", ["made_at"])


def downgrade() -> None:
    for name in ("snapshot", "hand_over", "school_secret"):
        op.drop_table(name)
    with op.batch_alter_table("app") as table:
        for name in ("management_sealed", "authorisation_uri", "groupcall_at"):
            table.drop_column(name)
