"""`/partners/apps`: a partner's apps, a new Test app, details, scopes, and asking to go Live."""

import uuid
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotAllowed, NotFound, Problem, SignInNeeded
from app.models import lawful
from app.models.partner import App
from app.models.proposal import Proposal
from app.models.scope import SCOPES
from app.oauth import metadata
from app.partners import apps, proposals
from app.partners.apps import own
from app.partners.forms import DetailsForm, asked, new_app
from app.partners.service import BY_KEY, PUBLIC, register
from app.signin.proof import lacking
from app.signin.reauth import proven_lately
from app.signin.session import Person, at_partner
from app.web.forms import Posted, shown, status_of
from app.web.pages import page, see_other

router = APIRouter(prefix="/partners/apps", include_in_schema=False)

METHODS = ("client_secret_basic", "client_secret_post", BY_KEY, PUBLIC)
DONE = {
    "changed": "The change holds from now on",
    "scopes": "The app asks for these scopes from now on",
    "asked": "We have your request, and write to you when we have decided",
    "withdrawn": "Your request was withdrawn",
    "logo": "The logo was changed",
}
GROUNDS: dict[str, Any] = {
    "bases": lawful.choices(lawful.BASES),
    "conditions": lawful.choices(lawful.CONDITIONS),
    "point": lawful.point,
}
OFFERED = [SCOPES[name] for name in metadata.OFFERED if name in SCOPES]


@router.get("/new")
def ask_new(request: Request) -> Response:
    with sessions.read() as db:
        person, _ = at_partner(request, db)
    return proven_lately(request, person) or _new(request)


@router.post("/new")
def add(request: Request, sent: Posted) -> Response:
    """Make a Test app. Its secret, where it has one, is in this answer and nowhere else."""
    with sessions.read() as db:
        person, _ = at_partner(request, db)
    draft, problems = new_app(sent)
    problems += lacking(request, person, sent)
    if draft is None or problems:
        return _new(request, 422, sent=sent, problems=problems)
    try:
        with sessions.begin() as db:
            person, partner = at_partner(request, db)
            app, secret = register(db, partner, draft, person.account.id)
    except (SignInNeeded, NotAllowed):
        raise
    except Problem as wrong:
        return _new(request, 422, sent=sent, problems=shown(wrong))
    return page(request, "partners/secret.html", app=app, secret=secret, is_new=True)


@router.get("/{app_id}")
def see(request: Request, app_id: uuid.UUID) -> Response:
    """One app: its state, its details, and what it still needs to go Live."""
    return _proven(request, app_id) or _app(request, app_id, "partners/app.html")


@router.post("/{app_id}")
def change(request: Request, app_id: uuid.UUID, sent: Posted) -> Response:
    """Change its details. Everything else in the form counts for nothing."""

    def work(db: Session, person: Person, app: App) -> str:
        form = DetailsForm.model_validate(sent)
        apps.change_details(db, app, person.account.id, **form.details)
        return "changed"

    return _act(request, app_id, work, "partners/app.html", sent)


@router.get("/{app_id}/scopes")
def ask_scopes(request: Request, app_id: uuid.UUID) -> Response:
    """What it asks schools for, and why."""
    return _proven(request, app_id) or _app(request, app_id, "partners/scopes.html")


@router.post("/{app_id}/scopes")
def change_scopes(request: Request, app_id: uuid.UUID, sent: Posted) -> Response:
    """At once where it is a Test app; a Live one waits for an operator."""

    def work(db: Session, person: Person, app: App) -> str:
        return "scopes" if apps.change_scopes(db, app, person.account.id, asked(sent)) else "asked"

    return _act(request, app_id, work, "partners/scopes.html", sent)


@router.post("/{app_id}/live")
def ask_live(request: Request, app_id: uuid.UUID) -> Response:
    """Ask the operators to let it go Live."""
    if proof := _proven(request, app_id, f"/partners/apps/{app_id}"):
        return proof

    def work(db: Session, person: Person, app: App) -> str:
        proposals.ask_live(db, app, person.account.id)
        return "asked"

    return _act(request, app_id, work, "partners/app.html")


@router.post("/{app_id}/withdraw")
def withdraw(request: Request, app_id: uuid.UUID) -> Response:
    """Take the request that waits back."""

    def work(db: Session, person: Person, app: App) -> str:
        proposals.withdraw(db, app, person.account.id)
        return "withdrawn"

    return _act(request, app_id, work, "partners/app.html")


def _act(
    request: Request,
    app_id: uuid.UUID,
    work: Callable[[Session, Person, App], str],
    template: str,
    sent: dict[str, str] | None = None,
) -> Response:
    """Do one thing to one's own app in one write unit, or show the form again as it was.

    What was typed, `sent`, counts from somebody who has just proved who they are.
    """
    if sent is not None:
        with sessions.read() as db:
            person, partner = at_partner(request, db)
            own(db, partner, app_id)
        if problems := lacking(request, person, sent):
            return _app(request, app_id, template, 422, sent=sent, problems=problems)
    try:
        with sessions.begin() as db:
            person, partner = at_partner(request, db)
            done = work(db, person, own(db, partner, app_id))
    except (SignInNeeded, NotAllowed, NotFound):
        raise
    except (Problem, ValidationError) as wrong:
        status = status_of(wrong)
        return _app(request, app_id, template, status, sent=sent or {}, problems=shown(wrong, DetailsForm))
    return see_other(f"/partners/apps/{app_id}{'/scopes' if done == 'scopes' else ''}?done={done}")


def _proven(request: Request, app_id: uuid.UUID, path: str = "") -> Response | None:
    """Where somebody of the app's partner must go first to prove who they are, and then to `path`."""
    with sessions.read() as db:
        person, partner = at_partner(request, db)
        own(db, partner, app_id)
    return proven_lately(request, person, path)


def _app(request: Request, app_id: uuid.UUID, template: str, status: int = 200, **context: Any) -> Response:
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        app = own(db, partner, app_id)
        latest = Proposal.latest_of(db, app.id)
    context |= {"notice": DONE.get(request.query_params.get("done", ""), ""), "offered": OFFERED, **GROUNDS}
    context |= {"proposal": latest, "missing": [] if app.is_live else apps.missing(app)}
    context["rows"] = {row.scope: row for row in app.scopes}
    return page(request, template, status, app=app, **context)


def _new(request: Request, status: int = 200, **context: Any) -> Response:
    context |= {"offered": OFFERED, "methods": METHODS, **GROUNDS}
    return page(request, "partners/new.html", status, rows={}, **context)
