"""Batches: what a school's server, or a person at the school, sends; taken in whole or not at all."""

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any, Self

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    and_,
    delete,
    exists,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, aliased, mapped_column

from app.db import Session, is_sqlite
from app.models.base import Base, local_day, new_id, now

_insert = sqlite.insert if is_sqlite else postgresql.insert

ONEROSTER, SPREADSHEET, CTF, INTEGRIS = "oneroster", "spreadsheet", "ctf", "integris"
SOURCES = (ONEROSTER, SPREADSHEET, CTF, INTEGRIS)
RECEIVING, RECEIVED, ACCEPTED = "receiving", "received", "accepted"
HELD, REFUSED, CANCELLED = "held", "refused", "cancelled"
CHUNK_BYTES = 512 * 1024


class Batch(Base):
    """One upload. receiving → received → accepted, refused, or held until an Admin confirms or cancels it.

    Its content is kept until it is decided, and no longer.
    """

    __tablename__ = "batch"
    __table_args__ = (Index("batch_school_id_begun_at_idx", "school_id", "begun_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"))
    source: Mapped[str] = mapped_column(String(20), default="", doc="One of SOURCES; empty until the content was read")
    name: Mapped[str] = mapped_column(Text, doc="What the sender calls the file")
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), doc="Of the whole content")
    size: Mapped[int] = mapped_column(doc="Of the whole content, in bytes")
    endpoint_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("endpoint.id"), doc="The agent that sent it")
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"), doc="Or the person who did")
    state: Mapped[str] = mapped_column(String(20), default=RECEIVING)
    begun_at: Mapped[dt.datetime] = mapped_column(default=now)
    received_at: Mapped[dt.datetime | None]
    taken_until: Mapped[dt.datetime | None] = mapped_column(doc="The lease of the worker that reads it")
    stage: Mapped[str] = mapped_column(String(20), default="", doc="How far reading it has come, for a progress bar")
    decided_at: Mapped[dt.datetime | None]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"), doc="Who confirmed or cancelled it")
    is_full: Mapped[bool] = mapped_column(default=True, doc="The whole truth: who is not in it has left")
    counts: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict, doc="{table: {added, changed, gone, unchanged}, left, made_at}"
    )
    quality: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list, doc="See `app/roster/quality.py`")
    faults: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list, doc="Rows of {file, line, column, reason}")
    held_for: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, doc="Why an Admin must look: {gone, doubts}")
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, doc="What the Admin said to each doubt")
    confirmed: Mapped[bool] = mapped_column(default=False, doc="An Admin has looked and said: take it in")
    number: Mapped[int | None] = mapped_column(doc="The roster's change number that it became")

    @classmethod
    def of_school(cls, db: Session, school_id: uuid.UUID, batch_id: uuid.UUID) -> Self | None:
        return db.scalars(select(cls).where(cls.id == batch_id, cls.school_id == school_id)).first()

    @classmethod
    def newest(cls, db: Session, school_id: uuid.UUID, most: int = 20) -> list[Self]:
        found = select(cls).where(cls.school_id == school_id).order_by(cls.begun_at.desc(), cls.id.desc())
        return list(db.scalars(found.limit(most)))

    @classmethod
    def last_accepted(cls, db: Session, school_id: uuid.UUID, source: str = "") -> Self | None:
        """The newest that was taken in; of one source, where that is given."""
        found = select(cls).where(cls.school_id == school_id, cls.state == ACCEPTED)
        found = found.where(cls.source == source) if source else found
        return db.scalars(found.order_by(cls.number.desc(), cls.decided_at.desc()).limit(1)).first()

    @classmethod
    def open_of(cls, db: Session, school_id: uuid.UUID) -> list[Self]:
        """Those of a school that are under way or wait to be read, oldest first."""
        found = select(cls).where(cls.school_id == school_id, cls.state.in_((RECEIVING, RECEIVED)))
        return list(db.scalars(found.order_by(cls.begun_at, cls.id)))

    @classmethod
    def give_up(cls, db: Session, begun_before: dt.datetime, most: int = 100) -> int:
        """Cancel uploads that were never completed, with what arrived of them; how many."""
        late = (cls.state == RECEIVING, cls.begun_at < begun_before)
        ids = db.scalars(select(cls.id).where(*late).order_by(cls.id).limit(most)).all()
        ended = update(cls).where(cls.id.in_(ids), *late).values(state=CANCELLED, decided_at=now()).returning(cls.id)
        won = db.scalars(ended.execution_options(synchronize_session=False)).all()
        db.execute(delete(Chunk).where(Chunk.batch_id.in_(won)), execution_options={"synchronize_session": False})
        return len(won)

    @classmethod
    def to_read(cls, db: Session, most: int = 20) -> list[tuple[uuid.UUID, uuid.UUID]]:
        """(batch id, school id) of those that wait to be read, oldest first; a dead worker's among them."""
        before = aliased(cls)
        # One at a time of each school, in the order in which they came, whoever takes them.
        is_first = ~exists().where(
            before.school_id == cls.school_id, before.state == RECEIVED, before.received_at < cls.received_at
        )
        found = select(cls.id, cls.school_id).where(cls._waits(), is_first).order_by(cls.received_at, cls.id)
        return [(row[0], row[1]) for row in db.execute(found.limit(most))]

    @classmethod
    def _waits(cls) -> ColumnElement[bool]:
        return and_(cls.state == RECEIVED, or_(cls.taken_until.is_(None), cls.taken_until < now()))

    @property
    def decided_on(self) -> dt.date | None:
        """The day at schools on which it was decided."""
        return local_day(self.decided_at) if self.decided_at else None

    def take(self, db: Session, until: dt.datetime, stage: str) -> bool:
        """Lease it to one worker; False when another has it."""
        return self.move(db, RECEIVED, RECEIVED, Batch._waits(), taken_until=until, stage=stage)

    def supersede(self, db: Session) -> None:
        """Cancel what is held at this school and began before this one: it is out of date."""
        cls = Batch
        older = (cls.school_id == self.school_id, cls.state == HELD, cls.begun_at < self.begun_at)
        ids = select(cls.id).where(*older)
        db.execute(delete(Chunk).where(Chunk.batch_id.in_(ids)), execution_options={"synchronize_session": False})
        cancelled = update(cls).where(*older).values(state=CANCELLED, decided_at=now())
        db.execute(cancelled, execution_options={"synchronize_session": False})

    def move(self, db: Session, before: str, after: str, *only: Any, **values: Any) -> bool:
        """Go from one state to another, once; False when it is not in the first (any more)."""
        cls = Batch
        moved = update(cls).where(cls.id == self.id, cls.state == before, *only).values(state=after, **values)
        done = moved.returning(cls.id)
        won = db.execute(done, execution_options={"synchronize_session": False}).scalar_one_or_none() is not None
        db.refresh(self)
        return won


