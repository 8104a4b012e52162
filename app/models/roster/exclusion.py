"""People whose data does not leave, to one app or to any."""

import datetime as dt
import uuid
from typing import Self

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, String, Text, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import new_id, now
from app.models.roster.rostered import OfRoster


class Exclusion(OfRoster):
    """One person, kept from one app, or from every app when `app_id` is empty. It ends, and is never deleted."""

    __tablename__ = "exclusion"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-1)
    person_id: Mapped[int] = mapped_column(BigInteger)
    app_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("app.id"))
    reason: Mapped[str] = mapped_column(String(20), doc="Such as 'protected'")
    note: Mapped[str] = mapped_column(Text, default="", doc="In the school's own words, for itself")
    since: Mapped[dt.datetime] = mapped_column(default=now)
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    ended_at: Mapped[dt.datetime | None]
    ended_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))

    @classmethod
    def parts(cls) -> tuple[object, ...]:
        person = ("person.school_id", "person.id")
        return (
            ForeignKeyConstraint(("school_id", "person_id"), person, name="exclusion_person_id_fkey"),
            Index("exclusion_person_idx", "school_id", "person_id"),
        )

    @classmethod
    def standing(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID | None = None) -> list[Self]:
        """Those in force at a school; with an app, those that keep people from it."""
        found = select(cls).where(cls.school_id == school_id, cls.ended_at.is_(None))
        if app_id:
            found = found.where(or_(cls.app_id.is_(None), cls.app_id == app_id))
        return list(db.scalars(found.order_by(cls.since, cls.id)))

    def end(self, db: Session, by: uuid.UUID) -> bool:
        """End it, once; False when it had ended already."""
        cls = Exclusion
        ended = update(cls).where(cls.school_id == self.school_id, cls.id == self.id, cls.ended_at.is_(None))
        won = db.execute(ended.values(ended_at=now(), ended_by=by).returning(cls.id)).scalar_one_or_none() is not None
        db.refresh(self)
        return won
