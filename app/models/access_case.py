"""How somebody gets back what only a call to the school can give back: a second step, or an Admin."""

import datetime as dt
import uuid
from typing import Any, Self

from sqlalchemy import ForeignKey, String, Text, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.account import SecondStep
from app.models.base import Base, ahead, new_id, now
from app.models.passkey import Passkey, RecoveryCode
from app.models.school import School
from app.settings import settings

LOST_SECOND_STEP, ADMIN_LEFT = "lost second step", "admin left"
NEW, CONFIRMED, WINDOW, DONE, STOPPED, REFUSED = "New", "Confirmed", "Objection window", "Done", "Stopped", "Refused"

OPEN_STATES = (NEW, CONFIRMED, WINDOW)
MOST_WRONG_CODES, PAGE_ROWS = 5, 50


class AccessCase(Base):
    """A request that the onboarding team proves by a call to the number in the register; then anybody may object.

    For 24 hours everybody concerned can stop it by a link. The one who decides did not hear the code.
    """

    __tablename__ = "access_case"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20), doc="LOST_SECOND_STEP or ADMIN_LEFT")
    account_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("account.id"), doc="Whose second step was lost, or who has left"
    )
    name: Mapped[str] = mapped_column(Text, doc="Who asks, or who is to be the new Admin")
    email: Mapped[str] = mapped_column(Text)
    mobile: Mapped[str | None] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default=NEW, index=True)
    readback_sealed: Mapped[str] = mapped_column(Text, doc="The code on the asker's page, sealed 'readback'")
    wrong_codes: Mapped[int] = mapped_column(default=0)
    visit_digest: Mapped[bytes] = mapped_column(unique=True, doc="Of the link to the asker's page")
    stop_digest: Mapped[bytes] = mapped_column(unique=True, doc="Of the link that stops it")
    opened_at: Mapped[dt.datetime] = mapped_column(default=now)
    confirmed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    confirmed_at: Mapped[dt.datetime | None]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[dt.datetime | None]
    window_ends_at: Mapped[dt.datetime | None] = mapped_column(index=True)
    ended_at: Mapped[dt.datetime | None]
    reason: Mapped[str | None] = mapped_column(Text, doc="What was said about who has left; later, why it was refused")

    @classmethod
    def by_visit(cls, db: Session, digest: bytes) -> Self | None:
        """The case whose page a link opens."""
        return db.scalars(select(cls).where(cls.visit_digest == digest)).first()

    @classmethod
    def by_stop(cls, db: Session, digest: bytes) -> Self | None:
        """The case that a link may stop, whether or not it still can be stopped."""
        return db.scalars(select(cls).where(cls.stop_digest == digest)).first()

    @classmethod
    def with_schools(cls, db: Session, is_open: bool, page: int) -> tuple[list[tuple[Self, School]], bool]:
        """A page of the cases in hand, oldest first, or of those that ended, newest first; and whether more follow."""
        found = select(cls, School).join(School, School.id == cls.school_id)
        if is_open:
            found = found.where(cls.state.in_(OPEN_STATES)).order_by(cls.opened_at, cls.id)
        else:
            found = found.where(cls.state.not_in(OPEN_STATES)).order_by(cls.ended_at.desc(), cls.id)
        rows = db.execute(found.offset((page - 1) * PAGE_ROWS).limit(PAGE_ROWS + 1)).all()
        return [(row[0], row[1]) for row in rows[:PAGE_ROWS]], len(rows) > PAGE_ROWS

    @classmethod
    def over(cls, db: Session) -> list[Self]:
        """The cases whose objection window has ended, longest ago first."""
        due = select(cls).where(cls.state == WINDOW, cls.window_ends_at <= now())
        return list(db.scalars(due.order_by(cls.window_ends_at, cls.id).limit(100)))

    @classmethod
    def others_of(cls, db: Session, case: Self) -> list[Self]:
        """Whatever else is in hand about the same account."""
        same = (cls.account_id == case.account_id, cls.account_id.is_not(None), cls.id != case.id)
        return list(db.scalars(select(cls).where(*same, cls.state.in_(OPEN_STATES)).order_by(cls.id)))

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    def confirm(self, db: Session, by: uuid.UUID) -> bool:
        """Somebody heard the right code; False when the case has moved on."""
        fresh = AccessCase.wrong_codes < MOST_WRONG_CODES
        return self._move(db, (NEW,), CONFIRMED, fresh, confirmed_by=by, confirmed_at=now())

    def approve(self, db: Session, by: uuid.UUID, account_id: uuid.UUID | None, stop_digest: bytes) -> bool:
        """Open the window for objections; False when it has moved on, or `by` heard the code."""
        facts = {"account_id": account_id, "stop_digest": stop_digest, "decided_by": by, "decided_at": now()}
        until = ahead(settings.objection_seconds)
        return self._move(db, (CONFIRMED,), WINDOW, AccessCase.confirmed_by != by, window_ends_at=until, **facts)

    def stop(self, db: Session) -> bool:
        """Somebody objects; False when the window is over, or another objected before."""
        return self._move(db, (WINDOW,), STOPPED, AccessCase.window_ends_at > now(), ended_at=now())

    def complete(self, db: Session) -> bool:
        """Nobody objected in time: the one caller that wins does what was asked for."""
        return self._move(db, (WINDOW,), DONE, AccessCase.window_ends_at <= now(), ended_at=now())

    def refuse(self, db: Session, reason: str) -> bool:
        """End it undone; False when it ended before."""
        return self._move(db, OPEN_STATES, REFUSED, ended_at=now(), reason=reason)

    def count_wrong_code(self, db: Session) -> int:
        """How many wrong codes there were, this one included."""
        counted = update(AccessCase).where(AccessCase.id == self.id).values(wrong_codes=AccessCase.wrong_codes + 1)
        total = db.execute(counted.returning(AccessCase.wrong_codes)).scalar_one()
        db.refresh(self)
        return total

    def _move(self, db: Session, before: tuple[str, ...], after: str, *provided: Any, **values: Any) -> bool:
        moved = (
            update(AccessCase)
            .where(AccessCase.id == self.id, AccessCase.state.in_(before), *provided)
            .values(state=after, **values)
            .returning(AccessCase.id)
        )
        won = db.execute(moved, execution_options={"synchronize_session": False}).scalar_one_or_none() is not None
        db.refresh(self)
        return won


def forget_second_steps(db: Session, account_id: uuid.UUID) -> None:
    """Let an account have no second step of any kind: the next sign-in sets one up."""
    for kind in (SecondStep, Passkey, RecoveryCode):
        db.execute(delete(kind).where(kind.account_id == account_id))


class AccessCall(Base):
    """One call about an access case, by the number that the register gives."""

    __tablename__ = "access_call"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("access_case.id"), index=True)
    called_at: Mapped[dt.datetime] = mapped_column(default=now)
    called_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    number: Mapped[str] = mapped_column(Text)
    person: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(20))
    notes: Mapped[str] = mapped_column(Text, default="")

    @classmethod
    def of(cls, db: Session, case_id: uuid.UUID) -> list[Self]:
        """The calls about a case, newest first."""
        return list(db.scalars(select(cls).where(cls.case_id == case_id).order_by(cls.called_at.desc(), cls.id.desc())))
