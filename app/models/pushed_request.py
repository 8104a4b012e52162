"""A request that an app pushed to us before it sent a browser (RFC 9126)."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, now


class PushedRequest(Base):
    """What stands behind a `request_uri`: presented once, by one browser, and gone on as `request_id` there."""

    __tablename__ = "pushed_request"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
    request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("authorization_request.id"))
