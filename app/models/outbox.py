"""The transactional outbox: a message is written in the transaction that causes it and sent after."""

import datetime as dt
from typing import Self

from sqlalchemy import String, Text, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import Base, now
from app.models.lease import Leased


class Message(Leased, Base):
    """A mail or text on its way. Its content is sealed and erased on delivery; the row stays as proof."""

    __tablename__ = "outbox"

    channel: Mapped[str] = mapped_column(String(10), doc="'email' or 'sms'")
    sealed: Mapped[str | None] = mapped_column(Text, doc="JSON {to, subject, text, links}, sealed for 'outbox'")
    sent_at: Mapped[dt.datetime | None]

    @classmethod
    def due(cls, db: Session, most: int) -> list[Self]:
        """What should be sent now, longest waiting first."""
        found = select(cls).where(cls.next_try_at <= now()).order_by(cls.next_try_at, cls.id).limit(most)
        return list(db.scalars(found))

    @classmethod
    def dead(cls, db: Session) -> list[Self]:
        """The messages that were given up, newest first."""
        return list(db.scalars(select(cls).where(cls.failed_at.is_not(None)).order_by(cls.failed_at.desc(), cls.id)))

    def mark_sent(self, db: Session) -> None:
        """Delivered: erase the content."""
        done = update(Message).where(Message.id == self.id, Message.sent_at.is_(None))
        db.execute(done.values(sent_at=now(), sealed=None, next_try_at=None, failed_at=None, last_error=None))
