"""A school's yes to one app."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, Index, String, Text, func, or_, select, text, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Session, withdrawn
from app.models import token
from app.models.account import Account
from app.models.base import Base, ahead, new_id, now, today
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
    years: Mapped[list[str] | None] = mapped_column(
        JSON(none_as_null=True), doc="The NC years whose pupils it covers; None for every one"
    )
    last_read_at: Mapped[dt.datetime | None] = mapped_column(doc="To the minute: see `mark_read`")

    app: Mapped[App] = relationship(lazy="joined", innerjoin=True)
    granter: Mapped[Account] = relationship(foreign_keys=[granted_by], lazy="joined", innerjoin=True)

    def cover(self, db: Session, years: list[str] | None) -> bool:
        """Let it be about pupils of these NC years alone, or (None) of every one; False when it is so already."""
        if self.years == years:
            return False
        self.years = years
        db.flush()
        withdrawn(db)
        return True

    @property
    def is_active(self) -> bool:
        return self.ended_at is None and self.expires_at > now()

    @property
    def state(self) -> str:
        """One word for a page: Active, Paused, Expired, Revoked, Returned or, once, Replaced."""
        if self.is_active:
            return "Paused" if self.is_paused else "Active"
        return (self.end_reason or EXPIRED).capitalize()

    @property
    def is_paused(self) -> bool:
        """Paused, and the day on which it resumes by itself has not come."""
        return self.paused_at is not None and (self.resumes_on is None or today() < self.resumes_on)

    @property
    def decided_at(self) -> dt.datetime:
        """When an Admin last said what it covers, or that it is still wanted."""
        return max(self.granted_at, self.reviewed_at or self.granted_at)

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
    def known_since(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> dt.datetime:
        """When a school first let an app in."""
        found = select(func.min(cls.granted_at)).where(cls.school_id == school_id, cls.app_id == app_id)
        return db.execute(found).scalar_one()

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
    def listed(
        cls, db: Session, app_id: uuid.UUID, before: uuid.UUID | None, most: int
    ) -> list[tuple[Self, School, Establishment | None]]:
        """An app's authorisations, ended ones included, newest first from behind `before`, each with its school."""
        found = (
            select(cls, School, Establishment)
            .join(School, School.id == cls.school_id)
            .outerjoin(Establishment, Establishment.urn == School.urn)
            .where(cls.app_id == app_id)
        )
        if before:
            found = found.where(cls.id < before)
        return [(row[0], row[1], row[2]) for row in db.execute(found.order_by(cls.id.desc()).limit(most))]

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
        moved = {} if until == self.expires_at else {"reminded_days": None}
        won = self._change(db, scopes=scopes, expires_at=until, reviewed_at=now(), **moved)
        if won and lost:
            token.take_away(db, self.id, lost)
            withdrawn(db)
        return won

    def renew(self, db: Session, before: dt.datetime, until: dt.datetime) -> bool:
        """Move the end from the one day to the other; False when it is not what it was, or has come."""
        still = (Authorisation.expires_at == before, Authorisation.expires_at > now())
        return self._change(db, *still, expires_at=until, reminded_days=None, reviewed_at=now())

    def confirm(self, db: Session) -> bool:
        """Note that an Admin says it is still wanted; False when it ended meanwhile."""
        return self._change(db, reviewed_at=now(), reconfirm_since=None, reconfirm_reason=None)

    def pause(self, db: Session, by: uuid.UUID, reason: str, resumes_on: dt.date | None) -> bool:
        """Let it open nothing before that day, or before it is resumed; False when it is paused already, or over."""
        runs = or_(Authorisation.paused_at.is_(None), Authorisation.resumes_on <= today())
        values = {"paused_at": now(), "paused_by": by, "pause_reason": reason, "resumes_on": resumes_on}
        won = self._change(db, runs, Authorisation.expires_at > now(), **values)
        if won:
            withdrawn(db)
        return won

    def resume(self, db: Session) -> bool:
        """End this pause; False when another did so before."""
        same = (Authorisation.paused_at.is_not(None), Authorisation.paused_at == self.paused_at)
        return self._change(db, *same, paused_at=None, paused_by=None, pause_reason=None, resumes_on=None)

    def remind(self, db: Session, days: int) -> bool:
        """Note the reminder of so many days before the end; False when that, or a later one, was sent already."""
        unsent = or_(Authorisation.reminded_days.is_(None), Authorisation.reminded_days > days)
        return self._change(db, unsent, reminded_days=days)

    @classmethod
    def to_resume(cls, db: Session, most: int) -> Sequence[Self]:
        """Those whose pause is over by its date, in order of id."""
        over = (cls.paused_at.is_not(None), cls.resumes_on <= today(), cls.expires_at > now())
        return cls._unended(db, most, *over)

    @classmethod
    def to_remind(cls, db: Session, days: int, most: int) -> Sequence[Self]:
        """Those that end within so many days, of which nobody has been reminded yet, in order of id."""
        unsent = or_(cls.reminded_days.is_(None), cls.reminded_days > days)
        return cls._unended(db, most, unsent, cls.expires_at > now(), cls.expires_at <= ahead(days * 86_400))

    @classmethod
    def to_end(cls, db: Session, most: int) -> Sequence[Self]:
        """Those whose last day is over, in order of id."""
        return cls._unended(db, most, cls.expires_at <= now())

    @classmethod
    def _unended(cls, db: Session, most: int, *which: Any) -> Sequence[Self]:
        found = select(cls).where(cls.ended_at.is_(None), *which).order_by(cls.id).limit(most)
        return list(db.scalars(found))

    def _change(self, db: Session, *only: Any, **values: Any) -> bool:
        """Change the row while it is in force and `only` holds; of several callers one sees True."""
        changed = (
            update(Authorisation)
            .where(Authorisation.id == self.id, Authorisation.ended_at.is_(None), *only)
            .values(**values)
            .returning(Authorisation.id)
            .execution_options(synchronize_session=False)  # the row is read anew
        )
        won = db.execute(changed).scalar_one_or_none() is not None
        db.refresh(self)
        return won

    def end(self, db: Session, reason: str, by: uuid.UUID | None) -> bool:
        """End it once, with every token and code that it backs; False when it had ended already."""
        won = self._change(db, ended_at=now(), end_reason=reason, ended_by=by)
        if won:
            token.end_all(db, self.id)
            withdrawn(db)
        return won
