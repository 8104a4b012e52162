"""What an app was given of one list, so that it can be told later what is different now (ADR 24)."""

import datetime as dt
import hashlib
import uuid
import zlib
from typing import Self, cast

import orjson
from sqlalchemy import ForeignKey, Index, LargeBinary, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session, is_sqlite
from app.models.base import SWEPT_MOST, Base, now, rows_changed

_insert = sqlite.insert if is_sqlite else postgresql.insert


class Snapshot(Base):
    """The rows of one list as one app saw them at one school: their ids, and a digest of each, nothing that is in them.

    The id is a digest of all the rest, so that the same again is the same row.
    """

    __tablename__ = "snapshot"
    __table_args__ = (Index("snapshot_listing_idx", "school_id", "app_id", "listing", "made_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"))
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"))
    listing: Mapped[str] = mapped_column(doc="Which list, and how it was asked for")
    before: Mapped[uuid.UUID | None] = mapped_column(doc="The one that the app had; None where it began anew")
    seen_as: Mapped[bytes] = mapped_column(LargeBinary(16), doc="Of what the list depends on: the same, and so is it")
    packed: Mapped[bytes] = mapped_column(doc="{id: digest} in JSON, deflated")
    made_at: Mapped[dt.datetime] = mapped_column(index=True, doc="Or last asked for")

    @property
    def rows(self) -> dict[str, str]:
        """Digest of each row, by its id, in the order of the list."""
        return cast(dict[str, str], orjson.loads(zlib.decompress(self.packed)))

    @classmethod
    def made(
        cls,
        *,
        school_id: uuid.UUID,
        app_id: uuid.UUID,
        listing: str,
        before: uuid.UUID | None,
        seen_as: bytes,
        rows: dict[str, str],
    ) -> Self:
        """One that is not kept yet."""
        packed = zlib.compress(orjson.dumps(rows), level=1)
        told = f"{school_id} {app_id} {listing} {before} ".encode() + packed
        own = uuid.UUID(bytes=hashlib.sha256(told).digest()[:16])
        about = {"school_id": school_id, "app_id": app_id, "listing": listing, "before": before}
        return cls(id=own, seen_as=seen_as, packed=packed, made_at=now(), **about)

    def keep(self, db: Session) -> None:
        """Write it, or note that it was asked for once more."""
        columns = [column.name for column in cast(Table, Snapshot.__table__).columns]
        adding = _insert(Snapshot).values({name: getattr(self, name) for name in columns})
        fresh = {"made_at": adding.excluded.made_at, "seen_as": adding.excluded.seen_as}
        db.execute(adding.on_conflict_do_update(index_elements=["id"], set_=fresh))

    @classmethod
    def of_list(
        cls, db: Session, snapshot_id: uuid.UUID, school_id: uuid.UUID, app_id: uuid.UUID, listing: str
    ) -> Self | None:
        """One of this list of this app at this school; another's is None, as if it were absent."""
        mine = (cls.id == snapshot_id, cls.school_id == school_id, cls.app_id == app_id, cls.listing == listing)
        return db.scalars(select(cls).where(*mine)).first()

    @classmethod
    def newest_after(
        cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID, listing: str, before: uuid.UUID | None
    ) -> Self | None:
        """The one that was made, or asked for, last of those that follow `before`."""
        mine = (cls.school_id == school_id, cls.app_id == app_id, cls.listing == listing)
        follows = cls.before.is_(None) if before is None else cls.before == before
        return db.scalars(select(cls).where(*mine, follows).order_by(cls.made_at.desc(), cls.id).limit(1)).first()

    @classmethod
    def forget(cls, db: Session, before: dt.datetime, most: int = SWEPT_MOST) -> int:
        """Delete those that nobody has asked for since then; how many."""
        old = select(cls.id).where(cls.made_at < before).limit(most).with_for_update(skip_locked=True)
        return rows_changed(db, delete(cls).where(cls.id.in_(old)))
