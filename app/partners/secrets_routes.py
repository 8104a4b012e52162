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
from app.signin.proof import lacking
from app.signin.reauth import proven_lately
from app.signin.session import Person, at_partner
from app.web.forms import Posted, shown
from app.web.pages import page, see_other

router = APIRouter(prefix="/partners/apps/{app_id}/credentials", include_in_schema=False)

DONE = {"changed": "The change holds from now on", "ended": "Ended: within a second, it opens nothing"}


@router.get("")
def ask(request: Request, app_id: uuid.UUID, done: str = "") -> Response:
    return _proven(request, app_id) or _shown(request, app_id, notice=DONE.get(done, ""))


@router.post("")
def change(request: Request, app_id: uuid.UUID, sent: Posted) -> Response:
    """Choose the method, and paste public keys."""
    with sessions.read() as db:
        person, partner = at_partner(request, db)
        own(db, partner, app_id)
    if problems := lacking(request, person, sent):
        return _shown(request, app_id, 422, sent=sent, problems=problems)

    def work(db: Session, person: Person, app: App) -> None:
        apps.change_authentication(db, app, person.account.id, sent.get("auth_method", ""), sent.get("jwks", ""))

    return _act(request, app_id, work, "changed", sent)


@router.post("/secrets")
def make(request: Request, app_id: uuid.UUID) -> Response:
    """Make one more secret; it is in this answer and nowhere else."""
    made = []

    def work(db: Session, person: Person, app: App) -> None:
        made.append(apps.make_secret(db, app, person.account.id))

    answer = _proven(request, app_id) or _act(request, app_id, work, "made")
    if not made or answer.status_code != 303:
        return answer
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        app = own(db, partner, app_id)
    return page(request, "partners/secret.html", app=app, secret=made[0], is_new=False)


@router.get("/secrets/{name}/end")
def ask_end_secret(request: Request, app_id: uuid.UUID, name: str) -> Response:
    """Say which one it is and what ending it does."""
    if proof := _proven(request, app_id):
        return proof
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        app = own(db, partner, app_id)
        secrets = _secrets(db, app)
    found = next((one for one in secrets if one["name"] == name), None)
    if found is None:
        raise NotFound
    return page(request, "partners/credentials_end.html", app=app, secret=found, is_last=len(secrets) == 1)


@router.post("/secrets/{name}/end")
def end_secret(request: Request, app_id: uuid.UUID, name: str) -> Response:
    def work(db: Session, person: Person, app: App) -> None:
        apps.end_secret(db, app, person.account.id, name)

    return _proven(request, app_id) or _act(request, app_id, work, "ended")


@router.get("/keys/{name}/end")
def ask_end_key(request: Request, app_id: uuid.UUID, name: str) -> Response:
    """Say which one it is and what ending it does."""
    if proof := _proven(request, app_id):
        return proof
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        app = own(db, partner, app_id)
    row = dict(_keys(app)).get(name)
    if row is None:
        raise NotFound
    return page(request, "partners/credentials_end.html", app=app, key=row, name=name)


@router.post("/keys/{name}/end")
def end_key(request: Request, app_id: uuid.UUID, name: str) -> Response:
    def work(db: Session, person: Person, app: App) -> None:
        apps.end_key(db, app, person.account.id, name)

    return _proven(request, app_id) or _act(request, app_id, work, "ended")


def _proven(request: Request, app_id: uuid.UUID) -> Response | None:
    """Where somebody of the app's partner must go first to prove who they are."""
    with sessions.read() as db:
        person, partner = at_partner(request, db)
        own(db, partner, app_id)
    return proven_lately(request, person, _path(app_id))


def _act(
    request: Request,
    app_id: uuid.UUID,
    work: Callable[[Session, Person, App], None],
    done: str,
    sent: dict[str, str] | None = None,
) -> Response:
    """Do one thing in one write unit, for somebody who has just proved who they are; or show what is wrong."""
    try:
        with sessions.begin() as db:
            person, partner = at_partner(request, db)
            work(db, person, own(db, partner, app_id))
    except (SignInNeeded, NotAllowed, NotFound):
        raise
    except Problem as wrong:
        return _shown(request, app_id, wrong.status, sent=sent or {}, problems=shown(wrong))
    return see_other(f"{_path(app_id)}?done={done}")


def _shown(request: Request, app_id: uuid.UUID, status: int = 200, **context: Any) -> Response:
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        app = own(db, partner, app_id)
        secrets = _secrets(db, app)
    context |= {"secrets": secrets, "keys": _keys(app), "methods": METHODS, "most": apps.MOST_SECRETS}
    return page(request, "partners/credentials.html", status, app=app, **context)


def _secrets(db: Session, app: App) -> list[dict[str, Any]]:
    """The active secrets, oldest first: what addresses call each, and which of two it is."""
    rows = AppSecret.of_app(db, app.id)
    ages = ("Older secret", "Newer secret") if len(rows) == apps.MOST_SECRETS else ("Secret",) * len(rows)
    return [{"name": apps.secret_name(row), "age": age, "row": row} for age, row in zip(ages, rows, strict=True)]


def _keys(app: App) -> list[tuple[str, dict[str, Any]]]:
    return [(apps.key_name(row), row) for row in (app.jwks or {}).get("keys", [])]


def _path(app_id: uuid.UUID) -> str:
    return f"/partners/apps/{app_id}/credentials"
