"""The onboarding case of one registration: who called, what was heard, who decided."""

import datetime as dt
import uuid
from typing import Self

from sqlalchemy import ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import Base, new_id, now

NEW, CALLED, CONFIRMED, WAITING = "New", "Called", "Confirmed", "Waiting for school"
APPROVED, REJECTED = "Approved", "Rejected"
OPEN_STATES = (NEW, CALLED, CONFIRMED, WAITING)
OUTCOMES = ("no answer", "wrong number", "refused", "confirmed")


class Verification(Base):
    """One case per school. `due_at` is the working-day target; time spent waiting for the school does not count."""

    __tablename__ = "verification"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), unique=True)
    state: Mapped[str] = mapped_column(String(20), default=NEW, index=True)
    readback_sealed: Mapped[str] = mapped_column(Text, doc="The code on the registrant's tracker, sealed 'readback'")
    opened_at: Mapped[dt.datetime] = mapped_column(default=now)
    due_at: Mapped[dt.datetime]
    waiting_since: Mapped[dt.datetime | None]
    taken_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    next_call_at: Mapped[dt.datetime | None]
    letter_sent_at: Mapped[dt.datetime | None] = mapped_column(doc="The letter route: code posted to the GIAS address")
    question: Mapped[str | None] = mapped_column(Text, doc="What the team asked for")
    answer: Mapped[str | None] = mapped_column(Text)
    confirmed_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("account.id"), doc="The caller who heard the code"
    )
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[dt.datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)

    @classmethod
    def of_school(cls, db: Session, school_id: uuid.UUID) -> Self | None:
        return db.scalars(select(cls).where(cls.school_id == school_id)).first()


class Call(Base):
    """One attempt to reach the school by the number that the register gives."""

    __tablename__ = "verification_call"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    verification_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("verification.id"), index=True)
    called_at: Mapped[dt.datetime] = mapped_column(default=now)
    called_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    number: Mapped[str] = mapped_column(Text)
    person: Mapped[str] = mapped_column(Text, doc="Who answered")
    outcome: Mapped[str] = mapped_column(String(20))
    notes: Mapped[str] = mapped_column(Text, default="")

    @classmethod
    def of(cls, db: Session, verification_id: uuid.UUID) -> list[Self]:
        return list(
            db.scalars(select(cls).where(cls.verification_id == verification_id).order_by(cls.called_at, cls.id))
        )


class Note(Base):
    """A remark of the onboarding team on a case."""

    __tablename__ = "verification_note"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    verification_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("verification.id"), index=True)
    written_at: Mapped[dt.datetime] = mapped_column(default=now)
    written_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    text: Mapped[str] = mapped_column(Text)

    @classmethod
    def of(cls, db: Session, verification_id: uuid.UUID) -> list[Self]:
        return list(
            db.scalars(select(cls).where(cls.verification_id == verification_id).order_by(cls.written_at, cls.id))
        )
