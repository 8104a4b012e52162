"""The token endpoint (RFC 6749 section 3.2): who asks, and by which grant."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.errors import OAuthError
from app.models.partner import FAPI2
from app.oauth import client_credentials, device, dpop, resource
from app.oauth.authorization_code import redeem
from app.oauth.client_auth import authenticate
from app.oauth.issue import TokenRequest
from app.oauth.refresh_token import refresh
from app.oauth.request import form
from app.web.answers import fresh

GRANTS: dict[str, Callable[[TokenRequest], Awaitable[dict[str, Any]]]] = {
    "authorization_code": redeem,
    "refresh_token": refresh,
    "client_credentials": client_credentials.issue,
    device.GRANT: device.refuse,
}


async def exchange(request: Request) -> Response:
    sent = await form(request)
    if sent.get("client_id") == device.CLIENT_ID:
        return _issued(await device.token(request, sent, GRANTS))
    client = await authenticate(request, sent)
    grant = GRANTS.get(sent.required("grant_type"))
    if grant is None:
        raise OAuthError("unsupported_grant_type", f"The grant types here are {' and '.join(GRANTS)}.")
    resource.check(sent)
    proven = await dpop.proven(request)
    if proven is None and client.profile == FAPI2:
        raise dpop.refused("An app of profile fapi2 sends a proof in the header DPoP.")
    body = await grant(TokenRequest(client, sent, proven))
    return _issued(body)


def _issued(body: dict[str, Any]) -> Response:
    return fresh(body)
