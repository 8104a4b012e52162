"""Establishments: the school register of England and Wales (GIAS, formerly EduBase), its links and its imports."""

import datetime as dt
import uuid
from typing import Self

from sqlalchemy import Index, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import Base, new_id, now

OPEN, CLOSED, CLOSING, PROPOSED = "1", "2", "3", "4"
STATUS_WORDS = {OPEN: "Open", CLOSED: "Closed", CLOSING: "Open, but proposed to close", PROPOSED: "Proposed to open"}


class Establishment(Base):
    """One record of the register. Codes keep their leading zeros; blanks are None; telephone numbers are text."""

    __tablename__ = "establishment"
    __table_args__ = (
        Index(None, "la_code", "establishment_number"),
        Index(None, "postcode_key"),
    )

    urn: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    la_code: Mapped[str] = mapped_column(String(3))
    la_name: Mapped[str] = mapped_column(Text)
    establishment_number: Mapped[str | None] = mapped_column(String(4))
    name: Mapped[str] = mapped_column(Text)
    type_code: Mapped[str] = mapped_column(String(2))
    type_name: Mapped[str] = mapped_column(Text)
    type_group_code: Mapped[str] = mapped_column(String(2))
    status_code: Mapped[str] = mapped_column(String(1))
    phase_name: Mapped[str | None] = mapped_column(Text)
    open_date: Mapped[dt.date | None]
    close_date: Mapped[dt.date | None]
    low_age: Mapped[int | None]
    high_age: Mapped[int | None]
    gender_name: Mapped[str | None] = mapped_column(Text)
    number_of_pupils: Mapped[int | None]
    street: Mapped[str | None] = mapped_column(Text)
    locality: Mapped[str | None] = mapped_column(Text)
    address3: Mapped[str | None] = mapped_column(Text)
    town: Mapped[str | None] = mapped_column(Text)
    county: Mapped[str | None] = mapped_column(Text)
    postcode: Mapped[str | None] = mapped_column(Text)
    postcode_key: Mapped[str | None] = mapped_column(Text, doc="The postcode, upper case, without its blank")
    website: Mapped[str | None] = mapped_column(Text)
    telephone: Mapped[str | None] = mapped_column(Text)
    head_title: Mapped[str | None] = mapped_column(Text)
    head_first_name: Mapped[str | None] = mapped_column(Text)
    head_last_name: Mapped[str | None] = mapped_column(Text)
    head_job_title: Mapped[str | None] = mapped_column(Text)
    ukprn: Mapped[str | None] = mapped_column(String(8))
    trust_name: Mapped[str | None] = mapped_column(Text)
    last_changed: Mapped[dt.date | None]
    digest: Mapped[bytes] = mapped_column(doc="SHA-256 of the columns above: tells changed from unchanged")

    @classmethod
    def by_urn(cls, db: Session, urn: int) -> Self | None:
        return db.get(cls, urn)

    @property
    def dfe_number(self) -> str | None:
        """LA code and establishment number as people write it, `888/2999`; None where the register has no number."""
        return f"{self.la_code}/{self.establishment_number}" if self.establishment_number else None

    @property
    def is_open(self) -> bool:
        """Open, or open but proposed to close: both may register."""
        return self.status_code in (OPEN, CLOSING)

    @property
    def is_closed(self) -> bool:
        return self.status_code == CLOSED

    @property
    def status(self) -> str:
        return STATUS_WORDS.get(self.status_code, "Unknown")

    @property
    def head(self) -> str:
        """The head teacher's name as the register gives it; empty where it gives none."""
        return " ".join(part for part in (self.head_title, self.head_first_name, self.head_last_name) if part)

    @property
    def address(self) -> list[str]:
        """The postal address, line by line."""
        parts = (self.street, self.locality, self.address3, self.town, self.county, self.postcode)
        return [part for part in parts if part]


class EstablishmentLink(Base):
    """A predecessor, successor, merger or split, as the links file gives it: often one way, some in circles."""

    __tablename__ = "establishment_link"

    urn: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    link_urn: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)
    link_type: Mapped[str] = mapped_column(Text, primary_key=True)
    link_name: Mapped[str] = mapped_column(Text)
    established_date: Mapped[dt.date | None]


class RegisterImport(Base):
    """One completed import of the register: what the next one is measured against."""

    __tablename__ = "register_import"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    imported_at: Mapped[dt.datetime] = mapped_column(default=now)
    file_name: Mapped[str] = mapped_column(Text)
    file_digest: Mapped[bytes]
    rows: Mapped[int]
    added: Mapped[int]
    changed: Mapped[int]
    closed: Mapped[int]
    unchanged: Mapped[int]

    @classmethod
    def latest(cls, db: Session) -> Self | None:
        return db.scalars(select(cls).order_by(cls.imported_at.desc(), cls.id.desc()).limit(1)).first()
