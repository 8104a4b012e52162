"""Getting back in by a texted code, changing an address or a number, and the mail that welcomes a new person."""

import datetime as dt
import uuid
from typing import Self

from sqlalchemy import ColumnElement, ForeignKey, Index, String, Text, delete, func, or_, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.account import Account
from app.models.base import Base, new_id, now, rows_changed

EMAIL, MOBILE = "email", "mobile"
MOST_WRONG = 5  # tries of one code


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

    @classmethod
    def sent_to(cls, db: Session, mobile: str, since: dt.datetime) -> int:
        """How many texts a number was sent since then, by whichever account; who asks next waits until this ends."""
        holders = select(Account.id).where(Account.mobile == mobile).order_by(Account.id)
        ids = list(db.scalars(holders.with_for_update(key_share=True)))
        sent = select(func.count()).where(cls.account_id.in_(ids), cls.created_at > since)
        proofs = select(func.count()).where(ContactChange.after == mobile, ContactChange.created_at > since)
        return (db.scalar(sent) or 0) + (db.scalar(proofs) or 0)

    @classmethod
    def count_try(cls, db: Session, browser: bytes) -> Self | None:
        """Use up one of the five tries of a browser's code before it is looked at; None when there is none left."""
        tried = update(cls).where(*cls._open(browser), cls.right_at.is_(None), cls.wrong_tries < MOST_WRONG)
        return db.scalars(tried.values(wrong_tries=cls.wrong_tries + 1).returning(cls)).first()

    def mark_right(self, db: Session, browser: bytes, until: dt.datetime) -> bool:
        """The code was right: a password may be chosen until then, under another secret. One caller gets True."""
        right = update(ResetCode).where(ResetCode.id == self.id, ResetCode.right_at.is_(None))
        values = {"right_at": now(), "browser_digest": browser, "expires_at": until}
        return db.execute(right.values(**values).returning(ResetCode.id)).scalar_one_or_none() is not None

    @classmethod
    def choosing(cls, db: Session, browser: bytes) -> Self | None:
        """What lets this browser choose a password now."""
        return db.scalars(select(cls).where(*cls._open(browser), cls.right_at.is_not(None))).first()

    def spend(self, db: Session) -> bool:
        """Use it to choose a password, and let no other code of the account be used: the one caller that wins."""
        spent = update(ResetCode).where(ResetCode.id == self.id, ResetCode.used_at.is_(None))
        won = db.execute(spent.values(used_at=now()).returning(ResetCode.id)).scalar_one_or_none() is not None
        if won:
            others = update(ResetCode).where(ResetCode.account_id == self.account_id, ResetCode.used_at.is_(None))
            db.execute(others.values(used_at=now()))
        return won

    @classmethod
    def drop_of(cls, db: Session, browser: bytes) -> None:
        """Let the code that this browser asked for before be dead."""
        db.execute(update(cls).where(*cls._open(browser)).values(used_at=now()))

    @classmethod
    def forget(cls, db: Session, before: dt.datetime) -> int:
        """Delete codes that were sent before then; how many."""
        return rows_changed(db, delete(cls).where(cls.created_at < before))

    @classmethod
    def _open(cls, browser: bytes) -> tuple[ColumnElement[bool], ...]:
        return cls.browser_digest == browser, cls.used_at.is_(None), cls.expires_at > now()


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

    @classmethod
    def hold(cls, db: Session, account_id: uuid.UUID) -> None:
        """Let whoever else begins a change for this account wait until this transaction ends."""
        db.execute(select(Account.id).where(Account.id == account_id).with_for_update(key_share=True))

    @classmethod
    def open_of(cls, db: Session, account_id: uuid.UUID) -> list[Self]:
        """What waits for proof or for its time, by kind; what ran out waits for nothing."""
        waiting = or_(cls.proved_at.is_not(None), cls.expires_at > now())
        found = select(cls).where(cls.account_id == account_id, cls.ended_at.is_(None), waiting)
        return list(db.scalars(found.order_by(cls.kind)))

    @classmethod
    def by_proof(cls, db: Session, kind: str, digest: bytes) -> Self | None:
        """The change that a link proves now."""
        return db.scalars(select(cls).where(cls.kind == kind, cls.proof_digest == digest, *cls._unproved())).first()

    @classmethod
    def by_stop(cls, db: Session, digest: bytes) -> Self | None:
        """The change that this link may stop now."""
        return db.scalars(select(cls).where(cls.stop_digest == digest, cls.ended_at.is_(None))).first()

    @classmethod
    def count_try(cls, db: Session, account_id: uuid.UUID) -> Self | None:
        """Use up one of the five tries of the code for a new mobile before it is looked at; None: none is left."""
        mine = (cls.account_id == account_id, cls.kind == MOBILE, cls.wrong_tries < MOST_WRONG)
        tried = update(cls).where(*mine, *cls._unproved()).values(wrong_tries=cls.wrong_tries + 1)
        return db.scalars(tried.returning(cls)).first()

    def prove(self, db: Session, takes_effect_at: dt.datetime) -> bool:
        """The new one is theirs: one caller gets True."""
        proved = update(ContactChange).where(ContactChange.id == self.id, *self._unproved())
        values = {"proved_at": now(), "takes_effect_at": takes_effect_at}
        return db.execute(proved.values(**values).returning(ContactChange.id)).scalar_one_or_none() is not None

    def end(self, db: Session, outcome: str) -> bool:
        """Let it be over; False when it was before."""
        ended = update(ContactChange).where(ContactChange.id == self.id, ContactChange.ended_at.is_(None))
        values = {"ended_at": now(), "outcome": outcome}
        return db.execute(ended.values(**values).returning(ContactChange.id)).scalar_one_or_none() is not None

    @classmethod
    def stop_all(cls, db: Session, account_id: uuid.UUID) -> None:
        """Stop whatever is under way for an account."""
        mine = update(cls).where(cls.account_id == account_id, cls.ended_at.is_(None))
        db.execute(mine.values(ended_at=now(), outcome="stopped"))

    @classmethod
    def expire(cls, db: Session, account_id: uuid.UUID | None = None) -> int:
        """End what was not proved in time, of one account or of all; how many."""
        late = update(cls).where(cls.ended_at.is_(None), cls.proved_at.is_(None), cls.expires_at <= now())
        late = late.where(cls.account_id == account_id) if account_id else late
        return rows_changed(db, late.values(ended_at=now(), outcome="expired"))

    @classmethod
    def due(cls, db: Session, most: int) -> list[Self]:
        """What takes effect now, longest waiting first."""
        found = select(cls).where(cls.ended_at.is_(None), cls.takes_effect_at <= now())
        return list(db.scalars(found.order_by(cls.takes_effect_at, cls.id).limit(most)))

    @classmethod
    def cooling(cls, db: Session, account_id: uuid.UUID, since: dt.datetime) -> bool:
        """Whether the account got its mobile number after `since`."""
        lately = (cls.account_id == account_id, cls.kind == MOBILE, cls.outcome == "done", cls.ended_at > since)
        return db.scalars(select(cls.id).where(*lately).limit(1)).first() is not None

    @classmethod
    def forget(cls, db: Session, before: dt.datetime) -> int:
        """Delete what ended before then, with the addresses and numbers in it; how many."""
        return rows_changed(db, delete(cls).where(cls.ended_at < before))

    @classmethod
    def _unproved(cls) -> tuple[ColumnElement[bool], ...]:
        return cls.ended_at.is_(None), cls.proved_at.is_(None), cls.expires_at > now()


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

    @classmethod
    def open_for(cls, db: Session, partner_id: uuid.UUID) -> list[Self]:
        """As `open_at`, for a partner."""
        found = select(cls).where(cls.partner_id == partner_id, cls.ended_at.is_(None))
        return list(db.scalars(found.order_by(cls.sent_at, cls.id)))

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
