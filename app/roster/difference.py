"""How a batch differs from the roster that is there, and writing it: added, changed, gone, and what stays as it is."""

import dataclasses
import datetime as dt
import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from app.db import Session
from app.models.base import now
from app.models.roster import changes
from app.models.roster.rostered import new_key
from app.roster import matching
from app.roster.incoming import CONTACTS, GROUPS, PUPILS, STAFF, Fault, Faulty, Incoming, Row
from app.roster.matching import Doubt

COLUMNS_OF_KIND = {PUPILS: "pupil", STAFF: "staff_role", CONTACTS: "contact_role"}

_REFERENCES = {
    "sessions": {"parent": ("sessions", "parent_id")},
    "courses": {"session": ("sessions", "session_id")},
    "groups": {"course": ("courses", "course_id"), "sessions": ("sessions", "session_ids")},
    "enrolments": {"group": ("groups", "group_id"), "person": ("people", "person_id")},
}
_RELATION = ("words", "priority", "responsibility", "court_order")


@dataclasses.dataclass
class Table:
    """The difference of one table. `keys` leads from a source's key to our id, of every row that will stand."""

    added: list[Row] = dataclasses.field(default_factory=list)
    changed: list[Row] = dataclasses.field(default_factory=list)
    gone: list[Any] = dataclasses.field(default_factory=list)
    unchanged: int = 0
    keys: dict[Any, int] = dataclasses.field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        return {
            "added": len(self.added),
            "changed": len(self.changed),
            "gone": len(self.gone),
            "unchanged": self.unchanged,
        }


@dataclasses.dataclass
class Difference:
    """What a batch would do. `before` and `leaving` count the people of each kind who are there, and who would go."""

    tables: dict[str, Table]
    before: dict[str, int]
    leaving: dict[str, int]
    doubts: list[Doubt]
    people: int

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        return {name: table.counts for name, table in self.tables.items()}

    @property
    def is_empty(self) -> bool:
        return not any(table.added or table.changed or table.gone for table in self.tables.values())


def compare(db: Session, school_id: uuid.UUID, incoming: Incoming, answers: Mapping[str, Any]) -> Difference:
    """Compare a batch with the roster. Raises Faulty where it names what is in neither.

    `answers` say of doubted people (by source key) who they are: an id, or 'new'.
    """
    tables: dict[str, Table] = {}
    people, doubts, before, leaving, count = _people(db, school_id, incoming, answers)
    tables["people"] = people
    for name in ("sessions", "courses", "groups", "enrolments"):
        tables[name] = _plain(incoming, name, changes.held(db, school_id, name), tables)
    tables["relations"] = _relations(db, school_id, incoming, people)
    return Difference(tables, before, leaving, doubts, count)


def write(db: Session, school_id: uuid.UUID, difference: Difference, number: int) -> None:
    """Write a difference as the change of that number. References are written after what they point to."""
    at = now()
    for name in ("sessions", "courses", "groups", "people", "enrolments", "relations"):
        table = difference.tables[name]
        stamp: Row = {"number": number, "changed_at": at}
        born = stamp | {"school_id": school_id}
        arrived: Row = {} if name == "relations" else {"arrived_at": at}
        changes.add(db, name, [row | born | arrived for row in table.added if "_back" not in row])
        back = [_without_mark(row) | stamp | arrived for row in table.added if "_back" in row]
        changes.change(db, name, school_id, back + [row | stamp | _year(row, at) for row in table.changed])
        if name == "relations":
            ended = [{"pupil_id": one, "contact_id": other} | stamp | {"gone_at": at} for one, other in table.gone]
            changes.change(db, name, school_id, ended)
        else:
            changes.end(db, name, school_id, table.gone, stamp | {"gone_at": at})


def _without_mark(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "_back"}


def _year(row: Row, at: dt.datetime) -> Row:
    return {"year_changed_at": at} if "year_before" in row else {}


