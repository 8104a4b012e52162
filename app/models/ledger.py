"""The access ledger: every data call that was answered, its sums by day, and counts of those that were refused."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Self
from typing import cast as cast_to

from sqlalchemy import (
    Date,
    ForeignKey,
    Index,
    Select,
    String,
    Table,
    Text,
    cast,
    delete,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session, is_sqlite
from app.models.base import SWEPT_MOST, Base, new_id, rows_changed

_insert = sqlite.insert if is_sqlite else postgresql.insert


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Which part of a school's ledger: of one app, drawing on one scope, from the one moment until before the other."""

    school_id: uuid.UUID
    app_id: uuid.UUID | None = None
    scope: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None


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

    @classmethod
    def add(cls, db: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write these; one that is there already (its id says so) is left as it is."""
        # Of the table, not of the class: no objects are wanted, and each call pays for this.
        db.connection().execute(_insert(cast_to(Table, cls.__table__)).on_conflict_do_nothing(), list(rows))

    @classmethod
    def page(cls, db: Session, wanted: Wanted, page: int, rows: int) -> tuple[list[Self], int]:
        """One page, newest first, and how many there are."""
        found = _within(select(cls), wanted)
        total = db.scalar(found.with_only_columns(func.count())) or 0
        found = found.order_by(cls.read_at.desc(), cls.id.desc()).offset((page - 1) * rows).limit(rows)
        return list(db.scalars(found)), total

    @classmethod
    def every(cls, db: Session, wanted: Wanted) -> Iterator[Self]:
        """All of it, newest first, without holding it in memory."""
        found = _within(select(cls), wanted).order_by(cls.read_at.desc(), cls.id.desc())
        yield from db.scalars(found.execution_options(yield_per=500))

    @classmethod
    def days_of_school(cls, db: Session, wanted: Wanted) -> dict[dt.date, int]:
        """Calls by day (UTC), those of which only sums are left included."""
        counted = _within(select(_day(cls.read_at), func.count()), wanted).group_by(_day(cls.read_at))
        summed = select(ReadDay.day, func.sum(ReadDay.calls)).where(ReadDay.school_id == wanted.school_id)
        if wanted.app_id:
            summed = summed.where(ReadDay.app_id == wanted.app_id)
        if wanted.since:
            summed = summed.where(ReadDay.day >= wanted.since.date())
        if wanted.until:
            summed = summed.where(ReadDay.day < wanted.until.date())
        if wanted.scope:
            summed = summed.where((" " + ReadDay.scopes + " ").contains(f" {wanted.scope} ", autoescape=True))
        return _added([*db.execute(counted), *db.execute(summed.group_by(ReadDay.day))])

    @classmethod
    def by_day(cls, db: Session, app_id: uuid.UUID, since: dt.datetime) -> dict[dt.date, int]:
        """An app's calls by day (UTC), at every school together."""
        mine = (cls.app_id == app_id, cls.read_at >= since)
        counted = select(_day(cls.read_at), func.count()).where(*mine).group_by(_day(cls.read_at))
        summed = select(ReadDay.day, func.sum(ReadDay.calls)).where(ReadDay.app_id == app_id)
        return _added(
            [*db.execute(counted), *db.execute(summed.where(ReadDay.day >= since.date()).group_by(ReadDay.day))]
        )

    @classmethod
    def scopes_since(
        cls, db: Session, authorisation_ids: Collection[uuid.UUID], since: dt.datetime
    ) -> dict[uuid.UUID, set[str]]:
        """Which scopes were read under each of these since then."""
        mine = (cls.authorisation_id.in_(authorisation_ids), cls.read_at >= since)
        used: dict[uuid.UUID, set[str]] = {}
        for authorisation_id, scopes in db.execute(select(cls.authorisation_id, cls.scopes).where(*mine).distinct()):
            used.setdefault(authorisation_id, set()).update(scopes.split())
        return used

    @classmethod
    def roll_up(cls, db: Session, before: dt.datetime, most: int = SWEPT_MOST) -> int:
        """Turn the oldest calls from before then into sums by day; how many calls that were."""
        old = select(cls).where(cls.read_at < before).order_by(cls.read_at).limit(most)
        rows = list(db.scalars(old.with_for_update(skip_locked=True)))
        sums: dict[tuple[uuid.UUID, uuid.UUID, dt.date, str], tuple[set[str], int, int]] = {}
        for row in rows:
            key = (row.school_id, row.app_id, row.read_at.date(), row.route)
            scopes, calls, people = sums.get(key, (set(), 0, 0))
            sums[key] = (scopes | set(row.scopes.split()), calls + 1, people + row.people)
        for key, (scopes, calls, people) in sorted(sums.items()):
            ReadDay.add(db, key, scopes, calls, people)
        db.execute(delete(cls).where(cls.id.in_([row.id for row in rows])))
        return len(rows)


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

    @classmethod
    def add(
        cls, db: Session, key: tuple[uuid.UUID, uuid.UUID, dt.date, str], scopes: set[str], calls: int, people: int
    ) -> None:
        """Add to the sums of one school, app, day and route."""
        standing = db.get(cls, key, with_for_update=True)
        if standing is None:
            school_id, app_id, day, route = key
            joined = " ".join(sorted(scopes))
            db.add(
                cls(school_id=school_id, app_id=app_id, day=day, route=route, scopes=joined, calls=calls, people=people)
            )
            db.flush()
            return
        standing.scopes = " ".join(sorted(scopes | set(standing.scopes.split())))
        standing.calls += calls
        standing.people += people


class Refusal(Base):
    """How often an app was refused in an hour, and with which error: what its developer looks at first."""

    __tablename__ = "refusal"

    app_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    hour: Mapped[dt.datetime] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(String(80), primary_key=True)
    error: Mapped[str] = mapped_column(String(60), primary_key=True)
    calls: Mapped[int]

    @classmethod
    def add(cls, db: Session, counts: Mapping[tuple[uuid.UUID, dt.datetime, str, str], int]) -> None:
        """Add to the counts, in one order, so that two processes do not wait for each other."""
        rows = [
            {"app_id": app_id, "hour": hour, "route": route, "error": error, "calls": calls}
            for (app_id, hour, route, error), calls in sorted(counts.items())
        ]
        adding = _insert(cls)
        key = [cls.app_id, cls.hour, cls.route, cls.error]
        db.execute(
            adding.on_conflict_do_update(index_elements=key, set_={"calls": cls.calls + adding.excluded.calls}), rows
        )

    @classmethod
    def by_error(cls, db: Session, app_id: uuid.UUID, since: dt.datetime) -> list[tuple[str, str, int, dt.datetime]]:
        """(route, error, how often, the last hour of it), most often first."""
        total = func.sum(cls.calls)
        found = select(cls.route, cls.error, total, func.max(cls.hour)).where(cls.app_id == app_id, cls.hour >= since)
        rows = db.execute(found.group_by(cls.route, cls.error).order_by(total.desc(), cls.route, cls.error))
        return [(route, error, calls, last) for route, error, calls, last in rows]

    @classmethod
    def by_day(cls, db: Session, app_id: uuid.UUID, since: dt.datetime) -> dict[dt.date, int]:
        """An app's refusals by day (UTC)."""
        mine = select(_day(cls.hour), func.sum(cls.calls)).where(cls.app_id == app_id, cls.hour >= since)
        return _added(db.execute(mine.group_by(_day(cls.hour))).all())

    @classmethod
    def forget(cls, db: Session, before: dt.datetime, most: int = SWEPT_MOST) -> int:
        """Delete counts from before then, and say how many rows."""
        key = tuple_(cls.app_id, cls.hour, cls.route, cls.error)
        old = select(cls.app_id, cls.hour, cls.route, cls.error).where(cls.hour < before).limit(most)
        return rows_changed(db, delete(cls).where(key.in_(old)))


def _within(found: Select[Any], wanted: Wanted) -> Select[Any]:
    found = found.where(Read.school_id == wanted.school_id)
    if wanted.app_id:
        found = found.where(Read.app_id == wanted.app_id)
    if wanted.since:
        found = found.where(Read.read_at >= wanted.since)
    if wanted.until:
        found = found.where(Read.read_at < wanted.until)
    if wanted.scope:
        found = found.where((" " + Read.scopes + " ").contains(f" {wanted.scope} ", autoescape=True))
    return found


def _day(moment: Any) -> Any:
    """The day of a moment in UTC; SQLite, whose dates are text, needs it cut out of that.

    Without a parameter in it: PostgreSQL takes two parameters for two different days, and so refuses to group by them.
    """
    return func.date(moment) if is_sqlite else cast(func.timezone(literal_column("'UTC'"), moment), Date)


def _added(rows: Sequence[Any]) -> dict[dt.date, int]:
    days: dict[dt.date, int] = {}
    for day, calls in rows:
        on = dt.date.fromisoformat(day) if isinstance(day, str) else day
        days[on] = days.get(on, 0) + int(calls)
    return days
