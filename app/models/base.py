"""What every table shares: constraint names, times in UTC, ids that sort by time."""

import datetime as dt
import os
import time
import uuid
import zoneinfo
from typing import Any, cast

from sqlalchemy import ColumnElement, DateTime, MetaData, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from app.db import Session, is_sqlite


class Instant(TypeDecorator[dt.datetime]):
    """A moment, always UTC and always aware; SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return value if value is None else value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map: dict[Any, Any] = {dt.datetime: Instant()}


def among(column: Any, name: str) -> ColumnElement[bool]:
    """Whether `column` is one of the values bound under `name`.

    On PostgreSQL they are one array, so that the text, and with it the plan, is the same for any number of them.
    """
    if is_sqlite:
        return cast(ColumnElement[bool], column.in_(bindparam(name, expanding=True)))
    return cast(ColumnElement[bool], column == any_(bindparam(name, type_=ARRAY(column.type))))


_ENGLAND = zoneinfo.ZoneInfo("Europe/London")
SWEPT_MOST = 5000  # rows that are deleted at once, so that nobody waits long for it


def rows_changed(db: Session, change: Any) -> int:
    """Run a DELETE or UPDATE whose rows no loaded object stands for; how many it changed."""
    return cast(int, cast(Any, db.execute(change, execution_options={"synchronize_session": False})).rowcount)


def now() -> dt.datetime:
    """This moment, in UTC."""
    return dt.datetime.now(dt.UTC)


def local_day(at: dt.datetime) -> dt.date:
    """The day that it was at schools at that moment."""
    return at.astimezone(_ENGLAND).date()


def today() -> dt.date:
    """The day that it is at schools now."""
    return local_day(now())


def midnight(day: dt.date) -> dt.datetime:
    """The moment at which that day begins at schools."""
    return dt.datetime.combine(day, dt.time(), _ENGLAND).astimezone(dt.UTC)


def ago(seconds: float) -> dt.datetime:
    """The moment that many seconds before now."""
    return now() - dt.timedelta(seconds=seconds)


def ahead(seconds: float) -> dt.datetime:
    """The moment that many seconds after now."""
    return now() + dt.timedelta(seconds=seconds)


def new_id() -> uuid.UUID:
    """A version 7 UUID (RFC 9562): time-ordered, so that indexes grow at one end."""
    head = int(time.time() * 1000).to_bytes(6, "big")
    tail = bytearray(os.urandom(10))
    tail[0] = tail[0] & 0x0F | 0x70
    tail[2] = tail[2] & 0x3F | 0x80
    return uuid.UUID(bytes=head + bytes(tail))
