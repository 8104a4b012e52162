"""Our records as OneRoster 1.2 writes them. Pure, but for the ids, which are the partner's own.

Source: 1EdTech OneRoster 1.2 Rostering Service, information model: User, Role, Class, Course, Enrollment,
AcademicSession, Demographics. UK items that it has no place for stand in `metadata`. What a scope does not open is not
in the record, and so not in the answer; what nobody knows is absent too.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.disclosure.records import Record
from app.models.roster.group import GRADING_PERIOD, TERM
from app.models.roster.sight import CONTACT, PUPIL, STAFF
from app.roster.look import Look

Shape = dict[str, Any]

BASE = "/ims/oneroster/rostering/v1p2"
ALWAYS = ("sourcedId", "status", "dateLastModified", "metadata")
# OneRoster's field → ours, of a person. Those of `metadata` follow a point.
PERSON = {
    "givenName": "given_name",
    "familyName": "family_name",
    "middleName": "middle_names",
    "preferredFirstName": "preferred_given_name",
    "preferredLastName": "preferred_family_name",
    "email": "email",
    "sms": "mobile",
    "phone": "telephone",
    "metadata.title": "title",
    "metadata.registrationGroup": "registration_group",
    "metadata.sen": "sen",
    "metadata.fsm": "fsm",
    "metadata.ethnicity": "ethnicity",
    "metadata.jobTitle": "job_title",
    "metadata.address": "address",
    "metadata.postcode": "postcode",
}
NUMBERS = {"UPN": "upn", "FormerUPN": "former_upn", "ULN": "uln", "AdmissionNo": "admission_number"} | {
    "TRN": "trn",
    "StaffCode": "staff_code",
}
DEMOGRAPHICS = {"birthDate": "birth_date", "sex": "sex"}
_SEXES = {"M": "male", "F": "female"}
_TRUTH = {True: "true", False: "false"}


def _known(fields: str, links: str) -> frozenset[str]:
    """Names to ask by: of fields, and of links to other records, which are asked for by their sourcedId."""
    linked = links.split()
    return frozenset([*ALWAYS, *fields.split(), *linked, *(f"{name}.sourcedId" for name in linked)])


def known_of_users(fields: Collection[str]) -> frozenset[str]:
    """The names by which users may be asked for, where these fields of ours are opened."""
    names = [*ALWAYS, "username", "enabledUser", "primaryOrg", "primaryOrg.sourcedId", "roles", "roles.role"]
    names += [name for name, field in PERSON.items() if field in fields]
    names += ["grades"] if "year" in fields else []
    names += ["userIds", "userIds.type", "userIds.identifier"] if set(NUMBERS.values()) & set(fields) else []
    names += ["identifier"] if {"admission_number", "staff_code"} & set(fields) else []
    names += ["agents", "agents.sourcedId", "metadata.contacts"] if "relation" in fields else []
    return frozenset(names)


def users(look: Look, people: Sequence[Record], contacts: Mapping[int, Sequence[Record]]) -> list[Shape]:
    """Users. `contacts` are those of each pupil, as `disclosure.records.contacts` gives them."""
    ids = look.people.shown([one["id"] for one in people])
    org = _link("orgs", look.org_id, "org")
    return [
        _user(one, own, org, _agents(look, contacts[one["id"]]) if one["id"] in contacts else [])
        for one, own in zip(people, ids, strict=True)
    ]


def _user(one: Record, own: str, org: Shape, agents: Sequence[Shape]) -> Shape:
    made: Shape = _head(own, one["changed_at"])
    metadata: Shape = {}
    for name, field in PERSON.items():
        value = one.get(field)
        if value in (None, ""):
            continue
        if name.startswith("metadata."):
            metadata[name[9:]] = _metadatum(field, value)
        else:
            made[name] = value
    numbers = [{"type": name, "identifier": one[field]} for name, field in NUMBERS.items() if one.get(field)]
    if numbers:
        made["userIds"] = numbers
    if identifier := one.get("admission_number") or one.get("staff_code"):
        made["identifier"] = identifier
    if one.get("year"):
        made["grades"] = [one["year"]]
    if agents:
        made["agents"] = [{name: agent[name] for name in ("href", "sourcedId", "type")} for agent in agents]
        told = [{name: agent[name] for name in agent if name not in ("href", "type")} for agent in agents]
        metadata["contacts"] = told
    made |= {"username": own, "enabledUser": "true", "primaryOrg": org, "roles": _roles(one, org)}
    return made | {"metadata": metadata} if metadata else made


def _metadatum(field: str, value: Any) -> Any:
    if field == "address":
        return value.split("\n")
    return _TRUTH[value] if field == "fsm" else value


def _roles(one: Record, org: Shape) -> list[Shape]:
    """A person's roles at the school: that of a pupil or member of staff is the primary one."""
    kinds, roles = one["kinds"], []
    if kinds & PUPIL:
        roles.append({"role": "student"})
    if kinds & STAFF and one.get("staff_role"):
        roles.append({"role": one["staff_role"]})
    dates = {"beginDate": one.get("starts_on"), "endDate": one.get("leaves_on")}
    for role in roles:
        role |= {name: day.isoformat() for name, day in dates.items() if day}
    if kinds & CONTACT and one.get("contact_role"):
        roles.append({"role": one["contact_role"]})
    return [{"roleType": "secondary" if at else "primary", "org": org} | role for at, role in enumerate(roles)]


def _agents(look: Look, contacts: Sequence[Record]) -> list[Shape]:
    ids = look.people.shown([contact["id"] for contact in contacts])
    made = []
    for contact, own in zip(contacts, ids, strict=True):
        told = {name: contact[name] for name in ("relation", "priority") if contact.get(name) not in (None, "")}
        if contact.get("responsibility") is not None:
            told["parentalResponsibility"] = _TRUTH[contact["responsibility"]]
        made.append(_link("users", own, "user") | told)
    return made


