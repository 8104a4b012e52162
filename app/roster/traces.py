"""Records that are gone, or that an app may see no more, for those who ask what changed: a `tobedeleted` and its time.

Whoever reads a whole list gets what is there now; only a question about `status` or `dateLastModified` finds traces. An
app finds none of somebody whom it never could see (`models/roster/sight.py`, `departed`).
"""

import datetime as dt

from app.models.roster import sight as rows
from app.models.roster.group import AcademicSession, Course, Enrolment, Group
from app.models.roster.sight import CONTACT, PUPIL, STAFF
from app.roster.look import Look
from app.roster.resources import CLASSES, COURSES, DEMOGRAPHICS, ENROLLMENTS, PUPILS, TEACHERS, USERS, Resource
from app.roster.shapes import Shape, gone

_KINDS = {USERS: PUPIL | STAFF | CONTACT, PUPILS: PUPIL, TEACHERS: STAFF, DEMOGRAPHICS: PUPIL}


def traces(look: Look, of: Resource, since: dt.datetime) -> list[Shape]:
    """Those of a resource, for an app that was let in at `since`."""
    sight, school = look.sight, look.given.school_id
    if of in _KINDS:
        kinds = _KINDS[of] & sight.kinds
        left = rows.departed(look.db, school, look.given.app_id, sight.years, since)
        found = [(own, at) for own, seen, at in left if seen & kinds and own not in look.standing.people]
        ids = look.people
    elif sight.groups:
        kind, ids = {
            CLASSES: (Group, look.groups),
            COURSES: (Course, look.courses),
            ENROLLMENTS: (Enrolment, look.enrolments),
        }.get(of, (AcademicSession, look.sessions))
        found = [(row[0], row[1]) for row in rows.ended(look.db, kind, school, since)]
    else:
        found = []
    shown = ids.shown([own for own, _at in found]) if found else []
    return [gone(own, at) for own, (_own, at) in zip(shown, found, strict=True)]
