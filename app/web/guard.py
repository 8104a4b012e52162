"""What every request passes before a route sees it: host, size, cross-site posts, response headers, request id."""

import os
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import logs
from app.settings import settings
from app.web.errors import failure

BODY_LIMIT = 1_000_000
QUERY_LIMIT = 32_000
LOOPBACK = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?")
# These speak to programs: they know no cookie, so a post from anywhere is theirs to judge. Authorize and logout turn
# a post into a GET before they look at the session (protocol.md, house decisions); a decision is posted elsewhere.
COOKIELESS = ("/ims/", "/agent/v1/", "/api/", "/idaas/", "/partner/v1/", "/oauth/grants/")
COOKIELESS_PATHS = {
    f"/oauth/{name}"
    for name in ("authorize", "par", "token", "introspect", "revoke", "userinfo", "logout", "device_authorization")
}

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action {targets}"
)
RawHeaders = list[tuple[bytes, bytes]]
ALWAYS: RawHeaders = [(b"x-content-type-options", b"nosniff")]
if settings.issuer.startswith("https://"):
    ALWAYS.append((b"strict-transport-security", b"max-age=63072000; includeSubDomains"))
USUAL: RawHeaders = [(b"referrer-policy", b"same-origin"), (b"cross-origin-opener-policy", b"same-origin")]


class Guard:
    """ASGI middleware, outermost. Routes may widen `form-action` by `request.state.form_targets` (a set of origins)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.host = urlsplit(settings.issuer).netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request_id = os.urandom(16).hex()
        scope.setdefault("state", {})["request_id"] = request_id
        logs.about(request_id=request_id, method=scope["method"], path=scope["path"])

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._dressed(scope, list(message["headers"]), request_id)
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
        path, headers = scope["path"], scope["headers"]
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        # A load balancer asks for health by address; those answers name nothing.
        if not self._is_our_host(hosts) and not path.startswith("/health/"):
            return 400, "This address is not ours", f"Use {settings.issuer} instead."
        if len(scope["query_string"]) > QUERY_LIMIT or "\x00" in path:
            return 400, "", ""
        length = next((value for name, value in headers if name == b"content-length"), b"0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            return (413, "", "") if length.isdigit() else (400, "", "")
        if scope["method"] in ("GET", "HEAD", "OPTIONS") or path in COOKIELESS_PATHS or path.startswith(COOKIELESS):
            return None
        if not self._is_from_us(scope, Headers(scope=scope)):
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
    def _dressed(scope: Scope, headers: RawHeaders, request_id: str) -> RawHeaders:
        given = dict(headers)
        usual = USUAL
        if given.get(b"content-type", b"").startswith(b"text/html"):
            targets = " ".join(["'self'", *sorted(scope["state"].get("form_targets", ()))])
            headers.append((b"content-security-policy", CONTENT_POLICY.format(targets=targets).encode()))
            usual = [*USUAL, (b"cache-control", b"no-store")]
        return [
            *headers,
            *scope["state"].get("answer_headers", ()),
            *ALWAYS,
            (b"x-request-id", request_id.encode()),
            *[(name, value) for name, value in usual if name not in given],
        ]


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
