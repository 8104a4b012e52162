"""What every row of a roster shares: its school, its own id, and which change of the roster touched it last."""

import datetime as dt
import secrets
import uuid

from sqlalchemy import BigInteger, LargeBinary, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.models.base import Base

PARTITIONS = 8  # of each table, in PostgreSQL


def new_key() -> int:
    """A row's id within its school: random, so that the order of ids says nothing about people."""
    return secrets.randbits(63)


class OfRoster(Base):
    """A table that is divided by school."""

    __abstract__ = True

    school_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, sort_order=-2)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[object, ...]:
        return (*cls.parts(), {"postgresql_partition_by": "HASH (school_id)"})

    @classmethod
    def parts(cls) -> tuple[object, ...]:
        """Keys and indexes beside the primary key."""
        return ()


class Rostered(OfRoster):
    """A row that a batch brought. It keeps its id for ever: when it is gone it stays, as the trace that it was there.

    `number` counts the school's changes (see `Roster.number`): the row was touched last by the change of that number.
    """

    __abstract__ = True

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=new_key, sort_order=-1)
    source_key: Mapped[str] = mapped_column(String(255), doc="What the school's own system calls it")
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), doc="Of what was brought: the same again changes nothing")
    number: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[dt.datetime]
    arrived_at: Mapped[dt.datetime]
    gone_at: Mapped[dt.datetime | None]
