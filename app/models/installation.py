"""Times at which somebody helps a school to install its agent, and the school's own steps before."""

import datetime as dt
import uuid
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, Index, String, Text, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import Base, new_id, now


class Slot(Base):
    """A time that operators offer. It is booked by one school at most."""

    __tablename__ = "slot"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    starts_at: Mapped[dt.datetime] = mapped_column(index=True)
    minutes: Mapped[int] = mapped_column(default=60)
    published_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    published_at: Mapped[dt.datetime] = mapped_column(default=now)
    withdrawn_at: Mapped[dt.datetime | None]

    @classmethod
    def ahead(cls, db: Session, after: dt.datetime) -> list[Self]:
        """Those not withdrawn that start after that moment, soonest first."""
        found = select(cls).where(cls.withdrawn_at.is_(None), cls.starts_at > after)
        return list(db.scalars(found.order_by(cls.starts_at, cls.id)))


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
    sequence: Mapped[int] = mapped_column(default=0, doc="Of the calendar entry (RFC 5545): grows when it moves")
    reminded_at: Mapped[dt.datetime | None]
    cancelled_at: Mapped[dt.datetime | None]
    done_at: Mapped[dt.datetime | None]
    note: Mapped[str] = mapped_column(Text, default="", doc="What the operator says of it afterwards")

    @classmethod
    def standing(cls, db: Session, school_id: uuid.UUID) -> Self | None:
        """The one that a school has before it."""
        open_one = (cls.school_id == school_id, cls.cancelled_at.is_(None), cls.done_at.is_(None))
        return db.scalars(select(cls).where(*open_one)).first()


class MisGuide(Base):
    """How far a school has come with the account that its MIS needs, step by step; its password sealed, write-only."""

    __tablename__ = "mis_guide"

    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), primary_key=True)
    mis: Mapped[str] = mapped_column(String(20), default="integris")
    ticks: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, doc="{step: {at, by}}")
    leaving_date: Mapped[dt.date | None] = mapped_column(doc="On which the MIS ends the account")
    leaving_told_at: Mapped[dt.datetime | None]
    password_sealed: Mapped[str | None] = mapped_column(Text)
    password_set_at: Mapped[dt.datetime | None]
    tested_at: Mapped[dt.datetime | None]
    test_result: Mapped[str] = mapped_column(Text, default="")

    @classmethod
    def of_school(cls, db: Session, school_id: uuid.UUID) -> Self | None:
        return db.get(cls, school_id)

    def seal_password(self, db: Session, sealed: str) -> None:
        """Keep a new password; what was tested before says nothing any more."""
        cls = MisGuide
        changed = {"password_sealed": sealed, "password_set_at": now(), "tested_at": None, "test_result": ""}
        db.execute(update(cls).where(cls.school_id == self.school_id).values(**changed))
        db.refresh(self)