def digest(row: Row) -> bytes:
    """Of a row as it was brought: the same again, and nothing is to do."""
    return hashlib.blake2b(orjson.dumps(row, default=sorted), digest_size=16).digest()


def _people(
    db: Session, school_id: uuid.UUID, incoming: Incoming, answers: Mapping[str, Any]
) -> tuple[Table, list[Doubt], dict[str, int], dict[str, int], int]:
    table, identity = Table(), ("id", "source_key", "digest", "gone_at", *changes.IDENTITY)
    held = [dict(zip(identity, row, strict=True)) for row in changes.held(db, school_id, "people")]
    by_key = {one["source_key"]: one for one in held}
    named_gone = incoming.gone.get("people", set())

    def is_missing(one: Row) -> bool:
        """Whether somebody who is there is no more, by what this batch covers."""
        if one["source_key"] in incoming.people or one["gone_at"]:
            return False
        if not incoming.is_full:
            return one["source_key"] in named_gone
        kinds = [kind for kind, column in COLUMNS_OF_KIND.items() if one[column]]
        return bool(kinds) and all(kind in incoming.covers for kind in kinds)

    missing = {one["id"]: one for one in held if is_missing(one)}
    new = {key: row for key, row in incoming.people.items() if key not in by_key}
    left_before = {one["id"]: one for one in held if one["gone_at"] and one["upn"]} if new else {}
    same, doubts = _recognised(new, missing, left_before, answers)
    by_id = {one["id"]: one for one in held}
    for key, row in incoming.people.items():
        one = by_key.get(key) or by_id.get(same.get(key, -1))
        brought = digest(row)
        if one is None:
            own = new_key()
            table.added.append(row | {"id": own, "source_key": key, "digest": brought})
        else:
            own = one["id"]
            missing.pop(own, None)
            changed = row | {"id": own, "source_key": key, "digest": brought}
            if one["gone_at"]:
                table.added.append(changed | {"gone_at": None, "_back": True})
            elif brought != one["digest"] or key != one["source_key"]:
                moved = one["year"] and row.get("year") and row["year"] != one["year"]
                table.changed.append(changed | ({"year_before": one["year"]} if moved else {}))
            else:
                table.unchanged += 1
        table.keys[key] = own
    table.gone = sorted(missing)
    for key, one in by_key.items():
        if not one["gone_at"] and one["id"] not in missing:
            table.keys.setdefault(key, one["id"])
    there = [one for one in held if not one["gone_at"]]
    before = {kind: sum(bool(one[column]) for one in there) for kind, column in COLUMNS_OF_KIND.items()}
    leaving = {kind: sum(bool(one[column]) for one in missing.values()) for kind, column in COLUMNS_OF_KIND.items()}
    return table, doubts, before, leaving, len(there) - len(missing) + len(table.added)


def _recognised(
    new: Mapping[str, Row], missing: Mapping[int, Row], left_before: Mapping[int, Row], answers: Mapping[str, Any]
) -> tuple[dict[str, int], list[Doubt]]:
    """Who of the new is somebody that goes missing, or left before and has the same UPN."""
    said = {key: int(answer) for key, answer in answers.items() if key in new and str(answer).isdigit()}
    said = {key: own for key, own in said.items() if own in missing}
    asked = {key: row for key, row in new.items() if key not in answers}
    free = {own: one for own, one in missing.items() if own not in said.values()}
    same, doubts = matching.match(asked, free) if asked and free else ({}, [])
    if left_before:
        unknown = {key: row for key, row in asked.items() if key not in same}
        same |= matching.returned(unknown, left_before)
        doubts = [doubt for doubt in doubts if doubt.key not in same]
    return same | said, doubts


