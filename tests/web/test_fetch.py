"""security.md 10: what we fetch from, or send to, an address that a partner gave leads nowhere but there."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import pytest

from app import fetch
from app.settings import settings

pytestmark = pytest.mark.once

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nhi"
NAME = "hooks.partner.example"


class Served:
    """A server of one's own: what it was asked, and by how many connections."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[bytes] = []


@contextmanager
def serving(speak: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> Iterator[Served]:
    """Accepts connections on a free port of this machine, reads a head, and lets `speak` answer."""
    listener = socket.create_server(("127.0.0.1", 0))
    served = Served(listener.getsockname()[1])

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(plain,), daemon=True).start()

    def answer(plain: socket.socket) -> None:
        try:
            with tls.wrap_socket(plain, server_side=True) if tls else plain as taken:
                head = b""
                while b"\r\n\r\n" not in head and (more := taken.recv(65536)):
                    head += more
                served.asked.append(head)
                speak(taken)
        except OSError:
            plain.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield served
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def says(what: bytes) -> Callable[[socket.socket], None]:
    return lambda taken: taken.sendall(what)


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let the name server say these, one after another; the list of what it was asked for."""
    left, asked, real = list(answers), [], socket.getaddrinfo

    def look_up(host: str, port: int, *more: Any, **named: Any) -> Any:
        if host[0].isdigit():  # an address, which no name server is asked for
            return real(host, port, *more, **named)
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "environment", "production")


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254"),
        *("172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
        *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::a00:1"),
        *("64:ff9b:1::a00:1", "100::1", "2001::1", "2001:0:4136:e378::1", "2001:db8::1", "2002:7f00:1::1"),
        *("2002:a00:1::", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1"),
        *("ff02::1", "ff0e::1", "fd00:ec2::254"),
    ],
)
def test_no_address_but_of_the_public_internet(address: str, production: None) -> None:
    assert not fetch.is_public(ip_address(address))
    written = f"[{address}]" if ":" in address else address
    with pytest.raises(fetch.Refused):
        fetch.send("GET", f"https://{written}/")

    for good in ("93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4009::1"):
        assert fetch.is_public(ip_address(good))


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://93.184.215.14/",
            "ftp://93.184.215.14/",
            "file:///etc/passwd",
            "gopher://93.184.215.14/",
            "//a.example",
        ),
        *("https://user@93.184.215.14/", "https://user:pass@93.184.215.14/", "https://@93.184.215.14/", "https:///x"),
        *("https://93.184.215.14:0/", "https://93.184.215.14:22/", "https://93.184.215.14:65536/", "https://a:b/"),
        *("https://93.184.215.14\\@127.0.0.1/", "https://93.184.215.14/ x", "https://93.184.215.14/\r\nX: y"),
        *(
            "https://93.184.215.14/#x",
            "https://localhost/",
            "https://localhost./",
            "https://2130706433/",
            "https://127.1/",
        ),
        *(
            "https://0x7f.0.0.1/",
            "https://017700000001/",
            "https://0177.0.0.1/",
            "https://[::1/",
            "https://exämple.org/",
        ),
        *(
            "https://hooks/",
            "https://a..example/",
            "https://" + "a" * 64 + ".example/",
            "https://a.example/" + "x" * 2000,
        ),
        *("", "https://", "x" * 5000, "https://a.example\x00.evil.example/"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, production: None) -> None:
    with pytest.raises(fetch.Refused):
        fetch.check(url)

    assert fetch.check("https://93.184.215.14:8443/a?b=c").path == "/a?b=c"


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch, production: None
) -> None:
    names(monkeypatch, ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(fetch.Refused, match="not public"):
        fetch.check(f"https://{NAME}/")

    names(monkeypatch, ["93.184.215.14"])
    assert fetch.check(f"https://{NAME}/").addresses == (ip_address("93.184.215.14"),)


def test_loopback_is_for_development_and_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says(OK)) as served:
        assert fetch.send("GET", served.url + "/x?y").body == b"hi"
        monkeypatch.setattr(settings, "environment", "production")
        with pytest.raises(fetch.Refused):
            fetch.send("GET", served.url)
        with pytest.raises(fetch.Refused):
            fetch.send("GET", served.url.replace("http:", "https:"))

    assert len(served.asked) == 1 and served.asked[0].startswith(b"GET /x?y HTTP/1.1\r\n")


def test_plain_http_never_leaves_this_machine_even_in_development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "environment", "development")
    names(monkeypatch, ["127.0.0.1", "93.184.215.14"])
    with pytest.raises(fetch.Refused):
        fetch.check(f"http://{NAME}/")
    for private in ("10.0.0.1", "169.254.169.254", "192.168.0.1"):
        with pytest.raises(fetch.Refused):
            fetch.check(f"https://{private}/")

    assert fetch.check("http://127.0.0.1:8001/").port == 8001


def test_the_name_is_looked_up_once_and_what_was_checked_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says(OK)) as good, serving(says(OK)) as evil:
        asked = names(monkeypatch, ["127.0.0.1"], ["127.0.0.2"], ["10.0.0.1"])
        answer = fetch.send("POST", f"http://{NAME}:{good.port}/in", content=b"{}", headers={"X-A": "b"})

    assert (answer.status, asked, evil.asked) == (200, [NAME], [])
    head = good.asked[0].lower()
    assert f"host: {NAME}:{good.port}\r\n".encode() in head and b"x-a: b\r\n" in head
    assert head.count(b"host:") == 1


def test_a_redirect_is_an_answer_and_leads_nowhere() -> None:
    with serving(says(OK)) as inner:
        away = f"HTTP/1.1 302 Found\r\nLocation: {inner.url}\r\nContent-Length: 0\r\n\r\n".encode()
        with serving(says(away)) as outer:
            answer = fetch.send("GET", outer.url)

        assert (answer.status, inner.asked) == (302, [])
        assert fetch.send("GET", inner.url).status == 200


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says(OK)) as proxy, serving(says(OK)) as served:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert fetch.send("GET", served.url).status == 200
    assert proxy.asked == []


def _drips(taken: socket.socket) -> None:
    """A byte now and then, each soon enough for any time limit of one read."""
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000:
        taken.sendall(bytes([byte]))
        time.sleep(0.02)


def _talks_of_going_on(taken: socket.socket) -> None:
    while True:
        taken.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.02)


@pytest.mark.parametrize("speak", [_drips, _talks_of_going_on, lambda _: time.sleep(2)])
def test_time_has_a_bound_in_total(speak: Callable[[socket.socket], None]) -> None:
    with serving(speak) as served:
        began = time.monotonic()
        with pytest.raises(fetch.Failed, match=r"within 0\.3 seconds"):
            fetch.send("GET", served.url, seconds=0.3)
    assert time.monotonic() - began < 1

    with serving(says(OK)) as served:
        assert fetch.send("GET", served.url, seconds=0.3).status == 200


def test_a_name_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **__: Any) -> list[Any]:
        time.sleep(0.5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    with pytest.raises(fetch.Failed, match="not known"):
        fetch.send("GET", f"https://{NAME}/", seconds=0.1)
    assert time.monotonic() - began < 0.8


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + b"x" * 4096 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Pad: " + b"x" * 500_000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
        b"\x00" * 100,
    ],
)
def test_size_has_a_bound_and_what_is_not_http_fails(answer: bytes) -> None:
    with serving(says(answer)) as served, pytest.raises(fetch.Failed) as failed:
        fetch.send("GET", served.url, seconds=3)
    assert "OpenSSH" not in str(failed.value), "what another service says is told to nobody"

    with serving(says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 60_000)) as served:
        assert len(fetch.send("GET", served.url).body) == 60_000
        assert fetch.send("GET", served.url, most=0).body == b""


def test_nobody_there_fails_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(fetch.Failed, match="refused"):
        fetch.send("GET", f"http://127.0.0.1:{port}/")
