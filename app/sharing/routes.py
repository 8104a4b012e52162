"""The school's own pages about data sharing: its first page, every app, one app, and revoking."""

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotFound
from app.models.account import ADMIN, EVERYBODY, READING, STOPPING, Account
from app.models.authorisation import Authorisation
from app.models.receipt import DeletionRequest
from app.models.school import School
from app.models.scope import SCOPES
from app.sharing import deletion, history
from app.sharing.service import agreed, decides, facts, revoke
from app.signin.session import at_school
from app.web import remembered
from app.web.pages import page, see_other

router = APIRouter(include_in_schema=False)


@router.get("/school")
def home(request: Request) -> Response:
    """Where the school stands, and which apps may read what."""
    with sessions.read() as db:
        person, school = at_school(request, db, *EVERYBODY)
        shared = Authorisation.of_school(db, school.id)
        waiting = remembered.pending(request, db)
    return page(
        request,
        "sharing/home.html",
        school=school,
        active=[given for given in shared if given.is_active],
        ended=[given for given in shared if not given.is_active],
        waiting=(waiting[1], remembered.path(waiting[0])) if waiting else None,
        decides=decides(person, school),
        scopes=SCOPES,
    )


@router.get("/school/apps")
def apps(request: Request) -> Response:
    """Every app that the school ever authorised."""
    with sessions.read() as db:
        _, school = at_school(request, db, *EVERYBODY)
        shared = Authorisation.of_school(db, school.id)
    return page(
        request,
        "sharing/apps.html",
        active=[given for given in shared if given.is_active],
        ended=[given for given in shared if not given.is_active],
        scopes=SCOPES,
    )


@router.get("/school/apps/{authorisation_id}")
def detail(request: Request, authorisation_id: uuid.UUID) -> Response:
    """One authorisation: what was agreed, by whom, and what happened since."""
    with sessions.read() as db:
        person, school = at_school(request, db, *EVERYBODY)
        given = _own(db, authorisation_id, school)
        happenings = history.of(db, given)
        admins = Account.of_school(db, school.id, ADMIN)
        asked = DeletionRequest.of(db, given.id)
    return page(
        request,
        "sharing/app.html",
        given=given,
        lines=agreed(given),
        done="done" in request.query_params,
        facts=facts(given.app),
        history=happenings,
        admins=[admin.name for admin in admins],
        decides=decides(person, school),
        deletion=asked,
        deletion_state=deletion.state(asked) if asked else "",
        may_stop=not person.roles_at_school.isdisjoint(STOPPING),
        reads_receipts=not person.roles_at_school.isdisjoint(READING),
    )


@router.get("/school/apps/{authorisation_id}/revoke")
def ask(request: Request, authorisation_id: uuid.UUID) -> Response:
    """Say what revoking does, and what it cannot do."""
    with sessions.read() as db:
        _, school = at_school(request, db, ADMIN)
        given = _own(db, authorisation_id, school)
    if not given.is_active:
        return see_other(f"/school/apps/{given.id}")
    named = not {"profile", "email"}.isdisjoint(given.scopes)
    return page(request, "sharing/revoke.html", given=given, school=school, named=named)


@router.post("/school/apps/{authorisation_id}/revoke")
def submit(request: Request, authorisation_id: uuid.UUID) -> Response:
    """Revoke. Pressed twice, it is done once."""
    with sessions.begin() as db:
        person, school = at_school(request, db, ADMIN)
        given = revoke(db, person=person, school=school, authorisation_id=authorisation_id)
    return see_other(f"/school/apps/{given.id}?done")


def _own(db: Session, authorisation_id: uuid.UUID, school: School) -> Authorisation:
    given = Authorisation.at_school(db, authorisation_id, school.id)
    if given is None:
        raise NotFound
    return given
