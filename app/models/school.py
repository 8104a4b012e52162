"""A registration under way, and the school it becomes. Each registration is a tenant of its own."""

import datetime as dt
import itertools
import uuid
from collections.abc import Collection
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, Index, String, Text, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session, is_sqlite, withdrawn
from app.models.account import Account
from app.models.base import Base, new_id, now
from app.models.establishment import OPEN, Establishment
from app.settings import settings

UNVERIFIED, VERIFIED, REJECTED, SUSPENDED, CLOSED = "Unverified", "Verified", "Rejected", "Suspended", "Closed"


class Registration(Base):
    """A person's claim to be the main administrative user of an establishment, until Signup completes it."""

    __tablename__ = "registration"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    urn: Mapped[int] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    mobile: Mapped[str] = mapped_column(String(20), doc="E.164")
    link_digest: Mapped[bytes | None] = mapped_column(unique=True, doc="The newest link; older ones are dead")
    link_sent_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    completed_at: Mapped[dt.datetime | None]
    school_id: Mapped[uuid.UUID | None]

    @classmethod
    def by_id(cls, db: Session, registration_id: uuid.UUID) -> Self | None:
        return db.get(cls, registration_id)

    @property
    def link_ends_at(self) -> dt.datetime | None:
        return self.link_sent_at and self.link_sent_at + dt.timedelta(seconds=settings.verification_link_seconds)

    @property
    def is_complete(self) -> bool:
        return self.completed_at is not None

    def replace_link(self, db: Session, digest: bytes, email: str, unless_sent_after: dt.datetime) -> bool:
        """Let the newest link be this one, to this address, and every older one be dead.

        False when one was sent to the same address after the given moment, or the registration is complete.
        """
        long_ago = (
            Registration.link_sent_at.is_(None)
            | (Registration.link_sent_at <= unless_sent_after)
            | (Registration.email != email)
        )
        replaced = (
            update(Registration)
            .where(Registration.id == self.id, Registration.completed_at.is_(None), long_ago)
            .values(link_digest=digest, link_sent_at=now(), email=email)
            .returning(Registration.id)
            .execution_options(synchronize_session=False)
        )
        won = db.execute(replaced).scalar_one_or_none() is not None
        db.refresh(self)
        return won

    @classmethod
    def complete(cls, db: Session, digest: bytes, school_id: uuid.UUID, sent_after: dt.datetime) -> Self | None:
        """Spend a link that was sent after that moment: the one caller that wins gets the registration, others None."""
        spent = (
            update(cls)
            .where(cls.link_digest == digest, cls.link_sent_at > sent_after, cls.completed_at.is_(None))
            .values(completed_at=now(), school_id=school_id)
            .returning(cls.id)
        )
        found = db.execute(spent).scalar_one_or_none()
        return db.get(cls, found, populate_existing=True) if found else None


