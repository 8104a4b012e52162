"""`/school/people`: people whose data does not leave, to one app or to any: protected children above all."""

import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.audit import record
from app.db import Session, sessions
from app.errors import NotFound
from app.models import spelling
from app.models.account import STOPPING, Account
from app.models.authorisation import Authorisation
from app.models.roster.exclusion import Exclusion
from app.models.roster.head import Roster
from app.models.roster.person import Person
from app.models.school import School
from app.signin.session import at_school
from app.web.forms import Fault, Posted
from app.web.pages import page, see_other

router = APIRouter(prefix="/school/people", include_in_schema=False)

REASONS = {
    "protected": "Their whereabouts or identity must be protected",
    "asked": "They, or a parent, asked for it",
    "other": "Another reason",
}
EVERYWHERE = "every"
SHOWN = 50
LONGEST_NOTE = 500
NO_REASON = Fault("Choose why", "reason")
NO_APP = Fault("Choose from which app", "app")
TOO_LONG = Fault(f"Write at most {LONGEST_NOTE} characters", "note")


@router.get("")
def look(request: Request, q: str = "", done: str = "") -> Response:
    """Who is excluded, and a search for somebody."""
    with sessions.read() as db:
        _, school = at_school(request, db, *STOPPING)
    with sessions.read(school=school.id) as db:
        standing = Exclusion.standing(db, school.id)
        names = {one.id: one for one in Person.some(db, school.id, {row.person_id for row in standing})}
        found = _search(db, school, q) if q.strip() else []
        apps = _apps(db, school)
        by = Account.names(db, [row.made_by for row in standing])
        has_data = Roster.number_of(db, school.id) > 0
    return page(
        request,
        "sharing/exclusions.html",
        school=school,
        rows=[(row, names[row.person_id], apps.get(row.app_id), by.get(row.made_by, "")) for row in standing],
        reasons=REASONS,
        q=q.strip(),
        found=found[:SHOWN],
        more=len(found) > SHOWN,
        has_data=has_data,
        notice={"excluded": "Their data does not leave any more", "ended": "Their data may leave again"}.get(done, ""),
    )


@router.get("/{person_id}")
def ask(request: Request, person_id: str) -> Response:
    return _person_page(request, person_id)


@router.post("/{person_id}")
def exclude(request: Request, person_id: str, sent: Posted) -> Response:
    """Keep somebody from one app, or from every one. Apps that read before are told that the person is gone."""
    with sessions.read() as db:
        _, school = at_school(request, db, *STOPPING)
    with sessions.begin(school=school.id) as db:
        person, school = at_school(request, db, *STOPPING)
        about = _own(db, school, person_id)
        app_id, faults = _app_of(sent.get("app", ""), _apps(db, school))
        reason, note = sent.get("reason", ""), sent.get("note", "")
        faults += [] if reason in REASONS else [NO_REASON]
        faults += [] if len(note) <= LONGEST_NOTE else [TOO_LONG]
        if not faults and not _is_covered(Exclusion.standing(db, school.id), about.id, app_id):
            made = Exclusion(
                school_id=school.id,
                person_id=about.id,
                app_id=app_id,
                reason=reason,
                note=note,
                made_by=person.account.id,
            )
            db.add(made)
            db.flush()
            Roster.next_number(db, school.id)
            app = str(app_id) if app_id else EVERYWHERE
            record(
                db,
                "person.excluded",
                actor=person.account.id,
                school=school.id,
                subject=made.id,
                app=app,
                reason=reason,
            )
    if faults:
        return _person_page(request, person_id, 422, sent=sent, problems=faults)
    return see_other("/school/people?done=excluded")


@router.post("/exclusions/{exclusion_id}/end")
def end(request: Request, exclusion_id: uuid.UUID) -> Response:
    """Let somebody's data leave again."""
    with sessions.read() as db:
        _, school = at_school(request, db, *STOPPING)
    with sessions.begin(school=school.id) as db:
        person, school = at_school(request, db, *STOPPING)
        own = next((row for row in Exclusion.standing(db, school.id) if row.id == exclusion_id), None)
        if own is None:
            raise NotFound
        if own.end(db, person.account.id):
            Roster.next_number(db, school.id)
            record(db, "person.included", actor=person.account.id, school=school.id, subject=own.id)
    return see_other("/school/people?done=ended")


def _person_page(request: Request, person_id: str, status: int = 200, **context: Any) -> Response:
    with sessions.read() as db:
        _, school = at_school(request, db, *STOPPING)
    with sessions.read(school=school.id) as db:
        about = _own(db, school, person_id)
        apps = _apps(db, school)
        standing = [row for row in Exclusion.standing(db, school.id) if row.person_id == about.id]
    context |= {"standing": [(row, apps.get(row.app_id)) for row in standing], "reasons": REASONS}
    options = [
        (EVERYWHERE, "Every app, now and later"),
        *((str(own), f"{name} only") for own, name in apps.items() if own),
    ]
    return page(request, "sharing/exclusion.html", status, about=about, options=options, **context)


def _own(db: Session, school: School, told: str) -> Person:
    is_id = told.isascii() and told.isdigit() and int(told) < 2**63
    found = Person.some(db, school.id, [int(told)]) if is_id else []
    if not found or found[0].gone_at:
        raise NotFound
    return found[0]


def _apps(db: Session, school: School) -> dict[uuid.UUID | None, str]:
    """Apps that the school has ever let in, by id."""
    return {given.app_id: given.app.name for given in Authorisation.of_school(db, school.id)}


def _app_of(told: str, apps: dict[uuid.UUID | None, str]) -> tuple[uuid.UUID | None, list[Fault]]:
    if told == EVERYWHERE:
        return None, []
    chosen = next((own for own in apps if str(own) == told), None)
    return chosen, [] if chosen else [NO_APP]


def _is_covered(standing: list[Exclusion], person_id: int, app_id: uuid.UUID | None) -> bool:
    return any(row.person_id == person_id and row.app_id in (None, app_id) for row in standing)


def _search(db: Session, school: School, q: str) -> list[Person]:
    """Pupils and staff with every word in name, year group or registration group; pupils first, by surname."""
    words = spelling.plain(q).split()
    found = []
    for one in Person.pupils_and_staff(db, school.id):
        named = f"{one.given_name} {one.preferred_given_name} {one.family_name} {one.registration_group} {one.upn}"
        parts = spelling.plain(named).split()
        if words and all(any(part.startswith(word) for part in parts) for word in words):
            found.append(one)
    return sorted(found, key=lambda one: (not one.pupil, one.family_name.casefold(), one.given_name.casefold()))
