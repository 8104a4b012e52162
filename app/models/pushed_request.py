"""A request that an app pushed to us before it sent a browser (RFC 9126)."""

import datetime as dt
import uuid
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.base import SWEPT_MOST, Base, ago, ahead, now, rows_changed
from app.settings import settings


class PushedRequest(Base):
    """What stands behind a `request_uri`: presented once, by one browser, and gone on as `request_id` there."""

    __tablename__ = "pushed_request"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    used_at: Mapped[dt.datetime | None]
    request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("authorization_request.id"))

    @classmethod
    def add_all(cls, db: Session, rows: list[dict[str, Any]], seconds: int) -> None:
        """Keep these, to be presented within so many seconds."""
        if rows:
            db.execute(insert(cls), [row | {"expires_at": ahead(seconds)} for row in rows])

    @classmethod
    def of_app(cls, db: Session, digest: bytes, app_id: uuid.UUID) -> Self | None:
        """One that this app has pushed, in whatever state."""
        return db.scalars(select(cls).where(cls.digest == digest, cls.app_id == app_id)).first()

    def present(self, db: Session) -> bool:
        """Use it up; one caller wins. Afterwards it reads as whoever won has left it."""
        cls = PushedRequest
        fresh = (cls.digest == self.digest, cls.used_at.is_(None), cls.expires_at > now())
        used = update(cls).where(*fresh).values(used_at=now()).returning(cls.digest)
        won = db.scalars(used, execution_options={"synchronize_session": False}).first() is not None
        db.refresh(self)
        return won

    @classmethod
    def forget_old(cls, db: Session, most: int = SWEPT_MOST) -> int:
        """Delete rows whose requests cannot go on any more, and say how many.

        Those that nobody brought in time, and those whose browser's time is over. What another worker deletes now is
        left to it.
        """
        over = ago(settings.partner_request_seconds + 600)
        old = select(cls.digest).where(cls.expires_at < now(), cls.used_at.is_(None) | (cls.expires_at < over))
        gone = delete(cls).where(cls.digest.in_(old.limit(most).with_for_update(skip_locked=True)))
        return rows_changed(db, gone)
