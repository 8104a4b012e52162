"""Establishments: the school register of England and Wales (GIAS, formerly EduBase), its links and its imports."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Self

from sqlalchemy import Index, String, Text, case, event, func, or_, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from app.db import Session, is_sqlite
from app.models.base import Base, new_id, now
from app.models.spelling import spelled

OPEN, CLOSED, CLOSING, PROPOSED = "1", "2", "3", "4"
STATUS_WORDS = {OPEN: "Open", CLOSED: "Closed", CLOSING: "Open, but proposed to close", PROPOSED: "Proposed to open"}
MAY_REGISTER = (OPEN, CLOSING)
SUCCESSOR, PREDECESSOR, AMALGAMATED = "Successor", "Predecessor", "Result of Amalgamation"

INDEXED = (  # SQLite's full-text index of a JSON list of URNs; `+++`, which no key contains, marks the open ones
    "INSERT OR REPLACE INTO establishment_search (rowid, text)"
    " SELECT urn, ' ' || name_key || ' ' || place_key || CASE WHEN status_code IN ('1', '3') THEN ' +++' ELSE '' END"
    " FROM establishment WHERE urn IN (SELECT value FROM json_each(?))"
)
_PREFIX = Text().with_variant(
    Text(collation="C"), "postgresql"
)  # compared byte by byte, so that an index finds prefixes


def _name_key(context: Any) -> str:
    return spelled(context.get_current_parameters()["name"])


def _place_key(context: Any) -> str:
    given = context.get_current_parameters()
    return spelled(f"{given.get('locality') or ''} {given.get('town') or ''}")


class Establishment(Base):
    """One record of the register. Codes keep their leading zeros; blanks are None; telephone numbers are text."""

    __tablename__ = "establishment"
    __table_args__ = (
        Index(None, "la_code", "establishment_number"),
        Index(None, "postcode_key"),
        Index(None, "name_key"),
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
    postcode_key: Mapped[str | None] = mapped_column(_PREFIX, doc="The postcode, upper case, without its blank")
    website: Mapped[str | None] = mapped_column(Text)
    telephone: Mapped[str | None] = mapped_column(Text)
    head_title: Mapped[str | None] = mapped_column(Text)
    head_first_name: Mapped[str | None] = mapped_column(Text)
    head_last_name: Mapped[str | None] = mapped_column(Text)
    head_job_title: Mapped[str | None] = mapped_column(Text)
    ukprn: Mapped[str | None] = mapped_column(String(8))
    trust_name: Mapped[str | None] = mapped_column(Text)
    last_changed: Mapped[dt.date | None]
    name_key: Mapped[str] = mapped_column(_PREFIX, default=_name_key, doc="The name, plainly spelled")
    place_key: Mapped[str] = mapped_column(Text, default=_place_key, doc="Locality and town, plainly spelled")
    digest: Mapped[bytes] = mapped_column(doc="SHA-256 of the record as the file wrote it: tells what is unchanged")

    @classmethod
    def by_urn(cls, db: Session, urn: int) -> Self | None:
        return db.get(cls, urn)

    @classmethod
    def by_urns(cls, db: Session, urns: Sequence[int]) -> list[Self]:
        """Those of these URNs that the register has, in the order given."""
        found = {row.urn: row for row in db.scalars(select(cls).where(cls.urn.in_(urns)))}
        return [found[urn] for urn in urns if urn in found]

    @classmethod
    def with_dfe_number(cls, db: Session, la_code: str, number: str) -> list[int]:
        """The URNs of all that bear or bore this number: the open one first, its predecessors after."""
        found = select(cls.urn).where(cls.la_code == la_code, cls.establishment_number == number)
        return list(db.scalars(found.order_by(*_open_and_newest_first())))

    @classmethod
    def at_postcodes(cls, db: Session, low: str, high: str, length: int | None) -> list[int]:
        """The URNs of those whose postcode key is from `low` to before `high`, and as long as said; open and newest
        first."""
        found = select(cls.urn).where(cls.postcode_key >= low, cls.postcode_key < high)
        if length:
            found = found.where(func.length(cls.postcode_key) == length)
        return list(db.scalars(found.order_by(*_open_and_newest_first())))

    @classmethod
    def namesakes(cls, db: Session, rows: Iterable[Self]) -> set[int]:
        """The open ones among `rows` that share their name with another open establishment nearby.

        Nearby: the same local authority, or the same postcode district.
        """
        mine = {row.urn: (row.name_key, row.la_code, row.postcode_key) for row in rows if row.is_open}
        named = select(cls.urn, cls.name_key, cls.la_code, cls.postcode_key).where(
            cls.name_key.in_({name for name, _, _ in mine.values()}), cls.status_code.in_(MAY_REGISTER)
        )
        others: dict[str, list[tuple[int, str, str | None]]] = {}
        for urn, name, la, postcode in db.execute(named).all() if mine else []:
            others.setdefault(name, []).append((urn, la, postcode))
        return {
            urn
            for urn, (name, la, postcode) in mine.items()
            for other, other_la, other_postcode in others.get(name, [])
            if other != urn and (other_la == la or _same_district(other_postcode, postcode))
        }

    @property
    def dfe_number(self) -> str | None:
        """LA code and establishment number as people write it, `888/2999`; None where the register has no number."""
        return f"{self.la_code}/{self.establishment_number}" if self.establishment_number else None

    @property
    def is_open(self) -> bool:
        """Open, or open but proposed to close: both may register."""
        return self.status_code in MAY_REGISTER

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


def _open_and_newest_first() -> tuple[Any, ...]:
    rank = case((Establishment.status_code.in_(MAY_REGISTER), 0), (Establishment.status_code == PROPOSED, 1), else_=2)
    return rank, Establishment.open_date.desc().nulls_last(), Establishment.urn.desc()


def _same_district(postcode: str | None, other: str | None) -> bool:
    return bool(postcode and other) and postcode[:-3] == other[:-3]  # type: ignore[index]


@event.listens_for(Establishment, "after_insert")
def _make_findable(_mapper: Mapper[Establishment], connection: Connection, made: Establishment) -> None:
    """An establishment added one by one is found by name at once; imports write the index themselves, in bulk."""
    if is_sqlite:
        connection.exec_driver_sql(INDEXED, (f"[{made.urn}]",))


class EstablishmentLink(Base):
    """A predecessor, successor, merger or split, as the links file gives it: often one way, some in circles."""

    __tablename__ = "establishment_link"

    urn: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    link_urn: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)
    link_type: Mapped[str] = mapped_column(Text, primary_key=True)
    link_name: Mapped[str] = mapped_column(Text)
    established_date: Mapped[dt.date | None]

    @classmethod
    def following(cls, db: Session, urns: Collection[int]) -> dict[int, set[int]]:
        """For each URN the URNs that took over from it, whichever of the two records says so."""
        return _gathered((before, after) for before, after in cls._around(db, urns) if before in urns)

    @classmethod
    def preceding(cls, db: Session, urns: Collection[int]) -> dict[int, set[int]]:
        """For each URN the URNs that it took over from, whichever of the two records says so."""
        return _gathered((after, before) for before, after in cls._around(db, urns) if after in urns)

    @classmethod
    def _around(cls, db: Session, urns: Collection[int]) -> list[tuple[int, int]]:
        """Pairs of predecessor and successor in which one of these URNs stands."""
        pairs = []
        found = select(cls.urn, cls.link_urn, cls.link_type).where(or_(cls.urn.in_(urns), cls.link_urn.in_(urns)))
        for urn, link_urn, link_type in db.execute(found):
            if link_type.startswith((SUCCESSOR, AMALGAMATED)):
                pairs.append((urn, link_urn))
            elif link_type.startswith(PREDECESSOR):
                pairs.append((link_urn, urn))
        return pairs


def _gathered(pairs: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for one, other in pairs:
        found.setdefault(one, set()).add(other)
    return found


class EstablishmentGroup(Base):
    """Membership of an academy trust, federation or other group, as the groups files give it."""

    __tablename__ = "establishment_group"

    urn: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    group_uid: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text)
    type_name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    joined_date: Mapped[dt.date | None]

    @classmethod
    def of_urn(cls, db: Session, urn: int) -> list[Self]:
        return list(db.scalars(select(cls).where(cls.urn == urn).order_by(cls.name, cls.group_uid)))


class EstablishmentWord(Base):
    """A word of some name or place in the register, plainly spelled: what a mistyped word may have meant."""

    __tablename__ = "establishment_word"

    word: Mapped[str] = mapped_column(Text, primary_key=True)


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
