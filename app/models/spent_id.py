"""Ids that count once: of DPoP proofs, of client assertions, and of client_credentials tokens that were given back."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import cast

from sqlalchemy import String, Table, bindparam, delete, select, text, tuple_
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session, is_sqlite
from app.models.base import SWEPT_MOST, Base, among, now, rows_changed
from app.models.prepared import Prepared, Rows

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
        if is_sqlite:  # one writer at a time, so nobody comes between looking and adding
            fresh = expiries.keys() - cls.spent(db, purpose, expiries.keys())
            rows = [{"purpose": purpose, "digest": digest, "expires_at": expiries[digest]} for digest in fresh]
            if rows:
                _ROWS.add(db, rows)
            return set(fresh)
        # In one order, so that two groups which share ids wait for each other instead of locking each other out.
        digests = sorted(expiries)
        bound = {"purpose": purpose, "digests": digests, "expiries": [expiries[digest] for digest in digests]}
        return {row[0] for row in _SPEND.rows(db, **bound)}

    @classmethod
    def forget_expired(cls, db: Session, most: int = SWEPT_MOST) -> int:
        """Delete rows that no longer matter, and say how many; those that another worker deletes now are left to it."""
        old = select(cls.purpose, cls.digest).where(cls.expires_at < now()).limit(most)
        gone = delete(cls).where(tuple_(cls.purpose, cls.digest).in_(old.with_for_update(skip_locked=True)))
        return rows_changed(db, gone)

    @classmethod
    def spent(cls, db: Session, purpose: str, digests: Collection[bytes]) -> set[bytes]:
        """Which of these are used up."""
        return {row[0] for row in _SPENT.rows(db, purpose=purpose, digests=list(digests))}


_SPENT_IDS = cast(Table, SpentId.__table__)
_ROWS = Rows(_SPENT_IDS)
_SPENT = Prepared(
    select(_SPENT_IDS.c.digest).where(
        _SPENT_IDS.c.purpose == bindparam("purpose"), among(_SPENT_IDS.c.digest, "digests")
    )
)
_SPEND = Prepared(  # for PostgreSQL alone
    text(
        "INSERT INTO spent_id (purpose, digest, expires_at)"
        " SELECT :purpose, given.* FROM unnest(CAST(:digests AS bytea[]), CAST(:expiries AS timestamptz[])) AS given"
        " ON CONFLICT DO NOTHING RETURNING digest"
    )
)
