"""The first tables.

Why: a school joins, is verified, authorises a partner, and the partner reads.
Locks: none; every table is new.
Undo: drops everything.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("mobile", sa.String(length=20), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("password_set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("password_must_change", sa.Boolean(), nullable=False),
        sa.Column("password_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("needs_second_step", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("account_pkey")),
        sa.UniqueConstraint("username", name=op.f("account_username_key")),
    )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("account_email_idx"), ["email"], unique=False)

    op.create_table(
        "establishment",
        sa.Column("urn", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("la_code", sa.String(length=3), nullable=False),
        sa.Column("la_name", sa.Text(), nullable=False),
        sa.Column("establishment_number", sa.String(length=4), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type_code", sa.String(length=2), nullable=False),
        sa.Column("type_name", sa.Text(), nullable=False),
        sa.Column("type_group_code", sa.String(length=2), nullable=False),
        sa.Column("status_code", sa.String(length=1), nullable=False),
        sa.Column("phase_name", sa.Text(), nullable=True),
        sa.Column("open_date", sa.Date(), nullable=True),
        sa.Column("close_date", sa.Date(), nullable=True),
        sa.Column("low_age", sa.Integer(), nullable=True),
        sa.Column("high_age", sa.Integer(), nullable=True),
        sa.Column("gender_name", sa.Text(), nullable=True),
        sa.Column("number_of_pupils", sa.Integer(), nullable=True),
        sa.Column("street", sa.Text(), nullable=True),
        sa.Column("locality", sa.Text(), nullable=True),
        sa.Column("address3", sa.Text(), nullable=True),
        sa.Column("town", sa.Text(), nullable=True),
        sa.Column("county", sa.Text(), nullable=True),
        sa.Column("postcode", sa.Text(), nullable=True),
        sa.Column("postcode_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("telephone", sa.Text(), nullable=True),
        sa.Column("head_title", sa.Text(), nullable=True),
        sa.Column("head_first_name", sa.Text(), nullable=True),
        sa.Column("head_last_name", sa.Text(), nullable=True),
        sa.Column("head_job_title", sa.Text(), nullable=True),
        sa.Column("ukprn", sa.String(length=8), nullable=True),
        sa.Column("trust_name", sa.Text(), nullable=True),
        sa.Column("last_changed", sa.Date(), nullable=True),
        sa.Column("name_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("place_key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("urn", name=op.f("establishment_pkey")),
    )
    with op.batch_alter_table("establishment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("establishment_la_code_establishment_number_idx"),
            ["la_code", "establishment_number"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("establishment_postcode_key_idx"), ["postcode_key"], unique=False)
        batch_op.create_index(batch_op.f("establishment_name_key_idx"), ["name_key"], unique=False)

    op.create_table(
        "establishment_link",
        sa.Column("urn", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("link_urn", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("link_type", sa.Text(), nullable=False),
        sa.Column("link_name", sa.Text(), nullable=False),
        sa.Column("established_date", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("urn", "link_urn", "link_type", name=op.f("establishment_link_pkey")),
    )
    with op.batch_alter_table("establishment_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("establishment_link_link_urn_idx"), ["link_urn"], unique=False)

    op.create_table(
        "establishment_group",
        sa.Column("urn", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("group_uid", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type_name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("joined_date", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("urn", "group_uid", name=op.f("establishment_group_pkey")),
    )
    op.create_table(
        "establishment_word",
        sa.Column("word", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("establishment_word_pkey")),
    )
    op.create_table(
        "event",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("school_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("event_pkey")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("event_school_id_idx"), ["school_id"], unique=False)
        batch_op.create_index(batch_op.f("event_subject_id_idx"), ["subject_id"], unique=False)

    op.create_table(
        "event_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("event_head_pkey")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("outbox_pkey")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("outbox_next_try_at_idx"), ["next_try_at"], unique=False)

    op.create_table(
        "partner",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("ico_number", sa.Text(), nullable=True),
        sa.Column("agreement_url", sa.Text(), nullable=True),
        sa.Column("breach_contact", sa.Text(), nullable=True),
        sa.Column("pairwise_sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("partner_pkey")),
        sa.UniqueConstraint("name", name=op.f("partner_name_key")),
    )
    op.create_table(
        "register_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_digest", sa.LargeBinary(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("register_import_pkey")),
    )
    op.create_table(
        "registration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("urn", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("mobile", sa.String(length=20), nullable=False),
        sa.Column("link_digest", sa.LargeBinary(), nullable=True),
        sa.Column("link_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("school_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("registration_pkey")),
        sa.UniqueConstraint("link_digest", name=op.f("registration_link_digest_key")),
    )
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("registration_urn_idx"), ["urn"], unique=False)

    op.create_table(
        "school",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("urn", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("school_pkey")),
    )
    with op.batch_alter_table("school", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("school_urn_idx"), ["urn"], unique=False)
        batch_op.create_index(
            "school_verified_key",
            ["urn"],
            unique=True,
            sqlite_where=sa.text("status IN ('Verified', 'Suspended')"),
            postgresql_where=sa.text("status IN ('Verified', 'Suspended')"),
        )

    op.create_table(
        "signing_key",
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column("algorithm", sa.String(length=10), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("signing_key_pkey")),
    )
    op.create_table(
        "app",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("profile", sa.String(length=10), nullable=False),
        sa.Column("auth_method", sa.String(length=30), nullable=False),
        sa.Column("redirect_uris", sa.JSON(), nullable=False),
        sa.Column("post_logout_redirect_uris", sa.JSON(), nullable=False),
        sa.Column("jwks", sa.JSON(), nullable=True),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("retention", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("app_partner_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("app_pkey")),
        sa.UniqueConstraint("client_id", name=op.f("app_client_id_key")),
    )
    with op.batch_alter_table("app", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("app_partner_id_idx"), ["partner_id"], unique=False)

    op.create_table(
        "membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=True),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("school_id IS NULL OR partner_id IS NULL", name=op.f("membership_one_home_check")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("membership_account_id_fkey")),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("membership_partner_id_fkey")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("membership_school_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("membership_pkey")),
    )
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("membership_account_id_idx"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("membership_partner_id_idx"), ["partner_id"], unique=False)
        batch_op.create_index(batch_op.f("membership_school_id_idx"), ["school_id"], unique=False)

    op.create_table(
        "second_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("second_step_account_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("second_step_pkey")),
    )
    with op.batch_alter_table("second_step", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("second_step_account_id_idx"), ["account_id"], unique=False)

    op.create_table(
        "session",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("methods", sa.JSON(), nullable=False),
        sa.Column("next_path", sa.Text(), nullable=True),
        sa.Column("school_id", sa.Uuid(), nullable=True),
        sa.Column("seed_sealed", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("session_account_id_fkey")),
        sa.PrimaryKeyConstraint("digest", name=op.f("session_pkey")),
    )
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("session_account_id_idx"), ["account_id"], unique=False)

    op.create_table(
        "verification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("readback_sealed", sa.Text(), nullable=False),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waiting_from", sa.String(length=20), nullable=True),
        sa.Column("taken_by", sa.Uuid(), nullable=True),
        sa.Column("next_call_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("letter_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("letter_sealed", sa.Text(), nullable=True),
        sa.Column("letter_by", sa.Uuid(), nullable=True),
        sa.Column("question", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["confirmed_by"], ["account.id"], name=op.f("verification_confirmed_by_fkey")),
        sa.ForeignKeyConstraint(["decided_by"], ["account.id"], name=op.f("verification_decided_by_fkey")),
        sa.ForeignKeyConstraint(["letter_by"], ["account.id"], name=op.f("verification_letter_by_fkey")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("verification_school_id_fkey")),
        sa.ForeignKeyConstraint(["taken_by"], ["account.id"], name=op.f("verification_taken_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("verification_pkey")),
        sa.UniqueConstraint("school_id", name=op.f("verification_school_id_key")),
    )
    with op.batch_alter_table("verification", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("verification_state_idx"), ["state"], unique=False)

    op.create_table(
        "app_scope",
        sa.Column("app_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("app_scope_app_id_fkey")),
        sa.PrimaryKeyConstraint("app_id", "scope", name=op.f("app_scope_pkey")),
    )
    op.create_table(
        "app_secret",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("app_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("app_secret_app_id_fkey")),
        sa.PrimaryKeyConstraint("digest", name=op.f("app_secret_pkey")),
    )
    with op.batch_alter_table("app_secret", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("app_secret_app_id_idx"), ["app_id"], unique=False)

    op.create_table(
        "authorisation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("app_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("end_reason", sa.String(length=20), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resumes_on", sa.Date(), nullable=True),
        sa.Column("pause_reason", sa.Text(), nullable=True),
        sa.Column("last_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("authorisation_app_id_fkey")),
        sa.ForeignKeyConstraint(["ended_by"], ["account.id"], name=op.f("authorisation_ended_by_fkey")),
        sa.ForeignKeyConstraint(["granted_by"], ["account.id"], name=op.f("authorisation_granted_by_fkey")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("authorisation_school_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("authorisation_pkey")),
    )
    with op.batch_alter_table("authorisation", schema=None) as batch_op:
        batch_op.create_index(
            "authorisation_active_key",
            ["school_id", "app_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("authorisation_app_id_idx"), ["app_id"], unique=False)

    op.create_table(
        "authorization_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("app_id", sa.Uuid(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("authorization_request_app_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("authorization_request_pkey")),
    )
    with op.batch_alter_table("authorization_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("authorization_request_browser_digest_idx"), ["browser_digest"], unique=False)
        batch_op.create_index(batch_op.f("authorization_request_app_id_idx"), ["app_id"], unique=False)

    op.create_table(
        "verification_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("verification_id", sa.Uuid(), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("called_by", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["called_by"], ["account.id"], name=op.f("verification_call_called_by_fkey")),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["verification.id"], name=op.f("verification_call_verification_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("verification_call_pkey")),
    )
    with op.batch_alter_table("verification_call", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("verification_call_verification_id_idx"), ["verification_id"], unique=False)

    op.create_table(
        "verification_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("verification_id", sa.Uuid(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_by", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["verification.id"], name=op.f("verification_note_verification_id_fkey")
        ),
        sa.ForeignKeyConstraint(["written_by"], ["account.id"], name=op.f("verification_note_written_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("verification_note_pkey")),
    )
    with op.batch_alter_table("verification_note", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("verification_note_verification_id_idx"), ["verification_id"], unique=False)

    op.create_table(
        "authorization_code",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("app_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("authorisation_id", sa.Uuid(), nullable=True),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.String(length=128), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("authorization_code_account_id_fkey")),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("authorization_code_app_id_fkey")),
        sa.ForeignKeyConstraint(
            ["authorisation_id"], ["authorisation.id"], name=op.f("authorization_code_authorisation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("authorization_code_pkey")),
    )
    with op.batch_alter_table("authorization_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("authorization_code_authorisation_id_idx"), ["authorisation_id"], unique=False)

    op.create_table(
        "token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column("app_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("authorisation_id", sa.Uuid(), nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key_thumbprint", sa.String(length=43), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("successor", sa.LargeBinary(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("token_account_id_fkey")),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("token_app_id_fkey")),
        sa.ForeignKeyConstraint(["authorisation_id"], ["authorisation.id"], name=op.f("token_authorisation_id_fkey")),
        sa.PrimaryKeyConstraint("digest", name=op.f("token_pkey")),
    )
    with op.batch_alter_table("token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("token_authorisation_id_idx"), ["authorisation_id"], unique=False)
        batch_op.create_index(batch_op.f("token_family_idx"), ["family"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("token_family_idx"))
        batch_op.drop_index(batch_op.f("token_authorisation_id_idx"))

    op.drop_table("token")
    with op.batch_alter_table("authorization_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("authorization_code_authorisation_id_idx"))

    op.drop_table("authorization_code")
    with op.batch_alter_table("verification_note", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("verification_note_verification_id_idx"))

    op.drop_table("verification_note")
    with op.batch_alter_table("verification_call", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("verification_call_verification_id_idx"))

    op.drop_table("verification_call")
    with op.batch_alter_table("authorization_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("authorization_request_app_id_idx"))

    op.drop_table("authorization_request")
    with op.batch_alter_table("authorisation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("authorisation_app_id_idx"))
        batch_op.drop_index(
            "authorisation_active_key",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.drop_table("authorisation")
    with op.batch_alter_table("app_secret", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("app_secret_app_id_idx"))

    op.drop_table("app_secret")
    op.drop_table("app_scope")
    with op.batch_alter_table("verification", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("verification_state_idx"))

    op.drop_table("verification")
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("session_account_id_idx"))

    op.drop_table("session")
    with op.batch_alter_table("second_step", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("second_step_account_id_idx"))

    op.drop_table("second_step")
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("membership_school_id_idx"))
        batch_op.drop_index(batch_op.f("membership_partner_id_idx"))
        batch_op.drop_index(batch_op.f("membership_account_id_idx"))

    op.drop_table("membership")
    with op.batch_alter_table("app", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("app_partner_id_idx"))

    op.drop_table("app")
    op.drop_table("signing_key")
    with op.batch_alter_table("school", schema=None) as batch_op:
        batch_op.drop_index(
            "school_verified_key",
            sqlite_where=sa.text("status IN ('Verified', 'Suspended')"),
            postgresql_where=sa.text("status IN ('Verified', 'Suspended')"),
        )
        batch_op.drop_index(batch_op.f("school_urn_idx"))

    op.drop_table("school")
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("registration_urn_idx"))

    op.drop_table("registration")
    op.drop_table("register_import")
    op.drop_table("partner")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("outbox_next_try_at_idx"))

    op.drop_table("outbox")
    op.drop_table("event_head")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("event_subject_id_idx"))
        batch_op.drop_index(batch_op.f("event_school_id_idx"))

    op.drop_table("event")
    op.drop_table("establishment_word")
    op.drop_table("establishment_group")
    with op.batch_alter_table("establishment_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("establishment_link_link_urn_idx"))

    op.drop_table("establishment_link")
    with op.batch_alter_table("establishment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("establishment_name_key_idx"))
        batch_op.drop_index(batch_op.f("establishment_postcode_key_idx"))
        batch_op.drop_index(batch_op.f("establishment_la_code_establishment_number_idx"))

    op.drop_table("establishment")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("account_email_idx"))

    op.drop_table("account")
