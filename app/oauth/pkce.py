"""RFC 7636: PKCE. S256 only, checked before the school sees a page."""

import base64
import hashlib
import hmac
import re

from app.errors import OAuthError
from app.oauth.request import Parameters

METHOD = "S256"
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


def check_challenge(sent: Parameters, needed: bool) -> None:
    """Refuse an authorization request without a sound challenge; only profile `oidc` may leave it out."""
    challenge, method = sent.get("code_challenge"), sent.get("code_challenge_method")
    if challenge is None and method is None and not needed:
        return
    if challenge is None:
        raise OAuthError("invalid_request", "Send a code_challenge: PKCE (RFC 7636) is needed.")
    if method != METHOD:
        raise OAuthError("invalid_request", "Send code_challenge_method=S256.")
    if not _UNRESERVED.fullmatch(challenge):
        raise OAuthError("invalid_request", "The code_challenge must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~")


def answers(challenge: str, verifier: str) -> bool:
    """Whether this verifier is the one that the challenge was made from."""
    if not _UNRESERVED.fullmatch(verifier):
        return False
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(hashed, challenge.encode())
