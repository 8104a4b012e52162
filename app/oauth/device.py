"""The device authorization grant (RFC 8628): an agent on a school's server gets its tokens after an Estab Admin's yes.

The agent is the one client that is built in. It is public and proves itself by a key pair of its own: it sends the
public half when it asks, and every token is bound to that key (RFC 9449). What becomes of the user code is in
`device_page.py`.
"""

import dataclasses
import datetime as dt
import secrets
import uuid
from collections.abc import Collection
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import Response

from app import strict_json
from app.db import Session
from app.errors import OAuthError
from app.models.base import ahead, now
from app.models.endpoint import DeviceRequest, Endpoint, HeldEndpointToken, agents_refresh_tokens
from app.models.school import UNVERIFIED, VERIFIED, School
from app.models.token import ACCESS, REFRESH, Token
from app.oauth import client_auth, dpop, jws, resource, store
from app.oauth.issue import TokenRequest
from app.oauth.request import Parameters, form
from app.secrets import digest, new_secret, well_formed
from app.settings import settings
from app.web.answers import fresh
from app.web.throttle import Limit, Try, network

CLIENT_ID = "gatehouse-agent"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "endpoint"
PREFIX = "gh_dc"
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words (section 6.1)
HALF = 4
EXPIRES_IN, INTERVAL, SLOWER = 900, 5, 5  # seconds
EARLY = dt.timedelta(seconds=0.5)  # how much sooner than agreed a poll may arrive: networks are not even
REFRESH_SECONDS = 5 * 365 * 86_400
LONGEST_KEY, LONGEST_MACHINE = 2_000, 100
KEY_MEMBERS = ("kty", "crv", "x", "y")

_from_network = Limit(30, 3600)


@dataclasses.dataclass(frozen=True, slots=True)
class Asking:
    digest: bytes
    machine: str
    address: str
    jwk: dict[str, Any]
    key_thumbprint: str


@dataclasses.dataclass(frozen=True, slots=True)
class Collecting:
    """`digest` is of a device code, or of a refresh token."""

    digest: bytes
    key_thumbprint: str | None


async def authorize(request: Request) -> Response:
    """The device authorization endpoint (section 3.1). Raises OAuthError, or TooManyTries."""
    sent = await form(request)
    if request.headers.get("sec-fetch-site", "none") != "none":
        raise OAuthError("invalid_request", "An agent asks here, not a web page.")
    if sent.required("client_id") != CLIENT_ID:
        raise OAuthError("unauthorized_client", f"Only the client {CLIENT_ID} may ask for a device code.")
    _check_public(request, sent)
    machine = sent.required("machine")
    if len(machine) > LONGEST_MACHINE or not machine.isprintable() or not machine.strip():
        raise OAuthError("invalid_request", f"machine is 1 to {LONGEST_MACHINE} printable characters.")
    jwk, thumbprint = _key(sent.required("jwk"))
    Try(((_from_network, network(request)),)).count()
    address = request.client.host if request.client else ""
    device_code = new_secret(PREFIX)
    user_code = await store.write(_begin, Asking(digest(device_code), machine, address, jwk, thumbprint))
    body = {
        "device_code": device_code,
        "user_code": f"{user_code[:HALF]}-{user_code[HALF:]}",
        # Never with the code in it: whoever merely follows a link has read no code.
        "verification_uri": f"{settings.issuer}/device",
        "expires_in": EXPIRES_IN,
        "interval": INTERVAL,
    }
    return fresh(body)


async def token(request: Request, sent: Parameters, grants: Collection[str]) -> dict[str, Any]:
    """The token endpoint, for the agent: a device code or a refresh token. Raises OAuthError."""
    _check_public(request, sent)
    grant = sent.required("grant_type")
    if grant not in grants:
        raise OAuthError("unsupported_grant_type", f"The grant types of an agent are {GRANT} and refresh_token.")
    if grant not in (GRANT, "refresh_token"):
        raise OAuthError("unauthorized_client", f"The client {CLIENT_ID} may use a device code or a refresh token.")
    resource.check(sent)
    if sent.get("scope") not in (None, SCOPE):
        raise OAuthError("invalid_scope", f"The scope of an agent is {SCOPE}.")
    work, name, prefix = (_collect, "device_code", PREFIX) if grant == GRANT else (_refresh, "refresh_token", "gh_rt")
    presented = sent.required(name)
    if not well_formed(presented, prefix):
        raise OAuthError("invalid_grant", f"This {name} is not one of ours.")
    return await store.write(work, Collecting(digest(presented), await dpop.proven(request)))


async def refuse(_asked: TokenRequest) -> NoReturn:
    """The grant of a device code, for an app."""
    raise OAuthError("unauthorized_client", f"Only the client {CLIENT_ID} may use a device code.")


def _check_public(request: Request, sent: Parameters) -> None:
    proofs = ("client_secret", "client_assertion", "client_assertion_type")
    if request.headers.getlist("authorization") or any(sent.get(name) for name in proofs):
        raise client_auth.refused(f"The client {CLIENT_ID} has no secret: send its client_id and nothing else.")


def _key(text: str) -> tuple[dict[str, Any], str]:
    """The public members of the agent's key, and its RFC 7638 thumbprint. Raises OAuthError."""
    try:
        jwk = strict_json.read(text, LONGEST_KEY)
        key = jws.key(jwk)
    except (ValueError, jws.Unsound) as wrong:
        why = f" {wrong}" if isinstance(wrong, jws.Unsound) else ""
        raise OAuthError("invalid_request", f"jwk is the agent's public key as a JWK.{why}") from None
    if key.algorithms not in (("ES256",), jws.EDWARDS):
        raise OAuthError("invalid_request", "jwk is a key of type EC (P-256) or OKP (Ed25519).")
    return {name: jwk[name] for name in KEY_MEMBERS if name in jwk}, key.thumbprint


