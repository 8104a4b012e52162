"""A partner's e-mailed request that a school authorise its app."""

import datetime as dt
import uuid

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, new_id, now
from app.models.partner import App

SENT, OPENED, FORWARDED = "sent", "opened", "forwarded"
AUTHORISED, DECLINED, EXPIRED, CANCELLED = "authorised", "declined", "expired", "cancelled"
OPEN_STATES = (SENT, OPENED)


class Invitation(Base):
    """It names a school, a contact there and scopes. Its link identifies it and authorises nobody.

    Whoever is not the right person forwards it: a new invitation, `parent_id` this one; `root_id` is the first of them.
    """

    __tablename__ = "invitation"
    __table_args__ = (
        Index(
            "invitation_reference_key",
            "app_id",
            "reference",
            unique=True,
            sqlite_where=text("reference IS NOT NULL"),
            postgresql_where=text("reference IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"), index=True)
    urn: Mapped[int] = mapped_column(index=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    contact_name: Mapped[str] = mapped_column(Text)
    contact_email: Mapped[str] = mapped_column(Text)
    technical_name: Mapped[str | None] = mapped_column(Text)
    technical_email: Mapped[str | None] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(String(100), doc="The partner's own; sending it twice is one")
    sent_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"), doc="None: through the API")
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invitation.id"))
    root_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invitation.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default=SENT, index=True)
    link_digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    opened_at: Mapped[dt.datetime | None]
    reminded_at: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    decided_at: Mapped[dt.datetime | None]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    school_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("school.id"), doc="Whose Admin decided")
    authorisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("authorisation.id"))
    finished_at: Mapped[dt.datetime | None] = mapped_column(doc="The code flow after it has been finished, once")

    app: Mapped[App] = relationship(lazy="joined", innerjoin=True)
