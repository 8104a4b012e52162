"""The client credentials grant (RFC 6749 section 4.4): a token for the partner itself, with no school behind it.

It is a JWT (RFC 9068) and no row of ours, so that making one costs a signature and nothing else. It never decides
alone: whoever takes it asks whether the app still stands, and whether the token was given back.
"""

import dataclasses
import datetime as dt
import secrets
import time
from typing import Any

from app.errors import OAuthError
from app.models.scope import PARTNER_SCOPES
from app.models.spent_id import RETURNED
from app.oauth import dpop, jose, single_use, store
from app.oauth.issue import TokenRequest
from app.oauth.store import Client
from app.settings import settings

TYP = "at+jwt"
SECONDS = 600


@dataclasses.dataclass(frozen=True, slots=True)
class PartnerToken:
    """A token that is alive at this moment."""

    client: Client
    scope: str
    jti: str
    issued_at: int
    expires_at: int
    key_thumbprint: str | None


async def issue(asked: TokenRequest) -> dict[str, Any]:
    """A token without a refresh token. Raises OAuthError unauthorized_client or invalid_scope."""
    client = asked.client
    if client.is_public:
        raise OAuthError("unauthorized_client", "A public app cannot prove who it is, so this grant is not for it.")
    scope, bound = _scope(asked.sent.get("scope")), asked.key_thumbprint
    present = int(time.time())
    claims = {
        "iss": settings.issuer,
        "sub": client.client_id,
        "client_id": client.client_id,
        "aud": settings.issuer,
        "iat": present,
        "exp": present + SECONDS,
        "jti": secrets.token_urlsafe(16),
        "scope": scope,
    }
    if bound:
        claims["cnf"] = {"jkt": bound}
    token = await jose.sign(claims, TYP)
    return {
        "access_token": token,
        "token_type": dpop.token_type(bound),
        "expires_in": SECONDS,
        "scope": scope,
    }


async def alive(token: str) -> PartnerToken | None:
    """The token, if we signed it for our own APIs, its app still stands and it was not given back."""
    claims = await jose.verified(token, TYP)
    if claims is None or claims.get("aud") != settings.issuer or claims["exp"] - claims["iat"] > SECONDS:
        return None
    client_id = claims.get("client_id")
    client = await store.client(client_id) if client_id and client_id == claims.get("sub") else None
    if client is None or client.is_suspended or await single_use.is_returned(client.client_id, claims["jti"]):
        return None
    bound = claims.get("cnf", {}).get("jkt")
    return PartnerToken(client, claims["scope"], claims["jti"], claims["iat"], claims["exp"], bound)


async def give_back(token: PartnerToken, client: Client) -> None:
    """End a token (RFC 7009). Raises OAuthError when it is another app's."""
    if token.client.id != client.id:
        raise OAuthError("invalid_grant", "This token is another app's.")
    until = dt.datetime.fromtimestamp(token.expires_at + 1, dt.UTC)
    await single_use.spend(RETURNED, client.client_id, token.jti, until)


def _scope(asked: str | None) -> str:
    scopes = PARTNER_SCOPES if asked is None else tuple(dict.fromkeys(asked.split()))
    if not scopes or not set(scopes) <= set(PARTNER_SCOPES):
        words = f"Without a school, an app may ask for: {' '.join(PARTNER_SCOPES)}"
        raise OAuthError("invalid_scope", words)
    return " ".join(scopes)
