"""Calls below any HTTP client: bytes reach the application as they are, where a client would mend or refuse them."""

import asyncio
import dataclasses
import itertools
import json
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message

from app.developers.errors import GROUPS
from app.settings import settings

CODES = {entry.code for group in GROUPS for entry in group.entries}
PAGES = ("/oauth/authorize", "/oauth/logout", "/device")  # for people; everything else answers programs
JSON = ("application/json", "application/problem+json", "application/jwk-set+json")
_addresses = itertools.count()


@dataclasses.dataclass(frozen=True)
class Answer:
    status_code: int
    headers: Headers
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


def calls(
    server: ASGIApp,
    method: str,
    path: str,
    *,
    query: bytes = b"",
    headers: list[tuple[bytes, bytes]] | None = None,
    body: bytes = b"",
) -> Answer:
    """One request, each from a network of its own. What the application raises after its answer counts for nothing."""
    number = next(_addresses)
    sent = [(b"host", urlsplit(settings.issuer).netloc.encode()), (b"content-length", str(len(body)).encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": urlsplit(settings.issuer).scheme,
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": query,
        "root_path": "",
        "headers": [*sent, *(headers or [])],
        "client": (f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 50_000),
        "server": ("testserver", 80),
    }
    return asyncio.run(_exchange(server, scope, body))


async def _exchange(server: ASGIApp, scope: dict[str, Any], body: bytes) -> Answer:
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    try:
        await server(scope, receive, send)
    except Exception:
        if not messages:  # else it is the 500 that stands in the answer
            raise
    content = b"".join(message.get("body", b"") for message in messages[1:])
    return Answer(messages[0]["status"], Headers(raw=messages[0]["headers"]), content)


def is_sound(answered: Any, path: str, *addresses: str) -> None:
    """What holds for every answer whatever was asked; `addresses`: where a browser may be sent beside our own site."""
    assert answered.status_code < 500, (answered.status_code, answered.text)
    assert not [name for name in answered.headers if name.startswith("access-control-")]
    location = answered.headers.get("location")
    if location is not None:
        _leads_home(answered, location, addresses)
    kind = answered.headers.get("content-type", "")
    if kind.startswith(JSON):
        _is_known(answered.json())
    elif answered.content:
        assert kind == "text/html; charset=utf-8", kind
        assert path.startswith(PAGES) or answered.status_code in (400, 403, 404, 405, 413), (path, answered.status_code)
        assert "Traceback" not in answered.text


def _leads_home(answered: Any, location: str, addresses: tuple[str, ...]) -> None:
    assert answered.status_code == 303, answered.status_code
    assert location.isascii() and location.isprintable()
    ours = location.startswith("/") and location[1:2] not in ("/", "\\")
    home = [
        address for address in addresses if location == address or location.startswith((address + "?", address + "&"))
    ]
    assert ours or home, location
    if home:
        said = parse_qs(urlsplit(location).query, keep_blank_values=True)
        assert all(len(values) == 1 for values in said.values()), location
        _is_known({name: values[0] for name, values in said.items()})


def _is_known(said: Any) -> None:
    """Errors are among those that the developers' pages explain, in words of printable ASCII (43)."""
    if isinstance(said, dict) and "error" in said:
        assert said["error"] in CODES, said
        words = said["error_description"]
        assert words.isascii() and words.isprintable(), words
