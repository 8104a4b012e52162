"""Client authentication (RFC 6749 section 2.3): one method at a time, and only the one that the app registered."""

import base64
import binascii
import hmac
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from app.errors import OAuthError
from app.oauth import store
from app.oauth.request import Parameters
from app.oauth.store import Client
from app.secrets import digest

BASIC, POST, NONE, ASSERTION = "client_secret_basic", "client_secret_post", "none", "private_key_jwt"
METHODS = (BASIC, POST)  # what metadata offers; a public app's `none` proves nothing, so it is not a method


def refused(description: str) -> OAuthError:
    return OAuthError("invalid_client", description, 401, {"WWW-Authenticate": 'Basic realm="Gatehouse"'})


async def authenticate(request: Request, sent: Parameters) -> Client:
    """The app that this request proves to come from; a public app proves nothing and is taken at its word.

    Raises OAuthError: invalid_client (401) without proof, invalid_request where there is more than one.
    """
    method, client_id, secret = _presented(request, sent)
    client = await store.client(client_id) if client_id else None
    if client is None or client.auth_method != method or method == ASSERTION:
        raise refused("Authenticate as a registered app, with the method that it is registered for.")
    if method != NONE and not _is_secret_of(client, secret):
        raise refused("The client secret is wrong.")
    if client.is_suspended:
        raise refused("This app is suspended.")
    return client


def _presented(request: Request, sent: Parameters) -> tuple[str, str, str]:
    """Method, client id and secret."""
    headers = request.headers.getlist("authorization")
    methods = [BASIC] * len(headers)
    methods += [POST] if sent.get("client_secret") else []
    methods += [ASSERTION] if sent.get("client_assertion") or sent.get("client_assertion_type") else []
    if len(methods) > 1:
        raise OAuthError("invalid_request", "Authenticate the app in one way only.")
    if not headers:
        return methods[0] if methods else NONE, sent.get("client_id") or "", sent.get("client_secret") or ""
    client_id, secret = _basic(headers[0])
    if sent.get("client_id") not in (None, client_id):
        raise OAuthError("invalid_request", "The client_id is not the one of the Authorization header.")
    return BASIC, client_id, secret


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
