"""`/partners/apps/{app}/groupcall`: where the secrets of schools go, and whether they arrive; the management secret."""

import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import fetch
from app.db import Session, sessions
from app.errors import NotAllowed, NotFound, Problem, SignInNeeded
from app.models.partner import App
from app.models.school_secret import HandOver
from app.notify.hand_over import takes_secrets
from app.partners import groupcall
from app.partners.apps import own
from app.partners.webhook_routes import BadAddress
from app.signin.proof import lacking
from app.signin.reauth import proven_lately
from app.signin.session import Person, at_partner
from app.web.forms import Posted, shown
from app.web.pages import page, see_other

router = APIRouter(prefix="/partners/apps/{app_id}/groupcall", include_in_schema=False)

ROWS = 50
DONE = {
    "address": "The secrets of schools go there from now on",
    "none": "Nothing is sent any more",
    "end": "The management secret has ended",
    "send": "New secrets are on their way. Look below in a few seconds",
}


@router.get("")
def ask(request: Request, app_id: uuid.UUID, done: str = "") -> Response:
    return _shown(request, app_id, notice=DONE.get(done, ""))


@router.post("")
def change(request: Request, app_id: uuid.UUID, sent: Posted) -> Response:
    """Set the address that the secrets of schools are posted to; empty: none."""
    with sessions.read() as db:
        person, _ = _own(request, db, app_id)
    if problems := lacking(request, person, sent):
        return _shown(request, app_id, 422, sent=sent, problems=problems)
    address = sent.get("authorisation_uri", "").strip()
    try:
        if address:
            fetch.check(address)
        with sessions.begin() as db:
            person, app = _own(request, db, app_id)
            groupcall.set_address(db, app, person.account.id, address)
    except (fetch.Refused, fetch.Failed) as wrong:
        problems = shown(BadAddress(f"{wrong}.", "authorisation_uri"))
        return _shown(request, app_id, BadAddress.status, sent=sent, problems=problems)
    except (SignInNeeded, NotAllowed, NotFound):
        raise
    except Problem as wrong:
        return _shown(request, app_id, wrong.status, sent=sent, problems=shown(wrong))
    return see_other(f"{_path(app_id)}?done={'address' if address else 'none'}")


@router.get("/make")
@router.get("/replace")
@router.get("/end")
@router.get("/send")
def ask_act(request: Request, app_id: uuid.UUID) -> Response:
    """Say what it does, to somebody who has just proved who they are."""
    with sessions.read() as db:
        person, app = _own(request, db, app_id)
    if proof := proven_lately(request, person):
        return proof
    before, hint = groupcall.secret_name(app), groupcall.secret_hint(app)
    return page(request, "partners/groupcall_act.html", app=app, act=_act(request), before=before, hint=hint)


@router.post("/make")
@router.post("/replace")
@router.post("/end")
@router.post("/send")
def act(request: Request, app_id: uuid.UUID, sent: Posted) -> Response:
    """Make, replace or end the management secret, or send new secrets of schools."""
    with sessions.read() as db:
        person, _ = _own(request, db, app_id)
    if proof := proven_lately(request, person):
        return proof
    what, before, secret = _act(request), sent.get("before", ""), ""
    try:
        with sessions.begin() as db:
            person, app = _own(request, db, app_id)
            if what == "send":
                groupcall.send_again(db, app, person.account.id)
            elif what == "end":
                groupcall.end_secret(db, app, person.account.id, before)
            else:
                secret = groupcall.make_secret(db, app, person.account.id, before)
    except (SignInNeeded, NotAllowed, NotFound):
        raise
    except Problem as wrong:
        return _shown(request, app_id, wrong.status, problems=shown(wrong))
    if secret:
        return page(request, "partners/groupcall_secret.html", app=app, secret_value=secret)
    return see_other(f"{_path(app_id)}?done={what}")


def _own(request: Request, db: Session, app_id: uuid.UUID) -> tuple[Person, App]:
    person, partner = at_partner(request, db)
    return person, own(db, partner, app_id)


def _shown(request: Request, app_id: uuid.UUID, status: int = 200, **context: Any) -> Response:
    with sessions.read() as db:
        _, app = _own(request, db, app_id)
        rows = HandOver.latest(db, app.id, ROWS)
        delivered_at, failing_since = HandOver.times(db, app.id)
    context |= {"rows": rows, "delivered_at": delivered_at, "failing_since": failing_since, "most": ROWS}
    context |= {"allowed": takes_secrets(app), "hint": groupcall.secret_hint(app)}
    return page(request, "partners/groupcall.html", status, app=app, **context)


def _act(request: Request) -> str:
    return request.url.path.rpartition("/")[2]


def _path(app_id: uuid.UUID) -> str:
    return f"/partners/apps/{app_id}/groupcall"