class Chunk(Base):
    """A part of a batch's content, CHUNK_BYTES long but for the last."""

    __tablename__ = "batch_chunk"

    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, doc="From 0")
    content: Mapped[bytes]

    @classmethod
    def positions(cls, db: Session, batch_id: uuid.UUID) -> list[int]:
        return list(db.scalars(select(cls.position).where(cls.batch_id == batch_id).order_by(cls.position)))

    @classmethod
    def put(cls, db: Session, batch_id: uuid.UUID, position: int, content: bytes) -> None:
        """Keep one part, in place of what was there."""
        kept = _insert(cls).values(batch_id=batch_id, position=position, content=content)
        db.execute(kept.on_conflict_do_update(index_elements=["batch_id", "position"], set_={"content": content}))

    @classmethod
    def each(cls, db: Session, batch_id: uuid.UUID) -> Iterator[bytes]:
        """The parts in their order, one at a time in memory."""
        found = select(cls.content).where(cls.batch_id == batch_id).order_by(cls.position)
        yield from db.scalars(found.execution_options(yield_per=1))

    @classmethod
    def whole(cls, db: Session, batch_id: uuid.UUID) -> bytes:
        """The content, put together."""
        return b"".join(cls.each(db, batch_id))

    @classmethod
    def drop(cls, db: Session, batch_id: uuid.UUID) -> None:
        db.execute(delete(cls).where(cls.batch_id == batch_id))


class ColumnMapping(Base):
    """Which column of a school's spreadsheet means what: asked once, used for every later one with the same columns."""

    __tablename__ = "column_mapping"

    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True, doc="pupils, staff or contacts")
    columns: Mapped[dict[str, str]] = mapped_column(JSON, doc="{our field: their column}")
    made_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[dt.datetime] = mapped_column(default=now)

    @classmethod
    def of_school(cls, db: Session, school_id: uuid.UUID) -> dict[str, dict[str, str]]:
        """{kind: {our field: their column}}."""
        return {row.kind: row.columns for row in db.scalars(select(cls).where(cls.school_id == school_id))}

    @classmethod
    def save(cls, db: Session, school_id: uuid.UUID, kind: str, columns: dict[str, str], by: uuid.UUID | None) -> None:
        """Keep this mapping instead of the one before."""
        db.merge(cls(school_id=school_id, kind=kind, columns=columns, made_by=by, made_at=now()))
