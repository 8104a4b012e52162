"""How somebody gets back what only a call to the school can give back: a second step, or an Admin."""

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, new_id, now

LOST_SECOND_STEP, ADMIN_LEFT = "lost second step", "admin left"
NEW, CONFIRMED, WINDOW, DONE, STOPPED, REFUSED = "New", "Confirmed", "Objection window", "Done", "Stopped", "Refused"


class AccessCase(Base):
    """A request that the onboarding team proves by a call to the number in the register; then anybody may object.

    For 24 hours everybody concerned can stop it by a link. The one who decides did not hear the code.
    """

    __tablename__ = "access_case"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20), doc="LOST_SECOND_STEP or ADMIN_LEFT")
    account_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("account.id"), doc="Whose second step was lost, or who has left"
    )
    name: Mapped[str] = mapped_column(Text, doc="Who asks, or who is to be the new Admin")
    email: Mapped[str] = mapped_column(Text)
    mobile: Mapped[str | None] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default=NEW, index=True)
    readback_sealed: Mapped[str] = mapped_column(Text, doc="The code on the asker's page, sealed 'readback'")
    wrong_codes: Mapped[int] = mapped_column(default=0)
    visit_digest: Mapped[bytes] = mapped_column(unique=True, doc="Of the link to the asker's page")
    stop_digest: Mapped[bytes] = mapped_column(unique=True, doc="Of the link that stops it")
    opened_at: Mapped[dt.datetime] = mapped_column(default=now)
    confirmed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    confirmed_at: Mapped[dt.datetime | None]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[dt.datetime | None]
    window_ends_at: Mapped[dt.datetime | None] = mapped_column(index=True)
    ended_at: Mapped[dt.datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)


class AccessCall(Base):
    """One call about an access case, by the number that the register gives."""

    __tablename__ = "access_call"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("access_case.id"), index=True)
    called_at: Mapped[dt.datetime] = mapped_column(default=now)
    called_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    number: Mapped[str] = mapped_column(Text)
    person: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(20))
    notes: Mapped[str] = mapped_column(Text, default="")
