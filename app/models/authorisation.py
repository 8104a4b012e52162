"""A school's yes to one app."""

import datetime as dt
import uuid
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, Index, String, Text, or_, select, text, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Session, withdrawn
from app.models import token
from app.models.account import Account
from app.models.base import Base, new_id, now
from app.models.establishment import Establishment
from app.models.partner import App
from app.models.school import School

REVOKED, RETURNED, EXPIRED = "revoked", "returned", "expired"
REPLACED = "replaced"  # in rows from before an authorisation could change and keep its id


class Authorisation(Base):
    """A school's yes to one app, for the scopes it names, until a day it knows; its id is OAuth's `grant_id`.

    At most one is active for a school and an app. Its scopes may change while it is in force. It ends (expired, revoked
    by the school, returned by the app) and is never deleted: a school may ask years later who agreed to what.
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
    paused_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    terms: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSON, doc="What was agreed to, word for word: rows of {scope, title, purpose, required, legal_basis}"
    )
    reminded_days: Mapped[int | None] = mapped_column(doc="The last reminder of the end was sent this many days before")
    reviewed_at: Mapped[dt.datetime | None] = mapped_column(doc="An Admin last said that it is still wanted")
    reconfirm_since: Mapped[dt.datetime | None] = mapped_column(doc="An Admin should say again that it is wanted")
    reconfirm_reason: Mapped[str | None] = mapped_column(String(20), doc="'admin left' or 'conversion'")
    carried_from: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("authorisation.id"), doc="That of the school before its conversion to an academy"
    )
    last_read_at: Mapped[dt.datetime | None] = mapped_column(doc="To the minute: see `mark_read`")

    app: Mapped[App] = relationship(lazy="joined", innerjoin=True)
    granter: Mapped[Account] = relationship(foreign_keys=[granted_by], lazy="joined", innerjoin=True)

    @property
    def is_active(self) -> bool:
        return self.ended_at is None and self.expires_at > now()

    @property
    def state(self) -> str:
        """One word for a page: Active, Paused, Expired, Revoked, Returned or, once, Replaced."""
        if self.is_active:
            paused = self.paused_at and (self.resumes_on is None or now().date() < self.resumes_on)
            return "Paused" if paused else "Active"
        return (self.end_reason or EXPIRED).capitalize()

    @property
    def over_at(self) -> dt.datetime:
        """When it ended, or will end."""
        return min(self.ended_at or self.expires_at, self.expires_at)

    @classmethod
    def active(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> Self | None:
        """The authorisation in force between a school and an app."""
        found = select(cls).where(
            cls.school_id == school_id, cls.app_id == app_id, cls.ended_at.is_(None), cls.expires_at > now()
        )
        return db.scalars(found).first()

    @classmethod
    def unended(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> Self | None:
        """The authorisation that the next one has to end first: in force, or expired without anyone having noted it."""
        found = select(cls).where(cls.school_id == school_id, cls.app_id == app_id, cls.ended_at.is_(None))
        return db.scalars(found.execution_options(populate_existing=True)).first()

    @classmethod
    def of_school(cls, db: Session, school_id: uuid.UUID) -> list[Self]:
        """Every authorisation of a school, ended ones included, newest first."""
        return list(db.scalars(select(cls).where(cls.school_id == school_id).order_by(cls.granted_at.desc(), cls.id)))

    @classmethod
    def to_app(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> list[Self]:
        """Every authorisation that a school has ever given one app, newest first."""
        found = select(cls).where(cls.school_id == school_id, cls.app_id == app_id)
        return list(db.scalars(found.order_by(cls.granted_at.desc(), cls.id)))

    @classmethod
    def at_school(cls, db: Session, authorisation_id: uuid.UUID, school_id: uuid.UUID) -> Self | None:
        """One authorisation of this school; another school's is None, as if it were absent."""
        return db.scalars(select(cls).where(cls.id == authorisation_id, cls.school_id == school_id)).first()

    @classmethod
    def of_app(cls, db: Session, authorisation_id: uuid.UUID, app_id: uuid.UUID) -> Self | None:
        """One authorisation of this app, ended or not; another app's is None, as if it were absent."""
        return db.scalars(select(cls).where(cls.id == authorisation_id, cls.app_id == app_id)).first()

    @classmethod
    def with_school(cls, db: Session, authorisation_id: uuid.UUID) -> tuple[Self, School, Establishment | None] | None:
        """An authorisation, its school and that school's record in the register, by one look."""
        found = (
            select(cls, School, Establishment)
            .join(School, School.id == cls.school_id)
            .outerjoin(Establishment, Establishment.urn == School.urn)
            .where(cls.id == authorisation_id)
        )
        row = db.execute(found).first()
        return (row[0], row[1], row[2]) if row else None

    @classmethod
    def mark_read(cls, db: Session, authorisation_ids: set[uuid.UUID]) -> None:
        """Note that data was read under these just now; a note less than a minute old stands."""
        minute_ago = now() - dt.timedelta(minutes=1)
        stale = or_(cls.last_read_at.is_(None), cls.last_read_at < minute_ago)
        db.execute(update(cls).where(cls.id.in_(authorisation_ids), stale).values(last_read_at=now()))

    def change(self, db: Session, scopes: list[str], until: dt.datetime) -> bool:
        """Let it cover these scopes, until that day; False when it ended meanwhile.

        Tokens and codes lose what is no longer granted, and gain nothing.
        """
        lost = set(self.scopes) - set(scopes)
        changed = (
            update(Authorisation)
            .where(Authorisation.id == self.id, Authorisation.ended_at.is_(None))
            .values(scopes=scopes, expires_at=until)
            .returning(Authorisation.id)
        )
        won = db.execute(changed).scalar_one_or_none() is not None
        if won and lost:
            token.take_away(db, self.id, lost)
            withdrawn(db)
        db.refresh(self)
        return won

    def end(self, db: Session, reason: str, by: uuid.UUID | None) -> bool:
        """End it once, with every token and code that it backs; False when it had ended already."""
        ended = (
            update(Authorisation)
            .where(Authorisation.id == self.id, Authorisation.ended_at.is_(None))
            .values(ended_at=now(), end_reason=reason, ended_by=by)
            .returning(Authorisation.id)
        )
        won = db.execute(ended).scalar_one_or_none() is not None
        if won:
            token.end_all(db, self.id)
            withdrawn(db)
        db.refresh(self)
        return won
