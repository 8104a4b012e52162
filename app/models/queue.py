"""What the onboarding team looks through: cases by their due date, and every school."""

import dataclasses
import datetime as dt
import re
import statistics
import uuid
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from app.db import Session
from app.models.account import ADMIN, Account, Membership
from app.models.establishment import Establishment
from app.models.school import SUSPENDED, VERIFIED, School
from app.models.verification import APPROVED, OUR_STATES, WAITING, Call, Verification

PAGE_ROWS = 25
RECHECK = "To check again"


@dataclasses.dataclass(frozen=True)
class Row:
    """One case in the queue. `establishment` is None where the register no longer has the school."""

    case: Verification
    school: School
    establishment: Establishment | None
    registrant: Account | None
    taker: str | None
    tries: int


def cases(
    db: Session, states: tuple[str, ...], words: str = "", taken_by: uuid.UUID | None = None, page: int = 1
) -> tuple[list[Row], int]:
    """One page of cases and how many there are: ours by due date, then waiting, then decided ones, newest first."""
    found = _joined(Verification.state.in_(states), _matching(words))
    if taken_by:
        found = found.where(Verification.taken_by == taken_by)
    total = db.scalar(found.with_only_columns(func.count())) or 0
    page = _within(page, total)
    order = case((Verification.state.in_(OUR_STATES), 0), (Verification.state == WAITING, 1), else_=2)
    newest = Verification.decided_at.desc().nulls_first()
    found = found.order_by(order, newest, Verification.due_at, Verification.id)
    rows = db.execute(found.offset((page - 1) * PAGE_ROWS).limit(PAGE_ROWS)).all()
    registrants = _registrants(db, [school.id for _, school, _, _ in rows])
    tries = _tries(db, [found_case.id for found_case, _, _, _ in rows])
    return [
        Row(found_case, school, record, registrants.get(school.id), taker, tries.get(found_case.id, 0))
        for found_case, school, record, taker in rows
    ], total


def counts(db: Session, words: str = "") -> dict[str, int]:
    """How many cases are in each state, among those that match."""
    found = _joined(_matching(words)).with_only_columns(Verification.state, func.count()).group_by(Verification.state)
    return {row[0]: row[1] for row in db.execute(found)}


def overdue(db: Session, at: dt.datetime, words: str = "") -> int:
    """How many cases have used up our time."""
    late = _joined(Verification.state.in_(OUR_STATES), Verification.due_at < at, _matching(words))
    return db.scalar(late.with_only_columns(func.count())) or 0


def taken(db: Session, by: uuid.UUID) -> int:
    """How many open cases one operator has."""
    mine = select(func.count()).where(Verification.taken_by == by, Verification.state.in_((*OUR_STATES, WAITING)))
    return db.scalar(mine) or 0


def schools(
    db: Session, status: str = "", words: str = "", page: int = 1, rows: int | None = PAGE_ROWS
) -> tuple[list[tuple[School, Establishment | None]], int]:
    """One page of schools (all of them when `rows` is None) by name, and how many there are.

    `status` may be RECHECK: those of which the register says something new.
    """
    found = select(School, Establishment).select_from(School).outerjoin(Establishment, Establishment.urn == School.urn)
    found = found.where(_matching(words))
    if status == RECHECK:
        found = found.where(School.recheck_since.is_not(None), School.status.in_((VERIFIED, SUSPENDED)))
    elif status:
        found = found.where(School.status == status)
    total = db.scalar(found.with_only_columns(func.count())) or 0
    page = _within(page, total)
    found = found.order_by(func.lower(School.name), School.registered_at, School.id)
    if rows:
        found = found.offset((page - 1) * rows).limit(rows)
    return [(school, record) for school, record in db.execute(found)], total


