"""Ids that count once: of DPoP proofs, of client assertions, and of client_credentials tokens that were given back."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import String, delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session, is_sqlite
from app.models.base import Base, now

DPOP, ASSERTION, RETURNED = "dpop", "assertion", "returned"


class SpentId(Base):
    """The digest of a `jti` and whose it is. It matters only until `expires_at`: then what was signed is dead too."""

    __tablename__ = "spent_id"

    purpose: Mapped[str] = mapped_column(String(10), primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)

    @classmethod
    def spend(cls, db: Session, purpose: str, expiries: Mapping[bytes, dt.datetime]) -> set[bytes]:
        """Use these up; the digests of those that nobody had used before."""
        if not expiries:
            return set()
        # In one order, so that two groups which share ids wait for each other instead of locking each other out.
        rows = [
            {"purpose": purpose, "digest": digest, "expires_at": until} for digest, until in sorted(expiries.items())
        ]
        insert: Any = sqlite.insert if is_sqlite else postgresql.insert
        added = insert(cls).values(rows).on_conflict_do_nothing().returning(cls.digest)
        return set(db.scalars(added))

    @classmethod
    def forget_expired(cls, db: Session, most: int = 5000) -> None:
        """Delete rows that no longer matter. Those that another worker deletes at this moment are left to it."""
        old = select(cls.purpose, cls.digest).where(cls.expires_at < now()).limit(most)
        db.execute(
            delete(cls).where(tuple_(cls.purpose, cls.digest).in_(old.with_for_update(skip_locked=True))),
            execution_options={"synchronize_session": False},
        )

    @classmethod
    def spent(cls, db: Session, purpose: str, digests: Collection[bytes]) -> set[bytes]:
        """Which of these are used up."""
        return set(db.scalars(select(cls.digest).where(cls.purpose == purpose, cls.digest.in_(digests))))
