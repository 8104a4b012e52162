"""The whole authorization server: pushed requests, ids that count once, agents, and what sign-in tokens need.

Why: PAR, DPoP, private_key_jwt, OpenID Connect, device authorization and key rotation.
Locks: new tables and nullable columns; `token` gives up two foreign keys, which takes a short exclusive lock. On SQLite
the table is written anew.
Undo: drops them. Tokens of agents and of people without a school's authorisation are deleted first: the schema before
has no place for them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "spent_id",
        sa.Column("purpose", sa.String(10), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("purpose", "digest", name="spent_id_pkey"),
    )
    op.create_index("spent_id_expires_at_idx", "spent_id", ["expires_at"])
    op.create_table(
        "pushed_request",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.Column("request_id", sa.Uuid),
        sa.PrimaryKeyConstraint("digest", name="pushed_request_pkey"),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="pushed_request_app_id_fkey"),
        sa.ForeignKeyConstraint(["request_id"], ["authorization_request.id"], name="pushed_request_request_id_fkey"),
    )
    op.create_index("pushed_request_expires_at_idx", "pushed_request", ["expires_at"])
    op.create_table(
        "endpoint",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("machine", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("key_thumbprint", sa.String(43), nullable=False),
        sa.Column("enrolled_by", sa.Uuid, nullable=False),
        sa.Column("enrolled_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="endpoint_pkey"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="endpoint_school_id_fkey"),
        sa.ForeignKeyConstraint(["enrolled_by"], ["account.id"], name="endpoint_enrolled_by_fkey"),
    )
    op.create_index("endpoint_school_id_idx", "endpoint", ["school_id"])
    op.create_table(
        "device_request",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("device_digest", sa.LargeBinary, nullable=False),
        sa.Column("first_half", sa.String(4), nullable=False),
        sa.Column("second_digest", sa.LargeBinary, nullable=False),
        sa.Column("machine", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("jwk", sa.JSON, nullable=False),
        sa.Column("key_thumbprint", sa.String(43), nullable=False),
        sa.Column("misses", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("polled_at", MOMENT),
        sa.Column("poll_seconds", sa.Integer, nullable=False),
        sa.Column("endpoint_id", sa.Uuid),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="device_request_pkey"),
        sa.UniqueConstraint("device_digest", name="device_request_device_digest_key"),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name="device_request_endpoint_id_fkey"),
    )
    op.create_index("device_request_first_half_idx", "device_request", ["first_half"])
    with op.batch_alter_table("authorization_code") as table:
        table.add_column(sa.Column("key_thumbprint", sa.String(43)))
        table.add_column(sa.Column("details", sa.JSON))
        table.add_column(sa.Column("methods", sa.JSON, nullable=False, server_default="[]"))
        table.alter_column("methods", server_default=None)
    with op.batch_alter_table("signing_key") as table:
        table.add_column(sa.Column("starts_at", MOMENT, nullable=False, server_default=sa.func.now()))
        table.alter_column("starts_at", server_default=None)
    op.execute("UPDATE signing_key SET starts_at = created_at")
    with op.batch_alter_table("token") as table:
        table.drop_constraint("token_app_id_fkey", type_="foreignkey")
        table.drop_constraint("token_account_id_fkey", type_="foreignkey")
        table.alter_column("app_id", existing_type=sa.Uuid, nullable=True)
        table.add_column(sa.Column("endpoint_id", sa.Uuid))
        table.create_foreign_key("token_endpoint_id_fkey", "endpoint", ["endpoint_id"], ["id"])
        table.drop_column("successor")
        table.add_column(sa.Column("predecessor", sa.LargeBinary))
        table.drop_index("token_family_idx")
        table.drop_index("token_authorisation_id_idx")
        table.create_index("token_authorisation_id_family_idx", ["authorisation_id", "family"])
    if op.get_bind().dialect.name != "sqlite":
        # Room for the version of a row that says it was used: then no index need be touched.
        op.execute("ALTER TABLE token SET (fillfactor = 70)")
        op.execute("ALTER TABLE authorization_code SET (fillfactor = 70)")


def downgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.execute("ALTER TABLE authorization_code RESET (fillfactor)")
        op.execute("ALTER TABLE token RESET (fillfactor)")
    op.execute("DELETE FROM token WHERE app_id IS NULL OR authorisation_id IS NULL")
    with op.batch_alter_table("token") as table:
        table.drop_index("token_authorisation_id_family_idx")
        table.create_index("token_authorisation_id_idx", ["authorisation_id"])
        table.create_index("token_family_idx", ["family"])
        table.drop_column("predecessor")
        table.add_column(sa.Column("successor", sa.LargeBinary))
        table.drop_constraint("token_endpoint_id_fkey", type_="foreignkey")
        table.drop_column("endpoint_id")
        table.alter_column("app_id", existing_type=sa.Uuid, nullable=False)
        table.create_foreign_key("token_app_id_fkey", "app", ["app_id"], ["id"])
        table.create_foreign_key("token_account_id_fkey", "account", ["account_id"], ["id"])
    with op.batch_alter_table("signing_key") as table:
        table.drop_column("starts_at")
    with op.batch_alter_table("authorization_code") as table:
        table.drop_column("methods")
        table.drop_column("details")
        table.drop_column("key_thumbprint")
    for name in ("device_request", "endpoint", "pushed_request", "spent_id"):
        op.drop_table(name)
