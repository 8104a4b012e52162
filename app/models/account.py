"""A person who signs in: account, memberships with roles, second steps, sessions."""

import datetime as dt
import uuid
from typing import Any, Self

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session as Database
from app.models.base import Base, new_id, now

ADMIN, DPO, IT, READ_ONLY = "Admin", "DPO", "IT", "Read-only"
CALLER, APPROVER, OPERATOR_ADMIN = "caller", "approver", "admin"
PARTNER_USER = "partner user"


class Account(Base):
    """A person. Two accounts may share an address: every registration is a tenant of its own with its own username."""

    __tablename__ = "account"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    username: Mapped[str | None] = mapped_column(Text, unique=True, doc="Estab Admins: the DfE number or the URN")
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text, index=True, doc="Lower case")
    mobile: Mapped[str | None] = mapped_column(String(20), doc="E.164")
    password_hash: Mapped[str] = mapped_column(Text)
    password_set_at: Mapped[dt.datetime] = mapped_column(default=now)
    password_must_change: Mapped[bool] = mapped_column(default=False)
    password_expires_at: Mapped[dt.datetime | None] = mapped_column(doc="Generated passwords only")
    needs_second_step: Mapped[bool] = mapped_column(default=True, doc="False only for ENVIRONMENT=test's one account")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    ended_at: Mapped[dt.datetime | None]

    @classmethod
    def by_login(cls, db: Database, login: str) -> list[Self]:
        """Live accounts that a username (with or without its slash) or an e-mail address names; at most three."""
        name = login.strip().lower()
        matches = or_(cls.username == name.replace("/", "").replace(" ", ""), cls.email == name)
        return list(db.scalars(select(cls).where(matches, cls.ended_at.is_(None)).order_by(cls.created_at).limit(3)))

    @classmethod
    def of_school(cls, db: Database, school_id: uuid.UUID, role: str | None = None) -> list[Self]:
        """The people of a school, oldest first; only those with `role` when given."""
        found = (
            select(cls)
            .join(Membership, Membership.account_id == cls.id)
            .where(Membership.school_id == school_id, Membership.ended_at.is_(None), cls.ended_at.is_(None))
        )
        if role:
            found = found.where(Membership.role == role)
        return list(db.scalars(found.order_by(cls.created_at)))


class Membership(Base):
    """What one account may do for a school, for a partner, or (neither given) as an operator of the onboarding team."""

    __tablename__ = "membership"
    __table_args__ = (CheckConstraint("school_id IS NULL OR partner_id IS NULL", name="one_home"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    school_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("school.id"), index=True)
    partner_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("partner.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    ended_at: Mapped[dt.datetime | None]

    @classmethod
    def of(cls, db: Database, account_id: uuid.UUID) -> list[Self]:
        """The live memberships of an account, oldest first."""
        found = select(cls).where(cls.account_id == account_id, cls.ended_at.is_(None)).order_by(cls.created_at, cls.id)
        return list(db.scalars(found))

    @property
    def is_operator(self) -> bool:
        return self.school_id is None and self.partner_id is None


class SecondStep(Base):
    """A confirmed or pending authenticator of an account. `last_step` makes every TOTP time step work once."""

    __tablename__ = "second_step"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10), default="totp")
    sealed: Mapped[str] = mapped_column(Text, doc="The TOTP seed (base 32), sealed for purpose 'totp'")
    last_step: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    confirmed_at: Mapped[dt.datetime | None]

    @classmethod
    def of(cls, db: Database, account_id: uuid.UUID, confirmed: bool = True) -> Self | None:
        """The newest authenticator of an account, confirmed or still being set up."""
        wanted = cls.confirmed_at.is_not(None) if confirmed else cls.confirmed_at.is_(None)
        newest = select(cls).where(cls.account_id == account_id, wanted).order_by(cls.created_at.desc(), cls.id.desc())
        return db.scalars(newest.limit(1)).first()

    def spend(self, db: Database, step: int) -> bool:
        """Use up a time step; False when it, or a later one, was used already."""
        spent = (
            update(SecondStep)
            .where(SecondStep.id == self.id, SecondStep.last_step < step)
            .values(last_step=step)
            .returning(SecondStep.id)
        )
        return db.execute(spent).scalar_one_or_none() is not None


class Session(Base):
    """A browser that signed in. The cookie holds a secret, the row its digest; `step` names what is still to do."""

    __tablename__ = "session"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    step: Mapped[str] = mapped_column(String(20), doc="'code', 'change-password', 'enrol' or 'done'")
    signed_in_at: Mapped[dt.datetime] = mapped_column(default=now, doc="OpenID Connect auth_time")
    seen_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    methods: Mapped[list[str]] = mapped_column(JSON, default=list, doc="RFC 8176 amr values")
    next_path: Mapped[str | None] = mapped_column(Text, doc="Where signing in was to lead; our own paths only")
    address: Mapped[str] = mapped_column(Text, default="")
    device: Mapped[str] = mapped_column(Text, default="")

    @classmethod
    def live(cls, db: Database, digest: bytes) -> Self | None:
        """The session of a cookie, unless it ended or ran out; idleness is the caller's to judge."""
        return db.scalars(
            select(cls).where(cls.digest == digest, cls.ended_at.is_(None), cls.expires_at > now())
        ).first()

    @classmethod
    def end_all(cls, db: Database, account_id: uuid.UUID, *more: Any) -> None:
        """Sign an account out everywhere; `more` narrows which sessions."""
        db.execute(
            update(cls).where(cls.account_id == account_id, cls.ended_at.is_(None), *more).values(ended_at=now())
        )
