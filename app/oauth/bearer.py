"""Access tokens at our APIs (RFC 6750, RFC 9449 section 7): is this token alive, and may it do this, at this moment?

`access = await read_token(request)` first, then `access.require("school")` where the data is; `read_partner` likewise
where a partner looks after its own affairs. Both raise OAuthError.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection

from starlette.requests import Request

from app import ledger
from app.errors import OAuthError
from app.models.backing import Backing, HeldToken
from app.models.base import now
from app.models.school import VERIFIED
from app.oauth import client_credentials, dpop, metadata, store
from app.secrets import digest, well_formed

BEARER, DPOP = "Bearer", "DPoP"
DATA = "data"  # how the ledger calls what these tokens open, where it counts refusals
SCHOOL_NEEDED = "This needs a token that a school stands behind."
DEAD = "The access token is not known, has expired or was ended."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """What a checked token allows; `scheme` is how it was sent, and how a refusal is worded."""

    app_id: uuid.UUID
    scopes: frozenset[str]
    scheme: str

    def require(self, *scopes: str) -> None:
        """Raises OAuthError insufficient_scope (403) unless the token carries all of these."""
        if not self.scopes.issuperset(scopes):
            needed = " ".join(scopes)
            words = f"This needs the scope {needed}."
            ledger.refused(self.app_id, DATA, "insufficient_scope")
            raise refused(403, "insufficient_scope", words, scheme=self.scheme, scope=needed)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Access(_Opened):
    """The data of one school, for one app: what `app/disclosure` calls given."""

    authorisation_id: uuid.UUID
    school_id: uuid.UUID
    years: tuple[str, ...] | None

    def require_any(self, scopes: Collection[str]) -> None:
        """Raises OAuthError insufficient_scope (403) unless the token carries one of these; the first is asked for."""
        if self.scopes.isdisjoint(scopes):
            self.require(next(iter(scopes)))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PartnerAccess(_Opened):
    """What a partner may do about itself: no school stands behind it, and it opens no school's data."""

    partner_id: uuid.UUID
    client_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class EndpointAccess:
    """An agent that its school has let in and not removed."""

    endpoint_id: uuid.UUID
    school_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class Presented:
    """A token of the token table that is alive and, where it is bound to a key, came with the proof."""

    held: HeldToken
    scheme: str


async def read_token(request: Request) -> Access:
    """The access that the request's token gives, judged by a state at most 0.8 s old. Raises OAuthError."""
    token = await held_token(request)
    try:
        return _judged(token)
    except OAuthError as wrong:
        ledger.refused(token.held.app_id, DATA, wrong.error)
        raise


def _judged(token: Presented) -> Access:
    backing, scheme = token.held.backing, token.scheme
    if backing.fault:
        raise refused(401, "invalid_token", backing.fault, scheme=scheme)
    if not isinstance(backing, Backing):
        raise refused(403, "insufficient_scope", SCHOOL_NEEDED, scheme=scheme)
    if backing.school_status != VERIFIED:
        words = "Gatehouse has not verified the school yet. Try again later."
        raise refused(403, "school_unverified", words, scheme=scheme)
    if backing.is_paused:
        raise _paused(backing.resumes_on, scheme)
    return Access(
        app_id=backing.app_id,
        scopes=frozenset(token.held.scope.split()) & frozenset(backing.scopes),
        scheme=scheme,
        authorisation_id=backing.authorisation_id,
        school_id=backing.school_id,
        years=None if backing.years is None else tuple(backing.years),
    )


async def held_token(request: Request) -> Presented:
    """The request's token, before anything that stands behind it is looked at. Raises OAuthError."""
    scheme, token = _presented(request)
    held = await store.access(digest(token)) if well_formed(token, "gh_at") else None
    if held is None:
        await _partner_token(request, scheme, token)
        raise refused(403, "insufficient_scope", SCHOOL_NEEDED, scheme=scheme)
    if held.ended_at or held.expires_at <= now():
        ledger.refused(held.app_id, DATA, "invalid_token")
        raise refused(401, "invalid_token", DEAD, scheme=scheme)
    await _prove(request, scheme, token, held.key_thumbprint)
    return Presented(held, scheme)


