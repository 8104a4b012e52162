"""Token introspection (RFC 7662): an app asks what one of its own tokens is worth at this moment."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.models.backing import Backing, HeldToken
from app.models.base import now
from app.models.partner import pairwise
from app.models.scope import OPENID
from app.oauth import client_credentials, dpop, store
from app.oauth.client_auth import authenticate, refused
from app.oauth.client_credentials import PartnerToken
from app.oauth.request import form
from app.oauth.store import Client
from app.secrets import digest, well_formed
from app.settings import settings
from app.web.answers import fresh


async def introspect(request: Request) -> Response:
    """Whatever is dead, unknown or another app's is `{"active": false}` and nothing more."""
    sent = await form(request)
    client = await authenticate(request, sent)
    if client.is_public:
        raise refused("A public app cannot prove that it is the one who asks.")
    token = sent.required("token")
    if partner := await client_credentials.alive(token):
        return fresh(_of_partner(partner) if partner.client.id == client.id else {"active": False})
    access = await store.access(digest(token)) if well_formed(token, "gh_at") else None
    refresh = await store.refresh(digest(token)) if well_formed(token, "gh_rt") else None
    held = access or refresh
    if held is None or held.app_id != client.id or not _is_alive(held, is_refresh=refresh is not None):
        return fresh({"active": False})
    backing = held.backing
    ends_at = backing.expires_at if refresh and isinstance(backing, Backing) else held.expires_at
    return fresh(
        {
            "active": True,
            "iss": settings.issuer,
            "client_id": client.client_id,
            "scope": held.scope,
            "iat": int(held.issued_at.timestamp()),
            "exp": int(ends_at.timestamp()),
            **({"token_type": dpop.token_type(held.key_thumbprint)} if access else {}),
            **_bound(held.key_thumbprint),
            **_person(held, client),
            **(_school(backing) if isinstance(backing, Backing) else {}),
        }
    )


def _is_alive(held: HeldToken, is_refresh: bool) -> bool:
    """A refresh token lives as long as its authorisation, which may have been renewed since."""
    if held.ended_at or held.used_at or held.backing.fault:
        return False
    return is_refresh or held.expires_at > now()


def _person(held: HeldToken, client: Client) -> dict[str, str]:
    """Who signed in, if the app may know."""
    if held.account_id is None or OPENID not in held.scope.split():
        return {}
    return {"sub": pairwise(client.pairwise_key, "account", held.account_id)}


def _school(backing: Backing) -> dict[str, str]:
    return {
        "grant_id": str(backing.authorisation_id),
        "school_status": backing.school_status,
        "authorisation_status": "paused" if backing.is_paused else "active",
    }


def _of_partner(token: PartnerToken) -> dict[str, Any]:
    client_id = token.client.client_id
    return {
        "active": True,
        "iss": settings.issuer,
        "sub": client_id,
        "client_id": client_id,
        "aud": settings.issuer,
        "scope": token.scope,
        "jti": token.jti,
        "iat": token.issued_at,
        "exp": token.expires_at,
        "token_type": dpop.token_type(token.key_thumbprint),
        **_bound(token.key_thumbprint),
    }


def _bound(key_thumbprint: str | None) -> dict[str, Any]:
    """RFC 9449 section 6.2."""
    return {"cnf": {"jkt": key_thumbprint}} if key_thumbprint else {}
