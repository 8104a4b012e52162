"""Times at which somebody helps a school to install its agent."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, Text, and_, exists, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session, is_sqlite
from app.models.base import Base, ahead, new_id, now
from app.models.school import School

DAY_SECONDS = 86_400
_insert = sqlite.insert if is_sqlite else postgresql.insert
_WON = {"synchronize_session": False}


class Slot(Base):
    """A time that operators offer. It is booked by one school at most."""

    __tablename__ = "slot"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    starts_at: Mapped[dt.datetime] = mapped_column(index=True)
    minutes: Mapped[int] = mapped_column(default=60)
    published_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    published_at: Mapped[dt.datetime] = mapped_column(default=now)
    withdrawn_at: Mapped[dt.datetime | None]

    @property
    def ends_at(self) -> dt.datetime:
        return self.starts_at + dt.timedelta(minutes=self.minutes)

    @property
    def is_past(self) -> bool:
        """Whether it has begun."""
        return self.starts_at <= now()

    @classmethod
    def publish(cls, db: Session, starts: Iterable[dt.datetime], minutes: int, by: uuid.UUID) -> list[Self]:
        """Offer these times; those that the same person offers already are left out, so that a form may come twice."""
        wanted = list(starts)
        own = (cls.published_by == by, cls.withdrawn_at.is_(None), cls.starts_at.in_(wanted))
        there = set(db.scalars(select(cls.starts_at).where(*own)))
        made = [cls(starts_at=at, minutes=minutes, published_by=by) for at in wanted if at not in there]
        db.add_all(made)
        db.flush()
        return made

    @classmethod
    def free(cls, db: Session, most: int) -> list[Self]:
        """Those that a school may still book, soonest first."""
        found = select(cls).where(cls._is_offered(), ~cls._is_taken())
        return list(db.scalars(found.order_by(cls.starts_at, cls.id).limit(most)))

    @classmethod
    def take(cls, db: Session, slot_id: uuid.UUID) -> Self | None:
        """One that is free, locked until this transaction ends, so that nobody else books or withdraws it meanwhile."""
        locked = select(cls).where(cls.id == slot_id, cls._is_offered()).with_for_update()
        found = db.scalars(locked.execution_options(populate_existing=True)).first()
        # Asked once the lock is held: who waited for it must see what the one before has booked.
        is_taken = found is not None and db.scalar(select(cls.id).where(cls.id == slot_id, cls._is_taken()))
        return None if is_taken else found

    def withdraw(self, db: Session) -> bool:
        """Offer it no longer; False when it was withdrawn before."""
        gone = update(Slot).where(Slot.id == self.id, Slot.withdrawn_at.is_(None)).values(withdrawn_at=now())
        won = db.execute(gone.returning(Slot.id), execution_options=_WON).scalar_one_or_none() is not None
        db.refresh(self)
        return won

    @classmethod
    def _is_offered(cls) -> ColumnElement[bool]:
        return and_(cls.withdrawn_at.is_(None), cls.starts_at > now())

    @classmethod
    def _is_taken(cls) -> ColumnElement[bool]:
        return exists().where(Installation.slot_id == cls.id, Installation.cancelled_at.is_(None))


class Installation(Base):
    """A school's booking of a slot: one at a time for a school, one for a slot."""

    __tablename__ = "installation"
    __table_args__ = (
        Index(
            "installation_slot_key",
            "slot_id",
            unique=True,
            sqlite_where=text("cancelled_at IS NULL"),
            postgresql_where=text("cancelled_at IS NULL"),
        ),
        Index(
            "installation_school_key",
            "school_id",
            unique=True,
            sqlite_where=text("cancelled_at IS NULL AND done_at IS NULL"),
            postgresql_where=text("cancelled_at IS NULL AND done_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    slot_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("slot.id"))
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"))
    booked_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    booked_at: Mapped[dt.datetime] = mapped_column(default=now)
    contact_name: Mapped[str] = mapped_column(Text, doc="Who will be at the server")
    contact_phone: Mapped[str] = mapped_column(Text)
    sequence: Mapped[int] = mapped_column(default=0, doc="Of the calendar entry (RFC 5545): grows when it changes")
    reminded_at: Mapped[dt.datetime | None]
    cancelled_at: Mapped[dt.datetime | None]
    done_at: Mapped[dt.datetime | None]
    note: Mapped[str] = mapped_column(Text, default="", doc="What the operator says of it afterwards")

    @classmethod
    def standing(cls, db: Session, school_id: uuid.UUID) -> Self | None:
        """The one that a school has before it, or whose outcome nobody has noted yet."""
        return db.scalars(select(cls).where(cls.school_id == school_id, cls._stands())).first()

    @classmethod
    def newest(cls, db: Session, school_id: uuid.UUID) -> Self | None:
        """The last that a school booked, whatever became of it."""
        found = select(cls).where(cls.school_id == school_id)
        return db.scalars(found.order_by(cls.booked_at.desc(), cls.id.desc()).limit(1)).first()

    @classmethod
    def at_school(cls, db: Session, installation_id: uuid.UUID, school_id: uuid.UUID) -> Self | None:
        """One of a school's; another's is None, as if it were absent."""
        return db.scalars(select(cls).where(cls.id == installation_id, cls.school_id == school_id)).first()

    @classmethod
    def of_slot(cls, db: Session, slot_id: uuid.UUID) -> Self | None:
        """The booking of a slot that was not cancelled."""
        return db.scalars(select(cls).where(cls.slot_id == slot_id, cls.cancelled_at.is_(None))).first()

    @classmethod
    def book(
        cls, db: Session, slot: Slot, school_id: uuid.UUID, *, by: uuid.UUID, contact_name: str, contact_phone: str
    ) -> Self | None:
        """Book a slot that `Slot.take` gave; None when the school has a booking already."""
        booked = {"id": new_id(), "slot_id": slot.id, "school_id": school_id, "booked_by": by, "booked_at": now()}
        booked |= {"contact_name": contact_name, "contact_phone": contact_phone, "sequence": 0, "note": ""}
        made = _insert(cls).values(**booked, reminded_at=_told_by_booking(slot)).on_conflict_do_nothing()
        won = db.execute(made.returning(cls.id)).scalar_one_or_none()
        return db.get_one(cls, won) if won else None

    def change(self, db: Session, slot: Slot, *, contact_name: str, contact_phone: str) -> bool:
        """Another contact, or another slot, which `Slot.take` gave; False when it stands no longer."""
        told: dict[str, Any] = {"contact_name": contact_name, "contact_phone": contact_phone}
        if slot.id != self.slot_id:
            told |= {"slot_id": slot.id, "reminded_at": _told_by_booking(slot)}
        return self._close(db, sequence=Installation.sequence + 1, **told)

    def cancel(self, db: Session) -> bool:
        """Give it up, once; its slot is free again."""
        return self._close(db, sequence=Installation.sequence + 1, cancelled_at=now())

    def finish(self, db: Session, note: str) -> bool:
        """Note that it was done, once."""
        return self._close(db, done_at=now(), note=note)

    @classmethod
    def remind(cls, db: Session, most: int) -> list[Self]:
        """Note that some begin within a day and that their schools are told, once; what the caller won."""
        soon = select(Slot.id).where(Slot.starts_at > now(), Slot.starts_at <= ahead(DAY_SECONDS))
        due = (cls._stands(), cls.reminded_at.is_(None), cls.slot_id.in_(soon))
        ids = db.scalars(select(cls.id).where(*due).order_by(cls.id).limit(most)).all()
        noted = update(cls).where(cls.id.in_(ids), *due).values(reminded_at=now()).returning(cls.id)
        won = db.scalars(noted.execution_options(**_WON)).all()
        return list(db.scalars(select(cls).where(cls.id.in_(won)).execution_options(populate_existing=True)))

    def _close(self, db: Session, **values: Any) -> bool:
        cls = Installation
        changed = update(cls).where(cls.id == self.id, cls._stands()).values(**values).returning(cls.id)
        won = db.execute(changed, execution_options=_WON).scalar_one_or_none() is not None
        db.refresh(self)
        return won

    @classmethod
    def _stands(cls) -> ColumnElement[bool]:
        return and_(cls.cancelled_at.is_(None), cls.done_at.is_(None))


@dataclasses.dataclass(frozen=True)
class Offer:
    """A slot as operators see it: with its booking and the school, when somebody booked it."""

    slot: Slot
    booking: Installation | None
    school: School | None


def offers(db: Session, most: int, *, done: bool) -> list[Offer]:
    """Slots that are ahead or whose outcome nobody has noted, soonest first; or those `done`, newest first."""
    if done:
        found = _offers().where(Installation.done_at.is_not(None)).order_by(Slot.starts_at.desc(), Slot.id)
    else:
        is_open = and_(Installation.id.is_not(None), Installation.done_at.is_(None))
        is_free = and_(Installation.id.is_(None), Slot.withdrawn_at.is_(None), Slot.starts_at > now())
        found = _offers().where(is_open | is_free).order_by(Slot.starts_at, Slot.id)
    return [Offer(*row) for row in db.execute(found.limit(most))]


def offer(db: Session, slot_id: uuid.UUID) -> Offer | None:
    """One slot, with its booking."""
    row = db.execute(_offers().where(Slot.id == slot_id)).first()
    return Offer(*row) if row else None


def _offers() -> Select[Slot, Installation, School]:
    joined = and_(Installation.slot_id == Slot.id, Installation.cancelled_at.is_(None))
    found = select(Slot, Installation, School).outerjoin(Installation, joined)
    return found.outerjoin(School, School.id == Installation.school_id)


def _told_by_booking(slot: Slot) -> dt.datetime | None:
    """Whoever books for tomorrow is told of it now and needs no reminder."""
    return now() if slot.starts_at <= ahead(DAY_SECONDS) else None
