"""The token endpoint (RFC 6749 section 3.2): who asks, and by which grant."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app import ledger
from app.errors import OAuthError
from app.models.partner import FAPI2
from app.oauth import client_credentials, device, dpop, resource
from app.oauth.authorization_code import redeem
from app.oauth.client_auth import authenticate
from app.oauth.issue import TokenRequest
from app.oauth.refresh_token import refresh
from app.oauth.request import Parameters, form
from app.oauth.store import Client
from app.web.answers import fresh
from app.web.throttle import Limit, TooManyTries, network

GRANTS: dict[str, Callable[[TokenRequest], Awaitable[dict[str, Any]]]] = {
    "authorization_code": redeem,
    "refresh_token": refresh,
    "client_credentials": client_credentials.issue,
    device.GRANT: device.refuse,
}

STRANGERS_FAILURES = 300
_failures = Limit(STRANGERS_FAILURES, 60)


async def exchange(request: Request) -> Response:
    sent = await form(request)
    if sent.get("client_id") == device.CLIENT_ID:
        return fresh(await _from_strangers(request, lambda: device.token(request, sent, GRANTS)))
    client = await authenticate(request, sent)
    try:
        if client.is_public:
            return fresh(await _from_strangers(request, lambda: _granted(request, client, sent)))
        return fresh(await _granted(request, client, sent))
    except OAuthError as wrong:
        ledger.refused(client.id, "token", wrong.error)
        raise


async def _from_strangers(request: Request, answer: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Whoever proves nothing may fail so often in a minute from one network: each try costs us a row or a look."""
    key = network(request)
    if seconds := _failures.wait(key):
        raise TooManyTries(seconds)
    try:
        return await answer()
    except OAuthError:
        _failures.failed(key)
        raise


async def _granted(request: Request, client: Client, sent: Parameters) -> dict[str, Any]:
    grant = GRANTS.get(sent.required("grant_type"))
    if grant is None:
        raise OAuthError("unsupported_grant_type", f"The grant types here are {' and '.join(GRANTS)}.")
    resource.check(sent)
    proven = await dpop.proven(request)
    if proven is None and client.profile == FAPI2:
        raise dpop.refused("An app of profile fapi2 sends a proof in the header DPoP.")
    return await grant(TokenRequest(client, sent, proven))
