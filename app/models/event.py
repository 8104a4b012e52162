"""The audit's rows: append-only, each chained to the one before by its hash."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import JSON, String, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import Base


class Event(Base):
    """One decision of a person. Pseudonyms only: names and addresses stay in the rows that the ids point to."""

    __tablename__ = "event"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    happened_at: Mapped[dt.datetime]
    action: Mapped[str] = mapped_column(String(60), doc="Such as 'school.verified'")
    actor_id: Mapped[uuid.UUID | None] = mapped_column(doc="The account; None: the system or the command line")
    school_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    subject_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    hash: Mapped[bytes] = mapped_column(doc="SHA-256 over the hash before and this row")


class EventHead(Base):
    """The end of the chain: its one row is locked by whoever appends."""

    __tablename__ = "event_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
    hash: Mapped[bytes]


@dataclasses.dataclass(frozen=True)
class Happening:
    """One line of a history, for people. `who` is empty where no person did it: time ran out, the command line, us."""

    at: dt.datetime
    what: str
    who: str


READ_TOGETHER = 500


def lock_head(db: Session) -> EventHead:
    """The end of the chain, locked until this transaction ends; made on first use."""
    found = select(EventHead).where(EventHead.id == 1).with_for_update()
    row = db.scalars(found.execution_options(populate_existing=True)).first()
    if row is None:
        try:
            with db.begin_nested():
                db.execute(insert(EventHead).values(id=1, number=0, hash=b""))
        except IntegrityError:  # another process made it meanwhile
            pass
        row = db.scalars(found).one()
    return row


def head(db: Session) -> EventHead | None:
    return db.get(EventHead, 1)


def in_order(db: Session) -> Iterator[Event | int]:
    """The whole chain, oldest first; a row that cannot even be read is given by its number."""
    numbers = list(db.scalars(select(Event.number).order_by(Event.number)))
    for start in range(0, len(numbers), READ_TOGETHER):
        yield from _read(db, numbers[start : start + READ_TOGETHER])


def _read(db: Session, numbers: list[int]) -> list[Event | int]:
    try:
        return list(db.scalars(select(Event).where(Event.number.in_(numbers)).order_by(Event.number)))
    except (ValueError, TypeError):  # what stands in one of them is no JSON, or no moment
        return [row for number in numbers for row in _read(db, [number])] if len(numbers) > 1 else [*numbers]


def of_school(db: Session, school_id: uuid.UUID, most: int = 50) -> list[Event]:
    """The newest decisions about one school."""
    found = select(Event).where(Event.school_id == school_id).order_by(Event.number.desc()).limit(most)
    return list(db.scalars(found))


def about(db: Session, school_id: uuid.UUID, subject_ids: list[uuid.UUID]) -> list[Event]:
    """A school's decisions about these things, newest first."""
    found = select(Event).where(Event.school_id == school_id, Event.subject_id.in_(subject_ids))
    return list(db.scalars(found.order_by(Event.number.desc())))


def of_subject(db: Session, subject_id: uuid.UUID, actions: Collection[str]) -> list[Event]:
    """The decisions of these kinds about one thing, newest first."""
    found = select(Event).where(Event.subject_id == subject_id, Event.action.in_(actions))
    return list(db.scalars(found.order_by(Event.number.desc())))
