"""DPoP (RFC 9449): a token that is bound to a key is worth nothing to whoever copies it.

Every call carries a proof: a small object, signed by that key, that names this very call and counts once.
"""

import datetime as dt
import hashlib
import time
from urllib.parse import unquote, urlsplit

from starlette.requests import Request

from app import base64url
from app.errors import OAuthError
from app.models.spent_id import DPOP
from app.oauth import jws, single_use
from app.secrets import sign, signed
from app.settings import settings

ALGORITHMS = jws.STRONG
PAST, FUTURE = 120, 60  # seconds that a proof may be old, or ahead of our clock
NONCE_SECONDS = 300
DEFAULT_PORTS = {"https": ":443", "http": ":80"}


async def proven(request: Request, access_token: str | None = None) -> str | None:
    """The RFC 7638 thumbprint of the key that this call proves to hold; None when it brings no proof.

    With an access token, the proof must be for that token. Raises OAuthError invalid_dpop_proof or use_dpop_nonce.
    """
    proofs = request.headers.getlist("dpop")
    if not proofs:
        return None
    if len(proofs) > 1:
        raise refused("Send one DPoP header.")
    if settings.dpop_nonce:
        _hand_out_nonce(request)
    try:
        proof = jws.read(proofs[0], ("dpop+jwt",))
        key = jws.key(proof.header.get("jwk"))
        proof.verify(key, ALGORITHMS)
        _check(request, proof, access_token)
        jti, made_at = proof.text("jti"), _made_at(proof)
    except jws.Unsound as wrong:
        raise refused(f"DPoP proof: {wrong}") from None
    if settings.dpop_nonce and not _is_our_nonce(proof):
        raise OAuthError("use_dpop_nonce", "Put the nonce of the DPoP-Nonce header into the proof.")
    until = dt.datetime.fromtimestamp(made_at + PAST + 1, dt.UTC)
    if not await single_use.spend(DPOP, key.thumbprint, jti, until):
        raise refused("This DPoP proof was used before. Make a new one for each call.")
    return key.thumbprint


def token_type(key_thumbprint: str | None) -> str:
    """What a token is called that is bound to this key, or to none (section 5)."""
    return "DPoP" if key_thumbprint else "Bearer"


def refused(description: str) -> OAuthError:
    return OAuthError("invalid_dpop_proof", description)


def _check(request: Request, proof: jws.Jws, access_token: str | None) -> None:
    if proof.claims.get("htm") != request.method:
        raise jws.Unsound(f"The claim htm must be {request.method}.")
    if _address(proof.claims.get("htu")) != (*_address(settings.issuer)[:2], request.scope["path"]):
        raise jws.Unsound("The claim htu must be the address of this call, as the metadata names it.")
    if access_token is not None and proof.claims.get("ath") != _hash(access_token):
        raise jws.Unsound("The claim ath must be the hash of the access token.")


def _address(uri: object) -> tuple[str, str, str]:
    """Scheme, host with port, and path, in one form (RFC 3986 section 6.2.2); query and fragment do not matter."""
    try:
        parts = urlsplit(uri if isinstance(uri, str) else "")
        path = unquote(parts.path, errors="strict") or "/"
    except ValueError:
        raise jws.Unsound("The claim htu is no address.") from None
    scheme = parts.scheme.lower()
    return scheme, parts.netloc.lower().removesuffix(DEFAULT_PORTS.get(scheme, ":")), path


def _made_at(proof: jws.Jws) -> float:
    made_at, present = proof.moment("iat"), time.time()
    if made_at is None or not present - PAST <= made_at <= present + FUTURE:
        raise jws.Unsound(f"The claim iat must be the time now: at most {PAST} s ago and {FUTURE} s ahead.")
    return made_at


def _hash(access_token: str) -> str:
    return base64url.encoded(hashlib.sha256(access_token.encode()).digest())


def _hand_out_nonce(request: Request) -> None:
    """With every answer, good or bad: the next proof carries it (section 8). No worker has to remember it."""
    nonce = sign("", "dpop nonce").encode()
    request.scope["state"].setdefault("answer_headers", []).append((b"dpop-nonce", nonce))


def _is_our_nonce(proof: jws.Jws) -> bool:
    nonce = proof.claims.get("nonce")
    return isinstance(nonce, str) and signed(nonce, "dpop nonce", NONCE_SECONDS) is not None