async def read_partner(request: Request) -> PartnerAccess:
    """Likewise for a client_credentials token. A school's token opens nothing here. Raises OAuthError."""
    scheme, token = _presented(request)
    if well_formed(token, "gh_at"):
        await held_token(request)
        words = "This needs a token of the grant client_credentials."
        raise refused(403, "insufficient_scope", words, scheme=scheme)
    alive = await _partner_token(request, scheme, token)
    return PartnerAccess(
        app_id=alive.client.id,
        scopes=frozenset(alive.scope.split()),
        scheme=scheme,
        partner_id=alive.client.partner_id,
        client_id=alive.client.client_id,
    )


async def read_endpoint(request: Request) -> EndpointAccess:
    """Likewise for an agent's token (see `device.py`). Its school may be Unverified. Raises OAuthError."""
    scheme, token = _presented(request)
    held = await store.endpoint(digest(token)) if well_formed(token, "gh_at") else None
    if held is None:
        await held_token(request)
        raise refused(403, "insufficient_scope", "This needs a token of an agent.", scheme=scheme)
    await _prove(request, scheme, token, held.key_thumbprint)
    if held.fault:
        raise refused(401, "invalid_token", held.fault, scheme=scheme)
    return EndpointAccess(held.endpoint_id, held.school_id)


async def _partner_token(request: Request, scheme: str, token: str) -> client_credentials.PartnerToken:
    alive = await client_credentials.alive(token)
    if alive is None:
        raise refused(401, "invalid_token", DEAD, scheme=scheme)
    await _prove(request, scheme, token, alive.key_thumbprint)
    return alive


async def _prove(request: Request, scheme: str, token: str, key_thumbprint: str | None) -> None:
    """A bound token counts with a proof of its own key alone (RFC 9449 section 7.1). Raises OAuthError."""
    if key_thumbprint is None:
        if scheme == DPOP:
            raise refused(401, "invalid_token", "This token is bound to no key. Send it as Bearer.", scheme=BEARER)
        return
    if scheme != DPOP:
        words = "This token is bound to a key. Send it as DPoP, with a proof."
        raise refused(401, "invalid_token", words, scheme=DPOP)
    try:
        proven = await dpop.proven(request, token)
    except OAuthError as wrong:
        raise refused(401, wrong.error, wrong.description, scheme=DPOP) from None
    if proven is None:
        raise refused(401, "invalid_dpop_proof", "Send a proof in the header DPoP.", scheme=DPOP)
    if proven != key_thumbprint:
        raise refused(401, "invalid_token", "This token is bound to another key.", scheme=DPOP)


def refused(status: int, error: str, description: str, *, scheme: str = BEARER, **more: str) -> OAuthError:
    """The refusal with its WWW-Authenticate header, which carries the code and everything else that the body says."""
    said = {"realm": "Gatehouse"} | ({"algs": " ".join(dpop.ALGORITHMS)} if scheme == DPOP else {})
    if error:
        said |= {"error": error, "error_description": description}
    said |= more | {"resource_metadata": metadata.PROTECTED_RESOURCE}
    return OAuthError(error, description, status, {"WWW-Authenticate": _challenge(scheme, said)}, **more)


def _challenge(scheme: str, said: dict[str, str]) -> str:
    return f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in said.items())


def _unauthenticated() -> OAuthError:
    """Nothing was sent, so nothing is wrong: the answer names every way to come in, and no error (section 3.1)."""
    wanted = refused(401, "", "Send an access token: Authorization: Bearer ...")
    wanted.headers["WWW-Authenticate"] += f", {_challenge(DPOP, {'algs': ' '.join(dpop.ALGORITHMS)})}"
    return wanted


def _paused(resumes_on: dt.date | None, scheme: str) -> OAuthError:
    if resumes_on is None:
        words = "The school has paused data sharing until further notice."
        return refused(403, "authorisation_paused", words, scheme=scheme)
    day = resumes_on.isoformat()
    words = f"The school has paused data sharing. It resumes on {day}."
    return refused(403, "authorisation_paused", words, scheme=scheme, resumes_on=day)


def _presented(request: Request) -> tuple[str, str]:
    """Scheme and token of the Authorization header: the only place for it, and once."""
    if "access_token" in request.query_params:
        raise refused(400, "invalid_request", "Send the access token in the Authorization header only.")
    headers = request.headers.getlist("authorization")
    if len(headers) > 1:
        raise refused(400, "invalid_request", "Send one Authorization header.")
    named, _, token = (headers[0] if headers else "").partition(" ")
    scheme = {"bearer": BEARER, "dpop": DPOP}.get(named.lower())
    if scheme is None:
        raise _unauthenticated()
    return scheme, token.strip()
