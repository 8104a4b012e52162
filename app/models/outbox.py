"""The transactional outbox: a message is written in the transaction that causes it and sent after."""

import datetime as dt
import uuid
from typing import Self

from sqlalchemy import String, Text, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import Base, new_id, now


class Message(Base):
    """A mail or text on its way. Its content is sealed and erased on delivery; the row stays as proof.

    `next_try_at` is also the lease of the worker that is sending it: taking the message moves it into the future, so
    that a worker that dies gives the message back by doing nothing.
    """

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

    @classmethod
    def due(cls, db: Session, most: int) -> list[Self]:
        """What should be sent now, longest waiting first."""
        found = select(cls).where(cls.next_try_at <= now()).order_by(cls.next_try_at, cls.id).limit(most)
        return list(db.scalars(found))

    @classmethod
    def dead(cls, db: Session) -> list[Self]:
        """The messages that were given up, newest first."""
        return list(db.scalars(select(cls).where(cls.failed_at.is_not(None)).order_by(cls.failed_at.desc(), cls.id)))

    def take(self, db: Session, until: dt.datetime) -> bool:
        """Lease the message until then; False when another worker took it, or sent it, meanwhile."""
        taken = (
            update(Message)
            .where(Message.id == self.id, Message.next_try_at == self.next_try_at)
            .values(next_try_at=until, tries=Message.tries + 1)
            .returning(Message.tries)
        )
        tries = db.execute(taken, execution_options={"synchronize_session": False}).scalar_one_or_none()
        if tries is None:
            return False
        self.next_try_at, self.tries = until, tries
        return True

    def mark_sent(self, db: Session) -> None:
        """Delivered: erase the content."""
        done = update(Message).where(Message.id == self.id, Message.sent_at.is_(None))
        db.execute(done.values(sent_at=now(), sealed=None, next_try_at=None, failed_at=None, last_error=None))

    def mark_failed(self, db: Session, error: str, next_try_at: dt.datetime | None) -> None:
        """This try failed: try again then, or (None) never. Nothing changes once the lease has passed to another."""
        mine = update(Message).where(Message.id == self.id, Message.next_try_at == self.next_try_at)
        given_up = None if next_try_at else now()
        db.execute(mine.values(next_try_at=next_try_at, failed_at=given_up, last_error=error[:500]))
