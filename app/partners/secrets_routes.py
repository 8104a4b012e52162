"""`/partners/apps/{app}/credentials`: how an app authenticates, its keys, its secrets (two during a change)."""

import uuid
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotAllowed, NotFound, Problem, SignInNeeded
from app.models.partner import App, AppSecret
from app.partners import apps
from app.partners.app_routes import METHODS
from app.partners.apps import own
from app.signin.reauth import proven_lately
from app.signin.session import Person, at_partner
from app.web.forms import Posted, shown
from app.web.pages import page, see_other

router = APIRouter(prefix="/partners/apps/{app_id}/credentials", include_in_schema=False)

DONE = {"changed": "The change holds from now on", "ended": "Ended: within a second, it opens nothing"}


@router.get("")
def ask(request: Request, app_id: uuid.UUID, done: str = "") -> Response:
    return _shown(request, app_id, notice=DONE.get(done, ""))


@router.post("")
def change(request: Request, app_id: uuid.UUID, sent: Posted) -> Response:
    """Choose the method, and paste public keys."""

    def work(db: Session, person: Person, app: App) -> None:
        apps.change_authentication(db, app, person.account.id, sent.get("auth_method", ""), sent.get("jwks", ""))

    return _act(request, app_id, work, "changed", sent)


@router.post("/secrets")
def make(request: Request, app_id: uuid.UUID) -> Response:
    """Make one more secret; it is in this answer and nowhere else."""
    made = []

    def work(db: Session, person: Person, app: App) -> None:
        made.append(apps.make_secret(db, app, person.account.id))

    answer = _act(request, app_id, work, "made", {})
    if not made or answer.status_code != 303:
        return answer
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        app = own(db, partner, app_id)
    return page(request, "partners/secret.html", app=app, secret=made[0], is_new=False)


@router.post("/secrets/{name}/end")
def end_secret(request: Request, app_id: uuid.UUID, name: str) -> Response:
    def work(db: Session, person: Person, app: App) -> None:
        apps.end_secret(db, app, person.account.id, name)

    return _act(request, app_id, work, "ended", {})


@router.post("/keys/{name}/end")
def end_key(request: Request, app_id: uuid.UUID, name: str) -> Response:
    def work(db: Session, person: Person, app: App) -> None:
        apps.end_key(db, app, person.account.id, name)

    return _act(request, app_id, work, "ended", {})


def _act(
    request: Request,
    app_id: uuid.UUID,
    work: Callable[[Session, Person, App], None],
    done: str,
    sent: dict[str, str],
) -> Response:
    """Do one thing in one write unit, for somebody who has just proved who they are; or show what is wrong."""
    here = f"/partners/apps/{app_id}/credentials"
    with sessions.read() as db:
        person, partner = at_partner(request, db)
        own(db, partner, app_id)
    if proof := proven_lately(request, person, here):
        return proof
    try:
        with sessions.begin() as db:
            person, partner = at_partner(request, db)
            work(db, person, own(db, partner, app_id))
    except (SignInNeeded, NotAllowed, NotFound):
        raise
    except Problem as wrong:
        return _shown(request, app_id, wrong.status, sent=sent, problems=shown(wrong))
    return see_other(f"{here}?done={done}")


def _shown(request: Request, app_id: uuid.UUID, status: int = 200, **context: Any) -> Response:
    with sessions.read() as db:
        person, partner = at_partner(request, db)
        app = own(db, partner, app_id)
        secrets = [(apps.secret_name(one), one) for one in AppSecret.of_app(db, app.id)]
    if proof := proven_lately(request, person, f"/partners/apps/{app_id}/credentials"):
        return proof
    keys = [(apps.key_name(row), row) for row in (app.jwks or {}).get("keys", [])]
    context |= {"secrets": secrets, "keys": keys, "methods": METHODS, "most": apps.MOST_SECRETS}
    return page(request, "partners/credentials.html", status, app=app, **context)
