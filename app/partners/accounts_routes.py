"""`/partners/apps/{app}/accounts`: how an app gets the users that schools sync: by SCIM 2.0, or by fetching them."""

import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import fetch
from app.audit import record
from app.db import Session, sessions
from app.errors import NotAllowed, NotFound, Problem, SignInNeeded
from app.models.partner import App
from app.partners.apps import own
from app.partners.webhook_routes import BadAddress
from app.secrets import seal
from app.signin.proof import lacking
from app.signin.session import Person, at_partner
from app.web.forms import Posted, shown
from app.web.pages import page, see_other

router = APIRouter(prefix="/partners/apps/{app_id}/accounts", include_in_schema=False)

LONGEST = 2000
PLACES = {"{urn}": "100000", "{dfe_number}": "2012345"}
DONE = {"saved": "Users of schools that sync go there from now on", "none": "Nothing is sent any more"}


class NoToken(Problem):
    status = 422
    title = "Enter the token with which we call your service"


@router.get("")
def ask(request: Request, app_id: uuid.UUID, done: str = "") -> Response:
    return _page(request, app_id, notice=DONE.get(done, ""))


@router.post("")
def change(request: Request, app_id: uuid.UUID, sent: Posted) -> Response:
    """Set the address of the app's SCIM service and its token; an empty address: none. The token is never shown."""
    with sessions.read() as db:
        person, _ = _own(request, db, app_id)
    if problems := lacking(request, person, sent):
        return _page(request, app_id, 422, sent=sent, problems=problems)
    address, token = sent.get("scim_url", "").strip()[:LONGEST], sent.get("scim_token", "").strip()[:LONGEST]
    try:
        if address:
            fetch.check(_filled(address))
        with sessions.begin() as db:
            person, app = _own(request, db, app_id)
            _save(db, app, person, address, token)
    except (fetch.Refused, fetch.Failed) as wrong:
        problems = shown(BadAddress(f"{wrong}.", "scim_url"))
        return _page(request, app_id, BadAddress.status, sent=sent, problems=problems)
    except (SignInNeeded, NotAllowed, NotFound):
        raise
    except Problem as wrong:
        return _page(request, app_id, wrong.status, sent=sent, problems=shown(wrong))
    return see_other(f"/partners/apps/{app_id}/accounts?done={'saved' if address else 'none'}")


def _filled(address: str) -> str:
    """The address with a school's numbers in it."""
    for name, example in PLACES.items():
        address = address.replace(name, example)
    return address


def _save(db: Session, app: App, person: Person, address: str, token: str) -> None:
    app = App.locked(db, app.id)
    # A token goes to the address that it was given for: another address needs it anew.
    if address and not token and (address != app.scim_url or not app.scim_token_sealed):
        raise NoToken(field="scim_token")
    if token or not address:
        app.scim_token_sealed = seal(token, "scim") if address else None
    app.scim_url = address or None
    db.flush()
    record(db, "app.scim_changed", actor=person.account.id, subject=app.id, is_set=bool(address))


def _own(request: Request, db: Session, app_id: uuid.UUID) -> tuple[Person, App]:
    person, partner = at_partner(request, db)
    return person, own(db, partner, app_id)


def _page(request: Request, app_id: uuid.UUID, status: int = 200, **context: Any) -> Response:
    with sessions.read() as db:
        _, app = _own(request, db, app_id)
    return page(request, "partners/accounts.html", status, app=app, **context)
