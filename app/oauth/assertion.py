"""private_key_jwt: an app proves who it is by a signature (RFC 7523, with the audience rule of RFC 10070)."""

import datetime as dt
import time
from typing import Any

from app.models.partner import FAPI2
from app.models.spent_id import ASSERTION
from app.oauth import jws, single_use
from app.oauth.store import Client
from app.settings import settings

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = (*jws.STRONG, "RS256")
HEADER_TYPES = ("", "jwt", "client-authentication+jwt")
LONGEST_LIFE = 3600
AHEAD = 60  # seconds that the app's clock may be ahead of ours


def read(text: str) -> tuple[str, jws.Jws]:
    """The client_id that an assertion claims, which is to be proven, and the assertion. Raises jws.Unsound."""
    found = jws.read(text, HEADER_TYPES)
    issuer = found.text("iss")
    if found.claims.get("sub") != issuer:
        raise jws.Unsound("The claims iss and sub must both be the client_id.")
    return issuer, found


async def verify(client: Client, assertion: jws.Jws) -> None:
    """Raises jws.Unsound unless this app made it, for us and for now. It counts once, and only when all is right."""
    allowed = jws.STRONG if client.profile == FAPI2 else ALGORITHMS
    _check_signature(client, assertion, allowed)
    # The issuer and nothing else: an assertion made for another server, or for many, must not work here.
    if assertion.claims.get("aud") != settings.issuer:
        raise jws.Unsound(f"The claim aud must be the text {settings.issuer}")
    expires_at = _lifetime(assertion)
    until = dt.datetime.fromtimestamp(expires_at + 1, dt.UTC)
    if not await single_use.spend(ASSERTION, client.client_id, assertion.text("jti"), until):
        raise jws.Unsound("This assertion was used before. Make a new one for each call.")


def _check_signature(client: Client, assertion: jws.Jws, allowed: tuple[str, ...]) -> None:
    algorithm = assertion.header.get("alg")
    for key in _keys(client, assertion.header.get("kid")):
        if algorithm not in key.algorithms:
            continue
        try:
            return assertion.verify(key, allowed)
        except jws.Unsound:
            continue
    raise jws.Unsound(f"No registered key of the app has signed it by one of {', '.join(allowed)}.")


def _keys(client: Client, kid: Any) -> list[jws.Key]:
    """The app's keys that `kid` names; without it, all of them."""
    found = []
    for row in (client.jwks or {}).get("keys", []):
        if kid is not None and row.get("kid") != kid:
            continue
        try:
            found.append(jws.key(row))
        except jws.Unsound:  # registered for something else, such as encryption
            continue
    return found


def _lifetime(assertion: jws.Jws) -> float:
    present, expires_at = time.time(), assertion.moment("exp")
    if expires_at is None or not present < expires_at <= present + AHEAD + LONGEST_LIFE:
        raise jws.Unsound(f"The claim exp must be ahead, by at most {LONGEST_LIFE} seconds.")
    for name in ("iat", "nbf"):
        if (assertion.moment(name) or 0) > present + AHEAD:
            raise jws.Unsound(f"The claim {name} is more than {AHEAD} seconds ahead.")
    return expires_at
