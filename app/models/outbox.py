"""The transactional outbox: a message is written in the transaction that causes it and sent after."""

import datetime as dt
import uuid

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, new_id, now


class Message(Base):
    """A mail or text on its way. Its content is sealed and erased on delivery; the row stays as proof."""

    __tablename__ = "outbox"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id, doc="Also the idempotency key")
    channel: Mapped[str] = mapped_column(String(10), doc="'email' or 'sms'")
    sealed: Mapped[str | None] = mapped_column(Text, doc="JSON {to, subject, text, links}, sealed for 'outbox'")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[dt.datetime | None] = mapped_column(default=now, index=True)
    sent_at: Mapped[dt.datetime | None]
    failed_at: Mapped[dt.datetime | None] = mapped_column(doc="A dead letter: tries are used up")
    last_error: Mapped[str | None] = mapped_column(Text)
