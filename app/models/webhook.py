"""What partners are told by Standard Webhooks: where to, what happened, and each delivery."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, new_id, now


class Webhook(Base):
    """An address of one app that is told what happens. Two secrets sign while one replaces the other."""

    __tablename__ = "webhook"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"), index=True)
    url: Mapped[str] = mapped_column(Text)
    secret_sealed: Mapped[str] = mapped_column(Text, doc="`whsec_…`, sealed 'webhook'")
    before_sealed: Mapped[str | None] = mapped_column(Text, doc="The secret before it, which signs too until then")
    before_until: Mapped[dt.datetime | None]
    events: Mapped[list[str]] = mapped_column(JSON, doc="Types that it wants; empty: all")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    ended_at: Mapped[dt.datetime | None]


class Notice(Base):
    """Something that happened which an app's partner may know: ids, names of schools and scopes, nothing of people."""

    __tablename__ = "notice"
    __table_args__ = (Index("notice_app_id_created_at_idx", "app_id", "created_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"))
    type: Mapped[str] = mapped_column(String(40), doc="Such as 'authorisation.granted'")
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)


class Delivery(Base):
    """One notice on its way to one webhook; `next_try_at` is also the lease of the worker that is sending it."""

    __tablename__ = "delivery"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    webhook_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("webhook.id"), index=True)
    notice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notice.id"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[dt.datetime | None] = mapped_column(default=now, index=True)
    delivered_at: Mapped[dt.datetime | None]
    failed_at: Mapped[dt.datetime | None] = mapped_column(doc="A dead letter: tries are used up")
    last_status: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(Text)