def demographics(look: Look, people: Sequence[Record]) -> list[Shape]:
    """Demographics: of pupils, under their own sourcedId."""
    ids = look.people.shown([one["id"] for one in people])
    made = []
    for one, own in zip(people, ids, strict=True):
        shape = _head(own, one["changed_at"])
        if one.get("birth_date"):
            shape["birthDate"] = one["birth_date"].isoformat()
        if one.get("sex"):
            shape["sex"] = _SEXES.get(one["sex"], "unspecified")
        made.append(shape)
    return made


KNOWN_OF_CLASSES = _known(
    "title classCode classType location grades subjects subjectCodes", links="course school terms"
)


def classes(look: Look, groups: Sequence[Record]) -> list[Shape]:
    """Classes; a registration group is one of classType homeroom."""
    ids = look.groups.shown([one["id"] for one in groups])
    terms = _shown(look.sessions, {term for one in groups for term in one["session_ids"]})
    courses = _shown(look.courses, {one["course_id"] for one in groups if one["course_id"] is not None})
    school = _link("schools", look.org_id, "org")
    made = []
    for one, own in zip(groups, ids, strict=True):
        shape = _head(own, one["changed_at"]) | {"title": one["title"], "classType": one["kind"]}
        shape |= _some(classCode=one["code"], location=one["location"], grades=one["years"])
        shape |= _some(subjects=one["subjects"], subjectCodes=one["subject_codes"])
        if one["course_id"] is not None:
            shape["course"] = _link("courses", courses[one["course_id"]], "course")
        shape["school"] = school
        shape["terms"] = [_link("terms", terms[term], "academicSession") for term in one["session_ids"]]
        made.append(shape)
    return made


KNOWN_OF_COURSES = _known("title courseCode grades subjects subjectCodes", links="schoolYear org")


def courses(look: Look, found: Sequence[Record]) -> list[Shape]:
    ids = look.courses.shown([one["id"] for one in found])
    years = _shown(look.sessions, {one["session_id"] for one in found if one["session_id"] is not None})
    org = _link("orgs", look.org_id, "org")
    made = []
    for one, own in zip(found, ids, strict=True):
        shape = _head(own, one["changed_at"]) | {"title": one["title"]}
        shape |= _some(courseCode=one["code"], grades=one["years"])
        shape |= _some(subjects=one["subjects"], subjectCodes=one["subject_codes"])
        if one["session_id"] is not None:
            shape["schoolYear"] = _link("academicSessions", years[one["session_id"]], "academicSession")
        made.append(shape | {"org": org})
    return made


KNOWN_OF_ENROLLMENTS = _known("role primary beginDate endDate", links="user class school")


def enrollments(look: Look, found: Sequence[Record]) -> list[Shape]:
    ids = look.enrolments.shown([one["id"] for one in found])
    people = _shown(look.people, {one["person_id"] for one in found})
    groups = _shown(look.groups, {one["group_id"] for one in found})
    school = _link("schools", look.org_id, "org")
    made = []
    for one, own in zip(found, ids, strict=True):
        shape = _head(own, one["changed_at"])
        shape["user"] = _link("users", people[one["person_id"]], "user")
        shape["class"] = _link("classes", groups[one["group_id"]], "class")
        shape["school"] = school
        shape["role"] = one["role"]
        if one["is_primary"] is not None:
            shape["primary"] = _TRUTH[one["is_primary"]]
        if one["begins_on"]:
            shape["beginDate"] = one["begins_on"].isoformat()
        if one["ends_on"]:
            shape["endDate"] = one["ends_on"].isoformat()
        made.append(shape)
    return made


KNOWN_OF_SESSIONS = _known("title type startDate endDate schoolYear", links="parent children")


def academic_sessions(look: Look, found: Sequence[Record]) -> list[Shape]:
    """Sessions with the one above each; those below are found by asking for them with `parent`."""
    ids = look.sessions.shown([one["id"] for one in found])
    parents = _shown(look.sessions, {one["parent_id"] for one in found if one["parent_id"] is not None})
    made = []
    for one, own in zip(found, ids, strict=True):
        shape = _head(own, one["changed_at"]) | {"title": one["title"], "type": one["kind"]}
        shape |= {"startDate": one["starts_on"].isoformat(), "endDate": one["ends_on"].isoformat()}
        if one["parent_id"] is not None:
            shape["parent"] = _link("academicSessions", parents[one["parent_id"]], "academicSession")
        made.append(shape | {"schoolYear": str(one["school_year"])})
    return made


def gone(own: str, at: dt.datetime) -> Shape:
    """The trace of a record that is no more, or no more to be seen."""
    return {"sourcedId": own, "status": "tobedeleted", "dateLastModified": moment(at)}


def moment(at: dt.datetime) -> str:
    """A moment as OneRoster writes it, such as 2026-11-30T08:00:00.000Z."""
    return f"{at.isoformat('T', 'milliseconds')[:23]}Z"


def _head(own: str, changed_at: dt.datetime) -> Shape:
    return {"sourcedId": own, "status": "active", "dateLastModified": moment(changed_at)}


def _link(path: str, own: str, kind: str) -> Shape:
    return {"href": f"{BASE}/{path}/{own}", "sourcedId": own, "type": kind}


def _shown(ids: Any, own: Collection[int]) -> dict[int, str]:
    wanted = list(own)
    return dict(zip(wanted, ids.shown(wanted), strict=True))


def _some(**values: Any) -> Shape:
    return {name: value for name, value in values.items() if value not in (None, "", [])}


SESSION_TYPES = {"terms": TERM, "gradingPeriods": GRADING_PERIOD}
