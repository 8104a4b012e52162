"""The token endpoint (RFC 6749 section 3.2): who asks, and by which grant."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.errors import OAuthError
from app.oauth import resource
from app.oauth.authorization_code import redeem
from app.oauth.client_auth import authenticate
from app.oauth.issue import TokenRequest
from app.oauth.refresh_token import refresh
from app.oauth.request import form

GRANTS: dict[str, Callable[[TokenRequest], Awaitable[dict[str, Any]]]] = {
    "authorization_code": redeem,
    "refresh_token": refresh,
}


async def exchange(request: Request) -> Response:
    sent = await form(request)
    client = await authenticate(request, sent)
    grant = GRANTS.get(sent.required("grant_type"))
    if grant is None:
        raise OAuthError("unsupported_grant_type", f"The grant types here are {' and '.join(GRANTS)}.")
    resource.check(sent)
    body = await grant(TokenRequest(client, sent))
    return JSONResponse(body, headers={"Cache-Control": "no-store"})
