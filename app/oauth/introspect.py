"""Token introspection (RFC 7662): an app asks what one of its own tokens is worth at this moment."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.models.backing import HeldToken
from app.models.base import now
from app.oauth import store
from app.oauth.client_auth import authenticate, refused
from app.oauth.request import form
from app.secrets import digest, well_formed
from app.settings import settings


async def introspect(request: Request) -> Response:
    """Whatever is dead, unknown or another app's is `{"active": false}` and nothing more."""
    sent = await form(request)
    client = await authenticate(request, sent)
    if client.is_public:
        raise refused("A public app cannot prove that it is the one who asks.")
    token = sent.required("token")
    access = await store.access(digest(token)) if well_formed(token, "gh_at") else None
    refresh = await store.refresh(digest(token)) if well_formed(token, "gh_rt") else None
    held = access or refresh
    if held is None or held.app_id != client.id or not _is_alive(held, is_refresh=refresh is not None):
        return _said({"active": False})
    backing = held.backing
    return _said(
        {
            "active": True,
            "iss": settings.issuer,
            "client_id": client.client_id,
            "scope": held.scope,
            "iat": int(held.issued_at.timestamp()),
            "exp": int((backing.expires_at if refresh else held.expires_at).timestamp()),
            **({"token_type": "Bearer"} if access else {}),
            "grant_id": str(backing.authorisation_id),
            "school_status": backing.school_status,
            "authorisation_status": "paused" if backing.is_paused else "active",
        }
    )


def _is_alive(held: HeldToken, is_refresh: bool) -> bool:
    """A refresh token lives as long as its authorisation, which may have been renewed since."""
    if held.ended_at or held.used_at or held.backing.fault:
        return False
    return is_refresh or held.expires_at > now()


def _said(body: dict[str, Any]) -> Response:
    return JSONResponse(body, headers={"Cache-Control": "no-store"})
