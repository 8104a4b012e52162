"""What OneRoster 1.2 Rostering lists: whose ids, how they are read, and what may be asked of them."""

import dataclasses
from collections.abc import Callable, Sequence

from app.disclosure import records
from app.models.roster.person import TEACHER
from app.models.roster.sight import CONTACT, PUPIL, STAFF
from app.models.scope import CONTACTS, GROUPS, SCOPES, STAFF_MEMBERS, STUDENTS
from app.roster import shapes
from app.roster.look import Look
from app.roster.shapes import Shape

Ids = Sequence[int]


def of_record(*named: str) -> tuple[str, ...]:
    """The scopes that open records of these kinds."""
    return tuple(scope.name for scope in SCOPES.values() if scope.record in named)


@dataclasses.dataclass(frozen=True)
class Resource:
    """One kind of list. `scopes`: a token needs one of them; the first is asked for."""

    plural: str
    single: str
    scopes: tuple[str, ...]
    ids: Callable[[Look], Ids]
    read: Callable[[Look, Ids], list[Shape]]
    known: Callable[[Look], frozenset[str]]
    own: Callable[[Look, str], int | None]
    people: Callable[[Look, Ids], int]

    @property
    def collection(self) -> str:
        """What the answer calls the list: pupils and teachers are users, terms are sessions (REST binding 1.0)."""
        return {"user": "users", "academicSession": "academicSessions"}.get(self.single, self.plural)


def _users(look: Look, ids: Ids) -> list[Shape]:
    found = records.people(look.db, look.sight, look.standing, ids)
    contacts: dict[int, list[records.Record]] = {}
    if look.sight.kinds & CONTACT:
        pupils = [one["id"] for one in found if one["kinds"] & PUPIL]
        contacts = records.contacts(look.db, look.sight, look.standing, pupils)
    return shapes.users(look, found, contacts)


def _demographics(look: Look, ids: Ids) -> list[Shape]:
    return shapes.demographics(look, records.people(look.db, look.sight, look.standing, ids))


def _enrolments(look: Look, ids: Ids) -> list[Shape]:
    return shapes.enrollments(look, records.enrolments(look.db, look.sight, look.standing, ids))


def _sessions(look: Look, ids: Ids) -> list[Shape]:
    return shapes.academic_sessions(look, records.academic_sessions(look.db, look.sight, look.standing, ids))


def _own_person(look: Look, shown: str) -> int | None:
    return look.people.own(shown)


def _own_session(look: Look, shown: str) -> int | None:
    return look.sessions.own(shown)


def _of_people(plural: str, kinds: int, *scoped: str) -> Resource:
    return Resource(
        plural,
        "user",
        of_record(*scoped),
        lambda look: [own for own, seen in look.standing.people.items() if seen & kinds],
        _users,
        lambda look: shapes.known_of_users(look.sight.of_kinds(look.sight.kinds & kinds)),
        _own_person,
        lambda _look, ids: len(ids),
    )


def _of_sessions(plural: str, kind: str | None) -> Resource:
    def ids(look: Look) -> Ids:
        every = list(look.standing.sessions(look.db))
        if kind is None:
            return every
        found = records.academic_sessions(look.db, look.sight, look.standing, every)
        return [one["id"] for one in found if one["kind"] == kind]

    return Resource(
        plural,
        "academicSession",
        of_record(GROUPS),
        ids,
        _sessions,
        lambda _look: shapes.KNOWN_OF_SESSIONS,
        _own_session,
        _nobody,
    )


def _nobody(_look: Look, _ids: Ids) -> int:
    return 0


def _teachers(look: Look) -> Ids:
    """Staff whose role is teacher; nobody where roles are not opened."""
    if "staff_role" not in look.sight.fields[STAFF_MEMBERS]:
        return []
    every = look.standing.of_kind(STAFF)
    found = records.people(look.db, look.sight, look.standing, every)
    return [one["id"] for one in found if one.get("staff_role") == TEACHER]


def _people_of_enrolments(look: Look, ids: Ids) -> int:
    wanted = set(ids)
    return len({person for own, _group, person, _role in look.standing.places(look.db) if own in wanted})


USERS = _of_people("users", PUPIL | STAFF | CONTACT, STUDENTS, STAFF_MEMBERS, CONTACTS)
PUPILS = _of_people("students", PUPIL, STUDENTS)
TEACHERS = dataclasses.replace(_of_people("teachers", STAFF, STAFF_MEMBERS), ids=_teachers)
DEMOGRAPHICS = Resource(
    "demographics",
    "demographics",
    ("students.demographics",),
    lambda look: look.standing.of_kind(PUPIL) if look.sight.fields[STUDENTS] & {"birth_date", "sex"} else [],
    _demographics,
    lambda _look: frozenset((*shapes.ALWAYS, *shapes.DEMOGRAPHICS)),
    _own_person,
    lambda _look, ids: len(ids),
)
CLASSES = Resource(
    "classes",
    "class",
    of_record(GROUPS),
    lambda look: list(look.standing.groups(look.db)),
    lambda look, ids: shapes.classes(look, records.groups(look.db, look.sight, look.standing, ids)),
    lambda _look: shapes.KNOWN_OF_CLASSES,
    lambda look, shown: look.groups.own(shown),
    _nobody,
)
COURSES = Resource(
    "courses",
    "course",
    of_record(GROUPS),
    lambda look: list(look.standing.courses(look.db)),
    lambda look, ids: shapes.courses(look, records.courses(look.db, look.sight, look.standing, ids)),
    lambda _look: shapes.KNOWN_OF_COURSES,
    lambda look, shown: look.courses.own(shown),
    _nobody,
)
ENROLLMENTS = Resource(
    "enrollments",
    "enrollment",
    of_record(GROUPS),
    lambda look: list(look.standing.enrolments(look.db)),
    _enrolments,
    lambda _look: shapes.KNOWN_OF_ENROLLMENTS,
    lambda look, shown: look.enrolments.own(shown),
    _people_of_enrolments,
)
SESSIONS = _of_sessions("academicSessions", None)
TERMS = _of_sessions("terms", shapes.SESSION_TYPES["terms"])
GRADING_PERIODS = _of_sessions("gradingPeriods", shapes.SESSION_TYPES["gradingPeriods"])
