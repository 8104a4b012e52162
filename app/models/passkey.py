"""Second steps beside the authenticator app: passkeys (WebAuthn level 3) and recovery codes."""

import datetime as dt
import uuid
from typing import Self

from sqlalchemy import JSON, ForeignKey, String, Text, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import Base, new_id, now


class Passkey(Base):
    """A key pair of one account; its private half stays in the person's device."""

    __tablename__ = "passkey"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes] = mapped_column(doc="COSE_Key")
    sign_count: Mapped[int] = mapped_column(default=0)
    transports: Mapped[list[str]] = mapped_column(JSON, default=list)
    name: Mapped[str] = mapped_column(Text, doc="What the person calls it")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    last_used_at: Mapped[dt.datetime | None]

    @classmethod
    def of(cls, db: Session, account_id: uuid.UUID) -> list[Self]:
        """The passkeys of an account, oldest first."""
        return list(db.scalars(select(cls).where(cls.account_id == account_id).order_by(cls.created_at, cls.id)))

    @classmethod
    def by_credential(cls, db: Session, credential_id: bytes) -> Self | None:
        return db.scalars(select(cls).where(cls.credential_id == credential_id)).first()


class Challenge(Base):
    """What a passkey is asked to sign, once: bound to a purpose and, where it is known, to an account."""

    __tablename__ = "challenge"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    account_id: Mapped[uuid.UUID | None]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)

    @classmethod
    def spend(cls, db: Session, digest: bytes, purpose: str) -> Self | None:
        """Use it up: the one caller that wins gets it, unless it ran out; others None."""
        mine = (cls.digest == digest, cls.purpose == purpose, cls.expires_at > now())
        return db.scalars(delete(cls).where(*mine).returning(cls)).first()


class RecoveryCode(Base):
    """A code on paper that stands in for a second step, once."""

    __tablename__ = "recovery_code"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    used_at: Mapped[dt.datetime | None]

    @classmethod
    def left(cls, db: Session, account_id: uuid.UUID) -> int:
        """How many of an account's codes are unused."""
        unused = select(func.count()).where(cls.account_id == account_id, cls.used_at.is_(None))
        return db.scalar(unused) or 0

    @classmethod
    def replace(cls, db: Session, account_id: uuid.UUID, digests: list[bytes]) -> None:
        """Let an account's codes be these alone."""
        db.execute(delete(cls).where(cls.account_id == account_id))
        db.add_all(cls(digest=digest, account_id=account_id) for digest in digests)
        db.flush()

    @classmethod
    def spend(cls, db: Session, digest: bytes, account_id: uuid.UUID) -> bool:
        """Use one up; False when it is not this account's, or was used before."""
        mine = (cls.digest == digest, cls.account_id == account_id, cls.used_at.is_(None))
        spent = update(cls).where(*mine).values(used_at=now()).returning(cls.digest)
        return db.execute(spent).scalar_one_or_none() is not None
