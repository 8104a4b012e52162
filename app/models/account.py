"""A person who signs in: account, memberships with roles, second steps, sessions."""

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, delete, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session as Database
from app.models.base import Base, ago, new_id, now

ADMIN, DPO, IT, READ_ONLY = "Admin", "DPO", "IT", "Read-only"
CALLER, APPROVER, OPERATOR_ADMIN = "caller", "approver", "admin"
PARTNER_USER = "partner user"
# What the roles at a school may do; each route of the school names one of these.
EVERYBODY = (ADMIN, DPO, IT, READ_ONLY)
DECIDING = (ADMIN,)  # grant, change, renew, resume, revoke, manage people
STOPPING = (ADMIN, DPO)  # pause, freeze, ask for deletion
SENDING = (ADMIN, IT)  # uploads, agents, what columns mean
READING = (ADMIN, DPO, READ_ONLY)  # ledger, receipts, exports: what was read, and where from
TECHNICAL = (ADMIN, IT)  # agents and what they need
CODE, CHANGE_PASSWORD, ENROL, DONE = "code", "change-password", "enrol", "done"


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
        """Live accounts that a username (with or without its slash) or an e-mail address names; at most three.

        A username comes first; of several accounts with one address, the newest.
        """
        name = login.strip().lower()
        is_username = cls.username == name.replace("/", "").replace(" ", "")
        found = select(cls).where(or_(is_username, cls.email == name), cls.ended_at.is_(None))
        order = (is_username.is_(True).desc(), cls.created_at.desc(), cls.id.desc())
        return list(db.scalars(found.order_by(*order).limit(3)))

    @classmethod
    def operator_of(cls, db: Database, email: str) -> tuple[Self, "Membership"] | None:
        """The live operator with this e-mail address, and what role they have."""
        found = (
            select(cls, Membership)
            .join(Membership, Membership.account_id == cls.id)
            .where(cls.email == email.lower(), cls.ended_at.is_(None), Membership.ended_at.is_(None))
            .where(Membership.school_id.is_(None), Membership.partner_id.is_(None))
        )
        row = db.execute(found).first()
        return (row[0], row[1]) if row else None

    @property
    def first_password_ran_out(self) -> bool:
        """Whether the generated password was not used in time."""
        return self.password_expires_at is not None and self.password_expires_at <= now()

    def set_password(self, db: Database, before: str, hashed: str) -> bool:
        """Put the person's own password in the place of `before`; False when that is not the password any more."""
        changed = (
            update(Account)
            .where(Account.id == self.id, Account.password_hash == before, Account.ended_at.is_(None))
            .values(password_hash=hashed, password_set_at=now(), password_must_change=False, password_expires_at=None)
            .returning(Account.id)
        )
        won = db.execute(changed).scalar_one_or_none() is not None
        if won:
            db.refresh(self)
        return won

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

    @classmethod
    def names(cls, db: Database, account_ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
        """Who these accounts are."""
        wanted = {account_id for account_id in account_ids if account_id}
        return {row.id: row.name for row in db.execute(select(cls.id, cls.name).where(cls.id.in_(wanted)))}


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
    """An authenticator that an account has shown to work. `last_step` makes every TOTP time step work once."""

    __tablename__ = "second_step"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10), default="totp")
    sealed: Mapped[str] = mapped_column(Text, doc="The TOTP seed (base 32), sealed for purpose 'totp'")
    last_step: Mapped[int] = mapped_column(default=0)
    confirmed_at: Mapped[dt.datetime] = mapped_column(default=now)

    @classmethod
    def of(cls, db: Database, account_id: uuid.UUID) -> Self | None:
        """The newest authenticator of an account."""
        found = select(cls).where(cls.account_id == account_id).order_by(cls.confirmed_at.desc(), cls.id.desc())
        return db.scalars(found.limit(1)).first()

    @classmethod
    def replace(cls, db: Database, account_id: uuid.UUID, sealed: str, last_step: int) -> Self:
        """Let an account's authenticators be this one alone, its time step `last_step` used up."""
        db.execute(delete(cls).where(cls.account_id == account_id))
        made = cls(account_id=account_id, sealed=sealed, last_step=last_step)
        db.add(made)
        db.flush()
        return made

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
    step: Mapped[str] = mapped_column(String(20), doc="CODE, CHANGE_PASSWORD, ENROL or DONE")
    signed_in_at: Mapped[dt.datetime] = mapped_column(default=now, doc="OpenID Connect auth_time")
    proved_at: Mapped[dt.datetime] = mapped_column(default=now, doc="When the password was last typed")
    seen_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    methods: Mapped[list[str]] = mapped_column(JSON, default=list, doc="RFC 8176 amr values")
    next_path: Mapped[str | None] = mapped_column(Text, doc="Where signing in was to lead; our own paths only")
    school_id: Mapped[uuid.UUID | None] = mapped_column(doc="Which of several schools the person works for now")
    seed_sealed: Mapped[str | None] = mapped_column(Text, doc="A TOTP seed being set up, sealed for purpose 'totp'")
    address: Mapped[str] = mapped_column(Text, default="")
    device: Mapped[str] = mapped_column(Text, default="")

    @classmethod
    def live(cls, db: Database, digest: bytes) -> Self | None:
        """The session of a cookie, unless it ended or ran out; idleness is the caller's to judge."""
        found = select(cls).where(cls.digest == digest, cls.ended_at.is_(None), cls.expires_at > now())
        return db.scalars(found).first()

    @classmethod
    def live_of(cls, db: Database, account_id: uuid.UUID, since: dt.datetime) -> list[Self]:
        """The sessions of an account that were used after `since`, the one used last first."""
        live = (cls.account_id == account_id, cls.ended_at.is_(None), cls.expires_at > now(), cls.seen_at > since)
        return list(db.scalars(select(cls).where(*live).order_by(cls.seen_at.desc(), cls.digest)))

    def advance(self, db: Database, digest: bytes, step: str, **values: Any) -> Self | None:
        """Go on to `step` under a new id; None when another request took this session on, or ended it, before."""
        moved = (
            update(Session)
            .where(Session.digest == self.digest, Session.step == self.step, Session.ended_at.is_(None))
            .values(digest=digest, step=step, seen_at=now(), **values)
            .returning(Session.digest)
            .execution_options(synchronize_session=False)  # the row changes its primary key
        )
        won = db.execute(moved).scalar_one_or_none() is not None
        return db.get(type(self), digest) if won else None

    def seen(self, db: Database) -> None:
        """Note that its browser was here, at most once a minute."""
        fresh = (Session.digest == self.digest, Session.ended_at.is_(None), Session.seen_at <= ago(60))
        db.execute(update(Session).where(*fresh).values(seen_at=now()))

    def end(self, db: Database) -> None:
        db.execute(update(Session).where(Session.digest == self.digest).values(ended_at=now()))

    @classmethod
    def end_all(cls, db: Database, account_id: uuid.UUID, but: bytes | None = None) -> None:
        """Sign an account out everywhere, or everywhere but in the session with this digest."""
        ended = update(cls).where(cls.account_id == account_id, cls.ended_at.is_(None)).values(ended_at=now())
        db.execute(ended.where(cls.digest != but) if but else ended)
