"""Reading what a roster holds, to compare it with a batch, and writing the difference: many rows in few statements."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, select, update

from app.db import Session
from app.models.base import among
from app.models.roster.group import AcademicSession, Course, Enrolment, Group
from app.models.roster.person import Person, Relation

TABLES: dict[str, Table] = {
    "people": cast(Table, Person.__table__),
    "relations": cast(Table, Relation.__table__),
    "sessions": cast(Table, AcademicSession.__table__),
    "courses": cast(Table, Course.__table__),
    "groups": cast(Table, Group.__table__),
    "enrolments": cast(Table, Enrolment.__table__),
}
TOGETHER = 5000  # rows of one statement

IDENTITY = (
    "pupil",
    "staff_role",
    "contact_role",
    "given_name",
    "family_name",
    "birth_date",
    "upn",
    "former_upn",
    "uln",
    "trn",
    "email",
    "mobile",
    "year",
    "registration_group",
)
"""The columns of a person by which the same person is recognised in another system."""

_BESIDE = {
    "people": IDENTITY,
    "enrolments": ("group_id", "person_id"),
    "sessions": (),
    "courses": (),
    "groups": (),
}


def held(db: Session, school_id: uuid.UUID, name: str) -> Sequence[Any]:
    """(id, source_key, digest, gone_at, …) of every row of a table, those that are gone too."""
    of = TABLES[name].c
    found = select(of.id, of.source_key, of.digest, of.gone_at, *(of[column] for column in _BESIDE[name]))
    return db.connection().execute(found.where(of.school_id == school_id)).all()


def everything(db: Session, school_id: uuid.UUID, name: str) -> list[dict[str, Any]]:
    """Every row of a table that is there, column by column but for the school and the digest."""
    of = TABLES[name].c
    columns = [column for column in of if column.name not in ("school_id", "digest")]
    found = select(*columns).where(of.school_id == school_id, of.gone_at.is_(None))
    return [dict(row._mapping) for row in db.connection().execute(found)]


def held_relations(db: Session, school_id: uuid.UUID) -> Sequence[Any]:
    """(pupil_id, contact_id, gone_at, words, priority, responsibility, court_order) of every relation."""
    of = TABLES["relations"].c
    found = select(
        of.pupil_id, of.contact_id, of.gone_at, of.words, of.priority, of.responsibility, of.court_order
    ).where(of.school_id == school_id)
    return db.connection().execute(found).all()


def add(db: Session, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, each with the same columns as the others or fewer."""
    for alike in _alike(rows):
        for start in range(0, len(alike), TOGETHER):
            db.connection().execute(insert(TABLES[name]), alike[start : start + TOGETHER])


def change(db: Session, name: str, school_id: uuid.UUID, rows: Sequence[dict[str, Any]]) -> None:
    """Update rows by their keys: `id`, or `pupil_id` and `contact_id`; the other columns are set as given."""
    table = TABLES[name]
    keys = [column.name for column in table.primary_key if column.name != "school_id"]
    for alike in _alike(rows):
        which = [table.c[key] == bindparam(f"key_{key}") for key in keys]
        changed = update(table).where(table.c.school_id == school_id, *which)
        columns = [column for column in alike[0] if column not in keys]
        changed = changed.values({column: bindparam(f"new_{column}") for column in columns})
        bound = [
            {f"key_{key}": row[key] for key in keys} | {f"new_{column}": row[column] for column in columns}
            for row in alike
        ]
        for start in range(0, len(bound), TOGETHER):
            db.connection().execute(changed, bound[start : start + TOGETHER])


def end(db: Session, name: str, school_id: uuid.UUID, ids: Iterable[int], values: dict[str, Any]) -> None:
    """Mark rows as gone, by these values."""
    table, ended = TABLES[name], list(ids)
    gone = update(table).where(table.c.school_id == school_id, among(table.c.id, "ids")).values(values)
    for start in range(0, len(ended), TOGETHER):
        db.connection().execute(gone, {"ids": ended[start : start + TOGETHER]})


def _alike(rows: Sequence[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    """The rows, those with the same columns together."""
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        by_columns.setdefault(tuple(row), []).append(row)
    return by_columns.values()
