"""HTTP by the standard library, with the proxy and the certificates of the machine.

Schools look into TLS with a certificate of their own: it stands in the machine's store, so that is the store that
counts here.
"""

from __future__ import annotations

import dataclasses
import http.client
import ipaddress
import json
import platform
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from gatehouse_agent import __version__
from gatehouse_agent.errors import AgentError, Unreachable

SECONDS = 60.0
LONGEST = 1_000_000  # bytes of an answer
USER_AGENT = f"gatehouse-agent/{__version__} Python/{platform.python_version()}"


@dataclasses.dataclass(frozen=True)
class Answer:
    """`headers` have names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The object it holds; empty when it holds none."""
        try:
            told = json.loads(self.body)
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}


def checked(server: str) -> str:
    """The address of a server in the form that calls are made from. Raises AgentError."""
    try:
        parts = urlsplit(server.strip())
        host = parts.hostname or ""
        _port = parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment or "@" in parts.netloc:
        raise AgentError(f"{server} is not the address of a server. It looks like https://gatehouse.example.org")
    if parts.scheme == "http" and not is_loopback(host):
        raise AgentError(f"The address must start with https://, so that nobody can read along: https://{parts.netloc}")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def send(
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes | None = None,
    seconds: float = SECONDS,
) -> Answer:
    """One request, whatever is answered. Raises Unreachable when nothing is. No redirect is followed."""
    request = urllib.request.Request(url, data=content, method=method)
    for name, value in {"User-Agent": USER_AGENT, "Accept": "application/json", **headers}.items():
        request.add_header(name, value)
    try:
        try:
            answered = _opener(is_loopback(urlsplit(url).hostname or "")).open(request, timeout=seconds)
        except urllib.error.HTTPError as refused:
            answered = refused
        with answered:
            named = {name.lower(): value for name, value in answered.headers.items()}
            body = answered.read(LONGEST)
            if len(body) < min(int(named.get("content-length", "0")), LONGEST):
                raise ConnectionError("the answer broke off")
            return Answer(answered.status, named, body)
    except (OSError, http.client.HTTPException, UnicodeError) as wrong:
        raise Unreachable(_words(url, wrong)) from wrong


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@lru_cache(maxsize=2)
def _opener(for_loopback: bool) -> urllib.request.OpenerDirector:
    """Kept, because reading the store of certificates takes longer than a call."""
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context()))
    if for_loopback:
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def _words(url: str, wrong: Exception) -> str:
    host = urlsplit(url).netloc
    cause = wrong.reason if isinstance(wrong, urllib.error.URLError) else wrong
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {host} is not trusted here: {cause.verify_message}. If your network looks into TLS,"
            " put its root certificate into this machine's store; else check the clock of this machine."
        )
    if "407" in str(cause) or "Tunnel connection failed" in str(cause):
        return f"The proxy does not let us through to {host}: {cause}. Ask whoever looks after it to allow {host}."
    if isinstance(cause, TimeoutError) or "timed out" in str(cause):
        return f"{host} did not answer in time. Is this machine online, and may it reach {host}?"
    return f"{host} cannot be reached: {cause}. Is this machine online, and is the proxy set that your network needs?"
