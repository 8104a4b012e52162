"""What a partner may not decide alone: going Live, and what a Live app asks schools for. And its files."""

import datetime as dt
import uuid
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, Index, String, Text, delete, select, text, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Session
from app.models.base import Base, new_id, now
from app.models.partner import App

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

    app: Mapped[App] = relationship(lazy="joined", innerjoin=True)

    @classmethod
    def open_of(cls, db: Session, app_id: uuid.UUID) -> Self | None:
        """The one that waits for a decision about this app."""
        return db.scalars(select(cls).where(cls.app_id == app_id, cls.decided_at.is_(None))).first()

    @classmethod
    def latest_of(cls, db: Session, app_id: uuid.UUID) -> Self | None:
        """The newest about this app, decided or not."""
        return db.scalars(select(cls).where(cls.app_id == app_id).order_by(cls.asked_at.desc(), cls.id.desc())).first()

    @classmethod
    def waiting(cls, db: Session) -> list[Self]:
        """All that wait for a decision, oldest first."""
        return list(db.scalars(select(cls).where(cls.decided_at.is_(None)).order_by(cls.asked_at, cls.id)))

    def decide(self, db: Session, by: uuid.UUID, approved: bool, reason: str) -> bool:
        """Decide it, once; False when somebody decided it, or took it back, before."""
        decided = (
            update(Proposal)
            .where(Proposal.id == self.id, Proposal.decided_at.is_(None))
            .values(decided_at=now(), decided_by=by, is_approved=approved, reason=reason)
            .returning(Proposal.id)
        )
        won = db.execute(decided, execution_options={"synchronize_session": False}).scalar_one_or_none() is not None
        db.refresh(self)
        return won


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

    @classmethod
    def logo(cls, db: Session, app_id: uuid.UUID) -> Self | None:
        """The newest logo of an app."""
        return cls._newest(db, cls.app_id == app_id, cls.kind == LOGO)

    @classmethod
    def agreement(cls, db: Session, partner_id: uuid.UUID) -> Self | None:
        """The newest data sharing agreement of a partner."""
        return cls._newest(db, cls.partner_id == partner_id, cls.kind == AGREEMENT)

    @classmethod
    def agreements_since(cls, db: Session, partner_id: uuid.UUID, since: dt.datetime) -> list[dt.datetime]:
        """When a partner has uploaded agreements after `since`, oldest first."""
        mine = (cls.partner_id == partner_id, cls.kind == AGREEMENT, cls.uploaded_at > since)
        return list(db.scalars(select(cls.uploaded_at).where(*mine).order_by(cls.uploaded_at)))

    @classmethod
    def forget_logos(cls, db: Session, app_id: uuid.UUID) -> None:
        """Delete an app's logos until now."""
        db.execute(delete(cls).where(cls.app_id == app_id, cls.kind == LOGO))

    @classmethod
    def _newest(cls, db: Session, *which: Any) -> Self | None:
        return db.scalars(select(cls).where(*which).order_by(cls.uploaded_at.desc(), cls.id.desc()).limit(1)).first()
