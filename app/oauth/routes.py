"""The paths that programs call, dispatched before FastAPI: a token request pays for nothing that it does not use."""

from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.db import DatabaseAway, PoolExhausted
from app.errors import OAuthError
from app.oauth import device, introspect, jose, metadata, par, revoke, token, userinfo
from app.web.errors import refusal
from app.web.throttle import TooManyTries

log = structlog.get_logger()

Endpoint = Callable[[Request], Awaitable[Response]]

ENDPOINTS: dict[str, tuple[tuple[str, ...], Endpoint]] = {
    "/.well-known/openid-configuration": (("GET",), metadata.of_server),
    "/.well-known/oauth-authorization-server": (("GET",), metadata.of_server),
    "/.well-known/oauth-protected-resource": (("GET",), metadata.of_resource),
    "/oauth/jwks": (("GET",), jose.jwks),
    "/oauth/par": (("POST",), par.push),
    "/oauth/device_authorization": (("POST",), device.authorize),
    "/oauth/token": (("POST",), token.exchange),
    "/oauth/userinfo": (("GET", "POST"), userinfo.userinfo),
    "/oauth/introspect": (("POST",), introspect.introspect),
    "/oauth/revoke": (("POST",), revoke.revoke),
}


TOO_MANY = "Too many tries. Wait for as many seconds as Retry-After says, then try again."


class Direct:
    """ASGI: answers the paths above itself and leaves the rest to the application behind it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = ENDPOINTS.get(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        try:
            body = await _body(receive)  # here, so that one which is too large stays the guard's affair
        except ClientDisconnect:
            return  # nobody is there to be answered
        response = await _answer(_Call(scope, body), *found)
        await response(scope, receive, send)


class _Call(Request):
    """A request whose body is there already."""

    def __init__(self, scope: Scope, body: bytes) -> None:
        super().__init__(scope)
        self._body = body


async def _body(receive: Receive) -> bytes:
    """All of it. Raises ClientDisconnect."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _answer(request: Request, methods: tuple[str, ...], endpoint: Endpoint) -> Response:
    try:
        if request.method not in methods and not (request.method == "HEAD" and "GET" in methods):
            words = f"Use {' or '.join(methods)} here."
            raise OAuthError("invalid_request", words, 405, {"Allow": ", ".join(methods)})
        return await endpoint(request)
    except OAuthError as wrong:
        return refusal(wrong)
    except TooManyTries as many:
        return refusal(OAuthError("temporarily_unavailable", TOO_MANY, many.status, many.headers))
    except (DatabaseAway, PoolExhausted) as away:
        log.error("database away", error=type(away).__name__)
        words = "Storage cannot be reached. Nothing was changed. Try again."
        return refusal(OAuthError("temporarily_unavailable", words, 503, {"Retry-After": "5"}))
    except Exception as failed:
        log.error("unexpected failure", exc_info=failed)
        return refusal(OAuthError("server_error", "Something went wrong at our end. Nothing was changed.", 500))
