"""The ID token (OpenID Connect Core section 2): who has signed in, when and how, told to one app. Who that is by name
and address, userinfo says.
"""

import base64
import hashlib
from typing import Any

from app import keys
from app.db import Session
from app.errors import OAuthError
from app.keys import ES256, RS256, Key
from app.models.backing import HeldCode
from app.models.partner import OIDC, App, pairwise
from app.models.scope import OPENID
from app.oauth import jose
from app.oauth.issue import Issued
from app.oauth.request import Parameters
from app.oauth.store import Client
from app.settings import settings

TYP = "JWT"
ALGORITHMS = (ES256, RS256)
PASSWORD_ALONE, TWO_STEPS = "urn:gatehouse:acr:password", "urn:gatehouse:acr:mfa"
CLAIMS = ("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash")


async def signer(client: Client) -> Key:
    """The key that signs for this app. RS256 is for those who were registered as unable to do better."""
    return await jose.signing_key(RS256 if client.profile == OIDC else ES256)


def beside(issued: Issued, client: Client, signs: Key) -> dict[str, str]:
    """What the token response holds besides: an `id_token` where `openid` was granted, else nothing."""
    if issued.code is None or OPENID not in issued.scope.split():
        return {}
    return {"id_token": jose.signed_by(signs, _claims(issued, issued.code, client), TYP)}


def hinted(db: Session, hint: str) -> dict[str, Any] | None:
    """The claims of an `id_token_hint`: an ID token of ours, expired or signed by a key that has ended, or None."""
    claims = jose.checked(keys.load(db), hint, TYP, even_expired=True)
    return claims if claims and isinstance(claims.get("aud"), str) and isinstance(claims.get("sub"), str) else None


def hinted_person(db: Session, app: App, sent: Parameters) -> str | None:
    """The `sub` that an authorization request hints at. Raises OAuthError when it was not said to this app by us."""
    hint = sent.get("id_token_hint")
    if hint is None:
        return None
    claims = hinted(db, hint)
    if claims is None or claims["aud"] != app.client_id:
        raise OAuthError("invalid_request", "The id_token_hint is not an ID token that this app got from us.")
    return str(claims["sub"])


def _claims(issued: Issued, code: HeldCode, client: Client) -> dict[str, Any]:
    issued_at = int(issued.issued_at.timestamp())
    half = hashlib.sha256(issued.access_token.encode()).digest()[:16]
    claims = {
        "iss": settings.issuer,
        "sub": pairwise(client.pairwise_key, "account", code.account_id),
        "aud": client.client_id,
        "exp": issued_at + settings.id_token_seconds,
        "iat": issued_at,
        "auth_time": int(code.signed_in_at.timestamp()),
        "acr": TWO_STEPS if "mfa" in code.methods else PASSWORD_ALONE,
        "amr": code.methods,
        "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
    }
    return claims if code.nonce is None else claims | {"nonce": code.nonce}
