"""What is known of a school's roster as a whole: its change number, and whether its data keeps coming."""

import datetime as dt
import uuid
from typing import Self

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, String, and_, false, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session, is_sqlite
from app.models.base import Base, now

GRACE_HOURS = 12  # an export that runs at night may take until the morning
_insert = sqlite.insert if is_sqlite else postgresql.insert


class Roster(Base):
    """One for each school that has data, or said something about it."""

    __tablename__ = "roster"

    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), primary_key=True)
    number: Mapped[int] = mapped_column(
        BigInteger, default=0, doc="Grows with every change of what anybody may see: batches, exclusions, leavers"
    )
    source: Mapped[str] = mapped_column(
        String(20), default="", doc="Where the data came from last: see `batch.SOURCES`"
    )
    people: Mapped[int] = mapped_column(default=0, doc="Pupils, staff and contacts at the last batch")
    accepted_at: Mapped[dt.datetime | None] = mapped_column(doc="When a batch was last taken in")
    every_hours: Mapped[int] = mapped_column(default=24, doc="How often data is expected")
    stale_told_at: Mapped[dt.datetime | None] = mapped_column(doc="The Admins were told that data is late")
    disabled_at: Mapped[dt.datetime | None] = mapped_column(doc="'We switched this off on purpose'")
    disabled_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))

    @classmethod
    def of(cls, db: Session, school_id: uuid.UUID) -> Self | None:
        return db.get(cls, school_id)

    @classmethod
    def lock(cls, db: Session, school_id: uuid.UUID) -> None:
        """Let whoever else changes this roster wait until this transaction ends."""
        made = _insert(cls).values(school_id=school_id, number=0, people=0, source="", every_hours=24)
        db.execute(made.on_conflict_do_nothing())
        db.execute(select(cls.number).where(cls.school_id == school_id).with_for_update())

    @classmethod
    def next_number(cls, db: Session, school_id: uuid.UUID) -> int:
        """Note a change of what may be seen: its number. Whoever else changes this roster waits for the commit."""
        made = _insert(cls).values(school_id=school_id, number=1, people=0, source="", every_hours=24)
        counted = made.on_conflict_do_update(index_elements=["school_id"], set_={"number": cls.number + 1})
        return db.execute(counted.returning(cls.number)).scalar_one()

    @classmethod
    def number_of(cls, db: Session, school_id: uuid.UUID) -> int:
        """The number of the last change; 0 before the first."""
        return db.scalar(select(cls.number).where(cls.school_id == school_id)) or 0

    @classmethod
    def arrived(cls, db: Session, school_id: uuid.UUID, source: str, people: int) -> None:
        """A batch was taken in, even one that changed nothing: the data is fresh."""
        fresh = {"source": source, "people": people, "accepted_at": now(), "stale_told_at": None}
        db.execute(update(cls).where(cls.school_id == school_id).values(**fresh))

    @classmethod
    def expect(cls, db: Session, school_id: uuid.UUID, every_hours: int) -> None:
        """How often a school means to send its data."""
        made = _insert(cls).values(school_id=school_id, number=0, people=0, source="", every_hours=every_hours)
        told = {"every_hours": every_hours, "stale_told_at": None}
        db.execute(made.on_conflict_do_update(index_elements=["school_id"], set_=told))

    @classmethod
    def switch(cls, db: Session, school_id: uuid.UUID, off_by: uuid.UUID | None) -> bool:
        """Note that a school sends nothing on purpose, or (None) that it means to again; False when that is so."""
        cls.lock(db, school_id)
        before = cls.disabled_at.is_(None) if off_by else cls.disabled_at.is_not(None)
        told = {"disabled_at": now() if off_by else None, "disabled_by": off_by, "stale_told_at": None}
        switched = update(cls).where(cls.school_id == school_id, before).values(**told).returning(cls.school_id)
        return db.execute(switched, execution_options={"synchronize_session": False}).scalar_one_or_none() is not None

    @property
    def late_at(self) -> dt.datetime | None:
        """When what is there becomes older than expected; None while nothing is expected."""
        if self.accepted_at is None or self.disabled_at is not None:
            return None
        return self.accepted_at + dt.timedelta(hours=self.every_hours + GRACE_HOURS)

    @classmethod
    def grow_late(cls, db: Session, most: int) -> list[Self]:
        """Note that data of some is older than expected, and that the school is told, once; what the caller won."""
        waits = (cls.disabled_at.is_(None), cls.stale_told_at.is_(None), cls.accepted_at.is_not(None))
        # A handful of lengths: the comparison is with a moment for each, which both databases can do alike.
        hours = db.scalars(select(cls.every_hours).where(*waits).distinct()).all()
        due = or_(false(), *(cls._is_late(every) for every in hours))
        ids = db.scalars(select(cls.school_id).where(*waits, due).order_by(cls.school_id).limit(most)).all()
        noted = update(cls).where(cls.school_id.in_(ids), *waits, due).values(stale_told_at=now())
        won = db.scalars(noted.returning(cls.school_id).execution_options(synchronize_session=False)).all()
        found = select(cls).where(cls.school_id.in_(won)).execution_options(populate_existing=True)
        return list(db.scalars(found))

    @classmethod
    def _is_late(cls, every_hours: int) -> ColumnElement[bool]:
        before = now() - dt.timedelta(hours=every_hours + GRACE_HOURS)
        return and_(cls.every_hours == every_hours, cls.accepted_at < before)
