"""The school's own pages about data sharing: its first page, every app, one app, and revoking."""

import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.disclosure import preview
from app.errors import NotFound
from app.models.account import ADMIN, DECIDING, EVERYBODY, READING, STOPPING, Account
from app.models.authorisation import Authorisation
from app.models.base import ago, ahead
from app.models.receipt import DeletionRequest
from app.models.school import School
from app.models.scope import SCOPES
from app.sharing import conversion, deletion, difference, history, review, years
from app.sharing.service import agreed, decides, facts, revoke
from app.signin.session import Person, at_school
from app.web import remembered
from app.web.pages import page, see_other

router = APIRouter(include_in_schema=False)


SOON_SECONDS = 30 * 86_400
JUST_NOW_SECONDS = 300
DONE = {
    "paused": "Paused: {} reads nothing for now",
    "resumed": "Resumed: {} reads again what your school agreed to",
    "renewed": "Renewed: {} may go on",
    "changed": "Saved: what {} may read has changed",
    "unchanged": "Nothing was changed: {} goes on as before",
    "kept": "Kept: {} goes on as before",
}


@router.get("/school")
def home(request: Request, done: str = "") -> Response:
    """Where the school stands, and which apps may read what."""
    with sessions.read() as db:
        person, school = at_school(request, db, *EVERYBODY)
        shared = Authorisation.of_school(db, school.id)
        waiting = remembered.pending(request, db)
        frozen_by = Account.names(db, [school.frozen_by])
        only_admin = decides(person, school) and len(Account.of_school(db, school.id, ADMIN)) == 1
        to_carry = conversion.offered(db, school) if decides(person, school) else []
    return page(
        request,
        "sharing/home.html",
        school=school,
        to_carry=len(to_carry),
        **_sorted(shared, school),
        waiting=(waiting[1], remembered.path(waiting[0])) if waiting else None,
        decides=decides(person, school),
        only_admin=only_admin,
        may_stop=not person.roles_at_school.isdisjoint(STOPPING),
        frozen_by=frozen_by.get(school.frozen_by, "") if school.frozen_by else "",
        review_due=review.is_due(school, shared),
        just_frozen=done == "frozen" and school.frozen_at is not None and school.frozen_at > ago(JUST_NOW_SECONDS),
        just_unfrozen=done == "unfrozen" and school.frozen_at is None,
        reviewed=done == "reviewed" and (school.reviewed_at or school.registered_at) > ago(JUST_NOW_SECONDS),
        scopes=SCOPES,
    )


@router.get("/school/apps")
def apps(request: Request) -> Response:
    """Every app that the school ever authorised."""
    with sessions.read() as db:
        person, school = at_school(request, db, *EVERYBODY)
        shared = Authorisation.of_school(db, school.id)
    return page(
        request,
        "sharing/apps.html",
        school=school,
        **_sorted(shared, school),
        decides=decides(person, school),
        may_stop=not person.roles_at_school.isdisjoint(STOPPING),
        exports=not person.roles_at_school.isdisjoint(READING),
        scopes=SCOPES,
    )


@router.get("/school/apps/{authorisation_id}")
def detail(request: Request, authorisation_id: uuid.UUID, done: str | None = None) -> Response:
    """One authorisation: what was agreed, by whom, and what happened since."""
    with sessions.read() as db:
        person, school = at_school(request, db, *EVERYBODY)
        given = _own(db, authorisation_id, school)
        happenings = history.of(db, given)
        admins = Account.of_school(db, school.id, ADMIN)
        asked = DeletionRequest.of(db, given.id)
        unused = review.unused(db, [given]).get(given.id, [])
        paused_by = Account.names(db, [given.paused_by])
    return page(
        request,
        "sharing/app.html",
        given=given,
        school=school,
        lines=agreed(given),
        years_in_words=years.in_words(given.years) if given.years is not None else "",
        previews=_previews(person, given),
        marks=marks(given, school),
        difference=difference.between(given) if given.is_active and difference.is_undecided(given) else None,
        unused=unused,
        ends_soon=given.is_active and given.expires_at < ahead(SOON_SECONDS),
        paused_by=paused_by.get(given.paused_by, "") if given.paused_by else "",
        done=done is not None,
        told=_told(given, done),
        facts=facts(given.app),
        history=happenings,
        admins=[admin.name for admin in admins],
        decides=decides(person, school),
        deletion=asked,
        deletion_state=deletion.state(asked) if asked else "",
        may_stop=not person.roles_at_school.isdisjoint(STOPPING),
        reads_receipts=not person.roles_at_school.isdisjoint(READING),
    )


def _previews(person: Person, given: Authorisation) -> Mapping[str, preview.Preview]:
    """What it reads today, with names: for those alone who decide about data, and while it is in force."""
    if not given.is_active or person.roles_at_school.isdisjoint(STOPPING):
        return {}
    return preview.of(given.school_id, given.app_id, given.scopes, given.years)


def marks(given: Authorisation, school: School) -> list[str]:
    """Where an authorisation stands, in a word or a few for its tags."""
    if not given.is_active:
        return [given.state]
    found = ["Paused"] if given.is_paused else []
    found += ["Frozen"] if school.frozen_at else []
    found = found or ["Active"]
    found += ["Ends soon"] if given.expires_at < ahead(SOON_SECONDS) else []
    found += ["To be confirmed again"] if given.reconfirm_since else []
    if difference.is_undecided(given):
        found.append("Asks for more" if difference.between(given).asks_more else "Has changed")
    return found


def _sorted(shared: list[Authorisation], school: School) -> dict[str, Any]:
    """In force and ended, where each stands, and what waits for a decision."""
    active = [given for given in shared if given.is_active]
    return {
        "active": active,
        "ended": [given for given in shared if not given.is_active],
        "marks": {given.id: marks(given, school) for given in shared},
        "undecided": [(given, difference.between(given)) for given in active if difference.is_undecided(given)],
        "reconfirm": [given for given in active if given.reconfirm_since],
    }


def _told(given: Authorisation, done: str | None) -> str:
    """What has just been done, if an Admin or DPO has: an address alone claims nothing."""
    moment = given.paused_at if done == "paused" else given.reviewed_at
    if not given.is_active or moment is None or moment < ago(JUST_NOW_SECONDS):
        return ""
    return DONE.get(done or "", "").format(given.app.name)


@router.get("/school/apps/{authorisation_id}/revoke")
def ask(request: Request, authorisation_id: uuid.UUID) -> Response:
    """Say what revoking does, and what it cannot do."""
    with sessions.read() as db:
        _, school = at_school(request, db, *DECIDING)
        given = _own(db, authorisation_id, school)
    if not given.is_active:
        return see_other(f"/school/apps/{given.id}")
    named = not {"profile", "email"}.isdisjoint(given.scopes)
    return page(request, "sharing/revoke.html", given=given, school=school, named=named)


@router.post("/school/apps/{authorisation_id}/revoke")
def submit(request: Request, authorisation_id: uuid.UUID) -> Response:
    """Revoke. Pressed twice, it is done once."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *DECIDING)
        given = revoke(db, person=person, school=school, authorisation_id=authorisation_id)
    return see_other(f"/school/apps/{given.id}?done")


def _own(db: Session, authorisation_id: uuid.UUID, school: School) -> Authorisation:
    given = Authorisation.at_school(db, authorisation_id, school.id)
    if given is None:
        raise NotFound
    return given
