"""A school's yes to one app."""

import datetime as dt
import uuid
from typing import Self

from sqlalchemy import JSON, ForeignKey, Index, String, Text, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import Base, new_id, now

REVOKED, EXPIRED, REPLACED = "revoked", "expired", "replaced"


class Authorisation(Base):
    """A school's yes to one app, for the scopes it names, until a day it knows; its id is OAuth's `grant_id`.

    At most one is active for a school and an app. It ends (expired, revoked, replaced) and is never deleted: a school
    may ask years later who agreed to what.
    """

    __tablename__ = "authorisation"
    __table_args__ = (
        Index(
            "authorisation_active_key",
            "school_id",
            "app_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"))
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"), index=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    granted_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    granted_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    ended_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    end_reason: Mapped[str | None] = mapped_column(String(20))
    paused_at: Mapped[dt.datetime | None]
    resumes_on: Mapped[dt.date | None]
    pause_reason: Mapped[str | None] = mapped_column(Text)
    last_read_at: Mapped[dt.datetime | None]

    @classmethod
    def active(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> Self | None:
        """The authorisation in force between a school and an app."""
        found = select(cls).where(
            cls.school_id == school_id, cls.app_id == app_id, cls.ended_at.is_(None), cls.expires_at > now()
        )
        return db.scalars(found).first()

    @classmethod
    def of_school(cls, db: Session, school_id: uuid.UUID) -> list[Self]:
        """Every authorisation of a school, ended ones included, newest first."""
        return list(db.scalars(select(cls).where(cls.school_id == school_id).order_by(cls.granted_at.desc(), cls.id)))

    def end(self, db: Session, reason: str, by: uuid.UUID | None) -> bool:
        """End it once; False when it had ended already."""
        ended = (
            update(Authorisation)
            .where(Authorisation.id == self.id, Authorisation.ended_at.is_(None))
            .values(ended_at=now(), end_reason=reason, ended_by=by)
            .returning(Authorisation.id)
        )
        won = db.execute(ended).scalar_one_or_none() is not None
        db.refresh(self)
        return won
