"""The lists of the Groupcall-style API: who and what is in each, over `app/disclosure` and nothing else."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from app.disclosure import records
from app.disclosure.records import Record
from app.models.roster.group import STUDENT
from app.models.roster.person import YEARS
from app.models.roster.sight import CONTACT, PUPIL, STAFF
from app.models.scope import CONTACTS, GROUPS, ORGANISATION, STAFF_MEMBERS, STUDENTS
from app.roster.groupcall import rows as shapes
from app.roster.groupcall.rows import Names, Shape, joined
from app.roster.look import Look
from app.roster.resources import of_record

Options = frozenset[str]
GROUP_IDS, CONTACT_IDS, STUDENT_IDS = "includeGroupIds", "includeContactIds", "includeStudentIds"
MEMBER_IDS, STAFF_ROWS, STUDENT_ROWS = "includeMembersIds", "includeStaffMembers", "includeStudentMembers"
Key = Any  # what a row is known by within one look: an id of ours, a pair of them, or an NC year


@dataclasses.dataclass(frozen=True)
class Listing:
    """One list. `scopes`: a token needs one of each group; the first of a group is asked for.

    `beside` gives the rows of further tables that come with these, by table and then by key. `people` counts those whom
    an answer with these rows is about. `of_roster` is false where more than the roster decides what is in it.
    """

    name: str
    scopes: tuple[tuple[str, ...], ...]
    keys: Callable[[Look], Sequence[Key]]
    rows: Callable[[Look, Sequence[Key], Options], list[Shape]]
    own: Callable[[Look, str], Key | None]
    people: Callable[[Look, Sequence[Key], Options], int]
    options: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    beside: Callable[[Look, Sequence[Key], Options], dict[str, dict[Key, list[Shape]]]] = lambda *_: {}
    of_roster: bool = True

    def asked(self, options: Options) -> Options:
        """Those of the options that this list knows."""
        return options.intersection(self.options)


def _of_people(name: str, kind: int, record: str, names: Names, *options: str) -> Listing:
    def rows(look: Look, keys: Sequence[Key], chosen: Options) -> list[Shape]:
        found = records.people(look.db, look.sight, look.standing, keys)
        ids = [one["id"] for one in found]
        made = shapes.people(look.people.shown(ids), found, names, look.sight.fields[record])
        if GROUP_IDS in chosen and look.sight.groups:
            _add(made, "GroupIds", ids, records.groups_of(look.db, look.standing, ids), look.groups.shown)
        if CONTACT_IDS in chosen and look.sight.kinds & CONTACT:
            contacts = {pupil: [one["id"] for one in those] for pupil, those in _contacts(look, ids).items()}
            _add(made, "ContactIds", ids, contacts, look.people.shown)
        if STUDENT_IDS in chosen and look.sight.kinds & PUPIL:
            pupils: dict[int, list[int]] = {}
            for pupil, contact in _pairs(look):
                pupils.setdefault(contact, []).append(pupil)
            _add(made, "StudentIds", ids, pupils, look.people.shown)
        return made

    return Listing(
        name,
        (of_record(record),),
        lambda look: look.standing.of_kind(kind),
        rows,
        lambda look, shown: look.people.own(shown),
        lambda _look, keys, _options: len(keys),
        options,
    )


def _add(rows: list[Shape], name: str, ids: Sequence[int], found: dict[int, list[int]], shown: Any) -> None:
    for row, own in zip(rows, ids, strict=True):
        row[name] = joined(shown(sorted(set(found.get(own, ())))))


def _contacts(look: Look, pupils: Sequence[int]) -> dict[int, list[Record]]:
    """The contacts of those pupils who are seen as pupils."""
    seen = [own for own in pupils if look.standing.people.get(own, 0) & PUPIL]
    return records.contacts(look.db, look.sight, look.standing, seen)


def _pairs(look: Look) -> list[Key]:
    found = _contacts(look, look.standing.of_kind(PUPIL))
    return sorted((pupil, one["id"]) for pupil, those in found.items() for one in those)


def _relations(look: Look, keys: Sequence[Key], _options: Options) -> list[Shape]:
    found = _contacts(look, list(dict.fromkeys(pupil for pupil, _contact in keys)))
    by_pair = {(pupil, one["id"]): one for pupil, those in found.items() for one in those}
    there = [pair for pair in keys if pair in by_pair]
    pupils = look.people.shown([pupil for pupil, _contact in there])
    contacts = look.people.shown([contact for _pupil, contact in there])
    opened = look.sight.fields[CONTACTS]
    return [
        shapes.relation(pupil, contact, by_pair[pair], opened)
        for pair, pupil, contact in zip(there, pupils, contacts, strict=True)
    ]


def _own_pair(look: Look, shown: str) -> Key | None:
    pupil, _, contact = shown.partition("-")
    pair = look.people.own(pupil), look.people.own(contact)
    return None if None in pair else pair


def _groups(look: Look, keys: Sequence[Key], options: Options) -> list[Shape]:
    found = records.groups(look.db, look.sight, look.standing, keys)
    members = records.members(look.db, look.standing, [one["id"] for one in found])
    made = []
    for own, one in zip(look.groups.shown([one["id"] for one in found]), found, strict=True):
        row, there = shapes.group(own, one), members.get(one["id"], [])
        pupils = sorted({person for person, role in there if role == STUDENT})
        staff = sorted({person for person, role in there if role != STUDENT})
        if look.sight.kinds & PUPIL:
            row["NumStudents"] = len(pupils)
            row |= {"StudentIds": joined(look.people.shown(pupils))} if MEMBER_IDS in options else {}
        if look.sight.kinds & STAFF and MEMBER_IDS in options:
            row["StaffIds"] = joined(look.people.shown(staff))
        made.append(row)
    return made


def _members(look: Look, keys: Sequence[Key], options: Options) -> dict[str, dict[Key, list[Shape]]]:
    """The people in these groups, row by row, where they are asked for."""
    tables: dict[str, dict[Key, list[Shape]]] = {}
    found = records.members(look.db, look.standing, keys) if options & {STAFF_ROWS, STUDENT_ROWS} else {}
    shown = dict(zip(keys, look.groups.shown(keys), strict=True))
    for option, table, name in ((STAFF_ROWS, "StaffMembers", "StaffId"), (STUDENT_ROWS, "StudentMembers", "StudentId")):
        if option not in options:
            continue
        rows = tables.setdefault(table, {})
        for key, there in found.items():
            those = sorted({pair for pair in there if (pair[1] == STUDENT) == (option == STUDENT_ROWS)})
            people = look.people.shown([person for person, _role in those])
            rows[key] = [
                {"Id": f"{shown[key]}-{person}", "GroupId": shown[key], name: person, "Role": pair[1]}
                for person, pair in zip(people, those, strict=True)
            ]
    return tables


def _in_groups(look: Look, keys: Sequence[Key], options: Options) -> int:
    if not options:
        return 0
    found = records.members(look.db, look.standing, keys)
    return len({person for there in found.values() for person, _role in there})


def _of_groups(name: str, keys: Callable[[Look], Sequence[Key]]) -> Listing:
    return Listing(
        name,
        (of_record(GROUPS),),
        keys,
        _groups,
        lambda look, shown: look.groups.own(shown),
        _in_groups,
        (MEMBER_IDS, STAFF_ROWS, STUDENT_ROWS),
        ("StaffMembers", "StudentMembers"),
        _members,
    )


def _of_type(group_type: str) -> Callable[[Look], list[Key]]:
    """The groups of one type; of a type that we do not have, none."""

    def keys(look: Look) -> list[Key]:
        found = records.groups(look.db, look.sight, look.standing, list(look.standing.groups(look.db)))
        return [one["id"] for one in found if shapes.group_type(one).lower() == group_type]

    return keys


def _years(look: Look) -> Counter[str]:
    """How many of the pupils who may be seen are in each NC year."""
    if "year" not in look.sight.fields[STUDENTS]:
        return Counter()
    pupils = records.people(look.db, look.sight, look.standing, look.standing.of_kind(PUPIL))
    return Counter(one["year"] for one in pupils if one["year"])


def _year_groups(look: Look, keys: Sequence[Key], _options: Options) -> list[Shape]:
    counted = _years(look)
    return [shapes.year_group(year, counted[year]) for year in keys if year in counted]


def _nobody(_look: Look, _keys: Sequence[Key], _options: Options) -> int:
    return 0


_ALL = (
    Listing(
        "SchoolInfo",
        (of_record(ORGANISATION),),
        lambda _look: [0],
        lambda look, keys, _options: [shapes.school(look) for _ in keys],
        lambda look, shown: 0 if shown == look.org_id else None,
        _nobody,
        of_roster=False,
    ),
    _of_people("Students", PUPIL, STUDENTS, shapes.PUPIL, GROUP_IDS, CONTACT_IDS),
    _of_people("Staff", STAFF, STAFF_MEMBERS, shapes.STAFF, GROUP_IDS),
    _of_people("Contacts", CONTACT, CONTACTS, shapes.CONTACT, STUDENT_IDS),
    Listing(
        "StudentContacts",
        (of_record(CONTACTS), of_record(STUDENTS)),
        _pairs,
        _relations,
        _own_pair,
        lambda _look, keys, _options: len({person for pair in keys for person in pair}),
    ),
    _of_groups("Groups", lambda look: list(look.standing.groups(look.db))),
    Listing(
        "YearGroups",
        (of_record(STUDENTS),),
        lambda look: sorted(_years(look), key=YEARS.index),
        _year_groups,
        lambda _look, shown: shown if shown in YEARS else None,
        _nobody,
    ),
    _of_groups("RegistrationGroups", _of_type(shapes.REGISTRATION.lower())),
)
LISTINGS = {one.name.lower(): one for one in _ALL}
"""By their names without case, as they are asked for."""


def listing(name: str, group_type: str) -> Listing | None:
    """The list of a name; of `Groups`, where a type is asked for (RegGrp, TeachingGrp), those of that type alone."""
    if group_type and name.lower() == "groups":
        return _of_groups("Groups", _of_type(group_type.lower()))
    return LISTINGS.get(name.lower())
