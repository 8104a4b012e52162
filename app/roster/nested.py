"""The 17 lists of OneRoster 1.2 that are within one thing, such as the classes of a teacher."""

import dataclasses
from collections.abc import Callable

from app.disclosure import records
from app.models.roster.group import STUDENT, TEACHES
from app.roster.look import Look
from app.roster.resources import (
    CLASSES,
    COURSES,
    ENROLLMENTS,
    GRADING_PERIODS,
    PUPILS,
    TEACHERS,
    TERMS,
    USERS,
    Ids,
    Resource,
)


@dataclasses.dataclass(frozen=True)
class Within:
    """A list at a path. `outer` are what the ids of the path are of, None being the school, which is the token's own.

    `ids` finds what is within the innermost of them; the list shows those of it that its own resource does.
    """

    path: str
    operation: str
    of: Resource
    outer: tuple[Resource | None, ...]
    ids: Callable[[Look, int], Ids]


def _members(role: str) -> Callable[[Look, int], Ids]:
    """Who is in a group as a student, or as anything else."""

    def found(look: Look, group: int) -> Ids:
        places = look.standing.places(look.db)
        return [person for _own, of, person, as_ in places if of == group and (as_ == STUDENT) == (role == STUDENT)]

    return found


def _enrolled(look: Look, group: int) -> Ids:
    return [own for own, of, _person, _role in look.standing.places(look.db) if of == group]


def _classes_of(look: Look, person: int) -> Ids:
    return [group for _own, group, of, _role in look.standing.places(look.db) if of == person]


def _classes_of_course(look: Look, course: int) -> Ids:
    return [group for group, of in look.standing.groups(look.db).items() if of == course]


def _classes_of_term(look: Look, term: int) -> Ids:
    found = records.groups(look.db, look.sight, look.standing, list(look.standing.groups(look.db)))
    return [one["id"] for one in found if term in one["session_ids"]]


def _periods_of_term(look: Look, term: int) -> Ids:
    found = records.academic_sessions(look.db, look.sight, look.standing, list(look.standing.sessions(look.db)))
    return [one["id"] for one in found if one["parent_id"] == term]


def _every(of: Resource) -> Callable[[Look, int], Ids]:
    return lambda look, _school: of.ids(look)


_S, _C, _T = "/schools/{schoolSourcedId}", "/classes/{classSourcedId}", "/terms/{termSourcedId}"
LISTS = (
    Within(f"{_T}/classes", "getClassesForTerm", CLASSES, (TERMS,), _classes_of_term),
    Within(f"{_T}/gradingPeriods", "getGradingPeriodsForTerm", GRADING_PERIODS, (TERMS,), _periods_of_term),
    Within(f"{_S}/courses", "getCoursesForSchool", COURSES, (None,), _every(COURSES)),
    Within(f"{_S}/classes", "getClassesForSchool", CLASSES, (None,), _every(CLASSES)),
    Within(f"{_S}/enrollments", "getEnrollmentsForSchool", ENROLLMENTS, (None,), _every(ENROLLMENTS)),
    Within(f"{_S}/students", "getStudentsForSchool", PUPILS, (None,), _every(PUPILS)),
    Within(f"{_S}/teachers", "getTeachersForSchool", TEACHERS, (None,), _every(TEACHERS)),
    Within(f"{_S}/terms", "getTermsForSchool", TERMS, (None,), _every(TERMS)),
    Within(f"{_S}{_C}/enrollments", "getEnrollmentsForClassInSchool", ENROLLMENTS, (None, CLASSES), _enrolled),
    Within(f"{_S}{_C}/students", "getStudentsForClassInSchool", PUPILS, (None, CLASSES), _members(STUDENT)),
    Within(f"{_S}{_C}/teachers", "getTeachersForClassInSchool", TEACHERS, (None, CLASSES), _members(TEACHES)),
    Within("/courses/{courseSourcedId}/classes", "getClassesForCourse", CLASSES, (COURSES,), _classes_of_course),
    Within("/students/{studentSourcedId}/classes", "getClassesForStudent", CLASSES, (PUPILS,), _classes_of),
    Within("/teachers/{teacherSourcedId}/classes", "getClassesForTeacher", CLASSES, (TEACHERS,), _classes_of),
    Within("/users/{userSourcedId}/classes", "getClassesForUser", CLASSES, (USERS,), _classes_of),
    Within(f"{_C}/students", "getStudentsForClass", PUPILS, (CLASSES,), _members(STUDENT)),
    Within(f"{_C}/teachers", "getTeachersForClass", TEACHERS, (CLASSES,), _members(TEACHES)),
)
