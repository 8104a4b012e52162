"""Which rows of a roster one app may see: the questions behind `app/disclosure`."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import Any, cast

from sqlalchemy import Table, case, exists, func, or_, select

from app.db import Session
from app.models.base import among, midnight, now
from app.models.roster.exclusion import Exclusion
from app.models.roster.group import AcademicSession, Course, Enrolment, Group
from app.models.roster.person import Person, Relation

PUPIL, STAFF, CONTACT = 1, 2, 4
"""What somebody is to the school: bits, since one person may be several."""

_person, _relation = cast(Table, Person.__table__).c, cast(Table, Relation.__table__).c
_TABLES = {kind: cast(Table, kind.__table__) for kind in (Person, Group, Course, AcademicSession, Enrolment)}
_KINDS = (
    case((_person.pupil, PUPIL), else_=0)
    + case((_person.staff_role != "", STAFF), else_=0)
    + case((_person.contact_role != "", CONTACT), else_=0)
)


def kept_back(school_id: uuid.UUID, app_id: uuid.UUID) -> Any:
    """Whether a person is excluded from this app, or from every app."""
    rows = cast(Table, Exclusion.__table__).c
    return exists().where(
        rows.school_id == school_id,
        rows.person_id == _person.id,
        rows.ended_at.is_(None),
        or_(rows.app_id.is_(None), rows.app_id == app_id),
    )


def present(db: Session, school_id: uuid.UUID, app_id: uuid.UUID, on: dt.date) -> Sequence[Any]:
    """(id, kinds, NC year) of everybody who is there on that day and not excluded, in order of id."""
    found = select(_person.id, _KINDS, _person.year).where(
        _person.school_id == school_id,
        _person.gone_at.is_(None),
        or_(_person.leaves_on.is_(None), _person.leaves_on >= on),
        ~kept_back(school_id, app_id),
    )
    return db.connection().execute(found.order_by(_person.id)).all()


def years(db: Session, school_id: uuid.UUID) -> Sequence[str]:
    """The NC years of the pupils who are there, each once."""
    found = select(_person.year).where(_person.school_id == school_id, _person.pupil, _person.gone_at.is_(None))
    return [row[0] for row in db.connection().execute(found.distinct())]


def shared_contacts(db: Session, school_id: uuid.UUID) -> Sequence[Any]:
    """(pupil, contact) of every relation that no court order keeps back."""
    found = select(_relation.pupil_id, _relation.contact_id).where(
        _relation.school_id == school_id, _relation.gone_at.is_(None), _relation.court_order.is_(False)
    )
    return db.connection().execute(found).all()


def places(db: Session, school_id: uuid.UUID) -> Sequence[Any]:
    """(id, group, person, role) of every enrolment that stands, in order of id."""
    of = _TABLES[Enrolment].c
    found = select(of.id, of.group_id, of.person_id, of.role).where(of.school_id == school_id, of.gone_at.is_(None))
    return db.connection().execute(found.order_by(of.id)).all()


def standing_groups(db: Session, school_id: uuid.UUID) -> Sequence[Any]:
    """(id, course) of every group that is there, in order of id."""
    of = _TABLES[Group].c
    found = select(of.id, of.course_id).where(of.school_id == school_id, of.gone_at.is_(None)).order_by(of.id)
    return db.connection().execute(found).all()


def standing_sessions(db: Session, school_id: uuid.UUID) -> list[int]:
    of = _TABLES[AcademicSession].c
    found = select(of.id).where(of.school_id == school_id, of.gone_at.is_(None)).order_by(of.id)
    return list(db.connection().execute(found).scalars())


def rows(
    db: Session, kind: type[Any], school_id: uuid.UUID, columns: Sequence[str], ids: Collection[int]
) -> dict[int, Any]:
    """Those columns (the id before them) of some rows of one table, by id; one that is not there is left out."""
    table = _TABLES[kind]
    found = select(table.c.id, *(table.c[name] for name in columns)).where(
        table.c.school_id == school_id, among(table.c.id, "ids")
    )
    return {row[0]: row for row in db.connection().execute(found, {"ids": list(ids)})}


def relations(db: Session, school_id: uuid.UUID, pupils: Collection[int]) -> Sequence[Any]:
    """(pupil, contact, words, priority, responsibility, changed_at) of these pupils, without those kept back."""
    found = (
        select(
            _relation.pupil_id,
            _relation.contact_id,
            _relation.words,
            _relation.priority,
            _relation.responsibility,
            _relation.changed_at,
        )
        .where(
            _relation.school_id == school_id,
            _relation.gone_at.is_(None),
            _relation.court_order.is_(False),
            among(_relation.pupil_id, "ids"),
        )
        .order_by(_relation.pupil_id, _relation.priority, _relation.contact_id)
    )
    return db.connection().execute(found, {"ids": list(pupils)}).all()


def departed(
    db: Session, school_id: uuid.UUID, app_id: uuid.UUID, years: Collection[str] | None, since: dt.datetime
) -> list[tuple[int, int, dt.datetime]]:
    """(id, kinds, when) of everybody whom an app that was let in at `since` could see, and cannot any more.

    They left, were excluded, or moved out of the NC years that it covers. Whoever was kept from it all the time is not
    among them, so that a trace never tells of somebody whom the app did not know.
    """
    excluded = cast(Table, Exclusion.__table__).c
    hidden_at = (
        select(func.min(excluded.since))
        .where(
            excluded.school_id == school_id,
            excluded.person_id == _person.id,
            excluded.ended_at.is_(None),
            or_(excluded.app_id.is_(None), excluded.app_id == app_id),
        )
        .scalar_subquery()
    )
    found = select(
        _person.id,
        _KINDS,
        _person.arrived_at,
        _person.gone_at,
        _person.leaves_on,
        hidden_at.label("hidden_at"),
        _person.year,
        _person.year_before,
        _person.year_changed_at,
    ).where(
        _person.school_id == school_id,
        or_(
            _person.gone_at.is_not(None),
            _person.leaves_on.is_not(None),
            _person.year_changed_at.is_not(None),
            kept_back(school_id, app_id),
        ),
    )
    left = []
    for row in db.connection().execute(found):
        out_of_years = bool(row[1] & PUPIL) and years is not None and row.year not in years
        was_in_years = out_of_years and years is not None and row.year_before in years
        left_at = midnight(row.leaves_on + dt.timedelta(days=1)) if row.leaves_on else None
        ends = [at for at in (row.gone_at, left_at, row.hidden_at) if at]
        if was_in_years:
            ends.append(row.year_changed_at)
        when = min(ends, default=None)
        if when is None or not max(since, row.arrived_at) < when <= now():
            continue
        if out_of_years and not was_in_years:
            continue
        left.append((row[0], row[1], when))
    return left


def ended(db: Session, kind: type[Any], school_id: uuid.UUID, since: dt.datetime) -> Sequence[Any]:
    """(id, when) of the rows of one table that were there after `since` and are gone, in order of id."""
    of = _TABLES[kind].c
    found = select(of.id, of.gone_at).where(of.school_id == school_id, of.gone_at > since, of.gone_at > of.arrived_at)
    return db.connection().execute(found.order_by(of.id)).all()