def _within(page: int, total: int) -> int:
    """The page asked for, or the last one there is."""
    return max(1, min(page, -(-total // PAGE_ROWS)))


def school_counts(db: Session, words: str = "") -> dict[str, int]:
    """How many schools have each status, among those that match."""
    found = (
        select(School.status, func.count())
        .select_from(School)
        .outerjoin(Establishment, Establishment.urn == School.urn)
    )
    found = found.where(_matching(words)).group_by(School.status)
    return {row[0]: row[1] for row in db.execute(found)}


@dataclasses.dataclass(frozen=True)
class Month:
    """The registrations of one month: how many were decided, how many of those in our time, and how they ended."""

    first: dt.date
    registered: int
    decided: int
    in_time: int
    approved: int
    hours: float | None  # median, from registering to deciding, by the clock


def months(db: Session, since: dt.datetime) -> list[Month]:
    """The onboarding team's months, newest first; a case belongs to the month in which it was opened (UTC)."""
    found = select(Verification.opened_at, Verification.due_at, Verification.decided_at, Verification.state)
    by_month: dict[dt.date, list[Any]] = {}
    for row in db.execute(found.where(Verification.opened_at >= since)):
        by_month.setdefault(row.opened_at.date().replace(day=1), []).append(row)
    return [_month(first, by_month[first]) for first in sorted(by_month, reverse=True)]


def _month(first: dt.date, rows: list[Any]) -> Month:
    decided = [row for row in rows if row.decided_at]
    took = [(row.decided_at - row.opened_at).total_seconds() / 3600 for row in decided]
    return Month(
        first=first,
        registered=len(rows),
        decided=len(decided),
        in_time=sum(row.decided_at <= row.due_at for row in decided),
        approved=sum(row.state == APPROVED for row in decided),
        hours=statistics.median(took) if took else None,
    )


def _joined(*conditions: ColumnElement[bool]) -> Any:
    taker = aliased(Account)
    return (
        select(Verification, School, Establishment, taker.name)
        .select_from(Verification)
        .join(School, School.id == Verification.school_id)
        .outerjoin(Establishment, Establishment.urn == School.urn)
        .outerjoin(taker, taker.id == Verification.taken_by)
        .where(*conditions)
    )


def _matching(words: str) -> ColumnElement[bool]:
    """Schools that a URN, a DfE number (with or without its slash), a name or a registrant's name or address finds."""
    text = " ".join(words.split())
    if not text:
        return School.id.is_not(None)
    registrant = exists().where(
        Membership.account_id == Account.id,
        Membership.school_id == School.id,
        or_(
            Account.name.icontains(text, autoescape=True),
            Account.email.icontains(text, autoescape=True),
            Account.username == text.lower().replace("/", "").replace(" ", ""),
        ),
    )
    found = [School.name.icontains(text, autoescape=True), Establishment.name.icontains(text, autoescape=True)]
    digits = re.sub(r"[\s/]", "", text)
    if re.fullmatch(r"[0-9]{7}", digits):
        found.append(and_(Establishment.la_code == digits[:3], Establishment.establishment_number == digits[3:]))
    if re.fullmatch(r"[0-9]{1,9}", digits):
        found.append(School.urn == int(digits))
    return or_(*found, registrant)


def _registrants(db: Session, school_ids: list[uuid.UUID]) -> dict[uuid.UUID, Account]:
    """The first Estab Admin of each school: the person who registered it."""
    found = (
        select(Membership.school_id, Account)
        .join(Account, Account.id == Membership.account_id)
        .where(Membership.school_id.in_(school_ids), Membership.role == ADMIN)
        .order_by(Membership.created_at.desc(), Membership.id.desc())
    )
    return {row[0]: row[1] for row in db.execute(found) if row[0]}


def _tries(db: Session, case_ids: list[uuid.UUID]) -> dict[uuid.UUID, int]:
    found = select(Call.verification_id, func.count()).where(Call.verification_id.in_(case_ids))
    return {row[0]: row[1] for row in db.execute(found.group_by(Call.verification_id))}
