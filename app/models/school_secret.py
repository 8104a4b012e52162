"""The secret by which a partner's Groupcall-style client speaks for one authorisation, and its way to the partner."""

import datetime as dt
import uuid
from typing import Any, Self

from sqlalchemy import ColumnElement, ForeignKey, Text, func, or_, select, update
from sqlalchemy.orm import Mapped, aliased, mapped_column

from app.db import Session
from app.models.authorisation import Authorisation
from app.models.base import Base, now
from app.models.lease import Leased
from app.models.partner import App
from app.models.school import School


class SchoolSecret(Base):
    """A secret for one authorisation, stored as SHA-256. While a new one is on its way the one before still works."""

    __tablename__ = "school_secret"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    authorisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("authorisation.id"), index=True)
    made_at: Mapped[dt.datetime] = mapped_column(default=now)
    ended_at: Mapped[dt.datetime | None]

    @classmethod
    def end_others(cls, db: Session, authorisation_id: uuid.UUID, but: bytes) -> None:
        """End every secret of an authorisation but this one."""
        mine = (cls.authorisation_id == authorisation_id, cls.digest != but, cls.ended_at.is_(None))
        ended = update(cls).where(*mine).values(ended_at=now())
        db.execute(ended, execution_options={"synchronize_session": False})

    @classmethod
    def end(cls, db: Session, digest: bytes) -> None:
        ended = update(cls).where(cls.digest == digest, cls.ended_at.is_(None)).values(ended_at=now())
        db.execute(ended, execution_options={"synchronize_session": False})


class HandOver(Leased, Base):
    """A form on its way to an app's authorisation callback, with a new secret in it, sealed; erased on delivery."""

    __tablename__ = "hand_over"

    authorisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("authorisation.id"), index=True)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"), index=True)
    secret_digest: Mapped[bytes]
    sealed: Mapped[str | None] = mapped_column(Text, doc="JSON of the form's fields, sealed 'hand over'")
    delivered_at: Mapped[dt.datetime | None]
    last_status: Mapped[int | None]

    @classmethod
    def due(cls, db: Session, most: int) -> list[Self]:
        """What should be sent now, of each app the one that waits longest: one that hangs delays its own alone."""
        first = (
            select(cls.id, func.row_number().over(partition_by=cls.app_id, order_by=(cls.next_try_at, cls.id)))
            .where(cls.next_try_at <= now())
            .subquery()
        )
        mine = aliased(cls)
        found = select(mine).join(first, first.c.id == mine.id).where(first.c[1] == 1)
        return list(db.scalars(found.order_by(mine.next_try_at, mine.id).limit(most)))

    @classmethod
    def latest(cls, db: Session, app_id: uuid.UUID, most: int) -> list[tuple[Self, str]]:
        """The newest of each authorisation of an app, those first that have not arrived, with the school's name."""
        newest = (
            select(cls.id, func.row_number().over(partition_by=cls.authorisation_id, order_by=_newest_first(cls)))
            .where(cls.app_id == app_id)
            .subquery()
        )
        mine = aliased(cls)
        found = (
            select(mine, School.name)
            .join(newest, newest.c.id == mine.id)
            .join(Authorisation, Authorisation.id == mine.authorisation_id)
            .join(School, School.id == Authorisation.school_id)
            .where(newest.c[1] == 1)
        )
        rows = db.execute(found.order_by(mine.delivered_at.is_not(None), *_newest_first(mine)).limit(most))
        return [(row[0], row[1]) for row in rows]

    @classmethod
    def times(cls, db: Session, app_id: uuid.UUID) -> tuple[dt.datetime | None, dt.datetime | None]:
        """When an app last took one, and since when one waits that it did not take."""
        taken = db.scalar(select(func.max(cls.delivered_at)).where(cls.app_id == app_id))
        failing = (cls.app_id == app_id, cls.next_try_at.is_not(None), cls.last_error.is_not(None))
        return taken, db.scalar(select(func.min(cls.created_at)).where(*failing))

    @classmethod
    def waiting_secrets(cls, db: Session, authorisation_id: uuid.UUID) -> list[bytes]:
        """Digests of the secrets that are still on their way for an authorisation."""
        waiting = (cls.authorisation_id == authorisation_id, cls.next_try_at.is_not(None))
        return list(db.scalars(select(cls.secret_digest).where(*waiting)))

    @classmethod
    def drop(cls, db: Session, authorisation_id: uuid.UUID, error: str) -> None:
        """Let nothing that waits for an authorisation leave any more, and erase it."""
        waiting = update(cls).where(cls.authorisation_id == authorisation_id, cls.next_try_at.is_not(None))
        gone = {"next_try_at": None, "failed_at": now(), "last_error": error, "sealed": None}
        db.execute(waiting.values(gone), execution_options={"synchronize_session": False})

    @property
    def state(self) -> str:
        """One word for a page: Delivered, Failed (given up), Trying again or Waiting."""
        if self.delivered_at:
            return "Delivered"
        return "Failed" if self.failed_at else "Trying again" if self.last_error else "Waiting"

    def mark_delivered(self, db: Session, status: int) -> bool:
        """It arrived: erase the form. False when it was noted before, or another took its place meanwhile."""
        mine = update(HandOver).where(HandOver.id == self.id, HandOver.next_try_at.is_not(None))
        values = {"delivered_at": now(), "next_try_at": None, "last_error": None, "last_status": status, "sealed": None}
        noted = db.execute(mine.values(values).returning(HandOver.id), execution_options={"synchronize_session": False})
        return noted.scalar_one_or_none() is not None


def _newest_first(of: type[HandOver]) -> tuple[ColumnElement[Any], ...]:
    return of.created_at.desc(), of.id.desc()


def receiving(
    db: Session, *, app_id: uuid.UUID | None = None, school_id: uuid.UUID | None = None
) -> list[Authorisation]:
    """Authorisations in force, of an app or of a school, whose app is handed secrets; in order of id."""
    found = (
        select(Authorisation)
        .join(App, App.id == Authorisation.app_id)
        .where(
            Authorisation.ended_at.is_(None),
            Authorisation.expires_at > now(),
            App.groupcall_at.is_not(None),
            App.authorisation_uri.is_not(None),
            or_(Authorisation.app_id == app_id, Authorisation.school_id == school_id),
        )
    )
    return list(db.scalars(found.order_by(Authorisation.id)))
