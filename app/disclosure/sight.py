"""What one app may see of one school at one moment: whom, and which of their fields.

The order of every call: the school (of the token), the authorisation, its scopes, its year groups, excluded people;
then the fields. Only what is left is filtered, sorted, counted and paged, so that a hidden person or value changes no
answer.
"""

import dataclasses
import datetime as dt
import functools
import uuid
from collections import OrderedDict
from collections.abc import Collection
from threading import Lock

from app.db import Session
from app.disclosure import Given, visible
from app.models.base import today
from app.models.roster import sight as rows
from app.models.roster.group import STUDENT
from app.models.roster.head import Roster
from app.models.roster.sight import CONTACT, PUPIL, STAFF
from app.models.scope import CONTACTS, GROUPS, STAFF_MEMBERS, STUDENTS

RECORDS = {PUPIL: STUDENTS, STAFF: STAFF_MEMBERS, CONTACT: CONTACTS}
KEPT = 8  # standings in the memory of one process, of some four megabytes each at a large school


@dataclasses.dataclass(frozen=True)
class Sight:
    """The policy of one call. `opened` are the fields of each kind of record; `years` is None for every year group."""

    school_id: uuid.UUID
    app_id: uuid.UUID
    opened: tuple[tuple[str, frozenset[str]], ...]
    years: tuple[str, ...] | None

    @functools.cached_property
    def fields(self) -> dict[str, frozenset[str]]:
        return dict(self.opened)

    @functools.cached_property
    def kinds(self) -> int:
        """The kinds of people that any of the scopes is about."""
        return sum(bit for bit, record in RECORDS.items() if self.fields[record])

    @property
    def groups(self) -> bool:
        return bool(self.fields[GROUPS])

    def of_kinds(self, kinds: int) -> frozenset[str]:
        """The fields of somebody who is seen as these kinds."""
        return frozenset().union(*(self.fields[record] for bit, record in RECORDS.items() if kinds & bit))


def sight(given: Given, within: Collection[str] | None = None) -> Sight:
    """The sight of an authorisation, or of those of its scopes that are `within`."""
    records = (*RECORDS.values(), GROUPS)
    return Sight(
        given.school_id,
        given.app_id,
        tuple((record, visible(given, record, within)) for record in records),
        None if given.years is None else tuple(sorted(given.years)),
    )


class Standing:
    """Whom and what a sight finds in the roster as one change left it. Each part is looked up when first wanted."""

    def __init__(self, db: Session, of: Sight, number: int, on: dt.date) -> None:
        self.number, self.day = number, on
        self._sight = of
        present = rows.present(db, of.school_id, of.app_id, on)
        # A contact is seen through a pupil, so pupils are found first, whether or not their own fields are opened.
        pupils = {row[0] for row in present if row[1] & PUPIL and (of.years is None or row[2] in of.years)}
        contacts = set()
        if of.kinds & CONTACT:
            contacts = {contact for pupil, contact in rows.shared_contacts(db, of.school_id) if pupil in pupils}
        self.pupils = pupils
        """Those whose year group is covered and who are not excluded: contacts and groups are seen through them."""
        self.people: dict[int, int] = {}
        """Id → the kinds (see `models/roster/sight.py`) as which somebody is seen; in order of id."""
        for own, kinds, _year in present:
            seen = kinds & (STAFF | (PUPIL if own in pupils else 0) | (CONTACT if own in contacts else 0)) & of.kinds
            if seen:
                self.people[own] = seen
        self._places: list[tuple[int, int, int, str]] = []
        self._enrolments: dict[int, None] = {}
        self._groups: dict[int, int | None] | None = None
        self._sessions: dict[int, None] | None = None

    def of_kind(self, kind: int) -> list[int]:
        """Ids of those who are seen as this kind, in order."""
        return [own for own, kinds in self.people.items() if kinds & kind]

    def groups(self, db: Session) -> dict[int, int | None]:
        """Id → course of the groups with a pupil who may be seen, and of those without any pupil; in order of id."""
        if self._groups is None:
            self._look(db)
        return self._groups or {}

    def places(self, db: Session) -> list[tuple[int, int, int, str]]:
        """(id, group, person, role) of the places that somebody who is seen has in a group that is; in order of id."""
        self.groups(db)
        return self._places

    def enrolments(self, db: Session) -> dict[int, None]:
        """Ids of those places."""
        self.groups(db)
        return self._enrolments

    def courses(self, db: Session) -> dict[int, None]:
        """Ids of the courses of those groups, in order."""
        return dict.fromkeys(sorted({course for course in self.groups(db).values() if course is not None}))

    def sessions(self, db: Session) -> dict[int, None]:
        """Ids of the school's years and terms, where groups are seen; in order."""
        if self._sessions is None:
            found = rows.standing_sessions(db, self._sight.school_id) if self._sight.groups else []
            self._sessions = dict.fromkeys(found)
        return self._sessions

    def _look(self, db: Session) -> None:
        """Find groups and places."""
        if not self._sight.groups:
            self._groups = {}
            return
        places = rows.places(db, self._sight.school_id)
        with_pupils = {group for _own, group, _person, role in places if role == STUDENT}
        with_seen = {group for _own, group, person, role in places if role == STUDENT and person in self.pupils}
        groups = {
            own: course
            for own, course in rows.standing_groups(db, self._sight.school_id)
            if own in with_seen or own not in with_pupils
        }
        people = self.people
        self._places = [
            (own, group, person, role)
            for own, group, person, role in places
            if group in groups and people.get(person, 0) & (PUPIL if role == STUDENT else STAFF)
        ]
        self._enrolments = dict.fromkeys(place[0] for place in self._places)
        self._groups = groups


class _Kept:
    """The newest standings of this process, each of one change number and one day, so that none is ever out of date."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Sight, Standing] = OrderedDict()

    def get(self, db: Session, of: Sight) -> Standing:
        number, day = Roster.number_of(db, of.school_id), today()
        with self._lock:
            found = self._kept.get(of)
            if found is not None and (found.number, found.day) == (number, day):
                self._kept.move_to_end(of)
                return found
        made = Standing(db, of, number, day)
        with self._lock:
            self._kept[of] = made
            self._kept.move_to_end(of)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()


_kept = _Kept()
standing, forget = _kept.get, _kept.forget
"""`standing(db, sight)`: within `sessions.read(school=…)`, so that it and what is read by it are of one moment."""
