"""What a school can show later: receipts of its decisions, and requests to delete what was read."""

import datetime as dt
import uuid
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import Base, new_id, now


class Receipt(Base):
    """One decision about one authorisation, as it was told: shaped like ISO/IEC TS 27560, signed, never changed."""

    __tablename__ = "receipt"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), index=True)
    authorisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("authorisation.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10), doc="As `sharing.changes`: 'granted', 'revoked', …")
    made_at: Mapped[dt.datetime] = mapped_column(default=now)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    jws: Mapped[str] = mapped_column(Text, doc="The content as a compact JWS (RFC 7515)")

    @classmethod
    def at_school(cls, db: Session, receipt_id: uuid.UUID, school_id: uuid.UUID) -> Self | None:
        """One receipt of this school; another school's is None, as if it were absent."""
        return db.scalars(select(cls).where(cls.id == receipt_id, cls.school_id == school_id)).first()

    @classmethod
    def of(cls, db: Session, authorisation_id: uuid.UUID) -> list[Self]:
        """The receipts of one authorisation, newest first."""
        found = select(cls).where(cls.authorisation_id == authorisation_id)
        return list(db.scalars(found.order_by(cls.made_at.desc(), cls.id.desc())))


class DeletionRequest(Base):
    """A school wants a partner to delete what it read under an ended authorisation, and the partner says it has."""

    __tablename__ = "deletion_request"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    authorisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("authorisation.id"), unique=True)
    asked_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    asked_at: Mapped[dt.datetime] = mapped_column(default=now)
    due_on: Mapped[dt.date]
    reminded_at: Mapped[dt.datetime | None]
    attested_at: Mapped[dt.datetime | None]
    attested_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"), doc="None: through the API")
    statement: Mapped[str | None] = mapped_column(Text, doc="What the partner says was deleted, and what it keeps")
