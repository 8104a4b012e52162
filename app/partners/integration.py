"""`/partners/apps/{app}/check`: a checklist of what an integration must do, ticked by what the app really did."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterable

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import sessions
from app.models import reach
from app.models.partner import App
from app.models.token import AuthorizationRequest
from app.partners.apps import own
from app.settings import settings
from app.signin.session import at_partner
from app.web.pages import page

router = APIRouter(include_in_schema=False)

DEAD = ("invalid_token", "invalid_grant")
AT_ONCE = dt.timedelta(seconds=1)  # a request is answered and its code made in one unit


@dataclasses.dataclass(frozen=True)
class Item:
    """One thing to do: whether and when it was done, and how to do it."""

    title: str
    done_at: dt.datetime | None
    how: str


@router.get("/partners/apps/{app_id}/check")
def check(request: Request, app_id: uuid.UUID) -> Response:
    """Load it again to see what has happened since."""
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        app = own(db, partner, app_id)
        items = checklist(app, reach.traces(db, app.id))
    done = sum(item.done_at is not None for item in items)
    return page(request, "partners/check.html", app=app, items=items, done=done)


def checklist(app: App, seen: reach.Traces) -> list[Item]:
    """What an integration shows that it can do."""
    coded = [one for one in seen.codes if one.used_at]
    ended = seen.ended_at
    after = [at for error, at in seen.refused.items() if error in DEAD]
    return [
        Item(
            "Authorization request received",
            _first(seen.requests),
            "Send the browser to /oauth/authorize with your client_id, a redirect_uri and the scopes that you ask for.",
        ),
        Item(
            "Redirect address matched",
            _first(one for one in seen.requests if _sent(one).get("redirect_uri") in app.redirect_uris),
            "Send one of your registered addresses, letter by letter.",
        ),
        Item(
            "PKCE with S256",
            _first(one for one in seen.requests if _sent(one).get("code_challenge_method") == "S256"),
            "Send code_challenge and code_challenge_method=S256; most libraries do it when told to use PKCE.",
        ),
        Item(
            "state sent",
            _first(one for one in seen.requests if _sent(one).get("state")),
            "Send a fresh state with each request, and compare it when the browser comes back.",
        ),
        Item(
            "Code exchanged for a token",
            max((one.used_at for one in coded if one.used_at), default=None) if seen.token_at else None,
            "Post the code to /oauth/token within 60 seconds. Sign in as the admin of a test school to get one.",
        ),
        Item(
            f"Authenticated by {app.auth_method}",
            seen.token_at,
            "Authenticate at /oauth/token by the method that is registered for the app, and by no other.",
        ),
        Item(
            "Refresh token used",
            seen.refreshed_at,
            "Exchange the refresh token for a new pair before the access token ends, and keep the new one.",
        ),
        Item(
            "Data read",
            seen.read_at,
            "Get /ims/oneroster/rostering/v1p2/orgs with the access token.",
        ),
        Item(
            "A decline came back",
            _first(one for one in seen.requests if _declined(one, seen)),
            "Start once more, press Decline, and show your user something kinder than error=access_denied.",
        ),
        Item(
            "A school that is not Verified yet was met",
            seen.refused.get("school_unverified"),
            "Let the Unverified test school authorise the app, and read its data: wait, and try again later.",
        ),
        Item(
            "A revoked token was refused",
            max((at for at in after if ended and at >= ended - dt.timedelta(hours=1)), default=None),
            "Revoke the app as the admin of the test school, use the old token once, and stop when it is refused.",
        ),
    ]


def _first(rows: Iterable[AuthorizationRequest]) -> dt.datetime | None:
    """When the newest of these came."""
    return max((one.created_at for one in rows), default=None)


def _declined(one: AuthorizationRequest, seen: reach.Traces) -> bool:
    """It was answered, and no code was made at that moment."""
    answered, lasts = one.completed_at, dt.timedelta(seconds=settings.authorization_code_seconds)
    if answered is None:
        return False
    return not any(abs(code.expires_at - lasts - answered) < AT_ONCE for code in seen.codes)


def _sent(one: AuthorizationRequest) -> dict[str, str]:
    """The parameters as they came."""
    values: dict[str, str] = one.parameters.get("values", {})
    return values
