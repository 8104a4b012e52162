"""Sessions, courses, groups and who is in them."""

import datetime as dt

from sqlalchemy import JSON, BigInteger, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.roster.rostered import Rostered

SCHOOL_YEAR, TERM, SEMESTER, GRADING_PERIOD = "schoolYear", "term", "semester", "gradingPeriod"
HOMEROOM, SCHEDULED = "homeroom", "scheduled"  # a registration group; a class
STUDENT, TEACHES, PROCTOR, ADMINISTERS = "student", "teacher", "proctor", "administrator"


class AcademicSession(Rostered):
    """A school year, or a term within one."""

    __tablename__ = "academic_session"

    title: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20))
    starts_on: Mapped[dt.date]
    ends_on: Mapped[dt.date]
    parent_id: Mapped[int | None] = mapped_column(BigInteger)
    school_year: Mapped[int] = mapped_column(doc="The calendar year in which the school year ends")

    @classmethod
    def parts(cls) -> tuple[object, ...]:
        return (UniqueConstraint("school_id", "source_key", name="academic_session_source_key_key"),)


class Course(Rostered):
    """What is taught, in one school year."""

    __tablename__ = "course"

    title: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text, default="")
    years: Mapped[list[str]] = mapped_column(JSON, default=list, doc="NC years")
    subjects: Mapped[list[str]] = mapped_column(JSON, default=list)
    subject_codes: Mapped[list[str]] = mapped_column(JSON, default=list)
    session_id: Mapped[int | None] = mapped_column(BigInteger, doc="Its school year")

    @classmethod
    def parts(cls) -> tuple[object, ...]:
        return (UniqueConstraint("school_id", "source_key", name="course_source_key_key"),)


class Group(Rostered):
    """A class, or a registration group (kind HOMEROOM)."""

    __tablename__ = "roster_group"

    title: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20), default=SCHEDULED)
    code: Mapped[str] = mapped_column(Text, default="")
    location: Mapped[str] = mapped_column(Text, default="")
    years: Mapped[list[str]] = mapped_column(JSON, default=list, doc="NC years")
    subjects: Mapped[list[str]] = mapped_column(JSON, default=list)
    subject_codes: Mapped[list[str]] = mapped_column(JSON, default=list)
    course_id: Mapped[int | None] = mapped_column(BigInteger)
    session_ids: Mapped[list[int]] = mapped_column(JSON, default=list, doc="Its terms")

    @classmethod
    def parts(cls) -> tuple[object, ...]:
        return (UniqueConstraint("school_id", "source_key", name="roster_group_source_key_key"),)


class Enrolment(Rostered):
    """Somebody's place in a group."""

    __tablename__ = "enrolment"

    group_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int] = mapped_column(BigInteger)
    role: Mapped[str] = mapped_column(String(20))
    is_primary: Mapped[bool | None] = mapped_column(doc="Of a teacher: whether the group is theirs first")
    begins_on: Mapped[dt.date | None]
    ends_on: Mapped[dt.date | None]

    @classmethod
    def parts(cls) -> tuple[object, ...]:
        group, person = ("roster_group.school_id", "roster_group.id"), ("person.school_id", "person.id")
        return (
            ForeignKeyConstraint(("school_id", "group_id"), group, name="enrolment_group_id_fkey"),
            ForeignKeyConstraint(("school_id", "person_id"), person, name="enrolment_person_id_fkey"),
            UniqueConstraint("school_id", "source_key", name="enrolment_source_key_key"),
            Index("enrolment_group_idx", "school_id", "group_id"),
            Index("enrolment_person_idx", "school_id", "person_id"),
        )