class School(Base):
    """A registered establishment. Several may be Unverified for one URN; at most one is Verified or Suspended."""

    __tablename__ = "school"
    __table_args__ = (
        Index(
            "school_verified_key",
            "urn",
            unique=True,
            sqlite_where=text("status IN ('Verified', 'Suspended')"),
            postgresql_where=text("status IN ('Verified', 'Suspended')"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    urn: Mapped[int] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(Text, doc="The register's name on the day of registration")
    status: Mapped[str] = mapped_column(String(10), default=UNVERIFIED)
    status_reason: Mapped[str | None] = mapped_column(Text)
    status_at: Mapped[dt.datetime] = mapped_column(default=now)
    registered_at: Mapped[dt.datetime] = mapped_column(default=now)
    frozen_at: Mapped[dt.datetime | None] = mapped_column(doc="The school stopped every app at once")
    frozen_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    frozen_reason: Mapped[str | None] = mapped_column(Text, doc="In the words of whoever stopped them")
    checked: Mapped[dict[str, Any] | None] = mapped_column(
        JSON, doc="What the register said when the school was last checked: a later difference is looked at"
    )
    recheck_since: Mapped[dt.datetime | None] = mapped_column(doc="The register has changed since it was checked")
    recheck_reason: Mapped[str | None] = mapped_column(Text)
    reviewed_at: Mapped[dt.datetime | None] = mapped_column(doc="The annual review was last finished")
    is_test: Mapped[bool] = mapped_column(default=False, doc="A seeded test school, the only kind a Test app sees")

    @classmethod
    def by_id(cls, db: Session, school_id: uuid.UUID) -> Self | None:
        return db.get(cls, school_id)

    @classmethod
    def locked(cls, db: Session, school_id: uuid.UUID) -> Self:
        """The school as it is now, kept so until this transaction ends: decisions about one school queue here."""
        # KEY SHARE: rows that merely point to the school may still be written meanwhile.
        found = select(cls).where(cls.id == school_id).with_for_update(key_share=True)
        return db.scalars(found.execution_options(populate_existing=True)).one()

    @classmethod
    def of_urn(cls, db: Session, urn: int) -> list[Self]:
        """Every registration of one establishment, oldest first."""
        return list(db.scalars(select(cls).where(cls.urn == urn).order_by(cls.registered_at, cls.id)))

    @classmethod
    def verified(cls, db: Session, urn: int) -> Self | None:
        """The one school that speaks for this establishment, Suspended ones included."""
        return db.scalars(select(cls).where(cls.urn == urn, cls.status.in_((VERIFIED, SUSPENDED)))).first()

    @classmethod
    def standing(cls, db: Session) -> list[uuid.UUID]:
        """Every Verified and Suspended school."""
        return list(db.scalars(select(cls.id).where(cls.status.in_((VERIFIED, SUSPENDED))).order_by(cls.id)))

    @classmethod
    def taken(cls, db: Session, urns: Collection[int]) -> dict[int, str]:
        """Which of these establishments somebody has registered: URN → Verified or Suspended, else Unverified."""
        standing = (UNVERIFIED, SUSPENDED, VERIFIED)
        rows = db.execute(select(cls.urn, cls.status).where(cls.urn.in_(urns), cls.status.in_(standing)))
        return dict(sorted(((row.urn, row.status) for row in rows), key=lambda row: standing.index(row[1])))

    @staticmethod
    def free_username(db: Session, wanted: str) -> str:
        """That username, or the first of `wanted-2`, `wanted-3`, … that nobody has; nobody else gets it meanwhile."""
        if not is_sqlite:  # where one write unit at a time runs anyway
            db.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"username {wanted}"))))
        found = select(Account.username).where(
            (Account.username == wanted) | Account.username.startswith(f"{wanted}-", autoescape=True)
        )
        used = set(db.scalars(found))
        names = itertools.chain([wanted], (f"{wanted}-{number}" for number in itertools.count(2)))
        return next(name for name in names if name not in used)

    @classmethod
    def first_unregistered(cls, db: Session) -> Establishment:
        """The open establishment with the lowest URN that has a DfE number and that nobody has registered yet."""
        found = select(Establishment).where(
            Establishment.status_code == OPEN,
            Establishment.establishment_number.is_not(None),
            Establishment.postcode.is_not(None),
            Establishment.urn.not_in(select(cls.urn)),
        )
        return db.scalars(found.order_by(Establishment.urn).limit(1)).one()

    def freeze(self, db: Session, by: uuid.UUID, reason: str) -> bool:
        """Let no app read anything until `unfreeze`; False when that is so already."""
        won = self._set_frozen(db, School.frozen_at.is_(None), frozen_at=now(), frozen_by=by, frozen_reason=reason)
        if won:
            withdrawn(db)
        return won

    def unfreeze(self, db: Session) -> bool:
        """Let apps read again what they may; False when nothing is frozen."""
        none = {"frozen_at": None, "frozen_by": None, "frozen_reason": None}
        return self._set_frozen(db, School.frozen_at.is_not(None), **none)

    def _set_frozen(self, db: Session, only: Any, **values: Any) -> bool:
        changed = update(School).where(School.id == self.id, only).values(**values).returning(School.id)
        won = db.execute(changed).scalar_one_or_none() is not None
        db.refresh(self)
        return won

    def move(self, db: Session, before: str, after: str, reason: str | None = None) -> bool:
        """Change the status if it still is `before`; False when another decision came first."""
        changed = (
            update(School)
            .where(School.id == self.id, School.status == before)
            .values(status=after, status_reason=reason, status_at=now())
            .returning(School.id)
        )
        won = db.execute(changed).scalar_one_or_none() is not None
        if won:
            withdrawn(db)
            db.refresh(self)
        return won
