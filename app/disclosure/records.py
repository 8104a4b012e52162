"""The records of a sight: of whom and what may be seen, exactly the fields that its scopes open.

Redaction is by not asking: a field that is not opened is not read. Each record has `id` (ours), `changed_at`, and the
opened fields by the names of `models/scope.py`; a person also has `kinds`, the bits as which they are seen. An empty
value is one that nobody knows.
"""

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from app.db import Session
from app.disclosure.sight import Sight, Standing
from app.models.roster import sight as rows
from app.models.roster.group import AcademicSession, Course, Enrolment, Group
from app.models.roster.person import Person
from app.models.roster.sight import CONTACT

Record = dict[str, Any]
OF_RELATIONS = ("relation", "priority", "responsibility")  # fields of a contact that depend on the pupil


def people(db: Session, sight: Sight, standing: Standing, ids: Sequence[int]) -> list[Record]:
    """These people, in this order; who may not be seen is left out."""
    seen = {own: standing.people[own] for own in ids if own in standing.people}
    columns = _columns(sight, functools.reduce(int.__or__, seen.values(), 0))
    at = {name: place for place, name in enumerate(("id", *columns))}
    found = rows.rows(db, Person, sight.school_id, columns, seen)
    shape = {kinds: [(name, at[name]) for name in _columns(sight, kinds)] for kinds in set(seen.values())}
    records = []
    for own, kinds in seen.items():
        if row := found.get(own):
            record: Record = {"id": own, "kinds": kinds}
            record |= {name: row[place] for name, place in shape[kinds]}
            records.append(record)
    return records


def _columns(sight: Sight, kinds: int) -> list[str]:
    """The columns of Person that people who are seen as these kinds show, in a fixed order."""
    return ["changed_at", *sorted(sight.of_kinds(kinds).difference(OF_RELATIONS))]


def contacts(db: Session, sight: Sight, standing: Standing, pupils: Collection[int]) -> dict[int, list[Record]]:
    """Who may be called about these pupils: rows of {id, changed_at, relation, priority, responsibility}, by pupil.

    A contact whom the app may not see, or whom a court order keeps from this pupil, is not among them.
    """
    found: dict[int, list[Record]] = defaultdict(list)
    opened = [name for name in OF_RELATIONS if name in sight.of_kinds(CONTACT)]
    shown = [own for own in pupils if own in standing.pupils]
    for pupil, contact, words, priority, responsibility, changed_at in rows.relations(db, sight.school_id, shown):
        if not standing.people.get(contact, 0) & CONTACT:
            continue
        told = {"relation": words, "priority": priority, "responsibility": responsibility}
        record = {"id": contact, "changed_at": changed_at} | {name: told[name] for name in opened}
        found[pupil].append(record)
    return dict(found)


def groups(db: Session, sight: Sight, standing: Standing, ids: Sequence[int]) -> list[Record]:
    """These groups, in this order: fields of the scope, `course_id` and `session_ids` among them."""
    columns = ("changed_at", "title", "kind", "code", "location", "years", "subjects", "subject_codes")
    return _records(db, sight, Group, (*columns, "course_id", "session_ids"), _those(standing.groups(db), ids))


def courses(db: Session, sight: Sight, standing: Standing, ids: Sequence[int]) -> list[Record]:
    columns = ("changed_at", "title", "code", "years", "subjects", "subject_codes", "session_id")
    return _records(db, sight, Course, columns, _those(standing.courses(db), ids))


def academic_sessions(db: Session, sight: Sight, standing: Standing, ids: Sequence[int]) -> list[Record]:
    columns = ("changed_at", "title", "kind", "starts_on", "ends_on", "parent_id", "school_year")
    return _records(db, sight, AcademicSession, columns, _those(standing.sessions(db), ids))


def enrolments(db: Session, sight: Sight, standing: Standing, ids: Sequence[int]) -> list[Record]:
    """These places in groups: `group_id`, `person_id`, `role`, `is_primary`, `begins_on`, `ends_on`."""
    columns = ("changed_at", "group_id", "person_id", "role", "is_primary", "begins_on", "ends_on")
    return _records(db, sight, Enrolment, columns, _those(standing.enrolments(db), ids))


def members(db: Session, standing: Standing, group_ids: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """(person, role) of everybody who may be seen in these groups, by group."""
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    wanted = set(group_ids)
    for _own, group, person, role in standing.places(db):
        if group in wanted:
            found[group].append((person, role))
    return dict(found)


def groups_of(db: Session, standing: Standing, people_ids: Collection[int]) -> dict[int, list[int]]:
    """The groups that may be seen in which these people are, by person."""
    found: dict[int, list[int]] = defaultdict(list)
    wanted = set(people_ids)
    for _own, group, person, _role in standing.places(db):
        if person in wanted:
            found[person].append(group)
    return dict(found)


def _those(seen: dict[int, Any], ids: Iterable[int]) -> list[int]:
    return [own for own in ids if own in seen]


def _records(db: Session, sight: Sight, kind: type[Any], columns: Sequence[str], ids: Sequence[int]) -> list[Record]:
    names = ("id", *columns)
    found = rows.rows(db, kind, sight.school_id, columns, ids)
    return [dict(zip(names, found[own], strict=True)) for own in ids if own in found]
