"""Second steps beside the authenticator app: passkeys (WebAuthn level 3) and recovery codes."""

import datetime as dt
import uuid
from typing import Self

from sqlalchemy import JSON, ForeignKey, String, Text, and_, delete, exists, func, literal, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.account import Account, SecondStep
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

    def used(self, db: Session, sign_count: int) -> bool:
        """Note a use; False when it is gone, or its counter has got that far already: two devices then hold the key."""
        forward = or_(Passkey.sign_count < sign_count, and_(Passkey.sign_count == 0, literal(sign_count) == 0))
        noted = (
            update(Passkey)
            .where(Passkey.id == self.id, forward)
            .values(sign_count=sign_count, last_used_at=now())
            .returning(Passkey.id)
        )
        return db.execute(noted).scalar_one_or_none() is not None

    @classmethod
    def remove(cls, db: Session, account_id: uuid.UUID, passkey_id: uuid.UUID) -> bool:
        """Delete one; False when it is not there, or is the account's only second step."""
        db.scalars(select(Account.id).where(Account.id == account_id).with_for_update()).one()
        others = exists().where(cls.account_id == account_id, cls.id != passkey_id)
        authenticator = exists().where(SecondStep.account_id == account_id)
        mine = (cls.id == passkey_id, cls.account_id == account_id)
        left = or_(select(others).scalar_subquery(), select(authenticator).scalar_subquery())
        if not db.scalar(select(left)):
            return False
        return db.execute(delete(cls).where(*mine).returning(cls.id)).scalar_one_or_none() is not None


class Challenge(Base):
    """What a passkey is asked to sign, once: bound to a purpose and, where it is known, to an account."""

    __tablename__ = "challenge"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    account_id: Mapped[uuid.UUID | None]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)

    @classmethod
    def spend(cls, db: Session, digest: bytes, purpose: str, account_id: uuid.UUID | None) -> bool:
        """Use it up: True for the one caller that wins, unless it ran out or was made for something else."""
        mine = (cls.digest == digest, cls.purpose == purpose, cls.account_id == account_id, cls.expires_at > now())
        return db.execute(delete(cls).where(*mine).returning(cls.digest)).scalar_one_or_none() is not None

    @classmethod
    def forget(cls, db: Session) -> int:
        """Delete those that ran out; how many there were."""
        return len(db.execute(delete(cls).where(cls.expires_at <= now()).returning(cls.digest)).all())


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
    def made(cls, db: Session, account_id: uuid.UUID) -> bool:
        """Whether the account has codes, used or not."""
        return db.scalar(select(cls.digest).where(cls.account_id == account_id).limit(1)) is not None

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
