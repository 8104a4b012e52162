"""Pupils, staff and the contacts of pupils: one row for a person, whatever they are to the school."""

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Any, Self

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, String, Text, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.roster.rostered import OfRoster, Rostered

TEACHER, AIDE, PRINCIPAL, ADMINISTRATOR = "teacher", "aide", "principal", "siteAdministrator"
STAFF_ROLES = (TEACHER, AIDE, PRINCIPAL, ADMINISTRATOR)  # as OneRoster writes them
PARENT, GUARDIAN, RELATIVE = "parent", "guardian", "relative"
CONTACT_ROLES = (PARENT, GUARDIAN, RELATIVE)
YEARS = ("E1", "E2", "N1", "N2", "R", *(str(year) for year in range(1, 15)), "X")  # NC years, youngest first


def _text(**more: Any) -> Mapped[str]:
    return mapped_column(Text, default="", **more)


class Person(Rostered):
    """Somebody at the school. A teacher whose child is a pupil is one person: `staff_role` and `contact_role` are set.

    Texts are empty where nothing is known. The id survives a change of the school's system: see `app/roster/matching`.
    """

    __tablename__ = "person"

    pupil: Mapped[bool] = mapped_column(default=False)
    staff_role: Mapped[str] = mapped_column(String(20), default="", doc="One of STAFF_ROLES; empty for no staff")
    contact_role: Mapped[str] = mapped_column(String(20), default="", doc="One of CONTACT_ROLES, to some pupil")

    title: Mapped[str] = _text()
    given_name: Mapped[str] = _text()
    family_name: Mapped[str] = _text()
    middle_names: Mapped[str] = _text()
    preferred_given_name: Mapped[str] = _text()
    preferred_family_name: Mapped[str] = _text()
    email: Mapped[str] = _text()
    mobile: Mapped[str] = _text()
    telephone: Mapped[str] = _text()
    address: Mapped[str] = _text(doc="Lines, a line break between")
    postcode: Mapped[str] = _text()
    birth_date: Mapped[dt.date | None]
    sex: Mapped[str] = mapped_column(String(1), default="", doc="M or F, as the census has it")

    year: Mapped[str] = mapped_column(String(2), default="", doc="NC year, one of YEARS; empty when not recognised")
    year_as_sent: Mapped[str] = _text()
    registration_group: Mapped[str] = _text()
    admission_number: Mapped[str] = _text()
    upn: Mapped[str] = mapped_column(String(13), default="")
    former_upn: Mapped[str] = mapped_column(String(13), default="")
    uln: Mapped[str] = mapped_column(String(10), default="")
    sen: Mapped[str] = mapped_column(String(1), default="", doc="N, K or E")
    fsm: Mapped[bool | None]
    ethnicity: Mapped[str] = mapped_column(String(10), default="", doc="The census code")

    trn: Mapped[str] = mapped_column(String(7), default="")
    job_title: Mapped[str] = _text()
    staff_code: Mapped[str] = _text()
    starts_on: Mapped[dt.date | None]
    leaves_on: Mapped[dt.date | None]

    year_before: Mapped[str] = mapped_column(String(2), default="", doc="The NC year until `year_changed_at`")
    year_changed_at: Mapped[dt.datetime | None]

    @classmethod
    def some(cls, db: Session, school_id: uuid.UUID, ids: Collection[int]) -> list[Self]:
        """These of a school's people, whoever of them is there."""
        return list(db.scalars(select(cls).where(cls.school_id == school_id, cls.id.in_(ids))))

    @classmethod
    def pupils_and_staff(cls, db: Session, school_id: uuid.UUID) -> list[Self]:
        """Those of a school who are there."""
        there = (cls.school_id == school_id, cls.gone_at.is_(None), or_(cls.pupil, cls.staff_role != ""))
        return list(db.scalars(select(cls).where(*there)))

    @classmethod
    def parts(cls) -> tuple[object, ...]:
        return (
            UniqueConstraint("school_id", "source_key", name="person_source_key_key"),
            Index("person_number_idx", "school_id", "number"),
            Index("person_upn_idx", "school_id", "upn"),
        )


class Relation(OfRoster):
    """Who a contact is to a pupil. A court order keeps the contact from being shared as this pupil's."""

    __tablename__ = "relation"

    pupil_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    words: Mapped[str] = mapped_column(String(40), default="", doc="Such as 'Mother'")
    priority: Mapped[int | None]
    responsibility: Mapped[bool | None] = mapped_column(doc="Parental responsibility; None when nobody said")
    court_order: Mapped[bool] = mapped_column(default=False)
    number: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[dt.datetime]
    gone_at: Mapped[dt.datetime | None]

    @classmethod
    def parts(cls) -> tuple[object, ...]:
        person = ("person.school_id", "person.id")
        return (
            ForeignKeyConstraint(("school_id", "pupil_id"), person, name="relation_pupil_id_fkey"),
            ForeignKeyConstraint(("school_id", "contact_id"), person, name="relation_contact_id_fkey"),
            Index("relation_contact_idx", "school_id", "contact_id"),
        )
