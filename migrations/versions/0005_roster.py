"""The roster: people, groups, enrolments and the batches that bring them; exclusions; installations; the MIS guide.

Why: the data of schools. What is keyed by school is divided by it in PostgreSQL: eight hash partitions, and row-level
security as a second wall, in force for the owner of the tables too.
Locks: new tables; columns that are nullable or have a constant default, which PostgreSQL adds without a rewrite.
Undo: drops them, and with them every roster and every exclusion.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
DIVIDED = (
    "academic_session",
    "course",
    "person",
    "roster_group",
    "enrolment",
    "relation",
    "exclusion",
)
PARTITIONS = 8


def upgrade() -> None:
    op.create_table(
        "academic_session",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("ends_on", sa.Date, nullable=False),
        sa.Column("parent_id", sa.BigInteger),
        sa.Column("school_year", sa.Integer, nullable=False),
        sa.Column("source_key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("arrived_at", MOMENT, nullable=False),
        sa.Column("gone_at", MOMENT),
        sa.PrimaryKeyConstraint("school_id", "id", name="academic_session_pkey"),
        sa.UniqueConstraint("school_id", "source_key", name="academic_session_source_key_key"),
        postgresql_partition_by="HASH (school_id)",
    )
    op.create_table(
        "course",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("years", sa.JSON, nullable=False),
        sa.Column("subjects", sa.JSON, nullable=False),
        sa.Column("subject_codes", sa.JSON, nullable=False),
        sa.Column("session_id", sa.BigInteger),
        sa.Column("source_key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("arrived_at", MOMENT, nullable=False),
        sa.Column("gone_at", MOMENT),
        sa.PrimaryKeyConstraint("school_id", "id", name="course_pkey"),
        sa.UniqueConstraint("school_id", "source_key", name="course_source_key_key"),
        postgresql_partition_by="HASH (school_id)",
    )
    op.create_table(
        "person",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("pupil", sa.Boolean, nullable=False),
        sa.Column("staff_role", sa.String(length=20), nullable=False),
        sa.Column("contact_role", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("given_name", sa.Text, nullable=False),
        sa.Column("family_name", sa.Text, nullable=False),
        sa.Column("middle_names", sa.Text, nullable=False),
        sa.Column("preferred_given_name", sa.Text, nullable=False),
        sa.Column("preferred_family_name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("mobile", sa.Text, nullable=False),
        sa.Column("telephone", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("postcode", sa.Text, nullable=False),
        sa.Column("birth_date", sa.Date),
        sa.Column("sex", sa.String(length=1), nullable=False),
        sa.Column("year", sa.String(length=2), nullable=False),
        sa.Column("year_as_sent", sa.Text, nullable=False),
        sa.Column("registration_group", sa.Text, nullable=False),
        sa.Column("admission_number", sa.Text, nullable=False),
        sa.Column("upn", sa.String(length=13), nullable=False),
        sa.Column("former_upn", sa.String(length=13), nullable=False),
        sa.Column("uln", sa.String(length=10), nullable=False),
        sa.Column("sen", sa.String(length=1), nullable=False),
        sa.Column("fsm", sa.Boolean),
        sa.Column("ethnicity", sa.String(length=10), nullable=False),
        sa.Column("trn", sa.String(length=7), nullable=False),
        sa.Column("job_title", sa.Text, nullable=False),
        sa.Column("staff_code", sa.Text, nullable=False),
        sa.Column("starts_on", sa.Date),
        sa.Column("leaves_on", sa.Date),
        sa.Column("year_before", sa.String(length=2), nullable=False),
        sa.Column("year_changed_at", MOMENT),
        sa.Column("source_key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("arrived_at", MOMENT, nullable=False),
        sa.Column("gone_at", MOMENT),
        sa.PrimaryKeyConstraint("school_id", "id", name="person_pkey"),
        sa.UniqueConstraint("school_id", "source_key", name="person_source_key_key"),
        postgresql_partition_by="HASH (school_id)",
    )
    with op.batch_alter_table("person") as table:
        table.create_index("person_number_idx", ["school_id", "number"])
        table.create_index("person_upn_idx", ["school_id", "upn"])

    op.create_table(
        "roster_group",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("years", sa.JSON, nullable=False),
        sa.Column("subjects", sa.JSON, nullable=False),
        sa.Column("subject_codes", sa.JSON, nullable=False),
        sa.Column("course_id", sa.BigInteger),
        sa.Column("session_ids", sa.JSON, nullable=False),
        sa.Column("source_key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("arrived_at", MOMENT, nullable=False),
        sa.Column("gone_at", MOMENT),
        sa.PrimaryKeyConstraint("school_id", "id", name="roster_group_pkey"),
        sa.UniqueConstraint("school_id", "source_key", name="roster_group_source_key_key"),
        postgresql_partition_by="HASH (school_id)",
    )
    op.create_table(
        "enrolment",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("group_id", sa.BigInteger, nullable=False),
        sa.Column("person_id", sa.BigInteger, nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("is_primary", sa.Boolean),
        sa.Column("begins_on", sa.Date),
        sa.Column("ends_on", sa.Date),
        sa.Column("source_key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("arrived_at", MOMENT, nullable=False),
        sa.Column("gone_at", MOMENT),
        sa.ForeignKeyConstraint(
            ["school_id", "group_id"], ["roster_group.school_id", "roster_group.id"], name="enrolment_group_id_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "person_id"], ["person.school_id", "person.id"], name="enrolment_person_id_fkey"
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name="enrolment_pkey"),
        sa.UniqueConstraint("school_id", "source_key", name="enrolment_source_key_key"),
        postgresql_partition_by="HASH (school_id)",
    )
    with op.batch_alter_table("enrolment") as table:
        table.create_index("enrolment_group_idx", ["school_id", "group_id"])
        table.create_index("enrolment_person_idx", ["school_id", "person_id"])

    op.create_table(
        "relation",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("pupil_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("words", sa.String(length=40), nullable=False),
        sa.Column("priority", sa.Integer),
        sa.Column("responsibility", sa.Boolean),
        sa.Column("court_order", sa.Boolean, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("gone_at", MOMENT),
        sa.ForeignKeyConstraint(
            ["school_id", "contact_id"], ["person.school_id", "person.id"], name="relation_contact_id_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"], ["person.school_id", "person.id"], name="relation_pupil_id_fkey"
        ),
        sa.PrimaryKeyConstraint("school_id", "pupil_id", "contact_id", name="relation_pkey"),
        postgresql_partition_by="HASH (school_id)",
    )
    with op.batch_alter_table("relation") as table:
        table.create_index("relation_contact_idx", ["school_id", "contact_id"])

    op.create_table(
        "slot",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("published_by", sa.Uuid, nullable=False),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.Column("withdrawn_at", MOMENT),
        sa.ForeignKeyConstraint(["published_by"], ["account.id"], name="slot_published_by_fkey"),
        sa.PrimaryKeyConstraint("id", name="slot_pkey"),
    )
    with op.batch_alter_table("slot") as table:
        table.create_index("slot_starts_at_idx", ["starts_at"])

    op.create_table(
        "column_mapping",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("columns", sa.JSON, nullable=False),
        sa.Column("made_by", sa.Uuid),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["made_by"], ["account.id"], name="column_mapping_made_by_fkey"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="column_mapping_school_id_fkey"),
        sa.PrimaryKeyConstraint("school_id", "kind", name="column_mapping_pkey"),
    )
    op.create_table(
        "exclusion",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.BigInteger, nullable=False),
        sa.Column("app_id", sa.Uuid),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("made_by", sa.Uuid, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_by", sa.Uuid),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name="exclusion_app_id_fkey"),
        sa.ForeignKeyConstraint(["ended_by"], ["account.id"], name="exclusion_ended_by_fkey"),
        sa.ForeignKeyConstraint(["made_by"], ["account.id"], name="exclusion_made_by_fkey"),
        sa.ForeignKeyConstraint(
            ["school_id", "person_id"], ["person.school_id", "person.id"], name="exclusion_person_id_fkey"
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name="exclusion_pkey"),
        postgresql_partition_by="HASH (school_id)",
    )
    with op.batch_alter_table("exclusion") as table:
        table.create_index("exclusion_person_idx", ["school_id", "person_id"])

    op.create_table(
        "installation",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("slot_id", sa.Uuid, nullable=False),
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("booked_by", sa.Uuid, nullable=False),
        sa.Column("booked_at", MOMENT, nullable=False),
        sa.Column("contact_name", sa.Text, nullable=False),
        sa.Column("contact_phone", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("reminded_at", MOMENT),
        sa.Column("cancelled_at", MOMENT),
        sa.Column("done_at", MOMENT),
        sa.Column("note", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["booked_by"], ["account.id"], name="installation_booked_by_fkey"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="installation_school_id_fkey"),
        sa.ForeignKeyConstraint(["slot_id"], ["slot.id"], name="installation_slot_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="installation_pkey"),
    )
    with op.batch_alter_table("installation") as table:
        table.create_index(
            "installation_school_key",
            ["school_id"],
            unique=True,
            sqlite_where=sa.text("cancelled_at IS NULL AND done_at IS NULL"),
            postgresql_where=sa.text("cancelled_at IS NULL AND done_at IS NULL"),
        )
        table.create_index(
            "installation_slot_key",
            ["slot_id"],
            unique=True,
            sqlite_where=sa.text("cancelled_at IS NULL"),
            postgresql_where=sa.text("cancelled_at IS NULL"),
        )

    op.create_table(
        "mis_guide",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("mis", sa.String(length=20), nullable=False),
        sa.Column("ticks", sa.JSON, nullable=False),
        sa.Column("leaving_date", sa.Date),
        sa.Column("leaving_told_at", MOMENT),
        sa.Column("password_sealed", sa.Text),
        sa.Column("password_set_at", MOMENT),
        sa.Column("tested_at", MOMENT),
        sa.Column("test_result", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="mis_guide_school_id_fkey"),
        sa.PrimaryKeyConstraint("school_id", name="mis_guide_pkey"),
    )
    op.create_table(
        "roster",
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("accepted_at", MOMENT),
        sa.Column("every_hours", sa.Integer, nullable=False),
        sa.Column("stale_told_at", MOMENT),
        sa.Column("disabled_at", MOMENT),
        sa.Column("disabled_by", sa.Uuid),
        sa.ForeignKeyConstraint(["disabled_by"], ["account.id"], name="roster_disabled_by_fkey"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="roster_school_id_fkey"),
        sa.PrimaryKeyConstraint("school_id", name="roster_pkey"),
    )
    op.create_table(
        "batch",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("school_id", sa.Uuid, nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("endpoint_id", sa.Uuid),
        sa.Column("account_id", sa.Uuid),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT),
        sa.Column("taken_until", MOMENT),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("is_full", sa.Boolean, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("quality", sa.JSON, nullable=False),
        sa.Column("faults", sa.JSON, nullable=False),
        sa.Column("held_for", sa.JSON, nullable=False),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.Column("confirmed", sa.Boolean, nullable=False),
        sa.Column("number", sa.Integer),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="batch_account_id_fkey"),
        sa.ForeignKeyConstraint(["decided_by"], ["account.id"], name="batch_decided_by_fkey"),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name="batch_endpoint_id_fkey"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="batch_school_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="batch_pkey"),
    )
    with op.batch_alter_table("batch") as table:
        table.create_index("batch_school_id_begun_at_idx", ["school_id", "begun_at"])

    op.create_table(
        "batch_chunk",
        sa.Column("batch_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="batch_chunk_batch_id_fkey"),
        sa.PrimaryKeyConstraint("batch_id", "position", name="batch_chunk_pkey"),
    )
    with op.batch_alter_table("authorisation") as table:
        table.add_column(sa.Column("years", sa.JSON(none_as_null=True)))

    with op.batch_alter_table("endpoint") as table:
        table.add_column(sa.Column("heard_at", MOMENT))
        table.add_column(sa.Column("version", sa.String(length=40), nullable=False, server_default=""))
        table.add_column(sa.Column("reports", sa.JSON, nullable=False, server_default="{}"))
        table.add_column(sa.Column("silent_told_at", MOMENT))

    if op.get_bind().dialect.name == "postgresql":
        for divided in DIVIDED:
            _divide(divided)


def _divide(table: str) -> None:
    """The partitions of a table, and its policy: a transaction sees the school that it named, and no row before."""
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
    with op.batch_alter_table("endpoint") as table:
        table.drop_column("silent_told_at")
        table.drop_column("reports")
        table.drop_column("version")
        table.drop_column("heard_at")

    with op.batch_alter_table("authorisation") as table:
        table.drop_column("years")

    op.drop_table("batch_chunk")
    with op.batch_alter_table("batch") as table:
        table.drop_index("batch_school_id_begun_at_idx")

    op.drop_table("batch")
    op.drop_table("roster")
    op.drop_table("mis_guide")
    with op.batch_alter_table("installation") as table:
        table.drop_index(
            "installation_slot_key",
            sqlite_where=sa.text("cancelled_at IS NULL"),
            postgresql_where=sa.text("cancelled_at IS NULL"),
        )
        table.drop_index(
            "installation_school_key",
            sqlite_where=sa.text("cancelled_at IS NULL AND done_at IS NULL"),
            postgresql_where=sa.text("cancelled_at IS NULL AND done_at IS NULL"),
        )

    op.drop_table("installation")
    with op.batch_alter_table("exclusion") as table:
        table.drop_index("exclusion_person_idx")

    op.drop_table("exclusion")
    op.drop_table("column_mapping")
    with op.batch_alter_table("slot") as table:
        table.drop_index("slot_starts_at_idx")

    op.drop_table("slot")
    with op.batch_alter_table("relation") as table:
        table.drop_index("relation_contact_idx")

    op.drop_table("relation")
    with op.batch_alter_table("enrolment") as table:
        table.drop_index("enrolment_person_idx")
        table.drop_index("enrolment_group_idx")

    op.drop_table("enrolment")
    op.drop_table("roster_group")
    with op.batch_alter_table("person") as table:
        table.drop_index("person_upn_idx")
        table.drop_index("person_number_idx")

    op.drop_table("person")
    op.drop_table("course")
    op.drop_table("academic_session")
