"""The sync of one school with one app: what the school has chosen, each run, and what is still to be delivered."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection
from typing import Any, Self

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session, is_sqlite
from app.models.base import Base, new_id, now, rows_changed
from app.models.lease import Leased

_insert = sqlite.insert if is_sqlite else postgresql.insert

USER, GROUP = "user", "group"


@dataclasses.dataclass(frozen=True)
class Progress:
    """Of the pushes of a sync: how many there are, arrived, and were given up."""

    all: int
    done: int
    failed: int

    @property
    def waiting(self) -> int:
        return self.all - self.done - self.failed


class SyncChoices(Base):
    """What a school has said about its accounts in one app. Kept from one run to the next, and used by each.

    `answers` is as `app/sync/choices.py` reads it; nothing in it names a person but by our id.
    """

    __tablename__ = "sync_choices"

    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), primary_key=True)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"), primary_key=True)
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    steps: Mapped[list[str]] = mapped_column(JSON, default=list, doc="Those that somebody has been through")
    found_by: Mapped[str] = mapped_column(String(10), default="", doc="How the app's users were learnt: scim, api, csv")
    found_at: Mapped[dt.datetime | None]
    changed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    changed_at: Mapped[dt.datetime] = mapped_column(default=now)

    @classmethod
    def of(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> Self | None:
        return db.get(cls, (school_id, app_id))

    @classmethod
    def schools(cls, db: Session) -> list[uuid.UUID]:
        """Those that have begun a sync with any app."""
        return list(db.scalars(select(cls.school_id).distinct().order_by(cls.school_id)))

    @classmethod
    def locked(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID, by: uuid.UUID) -> Self:
        """Them as they are now, kept so until this transaction ends; made where nothing was chosen yet."""
        made = _insert(cls).values(school_id=school_id, app_id=app_id, answers={}, steps=[], found_by="", changed_by=by)
        db.execute(made.on_conflict_do_nothing())
        found = select(cls).where(cls.school_id == school_id, cls.app_id == app_id).with_for_update()
        return db.scalars(found.execution_options(populate_existing=True)).one()


class Sync(Base):
    """One run, from Finish on: what it did, and how far its delivery to the app is."""

    __tablename__ = "sync"
    __table_args__ = (Index("sync_school_id_app_id_idx", "school_id", "app_id", "finished_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"))
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"))
    finished_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    finished_at: Mapped[dt.datetime] = mapped_column(default=now)
    counts: Mapped[dict[str, int]] = mapped_column(JSON, doc="Of each line of its summary")
    plan_digest: Mapped[str] = mapped_column(String(64), doc="SHA-256 of the plan, in hexadecimal")

    @classmethod
    def newest(cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID, most: int = 20) -> list[Self]:
        found = select(cls).where(cls.school_id == school_id, cls.app_id == app_id)
        return list(db.scalars(found.order_by(cls.finished_at.desc(), cls.id.desc()).limit(most)))

    @classmethod
    def at_school(cls, db: Session, sync_id: uuid.UUID, school_id: uuid.UUID) -> Self | None:
        return db.scalars(select(cls).where(cls.id == sync_id, cls.school_id == school_id)).first()


class Push(Leased, Base):
    """One thing to tell an app by SCIM. What is sent is looked up when it is sent: here stands only of whom or what.

    Those of one sync go in the order of `position`: users before the groups that they are in.
    """

    __tablename__ = "push"
    __table_args__ = (Index("push_sync_id_position_idx", "sync_id", "position"),)

    sync_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sync.id"))
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"))
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"))
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10), doc="USER or GROUP")
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    title: Mapped[str] = mapped_column(Text, default="", doc="Of a group")
    renamed_from: Mapped[str] = mapped_column(Text, default="", doc="What the app calls a group until then")
    done_at: Mapped[dt.datetime | None]

    @classmethod
    def progress(cls, db: Session, sync_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Progress]:
        """How far each of these syncs is; one with nothing to push is not among them."""
        found = (
            select(
                cls.sync_id,
                func.count(),
                func.count(cls.done_at),
                func.count(cls.failed_at),
            )
            .where(cls.sync_id.in_(sync_ids))
            .group_by(cls.sync_id)
        )
        return {row[0]: Progress(row[1], row[2], row[3]) for row in db.execute(found)}

    @classmethod
    def due(cls, db: Session, most: int) -> list[tuple[uuid.UUID, uuid.UUID]]:
        """(sync, school) of the syncs that have something due now, the longest waiting first."""
        found = select(cls.sync_id, cls.school_id).where(cls.next_try_at <= now())
        found = found.group_by(cls.sync_id, cls.school_id).order_by(func.min(cls.next_try_at)).limit(most)
        return [(row[0], row[1]) for row in db.execute(found)]

    @classmethod
    def next_of(cls, db: Session, sync_id: uuid.UUID) -> Self | None:
        """What is to be sent first of a sync, if it is due: nothing goes before what stands before it."""
        found = select(cls).where(cls.sync_id == sync_id, cls.next_try_at.is_not(None)).order_by(cls.position).limit(1)
        first = db.scalars(found).first()
        return first if first and first.next_try_at and first.next_try_at <= now() else None

    @classmethod
    def failed(cls, db: Session, sync_id: uuid.UUID) -> list[Self]:
        """Those that were given up, in their order."""
        found = select(cls).where(cls.sync_id == sync_id, cls.failed_at.is_not(None))
        return list(db.scalars(found.order_by(cls.position)))

    def mark_done(self, db: Session) -> None:
        """It arrived. Nothing changes once the lease has passed to another."""
        mine = update(Push).where(Push.id == self.id, Push.next_try_at == self.next_try_at)
        db.execute(mine.values(next_try_at=None, done_at=now(), last_error=None))

    @classmethod
    def again(cls, db: Session, sync_id: uuid.UUID) -> int:
        """Let what was given up be tried again; how many."""
        failed = update(cls).where(cls.sync_id == sync_id, cls.failed_at.is_not(None))
        return rows_changed(db, failed.values(failed_at=None, next_try_at=now(), tries=0))
