"""The token endpoint (RFC 6749 section 3.2): who asks, and by which grant."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.errors import OAuthError
from app.oauth import resource
from app.oauth.authorization_code import redeem
from app.oauth.client_auth import authenticate
from app.oauth.issue import Issued
from app.oauth.refresh_token import refresh
from app.oauth.request import Parameters, form
from app.oauth.store import Client

GRANTS: dict[str, Callable[[Client, Parameters], Awaitable[Issued]]] = {
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
    issued = await grant(client, sent)
    return JSONResponse(issued.body(), headers={"Cache-Control": "no-store"})
