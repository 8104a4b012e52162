"""HTTP to addresses that a partner gave us, so that none of them leads into our own network.

The name is looked up once, every address that it has must be one of the public internet, and the connection goes to
one of those very addresses: a second answer of the name server is never asked for. Host, SNI and certificate are those
of the name. No redirect is followed, no proxy of the environment is used, and time and size have a bound in total, so
that a server that sends a byte a second holds nobody.
"""

import dataclasses
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import httpcore2

from app.settings import settings

SECONDS = 10.0  # for everything together: looking the name up, TLS, sending, reading
BYTES = 64_000  # of an answer
LONGEST_URL = 2000
USUAL_PORTS = {"https": 443, "http": 80}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+(?!\d+$){_LABEL}|localhost")
_URL = re.compile(r"[!-~]+")
_V4_RELAY = IPv4Network("192.88.99.0/24")  # to 6to4 (RFC 7526)
_V6_GLOBAL = IPv6Network("2000::/3")  # all that is assigned to be routed: neither NAT64 nor IPv4 in disguise
_V6_SPECIAL = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))  # Teredo, 6to4, …

Address = IPv4Address | IPv6Address


class Refused(Exception):
    """This address is none that we send to; the text says why, for whoever gave it."""


class Failed(Exception):
    """No whole answer came; the text says why, for whoever owns the server."""


@dataclasses.dataclass(frozen=True)
class Target:
    """A checked address: where the connection goes, and what is asked for there."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[Address, ...]


@dataclasses.dataclass(frozen=True)
class Answer:
    """`body` is as it was sent, undecoded; `headers` have names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def check(url: str, seconds: float = SECONDS) -> Target:
    """Where this URL leads now. Raises Refused, or Failed when its name is unknown."""
    return _looked_up(url, time.monotonic() + seconds)


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
    seconds: float = SECONDS,
    most: int = BYTES,
) -> Answer:
    """One request, judged anew by where its URL leads at this moment. Raises Refused or Failed.

    An answer that is longer than `most` bytes fails; with 0 its body is not looked at.
    """
    until = time.monotonic() + seconds
    target = _looked_up(url, until)
    to = httpcore2.URL(scheme=target.scheme, host=_bracketed(target.host), port=target.port, target=target.path)
    usual = {"Host": _authority(target), "Accept-Encoding": "identity", "Content-Length": str(len(content))}
    sent = [(name.encode(), value.encode()) for name, value in (usual | dict(headers or {})).items()]
    there = _There(target.addresses, until)
    try:
        with (
            httpcore2.ConnectionPool(ssl_context=_trusted(), network_backend=there, max_connections=1) as pool,
            pool.stream(method, to, headers=sent, content=content) as answer,
        ):
            body = _read(answer.iter_stream(), most) if most else b""
    except httpcore2.TimeoutException as slow:
        raise Failed(f"No whole answer came within {seconds:g} seconds") from slow
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.ConnectionNotAvailable) as wrong:
        raise Failed(_words(wrong)) from wrong
    named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
    return Answer(answer.status, named, body)


def _read(pieces: Iterable[bytes], most: int) -> bytes:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > most:
            raise Failed(f"The answer is longer than {most} bytes")
    return bytes(body)


def _words(wrong: Exception) -> str:
    """What went wrong on the way, in our own words: what the other side sent is not repeated."""
    cause: BaseException | None = wrong
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"The certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "No TLS connection could be made"
        if isinstance(cause, ConnectionRefusedError):
            return "The connection was refused"
        cause = cause.__cause__ or cause.__context__
    if isinstance(wrong, httpcore2.ProtocolError):
        return "What answered does not speak HTTP"
    return "The connection could not be made" if isinstance(wrong, httpcore2.ConnectError) else "The connection broke"


def _looked_up(url: str, until: float) -> Target:
    scheme, host, port, path = _parts(url)
    addresses = _resolved(host, port, until)
    local = not settings.is_production and all(address.is_loopback for address in addresses)
    if not local and scheme != "https":
        raise Refused("The address must start with https://")
    if not local and not all(map(is_public, addresses)):
        raise Refused("The address leads to a network that is not public")
    if not local and port != 443 and port < 1024:
        raise Refused("The port must be 443, or 1024 or more")
    return Target(scheme, host, port, path, addresses)


def _parts(url: str) -> tuple[str, str, int, str]:
    """Taken apart once, by us: what connects never reads the URL again, so it cannot read it differently."""
    if not _URL.fullmatch(url) or "\\" in url or len(url) > LONGEST_URL:
        raise Refused("The address must be plain ASCII without spaces, at most 2,000 characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Refused("The address cannot be read") from None
    if parts.scheme not in USUAL_PORTS:
        raise Refused("The address must start with https://")
    if "@" in parts.netloc:
        raise Refused("The address must have no user name and no password in it")
    if "#" in url:
        raise Refused("The address must have no # in it")
    if _literal(host) is None and not _NAME.fullmatch(host):
        raise Refused("The address must name a host, such as hooks.partner.example")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    usual = USUAL_PORTS[parts.scheme]
    return parts.scheme, host, usual if port is None else port, path


def is_public(address: Address) -> bool:
    """Whether it is an address of the public internet, and no other hides in it."""
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, IPv4Address):
        return address not in _V4_RELAY
    return address.scope_id is None and address in _V6_GLOBAL and not any(address in part for part in _V6_SPECIAL)


def _resolved(host: str, port: int, until: float) -> tuple[Address, ...]:
    """Every address of the host, IPv4 first. A name server that does not answer is waited for no longer than that."""
    if literal := _literal(host):
        return (literal,)
    found: list[Address] = []

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        except (OSError, UnicodeError):
            return
        found.extend(dict.fromkeys(ip_address(row[4][0]) for row in rows))

    asking = threading.Thread(target=look_up, name="look-up", daemon=True)
    asking.start()
    asking.join(max(0.0, until - time.monotonic()))
    addresses = tuple(sorted(found, key=lambda address: address.version))
    if not addresses:
        raise Failed("The host of the address is not known")
    return addresses


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _authority(target: Target) -> str:
    return _bracketed(target.host) + ("" if target.port == USUAL_PORTS[target.scheme] else f":{target.port}")


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


class _There(httpcore2.NetworkBackend):
    """Connects to the addresses that were checked, whatever host is asked for, and to nothing else."""

    def __init__(self, addresses: tuple[Address, ...], until: float) -> None:
        self._addresses = addresses
        self._until = until

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        wrong: Exception = httpcore2.ConnectError("no address")
        for number, address in enumerate(self._addresses, start=1):
            share = _left(self._until) / (len(self._addresses) - number + 1)
            try:
                made = httpcore2.SyncBackend().connect_tcp(str(address), port, share, None, socket_options)
                return _Bounded(made, self._until)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                wrong = failed
        raise wrong


class _Bounded(httpcore2.NetworkStream):
    """A connection each of whose steps gets no more than the time that is left for all of them."""

    def __init__(self, stream: httpcore2.NetworkStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._until))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), 4096):
            self._stream.write(buffer[start : start + 4096], _left(self._until))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, _left(self._until)), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("no time is left")
    return left
