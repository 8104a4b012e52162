"""Client authentication (RFC 6749 section 2.3): one method at a time, and only the one that the app registered."""

import base64
import binascii
import dataclasses
import hmac
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from app.errors import OAuthError
from app.oauth import assertion, jws, store
from app.oauth.request import Parameters
from app.oauth.store import Client
from app.secrets import digest
from app.web.throttle import Limit, TooManyTries, network

BASIC, POST, NONE, ASSERTION = "client_secret_basic", "client_secret_post", "none", "private_key_jwt"
METHODS = (BASIC, POST, ASSERTION)  # what metadata offers; a public app's `none` proves nothing, so it is not a method
FAILURES_A_MINUTE = 100
_failures = Limit(FAILURES_A_MINUTE, 60)


def refused(description: str) -> OAuthError:
    return OAuthError("invalid_client", description, 401, {"WWW-Authenticate": 'Basic realm="Gatehouse"'})


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """Who a request says it comes from, and what it brings to prove it."""

    method: str
    client_id: str
    secret: str = ""
    assertion: jws.Jws | None = None


async def authenticate(request: Request, sent: Parameters) -> Client:
    """The app that this request proves to come from; a public app proves nothing and is taken at its word.

    Raises OAuthError: invalid_client (401) without proof, invalid_request where there is more than one. Raises
    TooManyTries once the same network has failed too often for the same app.
    """
    try:
        return await _authenticated(request, sent)
    except OAuthError as wrong:
        # RFC 6749 section 5.2 asks for the header after a try by header. After another, libraries would take it for the
        # whole answer and keep what we say from their users.
        if "authorization" not in request.headers and (sent.get("client_secret") or sent.get("client_assertion")):
            wrong.headers.pop("WWW-Authenticate", None)
        raise


async def _authenticated(request: Request, sent: Parameters) -> Client:
    claim = _claimed(request, sent)
    key = network(request), claim.client_id[:64]  # as long as an id of ours; a stranger may send any length
    seconds = _failures.wait(key)
    if seconds and claim.assertion:
        raise TooManyTries(seconds)
    try:
        return await _proven(claim)  # a right secret counts even now: guessing is hopeless, locking somebody out is not
    except OAuthError:
        if seconds:
            raise TooManyTries(seconds) from None
        _failures.failed(key)
        raise


async def _proven(claim: Claim) -> Client:
    client = await store.client(claim.client_id) if claim.client_id else None
    if client and client.auth_method != claim.method and claim.secret and _is_secret_of(client, claim.secret):
        raise refused(f"The secret is right, but this app is registered for {client.auth_method}.")
    if client is None or client.auth_method != claim.method:
        raise refused("Authenticate as a registered app, with the method that it is registered for.")
    if client.is_suspended:
        raise refused("This app is suspended.")
    if claim.method in (BASIC, POST):
        if not _is_secret_of(client, claim.secret):
            raise refused("The client secret is wrong.")
        await store.secret_used(client, digest(claim.secret))
    if claim.assertion:  # last, because it is used up
        try:
            await assertion.verify(client, claim.assertion)
        except jws.Unsound as wrong:
            raise refused(f"Client assertion: {wrong}") from None
    return client


def _claimed(request: Request, sent: Parameters) -> Claim:
    headers = request.headers.getlist("authorization")
    methods = [BASIC] * len(headers)
    methods += [POST] if sent.get("client_secret") else []
    methods += [ASSERTION] if sent.get("client_assertion") or sent.get("client_assertion_type") else []
    if len(methods) > 1:
        raise OAuthError("invalid_request", "Authenticate the app in one way only.")
    if methods == [ASSERTION]:
        return _by_assertion(sent)
    if not headers:
        return Claim(methods[0] if methods else NONE, sent.get("client_id") or "", sent.get("client_secret") or "")
    client_id, secret = _basic(headers[0])
    if sent.get("client_id") not in (None, client_id):
        raise OAuthError("invalid_request", "The client_id is not the one of the Authorization header.")
    return Claim(BASIC, client_id, secret)


def _by_assertion(sent: Parameters) -> Claim:
    if sent.get("client_assertion_type") != assertion.TYPE:
        raise refused(f"Send client_assertion_type={assertion.TYPE}")
    try:
        client_id, found = assertion.read(sent.get("client_assertion") or "")
    except jws.Unsound as wrong:
        raise refused(f"Client assertion: {wrong}") from None
    if sent.get("client_id") not in (None, client_id):
        raise refused("The client_id is not the one of the client assertion.")
    return Claim(ASSERTION, client_id, assertion=found)


def _basic(header: str) -> tuple[str, str]:
    """Client id and secret of an HTTP Basic header; both are form-encoded before they are joined (section 2.3.1)."""
    scheme, _, credentials = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError(scheme)
        pair = base64.b64decode(credentials.strip(), validate=True).decode("ascii")
        client_id, colon, secret = (unquote_to_bytes(part.replace("+", " ")).decode() for part in pair.partition(":"))
        if not colon or "\x00" in client_id:
            raise ValueError(pair)
    except (ValueError, binascii.Error):
        raise refused("The Authorization header is not HTTP Basic with a client id and a secret.") from None
    return client_id, secret


def _is_secret_of(client: Client, secret: str) -> bool:
    presented = digest(secret)
    return bool(secret) and any(hmac.compare_digest(presented, known) for known in client.secrets)
