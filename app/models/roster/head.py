"""What is known of a school's roster as a whole: its change number, and whether its data keeps coming."""

import datetime as dt
import uuid
from typing import Self

from sqlalchemy import BigInteger, ForeignKey, String, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session, is_sqlite
from app.models.base import Base, now

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
