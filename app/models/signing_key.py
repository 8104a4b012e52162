"""Keys that sign what partners verify."""

import datetime as dt
from typing import Self

from sqlalchemy import String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import Base, now


class SigningKey(Base):
    """A private JWK, sealed for 'signing key'. The newest signs; all not ended are published."""

    __tablename__ = "signing_key"

    kid: Mapped[str] = mapped_column(String(43), primary_key=True, doc="RFC 7638 thumbprint")
    algorithm: Mapped[str] = mapped_column(String(10))
    sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    starts_at: Mapped[dt.datetime] = mapped_column(default=now, doc="Published before it signs")
    ends_at: Mapped[dt.datetime | None] = mapped_column(doc="Rotated out: published until then")

    @classmethod
    def published(cls, db: Session) -> list[Self]:
        """Newest first."""
        alive = cls.ends_at.is_(None) | (cls.ends_at > now())
        return list(db.scalars(select(cls).where(alive).order_by(cls.created_at.desc(), cls.kid)))