def _plain(incoming: Incoming, name: str, held: Sequence[Any], tables: Mapping[str, Table]) -> Table:
    """The difference of a table whose rows are known by their source's key alone.

    `held` are rows of (id, source_key, digest, gone_at, …); `tables` are those that were compared before.
    """
    table, rows = Table(), getattr(incoming, name)
    was = {row[1]: row for row in held}
    table.keys = {key: was[key][0] if key in was else new_key() for key in rows}
    table.keys |= {key: row[0] for key, row in was.items() if key not in rows and row[3] is None}
    for key, row in rows.items():
        made = _referred(incoming, name, key, row, {**tables, name: table})
        brought = digest(made)
        made |= {"id": table.keys[key], "source_key": key, "digest": brought}
        if key not in was:
            table.added.append(made)
        elif was[key][3] is not None:
            table.added.append(made | {"gone_at": None, "_back": True})
        elif was[key][2] != brought:
            table.changed.append(made)
        else:
            table.unchanged += 1
    ends = incoming.is_full and GROUPS in incoming.covers
    named_gone = incoming.gone.get(name, set())
    gone = {one: set(done.gone) for one, done in tables.items()}
    for key, row in was.items():
        if row[3] is not None or key in rows:
            continue
        goes_along = name == "enrolments" and (row[4] in gone["groups"] or row[5] in gone["people"])
        if ends or key in named_gone or goes_along:
            table.gone.append(row[0])
            table.keys.pop(key, None)
        else:
            table.unchanged += 1
    return table


def _referred(incoming: Incoming, name: str, key: str, row: Row, tables: Mapping[str, Table]) -> Row:
    """The row with our ids in place of the source's keys. Raises Faulty for a key of nothing."""
    made = dict(row)
    for reference, (to, column) in _REFERENCES[name].items():
        wanted = made.pop(reference, None)
        keys = tables[to].keys
        try:
            if column.endswith("_ids"):
                made[column] = [keys[one] for one in wanted or ()]
            else:
                made[column] = keys[wanted] if wanted else None
        except KeyError as unknown:
            raise _unknown(incoming, f"{name} {key}", to, unknown.args[0]) from None
    return made


def _unknown(incoming: Incoming, what: str, to: str, key: Any) -> Faulty:
    reason = f"{what} names {key} of {to}, which is neither in these files nor in the school’s data"
    return Faulty(Fault(incoming.source, 0, "", reason))


def _relations(db: Session, school_id: uuid.UUID, incoming: Incoming, people: Table) -> Table:
    """Relations are all of a pupil's or none: a batch that speaks of a pupil and of contacts says all of them."""
    table = Table()
    wanted: dict[tuple[int, int], Row] = {}
    for (pupil, contact), told in incoming.relations.items():
        for key in (pupil, contact):
            if key not in people.keys:
                raise _unknown(incoming, f"the relation of {pupil} to {contact}", "people", key)
        wanted[people.keys[pupil], people.keys[contact]] = told
    spoken_of: Collection[int] = ()
    if CONTACTS in incoming.covers:
        spoken_of = {people.keys[key] for key, row in incoming.people.items() if row.get("pupil")}
    gone = set(people.gone)
    for pupil, contact, gone_at, *was in changes.held_relations(db, school_id):
        row = wanted.pop((pupil, contact), None)
        ids = {"pupil_id": pupil, "contact_id": contact}
        if row is not None:
            full = _whole(row)
            if gone_at is not None:
                table.added.append(ids | full | {"gone_at": None, "_back": True})
            elif tuple(full.values()) != tuple(was):
                table.changed.append(ids | full)
            else:
                table.unchanged += 1
        elif gone_at is None:
            if pupil in spoken_of or pupil in gone or contact in gone:
                table.gone.append((pupil, contact))
            else:
                table.unchanged += 1
    table.added += [
        {"pupil_id": pupil, "contact_id": contact} | _whole(row) for (pupil, contact), row in wanted.items()
    ]
    return table


def _whole(row: Row) -> Row:
    known: Row = {"words": "", "priority": None, "responsibility": None, "court_order": False}
    return known | {name: row[name] for name in _RELATION if name in row}
