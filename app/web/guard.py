"""What every request passes before a route sees it: host, size, cross-site posts, response headers, request id."""

import re
import uuid
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import settings
from app.web.errors import failure

BODY_LIMIT = 1_000_000
QUERY_LIMIT = 32_000
LOOPBACK = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?")
# These speak to programs: they know no cookie, so a post from anywhere is theirs to judge. Authorize and logout turn
# a post into a GET before they look at the session (protocol.md, house decisions); a decision is posted elsewhere.
COOKIELESS = ("/ims/", "/api/", "/partner/v1/", "/oauth/grants/")
COOKIELESS_PATHS = {
    f"/oauth/{name}"
    for name in ("authorize", "par", "token", "introspect", "revoke", "userinfo", "logout", "device_authorization")
}

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action {targets}"
)


class Guard:
    """ASGI middleware, outermost. Routes may widen `form-action` by `request.state.form_targets` (a set of origins)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.host = urlsplit(settings.issuer).netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id, method=scope["method"], path=scope["path"])

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._dress(scope, MutableHeaders(scope=message), request_id)
            await send(message)

        refused = self._refusal(scope)
        if refused:
            return await failure(Request(scope), *refused)(scope, receive, send_guarded)
        limited = _Limited(receive)
        try:
            await self.app(scope, limited, send_guarded)
        except _TooLarge:
            await failure(Request(scope), 413)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        """Status, title and hint of the refusal, or None to let the request through."""
        headers = Headers(scope=scope)
        # A load balancer asks for health by address; those answers name nothing.
        if not self._is_our_host(headers.getlist("host")) and not scope["path"].startswith("/health/"):
            return 400, "This address is not ours", f"Use {settings.issuer} instead."
        if len(scope["query_string"]) > QUERY_LIMIT or b"\x00" in scope["path"].encode("utf-8", "replace"):
            return 400, "", ""
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            return (413, "", "") if length.isdigit() else (400, "", "")
        path = scope["path"]
        acts_on_cookie = path not in COOKIELESS_PATHS and not path.startswith(COOKIELESS)
        if (
            scope["method"] not in ("GET", "HEAD", "OPTIONS")
            and acts_on_cookie
            and not self._is_from_us(scope, headers)
        ):
            return 403, "That came from another site", "Open the page here and send the form again."
        return None

    def _is_our_host(self, hosts: list[str]) -> bool:
        if hosts == [self.host]:
            return True
        # In development the server is reached by any loopback address.
        return not settings.is_production and len(hosts) == 1 and LOOPBACK.fullmatch(hosts[0]) is not None

    def _is_from_us(self, scope: Scope, headers: Headers) -> bool:
        """Fetch metadata first; then Origin; then Referer; with none of them the post is refused."""
        if sites := headers.getlist("sec-fetch-site"):
            return len(sites) == 1 and sites[0] in ("same-origin", "none")
        sources = headers.getlist("origin") or headers.getlist("referer")
        ours = {settings.issuer} if settings.is_production else {f"{scope['scheme']}://{headers.get('host', '')}"}
        return len(sources) == 1 and _origin(sources[0]) in ours

    @staticmethod
    def _dress(scope: Scope, headers: MutableHeaders, request_id: str) -> None:
        headers["X-Request-Id"] = request_id
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if settings.issuer.startswith("https://"):
            headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
        if headers.get("content-type", "").startswith("text/html"):
            targets = " ".join(["'self'", *sorted(scope["state"].get("form_targets", ()))])
            headers["Content-Security-Policy"] = CONTENT_POLICY.format(targets=targets)
            headers.setdefault("Cache-Control", "no-store")


class _TooLarge(HTTPException):
    """An HTTPException, because what reads the body inside the application turns any other into a crash."""

    def __init__(self) -> None:
        super().__init__(413)


class _Limited:
    """A body that stops at the limit even when no length, or a false one, was announced."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._taken = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        if self._taken > BODY_LIMIT:
            raise _TooLarge
        return message


def _origin(address: str) -> str | None:
    """Scheme, host and port (RFC 6454) of an address; None for what is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}"
