"""What a worker sends, one worker at a time."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import Text, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import new_id, now


class Leased:
    """The columns of something on its way. `next_try_at` is also the lease of the worker that is sending it.

    Taking it moves that into the future, so that a worker that dies gives it back by doing nothing.
    """

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id, doc="Also the idempotency key")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[dt.datetime | None] = mapped_column(default=now, index=True)
    failed_at: Mapped[dt.datetime | None] = mapped_column(doc="A dead letter: tries are used up")
    last_error: Mapped[str | None] = mapped_column(Text)

    def take(self, db: Session, until: dt.datetime) -> bool:
        """Lease it until then; False when another worker took it, or sent it, meanwhile."""
        own = type(self)
        taken = (
            update(own)
            .where(own.id == self.id, own.next_try_at == self.next_try_at)
            .values(next_try_at=until, tries=own.tries + 1)
            .returning(own.tries)
        )
        tries = db.execute(taken, execution_options={"synchronize_session": False}).scalar_one_or_none()
        if tries is None:
            return False
        self.next_try_at, self.tries = until, tries
        return True

    def mark_failed(self, db: Session, error: str, next_try_at: dt.datetime | None, **more: Any) -> None:
        """This try failed: try again then, or (None) never. Nothing changes once the lease has passed to another."""
        own = type(self)
        mine = update(own).where(own.id == self.id, own.next_try_at == self.next_try_at)
        given_up = None if next_try_at else now()
        db.execute(mine.values(next_try_at=next_try_at, failed_at=given_up, last_error=error[:500], **more))
