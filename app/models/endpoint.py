"""An installed agent on a school's server, and its request to become one (RFC 8628)."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, new_id, now


class Endpoint(Base):
    """An agent that a school let in. Its key pair was made on the school's server and never leaves it."""

    __tablename__ = "endpoint"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), index=True)
    machine: Mapped[str] = mapped_column(Text, doc="What the server calls itself")
    address: Mapped[str] = mapped_column(Text, doc="The network address that asked to be enrolled")
    key_thumbprint: Mapped[str] = mapped_column(String(43), doc="RFC 7638, of the agent's public key")
    enrolled_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    enrolled_at: Mapped[dt.datetime] = mapped_column(default=now)
    ended_at: Mapped[dt.datetime | None]


class DeviceRequest(Base):
    """An agent that shows a code and waits for an Estab Admin to type it.

    The user code has two halves: the first finds the request, the second proves that it was read. A wrong second half
    is a miss, and ten misses end the request.
    """

    __tablename__ = "device_request"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    device_digest: Mapped[bytes] = mapped_column(unique=True, doc="Of the device code")
    first_half: Mapped[str] = mapped_column(String(4), index=True, doc="Of the user code")
    second_digest: Mapped[bytes] = mapped_column(doc="Of the whole user code")
    machine: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    jwk: Mapped[dict[str, Any]] = mapped_column(JSON, doc="The agent's public key")
    key_thumbprint: Mapped[str] = mapped_column(String(43))
    misses: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime]
    polled_at: Mapped[dt.datetime | None]
    poll_seconds: Mapped[int] = mapped_column(default=5, doc="Seconds between two polls; grows with slow_down")
    endpoint_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("endpoint.id"), doc="Set by a yes")
    ended_at: Mapped[dt.datetime | None] = mapped_column(doc="Set by a no, by ten misses, or when it was collected")
