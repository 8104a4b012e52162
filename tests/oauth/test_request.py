"""Any bytes at the doors of the protocol are answered: never with a 500, and never by leaving for elsewhere."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from app.oauth.request import parse
from tests.oauth.dance import CALLBACK, Dance, refusal
from tests.pages import Browser

NAMES = ["client_id", "redirect_uri", "scope", "state", "code_challenge", "prompt", "max_age", "resource", "grant_type"]
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
pair = st.tuples(st.sampled_from(NAMES) | st.text(max_size=5), st.binary(max_size=30))


def test_each_parameter_once_in_utf8() -> None:
    sent = parse("a=1&b=%C3%A9&c=&d=x+y%20z&e=Pŵ".encode())
    assert sent.values == {"a": "1", "b": "é", "d": "x y z", "e": "Pŵ"}
    assert not sent.faults


def test_what_is_wrong_is_noted_under_its_name_and_kept_out() -> None:
    sent = parse(b"a=1&a=1&b=%ff&c=%00&d=ok&a=")
    assert set(sent.faults) == {"a", "b", "c"}
    assert sent.values == {"d": "ok"}


def test_resource_alone_may_be_repeated() -> None:
    sent = parse(b"resource=x&resource=y")
    assert sent.resources == ["x", "y"] and not sent.faults


@pytest.mark.parametrize("raw", [b"a=1&" * 200, b"a=" + b"x" * 40_000])
def test_too_much_is_not_read_at_all(raw: bytes) -> None:
    sent = parse(raw)
    assert sent.faults and not sent.values


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(raw: bytes) -> None:
    sent = parse(raw)
    assert all(value and "\x00" not in value for value in sent.values.values())
    assert all(fault.isascii() and fault.isprintable() for fault in sent.faults.values())


@pytest.fixture
def guest(server: ASGIApp, browser: Browser) -> Iterator[Dance]:
    dance = Dance(server, browser)
    dance.signs_in()
    yield dance
    assert dance.asks().status_code == 303, "a sound request still works"


def _leaves_only_for_home(answered: Any) -> None:
    assert answered.status_code < 500
    location = answered.headers.get("location", "/oauth/authorize")
    assert location.startswith(("/oauth/authorize", f"{CALLBACK}?"))


@QUICK
@given(pairs=st.lists(pair, max_size=6), raw=st.binary(max_size=40))
def test_authorize_survives_anything(guest: Dance, pairs: list[tuple[str, bytes]], raw: bytes) -> None:
    usual = urlencode(guest.request(prompt="none"))
    query = "&".join([urlencode(pairs), quote_from_bytes(raw, safe="&=")])
    _leaves_only_for_home(guest.browser.client.get(f"/oauth/authorize?{query}"))
    _leaves_only_for_home(guest.browser.client.get(f"/oauth/authorize?{usual}&{query}"))
    form = {"content-type": "application/x-www-form-urlencoded"}
    _leaves_only_for_home(guest.browser.client.post("/oauth/authorize", content=raw, headers=form))


@QUICK
@given(
    body=st.binary(max_size=200),
    kind=st.sampled_from(["application/x-www-form-urlencoded", "application/json", "multipart/form-data", "\x7f"]),
    authorization=st.none() | st.binary(max_size=40),
)
def test_the_token_endpoint_survives_anything(
    guest: Dance, body: bytes, kind: str, authorization: bytes | None
) -> None:
    headers: list[tuple[bytes, bytes]] = [(b"content-type", kind.encode())]
    if authorization is not None:
        headers.append((b"authorization", b"Basic " + authorization.replace(b"\r", b"").replace(b"\n", b"")))
    status, error = refusal(guest.programs.post("/oauth/token", content=body, headers=headers))
    assert status in (400, 401) and error


def test_a_body_beyond_all_measure_is_413(guest: Dance) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 50_000

    form = {"content-type": "application/x-www-form-urlencoded"}
    assert guest.programs.post("/oauth/token", content=b"x" * 2_000_000, headers=form).status_code == 413
    assert guest.programs.post("/oauth/token", content=endless(), headers=form).status_code == 413
