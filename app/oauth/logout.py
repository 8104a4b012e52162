"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): an app asks that its person be signed out here too.

Only an ID token of ours, whatever its age, shows that the app means this person. Without one anybody's link could sign
people out, so the person is asked, and nobody is sent anywhere.
"""

import dataclasses

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.db import Session, sessions
from app.models.partner import App
from app.oauth import id_token
from app.oauth.redirect_uri import filled
from app.oauth.request import Parameters, as_query, is_form, parse
from app.signin.session import opened, visitor
from app.web import cookies
from app.web.errors import failure
from app.web.pages import page, see_other

LONGEST_POST = 20_000

router = APIRouter(include_in_schema=False)


@dataclasses.dataclass(frozen=True)
class Wish:
    """A sound request: the app, whom it wants to be signed out, and where to they go then, if anywhere."""

    app: App
    sub: str
    back_to: str | None


@router.get("/oauth/logout")
def leave(request: Request) -> Response:
    """Sign the hinted person out, and send them back to the app; or ask whoever is there."""
    sent = parse(request.scope["query_string"])
    with sessions.begin() as db:
        wish, person = _wish(db, sent), opened(request, db)
        if wish is None or (person and wish.app.partner.pairwise("account", person.account.id) != wish.sub):
            return page(request, "oauth/sign_out.html", is_signed_in=visitor(request, db) is not None)
        if person:
            person.session.end(db)
    response = see_other(wish.back_to) if wish.back_to else page(request, "oauth/signed_out.html", app=wish.app)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    cookies.drop(response)
    cookies.drop(response, "registration")
    return response


@router.post("/oauth/logout")
async def turn_into_get(request: Request) -> Response:
    """A post may come from any site, so no session is looked at: the same parameters come back as a GET."""
    body = await request.body()
    if not is_form(request) or len(body) > LONGEST_POST:
        return failure(request, 400)
    return see_other(f"/oauth/logout?{as_query(request, body)}")


def _wish(db: Session, sent: Parameters) -> Wish | None:
    """What the app asks for; None where it has not shown that it may."""
    claims = id_token.hinted(db, sent.get("id_token_hint") or "")
    app = App.by_client_id(db, claims["aud"]) if claims else None
    if sent.faults or claims is None or app is None or app.is_suspended:
        return None
    if sent.get("client_id") not in (None, app.client_id):
        return None
    uri = sent.get("post_logout_redirect_uri")
    if uri is None:
        return Wish(app, claims["sub"], None)
    if uri not in app.post_logout_redirect_uris:
        return None
    back_to = filled(uri, {"state": sent.get("state")}) if sent.get("state") else uri
    return Wish(app, claims["sub"], back_to)
