"""Keys that sign what partners verify."""

import datetime as dt
from typing import Self

from sqlalchemy import String, Text, select, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session, is_sqlite
from app.models.base import Base, now


class SigningKey(Base):
    """A private JWK, sealed for 'signing key'. The newest that has started signs; all not ended are published.

    Ended ones stay: what they signed may come back as an `id_token_hint`, years later.
    """

    __tablename__ = "signing_key"

    kid: Mapped[str] = mapped_column(String(43), primary_key=True, doc="RFC 7638 thumbprint")
    algorithm: Mapped[str] = mapped_column(String(10))
    sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    starts_at: Mapped[dt.datetime] = mapped_column(default=now, doc="Published before it signs")
    ends_at: Mapped[dt.datetime | None] = mapped_column(doc="Rotated out: published until then")

    @classmethod
    def every(cls, db: Session) -> list[Self]:
        """Ended ones included, newest first."""
        return list(db.scalars(select(cls).order_by(cls.starts_at.desc(), cls.algorithm, cls.kid)))

    @classmethod
    def lock(cls, db: Session) -> None:
        """Let nobody else add a key before this transaction ends; SQLite has one writer at a time anyway."""
        if not is_sqlite:
            db.execute(text("LOCK TABLE signing_key IN SHARE ROW EXCLUSIVE MODE"))
