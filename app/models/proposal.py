"""What a partner may not decide alone: going Live, and what a Live app asks schools for. And its files."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, new_id, now

LIVE, SCOPES = "live", "scopes"
LOGO, AGREEMENT = "logo", "agreement"


class Proposal(Base):
    """A partner asks an operator to let an app go Live, or to let a Live app ask for other scopes. One open at a time.

    `scopes` are rows of {scope, required, purpose, legal_basis, special_condition}, as they would be.
    """

    __tablename__ = "proposal"
    __table_args__ = (
        Index(
            "proposal_open_key",
            "app_id",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10), doc="LIVE or SCOPES")
    scopes: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    asked_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    asked_at: Mapped[dt.datetime] = mapped_column(default=now)
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[dt.datetime | None]
    is_approved: Mapped[bool | None]
    reason: Mapped[str | None] = mapped_column(Text)


class Document(Base):
    """A file that a partner uploaded: an app's logo, or its data sharing agreement. The newest of a kind counts."""

    __tablename__ = "document"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    partner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("partner.id"), index=True)
    app_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("app.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10), doc="LOGO or AGREEMENT")
    name: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(String(40))
    content: Mapped[bytes]
    uploaded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    uploaded_at: Mapped[dt.datetime] = mapped_column(default=now)
