"""The school in control, and the partner's side: second steps, invitations, webhooks, receipts, ledger, proposals.

Why: passkeys and recovery codes, resets and changes of address, access cases, invitations, webhooks, receipts, the
access ledger, going Live.
Locks: new tables; columns that are nullable or have a constant default, which PostgreSQL adds without a rewrite. Two
foreign keys to `account` and one to itself are checked while `school` and `authorisation` are locked.
Undo: drops them, and with them the ledger and every receipt.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "challenge",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("account_id", sa.Uuid),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="challenge_pkey"),
    )
    with op.batch_alter_table("challenge") as table:
        table.create_index("challenge_expires_at_idx", ["expires_at"])

    op.create_table(
        "read",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("authorisation_id", sa.Uuid, nullable=False),
        sa.Column("read_at", MOMENT, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("route", sa.String(length=80), nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.PrimaryKeyConstraint("id", name="read_pkey"),
    )
    with op.batch_alter_table("read") as table:
        table.create_index("read_app_id_read_at_idx", ["app_id", "read_at"])
        table.create_index("read_school_id_read_at_idx", ["school_id", "read_at"])

    op.create_table(
        "refusal",
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("route", sa.String(length=80), nullable=False),
        sa.Column("error", sa.String(length=60), nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("app_id", "hour", "route", "error", name="refusal_pkey"),
    )
    op.create_table(
        "contact_change",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("proof_digest", sa.LargeBinary, nullable=False),
        sa.Column("stop_digest", sa.LargeBinary, nullable=False),
        sa.Column("wrong_tries", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("proved_at", MOMENT),
        sa.Column("takes_effect_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("outcome", sa.String(length=10)),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="contact_change_account_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="contact_change_pkey"),
        sa.UniqueConstraint("stop_digest", name="contact_change_stop_digest_key"),
    )
    with op.batch_alter_table("contact_change") as table:
        table.create_index("contact_change_account_id_idx", ["account_id"])
        table.create_index(
            "contact_change_open_key",
            ["account_id", "kind"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        table.create_index("contact_change_takes_effect_at_idx", ["takes_effect_at"])

    op.create_table(
        "passkey",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("credential_id", sa.LargeBinary, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.Integer, nullable=False),
        sa.Column("transports", sa.JSON, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="passkey_account_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="passkey_pkey"),
        sa.UniqueConstraint("credential_id", name="passkey_credential_id_key"),
    )
    with op.batch_alter_table("passkey") as table:
        table.create_index("passkey_account_id_idx", ["account_id"])

    op.create_table(
        "recovery_code",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="recovery_code_account_id_fkey"),
        sa.PrimaryKeyConstraint("digest", name="recovery_code_pkey"),
    )
    with op.batch_alter_table("recovery_code") as table:
        table.create_index("recovery_code_account_id_idx", ["account_id"])

    op.create_table(
        "reset_code",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("browser_digest", sa.LargeBinary, nullable=False),
        sa.Column("code_digest", sa.LargeBinary, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("wrong_tries", sa.Integer, nullable=False),
        sa.Column("right_at", MOMENT),
        sa.Column("used_at", MOMENT),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="reset_code_account_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="reset_code_pkey"),
    )
    with op.batch_alter_table("reset_code") as table:
        table.create_index("reset_code_account_id_idx", ["account_id"])

    op.create_table(
        "access_case",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("account_id", sa.Uuid),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("mobile", sa.String(length=20)),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("readback_sealed", sa.Text, nullable=False),
        sa.Column("wrong_codes", sa.Integer, nullable=False),
        sa.Column("visit_digest", sa.LargeBinary, nullable=False),
        sa.Column("stop_digest", sa.LargeBinary, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("confirmed_by", sa.Uuid),
        sa.Column("confirmed_at", MOMENT),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("decided_at", MOMENT),
        sa.Column("window_ends_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("reason", sa.Text),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="access_case_account_id_fkey"),
        sa.ForeignKeyConstraint(["confirmed_by"], ["account.id"], name="access_case_confirmed_by_fkey"),
        sa.ForeignKeyConstraint(["decided_by"], ["account.id"], name="access_case_decided_by_fkey"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="access_case_school_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="access_case_pkey"),
        sa.UniqueConstraint("stop_digest", name="access_case_stop_digest_key"),
        sa.UniqueConstraint("visit_digest", name="access_case_visit_digest_key"),
    )
    with op.batch_alter_table("access_case") as table:
        table.create_index("access_case_school_id_idx", ["school_id"])
        table.create_index("access_case_state_idx", ["state"])
        table.create_index("access_case_window_ends_at_idx", ["window_ends_at"])

    op.create_table(
        "document",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("partner_id", sa.Uuid, nullable=False),
        sa.Column("app_id", sa.Uuid),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("uploaded_by", sa.Uuid, nullable=False),
        sa.Column("uploaded_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="document_app_id_fkey"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="document_partner_id_fkey"),
        sa.ForeignKeyConstraint(["uploaded_by"], ["account.id"], name="document_uploaded_by_fkey"),
        sa.PrimaryKeyConstraint("id", name="document_pkey"),
    )
    with op.batch_alter_table("document") as table:
        table.create_index("document_app_id_idx", ["app_id"])
        table.create_index("document_partner_id_idx", ["partner_id"])

    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="notice_app_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="notice_pkey"),
    )
    with op.batch_alter_table("notice") as table:
        table.create_index("notice_app_id_created_at_idx", ["app_id", "created_at"])

    op.create_table(
        "proposal",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("asked_by", sa.Uuid, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("decided_at", MOMENT),
        sa.Column("is_approved", sa.Boolean),
        sa.Column("reason", sa.Text),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="proposal_app_id_fkey"),
        sa.ForeignKeyConstraint(["asked_by"], ["account.id"], name="proposal_asked_by_fkey"),
        sa.ForeignKeyConstraint(["decided_by"], ["account.id"], name="proposal_decided_by_fkey"),
        sa.PrimaryKeyConstraint("id", name="proposal_pkey"),
    )
    with op.batch_alter_table("proposal") as table:
        table.create_index("proposal_app_id_idx", ["app_id"])
        table.create_index(
            "proposal_open_key",
            ["app_id"],
            unique=True,
            sqlite_where=sa.text("decided_at IS NULL"),
            postgresql_where=sa.text("decided_at IS NULL"),
        )

    op.create_table(
        "read_day",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("route", sa.String(length=80), nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="read_day_app_id_fkey"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="read_day_school_id_fkey"),
        sa.PrimaryKeyConstraint("school_id", "app_id", "day", "route", name="read_day_pkey"),
    )
    op.create_table(
        "webhook",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("secret_sealed", sa.Text, nullable=False),
        sa.Column("before_sealed", sa.Text),
        sa.Column("before_until", MOMENT),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="webhook_app_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="webhook_pkey"),
    )
    with op.batch_alter_table("webhook") as table:
        table.create_index("webhook_app_id_idx", ["app_id"])

    op.create_table(
        "welcome",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("link_digest", sa.LargeBinary, nullable=False),
        sa.Column("school_id", sa.Uuid),
        sa.Column("partner_id", sa.Uuid),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("sent_by", sa.Uuid),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("account_id", sa.Uuid),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="welcome_account_id_fkey"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="welcome_partner_id_fkey"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="welcome_school_id_fkey"),
        sa.ForeignKeyConstraint(["sent_by"], ["account.id"], name="welcome_sent_by_fkey"),
        sa.PrimaryKeyConstraint("id", name="welcome_pkey"),
        sa.UniqueConstraint("link_digest", name="welcome_link_digest_key"),
    )
    with op.batch_alter_table("welcome") as table:
        table.create_index("welcome_partner_id_idx", ["partner_id"])
        table.create_index("welcome_school_id_idx", ["school_id"])

    op.create_table(
        "access_call",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("called_at", MOMENT, nullable=False),
        sa.Column("called_by", sa.Uuid, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["called_by"], ["account.id"], name="access_call_called_by_fkey"),
        sa.ForeignKeyConstraint(["case_id"], ["access_case.id"], name="access_call_case_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="access_call_pkey"),
    )
    with op.batch_alter_table("access_call") as table:
        table.create_index("access_call_case_id_idx", ["case_id"])

    op.create_table(
        "deletion_request",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("authorisation_id", sa.Uuid, nullable=False),
        sa.Column("asked_by", sa.Uuid, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("reminded_at", MOMENT),
        sa.Column("attested_at", MOMENT),
        sa.Column("attested_by", sa.Uuid),
        sa.Column("statement", sa.Text),
        sa.ForeignKeyConstraint(["asked_by"], ["account.id"], name="deletion_request_asked_by_fkey"),
        sa.ForeignKeyConstraint(["attested_by"], ["account.id"], name="deletion_request_attested_by_fkey"),
        sa.ForeignKeyConstraint(
            ["authorisation_id"], ["authorisation.id"], name="deletion_request_authorisation_id_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name="deletion_request_pkey"),
        sa.UniqueConstraint("authorisation_id", name="deletion_request_authorisation_id_key"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("webhook_id", sa.Uuid, nullable=False),
        sa.Column("notice_id", sa.Uuid, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_try_at", MOMENT),
        sa.Column("delivered_at", MOMENT),
        sa.Column("failed_at", MOMENT),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_error", sa.Text),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name="delivery_notice_id_fkey"),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhook.id"], name="delivery_webhook_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="delivery_pkey"),
    )
    with op.batch_alter_table("delivery") as table:
        table.create_index("delivery_next_try_at_idx", ["next_try_at"])
        table.create_index("delivery_notice_id_idx", ["notice_id"])
        table.create_index("delivery_webhook_id_idx", ["webhook_id"])

    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("urn", sa.Integer, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("contact_name", sa.Text, nullable=False),
        sa.Column("contact_email", sa.Text, nullable=False),
        sa.Column("technical_name", sa.Text),
        sa.Column("technical_email", sa.Text),
        sa.Column("reference", sa.String(length=100)),
        sa.Column("sent_by", sa.Uuid),
        sa.Column("parent_id", sa.Uuid),
        sa.Column("root_id", sa.Uuid),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("link_digest", sa.LargeBinary, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("opened_at", MOMENT),
        sa.Column("reminded_at", MOMENT),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("school_id", sa.Uuid),
        sa.Column("authorisation_id", sa.Uuid),
        sa.Column("finished_at", MOMENT),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="invitation_app_id_fkey"),
        sa.ForeignKeyConstraint(["authorisation_id"], ["authorisation.id"], name="invitation_authorisation_id_fkey"),
        sa.ForeignKeyConstraint(["decided_by"], ["account.id"], name="invitation_decided_by_fkey"),
        sa.ForeignKeyConstraint(["parent_id"], ["invitation.id"], name="invitation_parent_id_fkey"),
        sa.ForeignKeyConstraint(["root_id"], ["invitation.id"], name="invitation_root_id_fkey"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="invitation_school_id_fkey"),
        sa.ForeignKeyConstraint(["sent_by"], ["account.id"], name="invitation_sent_by_fkey"),
        sa.PrimaryKeyConstraint("id", name="invitation_pkey"),
        sa.UniqueConstraint("link_digest", name="invitation_link_digest_key"),
    )
    with op.batch_alter_table("invitation") as table:
        table.create_index("invitation_app_id_idx", ["app_id"])
        table.create_index("invitation_expires_at_idx", ["expires_at"])
        table.create_index(
            "invitation_reference_key",
            ["app_id", "reference"],
            unique=True,
            sqlite_where=sa.text("reference IS NOT NULL"),
            postgresql_where=sa.text("reference IS NOT NULL"),
        )
        table.create_index("invitation_root_id_idx", ["root_id"])
        table.create_index("invitation_state_idx", ["state"])
        table.create_index("invitation_urn_idx", ["urn"])

    op.create_table(
        "receipt",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("authorisation_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("jws", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["authorisation_id"], ["authorisation.id"], name="receipt_authorisation_id_fkey"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="receipt_school_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="receipt_pkey"),
    )
    with op.batch_alter_table("receipt") as table:
        table.create_index("receipt_authorisation_id_idx", ["authorisation_id"])
        table.create_index("receipt_school_id_idx", ["school_id"])

    with op.batch_alter_table("app") as table:
        table.add_column(sa.Column("initiate_login_uri", sa.Text))
        table.add_column(sa.Column("live_at", MOMENT))

    with op.batch_alter_table("app_scope") as table:
        table.add_column(sa.Column("special_condition", sa.Text))
        table.add_column(
            sa.Column("changed_at", MOMENT, nullable=False, server_default=sa.text("'2026-01-01 00:00:00+00:00'"))
        )

    with op.batch_alter_table("app_secret") as table:
        table.add_column(sa.Column("hint", sa.String(length=4), nullable=False, server_default=""))

    with op.batch_alter_table("app_scope") as table:
        table.alter_column("changed_at", server_default=None)
    with op.batch_alter_table("app_secret") as table:
        table.alter_column("hint", server_default=None)
    with op.batch_alter_table("authorisation") as table:
        table.add_column(sa.Column("paused_by", sa.Uuid))
        table.add_column(sa.Column("terms", sa.JSON))
        table.add_column(sa.Column("reminded_days", sa.Integer))
        table.add_column(sa.Column("reviewed_at", MOMENT))
        table.add_column(sa.Column("reconfirm_since", MOMENT))
        table.add_column(sa.Column("reconfirm_reason", sa.String(length=20)))
        table.add_column(sa.Column("carried_from", sa.Uuid))
        table.create_foreign_key("authorisation_carried_from_fkey", "authorisation", ["carried_from"], ["id"])
        table.create_foreign_key("authorisation_paused_by_fkey", "account", ["paused_by"], ["id"])

    with op.batch_alter_table("school") as table:
        table.add_column(sa.Column("frozen_at", MOMENT))
        table.add_column(sa.Column("frozen_by", sa.Uuid))
        table.add_column(sa.Column("checked", sa.JSON))
        table.add_column(sa.Column("recheck_since", MOMENT))
        table.add_column(sa.Column("recheck_reason", sa.Text))
        table.add_column(sa.Column("reviewed_at", MOMENT))
        table.create_foreign_key("school_frozen_by_fkey", "account", ["frozen_by"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("school") as table:
        table.drop_constraint("school_frozen_by_fkey", type_="foreignkey")
        table.drop_column("reviewed_at")
        table.drop_column("recheck_reason")
        table.drop_column("recheck_since")
        table.drop_column("checked")
        table.drop_column("frozen_by")
        table.drop_column("frozen_at")

    with op.batch_alter_table("authorisation") as table:
        table.drop_constraint("authorisation_paused_by_fkey", type_="foreignkey")
        table.drop_constraint("authorisation_carried_from_fkey", type_="foreignkey")
        table.drop_column("carried_from")
        table.drop_column("reconfirm_reason")
        table.drop_column("reconfirm_since")
        table.drop_column("reviewed_at")
        table.drop_column("reminded_days")
        table.drop_column("terms")
        table.drop_column("paused_by")

    with op.batch_alter_table("app_secret") as table:
        table.drop_column("hint")

    with op.batch_alter_table("app_scope") as table:
        table.drop_column("changed_at")
        table.drop_column("special_condition")

    with op.batch_alter_table("app") as table:
        table.drop_column("live_at")
        table.drop_column("initiate_login_uri")

    op.drop_table("receipt")
    op.drop_table("invitation")
    op.drop_table("delivery")
    op.drop_table("deletion_request")
    op.drop_table("access_call")
    op.drop_table("welcome")
    op.drop_table("webhook")
    op.drop_table("read_day")
    op.drop_table("proposal")
    op.drop_table("notice")
    op.drop_table("document")
    op.drop_table("access_case")
    op.drop_table("reset_code")
    op.drop_table("recovery_code")
    op.drop_table("passkey")
    op.drop_table("contact_change")
    op.drop_table("refusal")
    op.drop_table("read")
    op.drop_table("challenge")
