"""The MIS sync: users and classes of partners' apps, a school's choices, runs, and what is to be delivered by SCIM.

Why: a school's people get accounts in apps. Users and classes are divided by school as the roster is.
Locks: new tables; two nullable columns.
Undo: drops them, and with them which username belongs to whom: apps keep their users, and the next sync finds them anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
PARTITIONS = 8


def upgrade() -> None:
    op.create_table(
        "app_user",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("person_id", sa.BigInteger),
        sa.Column("outside_id", sa.Text, nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("username_key", sa.Text),
        sa.Column("given_name", sa.Text, nullable=False),
        sa.Column("family_name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("upn", sa.String(length=13), nullable=False),
        sa.Column("year", sa.Text, nullable=False),
        sa.Column("classes", sa.JSON, nullable=False),
        sa.Column("password_form", sa.String(length=20), nullable=False),
        sa.Column("password_digest", sa.Text),
        sa.Column("password_sealed", sa.Text),
        sa.Column("password_for_app", sa.Text),
        sa.Column("password_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("archived_at", MOMENT),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="app_user_app_id_fkey"),
        sa.ForeignKeyConstraint(
            ["school_id", "person_id"], ["person.school_id", "person.id"], name="app_user_person_id_fkey"
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name="app_user_pkey"),
        sa.UniqueConstraint("school_id", "app_id", "username_key", name="app_user_username_key"),
        sa.UniqueConstraint("school_id", "app_id", "person_id", name="app_user_person_key"),
        postgresql_partition_by="HASH (school_id)",
    )
    op.create_table(
        "app_group",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("outside_id", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="app_group_app_id_fkey"),
        sa.PrimaryKeyConstraint("school_id", "id", name="app_group_pkey"),
        sa.UniqueConstraint("school_id", "app_id", "title", name="app_group_title_key"),
        postgresql_partition_by="HASH (school_id)",
    )
    op.create_table(
        "sync_choices",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.Column("steps", sa.JSON, nullable=False),
        sa.Column("found_by", sa.String(length=10), nullable=False),
        sa.Column("found_at", MOMENT),
        sa.Column("changed_by", sa.Uuid),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="sync_choices_school_id_fkey"),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="sync_choices_app_id_fkey"),
        sa.ForeignKeyConstraint(["changed_by"], ["account.id"], name="sync_choices_changed_by_fkey"),
        sa.PrimaryKeyConstraint("school_id", "app_id", name="sync_choices_pkey"),
    )
    op.create_table(
        "sync",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("finished_by", sa.Uuid, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("plan_digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="sync_school_id_fkey"),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="sync_app_id_fkey"),
        sa.ForeignKeyConstraint(["finished_by"], ["account.id"], name="sync_finished_by_fkey"),
        sa.PrimaryKeyConstraint("id", name="sync_pkey"),
    )
    op.create_table(
        "push",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("sync_id", sa.Uuid, nullable=False),
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("renamed_from", sa.Text, nullable=False),
        sa.Column("done_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_try_at", MOMENT),
        sa.Column("failed_at", MOMENT),
        sa.Column("last_error", sa.Text),
        sa.ForeignKeyConstraint(["sync_id"], ["sync.id"], name="push_sync_id_fkey"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="push_school_id_fkey"),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="push_app_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="push_pkey"),
    )
    with op.batch_alter_table("sync") as table:
        table.create_index("sync_school_id_app_id_idx", ["school_id", "app_id", "finished_at"])
    with op.batch_alter_table("push") as table:
        table.create_index("push_next_try_at_idx", ["next_try_at"])
        table.create_index("push_sync_id_position_idx", ["sync_id", "position"])
    with op.batch_alter_table("app") as table:
        table.add_column(sa.Column("scim_url", sa.Text))
        table.add_column(sa.Column("scim_token_sealed", sa.Text))
    if op.get_bind().dialect.name == "postgresql":
        for divided in ("app_user", "app_group"):
            _divide(divided)


def _divide(table: str) -> None:
    """The partitions of a table, and its policy: as in 0005."""
    for remainder in range(PARTITIONS):
        op.execute(
            f"CREATE TABLE {table}_{remainder} PARTITION OF {table}"
            f" FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {remainder})"
        )
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY {table}_school ON {table}"
        " USING (school_id = nullif(current_setting('gatehouse.school', true), '')::uuid)"
    )


def downgrade() -> None:
    with op.batch_alter_table("app") as table:
        table.drop_column("scim_token_sealed")
        table.drop_column("scim_url")
    for name in ("push", "sync", "sync_choices", "app_group", "app_user"):
        op.drop_table(name)
