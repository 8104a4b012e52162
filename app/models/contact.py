"""Getting back in by a texted code, changing an address or a number, and the mail that welcomes a new person."""

import datetime as dt
import uuid
from typing import Self

from sqlalchemy import ForeignKey, Index, String, Text, or_, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import Base, new_id, now

EMAIL, MOBILE = "email", "mobile"


class ResetCode(Base):
    """A code that was texted to an account's mobile to choose another password. Five wrong tries kill it."""

    __tablename__ = "reset_code"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    browser_digest: Mapped[bytes] = mapped_column(doc="Of the secret in the browser that asked for it")
    code_digest: Mapped[bytes] = mapped_column(doc="Keyed: six digits alone could be guessed from a plain digest")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime]
    wrong_tries: Mapped[int] = mapped_column(default=0)
    right_at: Mapped[dt.datetime | None] = mapped_column(doc="The code was typed right: a password may be chosen")
    used_at: Mapped[dt.datetime | None]


class ContactChange(Base):
    """Another address or mobile number for an account, told to the old one, which may stop it for 24 hours."""

    __tablename__ = "contact_change"
    __table_args__ = (
        Index(
            "contact_change_open_key",
            "account_id",
            "kind",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10), doc="EMAIL or MOBILE")
    before: Mapped[str] = mapped_column(Text)
    after: Mapped[str] = mapped_column(Text)
    proof_digest: Mapped[bytes] = mapped_column(doc="Of the link or code that shows who has the new one")
    stop_digest: Mapped[bytes] = mapped_column(unique=True, doc="Of the link that the old one may stop it by")
    wrong_tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime] = mapped_column(doc="Until when the new one must be shown to be theirs")
    proved_at: Mapped[dt.datetime | None]
    takes_effect_at: Mapped[dt.datetime | None] = mapped_column(index=True)
    ended_at: Mapped[dt.datetime | None] = mapped_column(doc="It took effect, was stopped, or ran out")
    outcome: Mapped[str | None] = mapped_column(String(10), doc="'done', 'stopped' or 'expired'")


class Welcome(Base):
    """A mailed link with which one more person sets up their account, for a school, a partner or the onboarding team.

    `account_id` names somebody who has an account already and only gets the role.
    """

    __tablename__ = "welcome"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    link_digest: Mapped[bytes] = mapped_column(unique=True)
    school_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("school.id"), index=True)
    partner_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("partner.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    sent_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    sent_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None] = mapped_column(doc="It was followed to its end, or withdrawn")
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))

    @property
    def is_open(self) -> bool:
        return self.ended_at is None and self.expires_at > now()

    @classmethod
    def by_link(cls, db: Session, digest: bytes) -> Self | None:
        """The welcome that a link was mailed for, whether or not the link still works."""
        return db.scalars(select(cls).where(cls.link_digest == digest)).first()

    @classmethod
    def open_at(cls, db: Session, school_id: uuid.UUID) -> list[Self]:
        """The people whom a school waits for, and those who let their link run out; withdrawn ones are gone."""
        found = select(cls).where(cls.school_id == school_id, cls.ended_at.is_(None)).order_by(cls.sent_at, cls.id)
        return list(db.scalars(found))

    @classmethod
    def at_school(cls, db: Session, welcome_id: uuid.UUID, school_id: uuid.UUID) -> Self | None:
        """One of this school's that was not followed or withdrawn; another school's is None, as if it were absent."""
        mine = select(cls).where(cls.id == welcome_id, cls.school_id == school_id, cls.ended_at.is_(None))
        return db.scalars(mine).first()

    def spend(self, db: Session) -> bool:
        """Follow the link to its end: the one caller that wins gets True."""
        spent = (
            update(Welcome)
            .where(Welcome.id == self.id, Welcome.link_digest == self.link_digest)
            .where(Welcome.ended_at.is_(None), Welcome.expires_at > now())
            .values(ended_at=now())
            .returning(Welcome.id)
        )
        return db.execute(spent).scalar_one_or_none() is not None

    def withdraw(self, db: Session) -> bool:
        """End it unused; False when it was followed, or withdrawn, before."""
        ended = update(Welcome).where(Welcome.id == self.id, Welcome.ended_at.is_(None)).values(ended_at=now())
        return db.execute(ended.returning(Welcome.id)).scalar_one_or_none() is not None

    def renew(self, db: Session, digest: bytes, until: dt.datetime) -> bool:
        """Let the newest link be this one, and the one before be dead; False when it was followed, or withdrawn."""
        renewed = (
            update(Welcome)
            .where(Welcome.id == self.id, Welcome.ended_at.is_(None))
            .values(link_digest=digest, sent_at=now(), expires_at=until)
            .returning(Welcome.id)
        )
        return db.execute(renewed).scalar_one_or_none() is not None

    @classmethod
    def end_of(cls, db: Session, school_id: uuid.UUID, account_id: uuid.UUID, email: str) -> None:
        """Let no link work at a school any more that a person was sent, or that they sent."""
        theirs = or_(cls.account_id == account_id, cls.sent_by == account_id, cls.email == email)
        mine = (cls.school_id == school_id, cls.ended_at.is_(None), theirs)
        db.execute(update(cls).where(*mine).values(ended_at=now()))