def _begin(db: Session, calls: list[Asking]) -> list[str | OAuthError]:
    """Keep the requests; the user code of each, eight letters."""
    DeviceRequest.queue(db)
    return [_keep(db, call) for call in calls]


def _keep(db: Session, call: Asking) -> str:
    code = _letters()
    while DeviceRequest.waiting(db, code[:HALF]):
        code = _letters()
    db.add(
        DeviceRequest(
            device_digest=call.digest,
            first_half=code[:HALF],
            second_digest=digest(code),
            machine=call.machine,
            address=call.address,
            jwk=call.jwk,
            key_thumbprint=call.key_thumbprint,
            poll_seconds=INTERVAL,
            expires_at=ahead(EXPIRES_IN),
        )
    )
    db.flush()
    return code


def _letters() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(2 * HALF))


def _collect(db: Session, calls: list[Collecting]) -> list[dict[str, Any] | OAuthError]:
    return [_collected(db, call) for call in calls]


def _collected(db: Session, call: Collecting) -> dict[str, Any] | OAuthError:
    """Tokens for a request that was approved; else why there are none (section 3.5)."""
    waiting = DeviceRequest.locked(db, call.digest)
    if waiting is None or (waiting.ended_at and waiting.endpoint_id):
        return OAuthError("invalid_grant", "This device code is not known, or was used before.")
    if waiting.ended_at:
        return OAuthError("access_denied", "The school refused, or the code was typed wrong too often.")
    if waiting.expires_at <= now():
        return OAuthError("expired_token", "This device code has expired. Ask for another.")
    if waiting.endpoint_id is None:
        return _not_yet(waiting)
    if call.key_thumbprint != waiting.key_thumbprint:
        return dpop.refused("Send a proof in the header DPoP, made with the key that the agent asked with.")
    endpoint = db.get_one(Endpoint, waiting.endpoint_id)
    school = db.get_one(School, endpoint.school_id)
    if endpoint.ended_at or school.status not in (UNVERIFIED, VERIFIED):
        return OAuthError("access_denied", "The school has removed this agent, or is not in good standing.")
    if not waiting.collect(db):
        return OAuthError("invalid_grant", "This device code was used before.")
    return _issue(db, endpoint.id, waiting.key_thumbprint) | {
        "endpoint_id": str(endpoint.id),
        "school": {"urn": school.urn, "name": school.name, "status": school.status},
    }


def _not_yet(waiting: DeviceRequest) -> OAuthError:
    present, before = now(), waiting.polled_at
    waiting.polled_at = present
    if before and present - before < dt.timedelta(seconds=waiting.poll_seconds) - EARLY:
        waiting.poll_seconds += SLOWER
        return OAuthError("slow_down", f"Wait {waiting.poll_seconds} seconds between two requests from now on.")
    return OAuthError("authorization_pending", "Nobody has answered yet. Ask again.")


def _issue(db: Session, endpoint_id: uuid.UUID, key_thumbprint: str) -> dict[str, Any]:
    """A fresh pair of an agent."""
    refresh_token, family = new_secret("gh_rt"), uuid.uuid4()
    row = _row(digest(refresh_token), REFRESH, family, endpoint_id, key_thumbprint)
    Token.add_all(db, [row | {"expires_at": ahead(REFRESH_SECONDS)}])
    return _access(db, family, endpoint_id, key_thumbprint) | {"refresh_token": refresh_token}


def _access(db: Session, family: uuid.UUID, endpoint_id: uuid.UUID, key_thumbprint: str) -> dict[str, Any]:
    access_token, seconds = new_secret("gh_at"), settings.access_token_seconds
    row = _row(digest(access_token), ACCESS, family, endpoint_id, key_thumbprint)
    Token.add_all(db, [row | {"expires_at": ahead(seconds)}])
    return {"access_token": access_token, "token_type": "DPoP", "expires_in": seconds, "scope": SCOPE}


def _row(
    token_digest: bytes, purpose: str, family: uuid.UUID, endpoint_id: uuid.UUID, key_thumbprint: str
) -> dict[str, Any]:
    return {
        "digest": token_digest,
        "purpose": purpose,
        "family": family,
        "endpoint_id": endpoint_id,
        "scope": SCOPE,
        "key_thumbprint": key_thumbprint,
        "issued_at": now(),
    }


def _refresh(db: Session, calls: list[Collecting]) -> list[dict[str, Any] | OAuthError]:
    """Bound to a key, a refresh token need not rotate: it lasts until the school removes the agent."""
    held = agents_refresh_tokens(db, [call.digest for call in calls])
    return [_refreshed(db, call, held.get(call.digest)) for call in calls]


def _refreshed(db: Session, call: Collecting, held: HeldEndpointToken | None) -> dict[str, Any] | OAuthError:
    if held is None:
        return OAuthError("invalid_grant", "This refresh token is not known, or is not an agent's.")
    if held.fault:
        return OAuthError("invalid_grant", held.fault)
    if call.key_thumbprint is None:
        return dpop.refused("This refresh token is bound to a key. Send a proof in the header DPoP.")
    if call.key_thumbprint != held.key_thumbprint:
        return OAuthError("invalid_grant", "This refresh token is bound to another key.")
    return _access(db, held.family, held.endpoint_id, call.key_thumbprint)
