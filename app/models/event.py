"""The audit's rows: append-only, each chained to the one before by its hash."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Event(Base):
    """One decision of a person. Pseudonyms only: names and addresses stay in the rows that the ids point to."""

    __tablename__ = "event"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    happened_at: Mapped[dt.datetime]
    action: Mapped[str] = mapped_column(String(60), doc="Such as 'school.verified'")
    actor_id: Mapped[uuid.UUID | None] = mapped_column(doc="The account; None: the system or the command line")
    school_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    subject_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    hash: Mapped[bytes] = mapped_column(doc="SHA-256 over the hash before and this row")


class EventHead(Base):
    """The end of the chain: its one row is locked by whoever appends."""

    __tablename__ = "event_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
    hash: Mapped[bytes]
