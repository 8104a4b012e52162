"""Getting back in by a texted code, changing an address or a number, and the mail that welcomes a new person."""

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, new_id, now

EMAIL, MOBILE = "email", "mobile"


class ResetCode(Base):
    """A code that was texted to an account's mobile to choose another password. Five wrong tries kill it."""

    __tablename__ = "reset_code"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    browser_digest: Mapped[bytes] = mapped_column(doc="Of the secret in the browser that asked for it")
    code_digest: Mapped[bytes] = mapped_column(doc="Keyed: six digits alone could be guessed from a plain digest")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime]
    wrong_tries: Mapped[int] = mapped_column(default=0)
    right_at: Mapped[dt.datetime | None] = mapped_column(doc="The code was typed right: a password may be chosen")
    used_at: Mapped[dt.datetime | None]


class ContactChange(Base):
    """Another address or mobile number for an account, told to the old one, which may stop it for 24 hours."""

    __tablename__ = "contact_change"
    __table_args__ = (
        Index(
            "contact_change_open_key",
            "account_id",
            "kind",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10), doc="EMAIL or MOBILE")
    before: Mapped[str] = mapped_column(Text)
    after: Mapped[str] = mapped_column(Text)
    proof_digest: Mapped[bytes] = mapped_column(doc="Of the link or code that shows who has the new one")
    stop_digest: Mapped[bytes] = mapped_column(unique=True, doc="Of the link that the old one may stop it by")
    wrong_tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime] = mapped_column(doc="Until when the new one must be shown to be theirs")
    proved_at: Mapped[dt.datetime | None]
    takes_effect_at: Mapped[dt.datetime | None] = mapped_column(index=True)
    ended_at: Mapped[dt.datetime | None] = mapped_column(doc="It took effect, was stopped, or ran out")
    outcome: Mapped[str | None] = mapped_column(String(10), doc="'done', 'stopped' or 'expired'")


class Welcome(Base):
    """A mailed link with which one more person sets up their account, for a school, a partner or the onboarding team.

    `account_id` names somebody who has an account already and only gets the role.
    """

    __tablename__ = "welcome"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    link_digest: Mapped[bytes] = mapped_column(unique=True)
    school_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("school.id"), index=True)
    partner_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("partner.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    sent_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    sent_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None] = mapped_column(doc="It was followed to its end, or withdrawn")
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
