"""The access ledger: every data call that was answered, its sums by day, and counts of those that were refused."""

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, new_id


class Read(Base):
    """One data call that was answered: which app read which scopes, about how many people, from where.

    No foreign keys: it is written for every call, and what it points to is never deleted.
    """

    __tablename__ = "read"
    __table_args__ = (
        Index("read_school_id_read_at_idx", "school_id", "read_at"),
        Index("read_app_id_read_at_idx", "app_id", "read_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    school_id: Mapped[uuid.UUID]
    app_id: Mapped[uuid.UUID]
    authorisation_id: Mapped[uuid.UUID]
    read_at: Mapped[dt.datetime]
    scopes: Mapped[str] = mapped_column(Text, doc="Those that the answer drew on, blanks between")
    route: Mapped[str] = mapped_column(String(80), doc="Such as 'oneroster/orgs': never with an id in it")
    people: Mapped[int] = mapped_column(doc="How many people the answer was about")
    address: Mapped[str] = mapped_column(String(45), doc="The network address of the caller")


class ReadDay(Base):
    """The calls of one app at one school on one day and route: all that is left once the ledger's time is over."""

    __tablename__ = "read_day"

    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), primary_key=True)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(String(80), primary_key=True)
    scopes: Mapped[str] = mapped_column(Text)
    calls: Mapped[int]
    people: Mapped[int]


class Refusal(Base):
    """How often an app was refused in an hour, and with which error: what its developer looks at first."""

    __tablename__ = "refusal"

    app_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    hour: Mapped[dt.datetime] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(String(80), primary_key=True)
    error: Mapped[str] = mapped_column(String(60), primary_key=True)
    calls: Mapped[int]
