"""The onboarding case of one registration: who called, what was heard, who decided."""

import datetime as dt
import uuid
from typing import Any, Self

from sqlalchemy import ColumnElement, ForeignKey, String, Text, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import Base, new_id, now
from app.models.school import UNVERIFIED, VERIFIED, School

NEW, CALLED, CONFIRMED, WAITING = "New", "Called", "Confirmed", "Waiting for school"
APPROVED, REJECTED = "Approved", "Rejected"
OUR_STATES = (NEW, CALLED, CONFIRMED)
OPEN_STATES = (*OUR_STATES, WAITING)
NO_ANSWER, WRONG_NUMBER, REFUSED, HEARD = ("no answer", "wrong number", "refused", "confirmed")
WRONG_CODE = "wrong code"
MOST_WRONG_CODES = 5


class Verification(Base):
    """One case per school. `due_at` is the working-day target; time spent waiting for the school does not count."""

    __tablename__ = "verification"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), unique=True)
    state: Mapped[str] = mapped_column(String(20), default=NEW, index=True)
    readback_sealed: Mapped[str] = mapped_column(Text, doc="The code on the registrant's tracker, sealed 'readback'")
    wrong_codes: Mapped[int] = mapped_column(default=0, doc="Typed since the code was made; at five it is dead")
    opened_at: Mapped[dt.datetime] = mapped_column(default=now)
    due_at: Mapped[dt.datetime]
    waiting_since: Mapped[dt.datetime | None]
    waiting_from: Mapped[str | None] = mapped_column(String(20), doc="The state that the school's answer leads back to")
    taken_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    next_call_at: Mapped[dt.datetime | None]
    letter_sent_at: Mapped[dt.datetime | None] = mapped_column(doc="The letter route: code posted to the GIAS address")
    letter_sealed: Mapped[str | None] = mapped_column(Text, doc="The newest letter's code, sealed 'letter'")
    letter_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("account.id"), doc="Who printed it, and so has seen its code"
    )
    question: Mapped[str | None] = mapped_column(Text, doc="What the team asked for")
    answer: Mapped[str | None] = mapped_column(Text)
    confirmed_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("account.id"), doc="The caller who heard the code"
    )
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[dt.datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)

    @classmethod
    def by_id(cls, db: Session, case_id: uuid.UUID) -> Self | None:
        return db.get(cls, case_id)

    @classmethod
    def of_school(cls, db: Session, school_id: uuid.UUID) -> Self | None:
        return db.scalars(select(cls).where(cls.school_id == school_id)).first()

    @classmethod
    def of_schools(cls, db: Session, school_ids: list[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
        """The case id of each of these schools."""
        rows = db.execute(select(cls.school_id, cls.id).where(cls.school_id.in_(school_ids)))
        return {row[0]: row[1] for row in rows}

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_code_dead(self) -> bool:
        """Five wrong codes were typed: nothing confirms until an approver makes a new one."""
        return self.wrong_codes >= MOST_WRONG_CODES

    def is_overdue(self, at: dt.datetime) -> bool:
        """Whether our own time has run out; the school's time never does."""
        return self.state in OUR_STATES and self.due_at < at

    def take(self, db: Session, by: uuid.UUID) -> bool:
        """Make the case one operator's; False when another has it."""
        free = Verification.taken_by.is_(None) | (Verification.taken_by == by)
        return self._change(db, free, Verification.state.in_(OPEN_STATES), taken_by=by)

    def release(self, db: Session) -> bool:
        return self._change(db, Verification.taken_by.is_not(None), taken_by=None)

    def plan(self, db: Session, next_call_at: dt.datetime | None) -> bool:
        """Say when the school is called next; None forgets it."""
        return self._change(db, Verification.state.in_(OUR_STATES), next_call_at=next_call_at)

    def called(self, db: Session) -> bool:
        """A call was made that confirmed nothing."""
        return self._change(db, Verification.state.in_((NEW, CALLED)), state=CALLED)

    def confirm(self, db: Session, by: uuid.UUID) -> bool:
        """The right code was heard by this operator, who can no longer be the one to approve."""
        return self._change(
            db,
            Verification.state.in_((NEW, CALLED)),
            Verification.wrong_codes < MOST_WRONG_CODES,
            state=CONFIRMED,
            confirmed_by=by,
            next_call_at=None,
        )

    def count_wrong_code(self, db: Session) -> int:
        """One more wrong code; how many there are now."""
        self._change(db, wrong_codes=Verification.wrong_codes + 1)
        return self.wrong_codes

    def replace_code(self, db: Session, readback_sealed: str) -> bool:
        """Give the tracker a new code; the codes of tracker and letter before it are dead."""
        fresh = {"readback_sealed": readback_sealed, "wrong_codes": 0, "letter_sealed": None}
        return self._change(db, Verification.state.in_(OPEN_STATES), Verification.state != CONFIRMED, **fresh)

    def send_letter(self, db: Session, letter_sealed: str, by: uuid.UUID) -> bool:
        """A letter with a code of its own is on its way; the letter before it is dead."""
        sent = {"letter_sealed": letter_sealed, "letter_sent_at": now(), "letter_by": by, "taken_by": None}
        return self._change(
            db, Verification.state.in_((NEW, CALLED)), Verification.wrong_codes < MOST_WRONG_CODES, **sent
        )

    def ask(self, db: Session, question: str) -> bool:
        """Wait for the school to answer a question on its tracker; our clock stops."""
        return self._change(
            db,
            Verification.state.in_(OUR_STATES),
            state=WAITING,
            waiting_since=now(),
            waiting_from=Verification.state,
            question=question,
            answer=None,
        )

    def answered(self, db: Session, answer: str, due_at: dt.datetime) -> bool:
        """The school has answered: back to the state before, with the due date that the waiting has moved.

        `due_at` is `registration.working_days.moved(self.due_at, self.waiting_since, now)`.
        """
        back = {"state": self.waiting_from or NEW, "waiting_since": None, "waiting_from": None}
        asked_then = Verification.waiting_since == self.waiting_since
        return self._change(db, Verification.state == WAITING, asked_then, **back, answer=answer, due_at=due_at)

    def approve(self, db: Session, by: uuid.UUID) -> bool:
        """Close the case as Approved, if it is Confirmed and another operator heard the code."""
        decided = {"state": APPROVED, "decided_by": by, "decided_at": now(), "next_call_at": None}
        return self._change(db, Verification.state == CONFIRMED, Verification.confirmed_by != by, **decided)

    def reject(self, db: Session, by: uuid.UUID, reason: str) -> bool:
        """Close the case as Rejected, from any open state."""
        decided = {"state": REJECTED, "decided_by": by, "decided_at": now(), "next_call_at": None}
        stopped = {"waiting_since": None, "waiting_from": None}
        return self._change(db, Verification.state.in_(OPEN_STATES), **decided, **stopped, reason=reason)

    def _change(self, db: Session, *while_so: ColumnElement[bool], **values: Any) -> bool:
        """One conditional update; False when the case has moved on meanwhile."""
        changed = (
            update(Verification)
            .where(Verification.id == self.id, *while_so)
            .values(**values)
            .returning(Verification.id)
            .execution_options(synchronize_session=False)
        )
        won = db.execute(changed).scalar_one_or_none() is not None
        db.refresh(self)
        return won


class Call(Base):
    """One attempt to reach the school, by the number that the register gives or (no number) by our letter."""

    __tablename__ = "verification_call"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    verification_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("verification.id"), index=True)
    called_at: Mapped[dt.datetime] = mapped_column(default=now)
    called_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    number: Mapped[str] = mapped_column(Text, doc="Empty: the school rang us with the code of our letter")
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


def lock_claims(db: Session, urn: int) -> list[School]:
    """Every registration of one establishment, locked in one order until this transaction ends.

    Two approvals at once would each hold the row that the other must reject: whoever locks first goes first.
    """
    found = select(School).where(School.urn == urn).order_by(School.id).with_for_update(key_share=True)
    return list(db.scalars(found.execution_options(populate_existing=True)))


def verify(db: Session, school: School) -> bool:
    """Unverified → Verified; False when another registration of the establishment is the school already."""
    try:
        with db.begin_nested():
            return school.move(db, UNVERIFIED, VERIFIED)
    except IntegrityError:
        return False
