"""Any bytes, in any place and by any method, at every door of the protocol: answered in known words, never led away.

security.md 11; protocol.md 5, 7, 43. Each door is tried as a stranger and with everything that opens it.
"""

import base64
import dataclasses
from collections.abc import Iterator
from urllib.parse import quote, quote_from_bytes, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from app.oauth.device import GRANT
from app.web import cookies
from app.web.remembered import COOKIE
from tests.attacks.wire import calls, is_sound
from tests.oauth.dance import CALLBACK, Dance
from tests.oauth.proofs import ASSERTED, Signer, pushed
from tests.oauth.test_client_credentials import token as partner_token
from tests.pages import Browser

BYE = "https://partner.example/bye"
FORM = b"application/x-www-form-urlencoded"
SLOWLY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
QUICK = settings(max_examples=400, deadline=None, suppress_health_check=SLOWLY, derandomize=True, database=None)

DOORS = (
    "/oauth/authorize",
    "/oauth/authorize/{waiting}",
    "/oauth/authorize/{waiting}/school",
    "/oauth/authorize/{text}",
    "/oauth/par",
    "/oauth/token",
    "/oauth/introspect",
    "/oauth/revoke",
    "/oauth/userinfo",
    "/oauth/logout",
    "/oauth/device_authorization",
    "/device",
    "/device/answer",
    "/oauth/grants",
    "/oauth/grants/{text}",
    "/oauth/jwks",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource",
)
METHODS = ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO")
NAMES = (
    *("client_id", "client_secret", "client_assertion", "client_assertion_type", "grant_type", "code", "code_verifier"),
    *(
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "prompt",
        "max_age",
    ),
    *("code_challenge_method", "id_token_hint", "request", "request_uri", "resource", "authorization_details"),
    *("grant_id", "grant_management_action", "dpop_jkt", "post_logout_redirect_uri", "refresh_token", "token"),
    *(
        "token_type_hint",
        "device_code",
        "user_code",
        "machine",
        "jwk",
        "decision",
        "shown",
        "school",
        "waiting",
        "next",
    ),
)


@dataclasses.dataclass(frozen=True)
class Sent:
    """`own`: with the caller's right credentials and cookies beside what is here."""

    method: str
    query: bytes = b""
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    text: str = "x"
    own: bool = False


@dataclasses.dataclass(frozen=True)
class Target:
    """A dance with everything that could be guessed at: `values` are right ones for `NAMES`."""

    dance: Dance
    waiting: str
    values: dict[str, str]
    bearer: str


@pytest.fixture
def target(server: ASGIApp, browser: Browser) -> Iterator[Target]:
    dance = Dance(server, browser, post_logout_redirect_uris=[BYE])
    tokens = dance.tokens()
    dance.opens()
    values = dance.request() | {
        "request_uri": pushed(dance),
        "refresh_token": tokens["refresh_token"],
        "token": tokens["access_token"],
        "grant_id": tokens["grant_id"],
        "client_secret": dance.secret,
        "client_assertion_type": ASSERTED,
        "client_assertion": Signer().assertion(dance.app.client_id),
        "post_logout_redirect_uri": BYE,
        "code_verifier": dance.verifier,
    }
    yield Target(dance, browser.path, values, partner_token(dance))
    assert dance.reads(dance.tokens()["access_token"]).status_code == 200, "what is sound still works"


WORDS = (
    *(b"code", b"none", b"login", b"plain", b"authorise", b"password", b"client_credentials", GRANT.encode()),
    *(b"authorization_code", b"refresh_token", b"https://evil.example/"),
    *(b"\x00", b"\xff\xfe", b"{}", b"[[[[", b"1e999", b"-1"),
)
value = st.binary(max_size=24) | st.sampled_from(WORDS)
pairs = st.lists(st.tuples(st.sampled_from(NAMES) | st.text(max_size=6), value | st.just(b"RIGHT")), max_size=8)
line = st.binary(max_size=40).map(lambda raw: raw.translate(None, b"\x00\r\n"))
headers = st.lists(
    st.tuples(
        st.sampled_from([b"authorization", b"dpop", b"content-type", b"cookie", b"accept", b"origin", b"referer"]),
        st.tuples(st.sampled_from([b"", b"Basic ", b"Bearer ", b"DPoP ", b"text/html ", FORM + b";"]), line).map(
            b"".join
        ),
    ),
    max_size=4,
)


def encoded(pairs: list[tuple[str, bytes]], raw: bytes) -> bytes:
    """A form that is almost one."""
    return urlencode(pairs).encode() + (b"&" + raw if raw else b"")


def typed(raw: bytes) -> bytes:
    """As it may stand in an address: uvicorn refuses a request line of any other bytes before we see it."""
    return quote_from_bytes(raw, safe="%&=/:?+").encode()


form = st.builds(encoded, pairs, st.binary(max_size=12)) | st.binary(max_size=60)
sent = st.builds(
    Sent,
    method=st.sampled_from(METHODS) | st.sampled_from(["GET", "POST"]),
    query=form.map(typed) | st.just(b""),
    body=form,
    headers=headers.map(tuple),
    text=st.text(max_size=40),
    own=st.booleans(),
)

DEEP = b"[" * 15_000
NASTY = (
    Sent("POST", body=b"\xff\xfe\x00&=&%&%%&%zz=%c0%af&a=%ed%a0%80", own=True),
    Sent("POST", body=b"&" * 500, own=True),
    Sent("POST", body=b"grant_type=password&username=a&password=b", own=True),
    Sent("POST", body=b"token=" + b"A" * 30_000, own=True),
    Sent("POST", body=b"token=eyJhbGciOiJub25lIn0.e30.", own=True),
    Sent("POST", body=b"token=e30.e30.e30&token_type_hint=\xf0\x9f\x98\x80", own=True),
    Sent("POST", body=b"authorization_details=" + DEEP + b"&jwk=" + DEEP, own=True),
    Sent("POST", body=b"client_id=gatehouse-agent&machine=%0d%0aSet-Cookie%3Aa&jwk=" + DEEP),
    Sent("POST", body=b"client_id=gatehouse-agent&grant_type=" + quote(GRANT).encode() + b"&device_code=\xc3"),
    Sent("POST", body=b"client_id=%00&client_secret=%00", headers=((b"authorization", b"Basic AA=="),)),
    Sent("POST", body=b"a=b", headers=((b"authorization", b"Basic /////w=="), (b"authorization", b"Basic OjpAOg=="))),
    Sent("POST", body=b"a=b", headers=((b"authorization", b"Basic JTAwOiUwMA=="),)),
    Sent("POST", body=b"a=b", headers=((b"authorization", b"\xa0\xff"), (b"dpop", b"\xff..\xfe"))),
    Sent("POST", body=b"grant_type=client_credentials", headers=((b"dpop", b"e30.e30.e30"), (b"dpop", b""))),
    Sent("POST", body=b'{"a": 1}', headers=((b"content-type", b"application/json"),), own=True),
    Sent("POST", body=b"--x\r\n\r\n--x--", headers=((b"content-type", b"multipart/form-data; boundary=x"),), own=True),
    Sent("POST", body=b"a=b", headers=((b"content-type", FORM + b"; charset=utf-7"),), own=True),
    Sent("GET", query=b"client_id=%ff&redirect_uri=//evil.example&prompt=none"),
    Sent("GET", query=b"redirect_uri=https://evil.example&redirect_uri=https://partner.example/callback", own=True),
    Sent("GET", query=b"state=%0d%0aLocation:%20https://evil.example&prompt=none", own=True),
    Sent("GET", query=b"choose=%00&school=1&next=//evil.example", own=True),
    Sent("GET", query=b"max_age=%D9%A3&claims=" + DEEP, own=True),
    Sent("GET", query=b"id_token_hint=e30.e30.e30&post_logout_redirect_uri=https://evil.example&state=%00", own=True),
    Sent("GET", headers=((b"authorization", b"Bearer " + b"." * 9_000),), text="../../../etc/passwd"),
    Sent("GET", headers=((b"authorization", b"DPoP gh_at_\xff"), (b"dpop", b"\xff")), text="\x00"),
    Sent(
        "GET",
        headers=((b"cookie", b"gatehouse_8000=\xff; =; a"),),
        text="00000000-0000-0000-0000-00000000000g",
        own=True,
    ),
    Sent("DELETE", text="%2e%2e%2f", own=True),
    Sent("OPTIONS", headers=((b"origin", b"https://evil.example"), (b"access-control-request-method", b"POST"))),
    Sent("GET", headers=((b"origin", b"https://evil.example"), (b"accept", b"\xff/\xff;q=\xff")), own=True),
)


def credentials(target: Target, door: str) -> list[tuple[bytes, bytes]]:
    """What opens this door."""
    dance = target.dance
    if door.startswith(("/oauth/grants", "/oauth/userinfo")):
        return [(b"authorization", b"Bearer " + target.bearer.encode())]
    if door.startswith(("/oauth/authorize", "/oauth/logout", "/device")):
        kept = {cookie.name: cookie.value for cookie in dance.browser.client.cookies.jar}
        assert {cookies.name(), cookies.name(COOKIE)} <= kept.keys()
        jar = "; ".join(f"{name}={secret}" for name, secret in kept.items())
        return [(b"cookie", jar.encode()), (b"sec-fetch-site", b"same-origin")]
    return [(b"authorization", b"Basic " + base64.b64encode(f"{dance.app.client_id}:{dance.secret}".encode()))]


def right(raw: bytes, target: Target) -> bytes:
    """`name=RIGHT` becomes what would be right there."""
    for name, known in target.values.items():
        raw = raw.replace(f"{name}=RIGHT".encode(), f"{name}={quote(known, safe='')}".encode())
    return raw


def answers(target: Target, door: str, sent: Sent) -> None:
    path = target.waiting + door.removeprefix("/oauth/authorize/{waiting}") if "{waiting}" in door else door
    path = path.replace("{text}", sent.text)
    given = list(sent.headers)
    if sent.own:
        given += [(name, kept) for name, kept in credentials(target, door) if name not in dict(sent.headers)]
    if b"content-type" not in dict(given):
        given.append((b"content-type", FORM))
    query = right(sent.query, target)
    if sent.own and sent.method == "GET" and door == "/oauth/authorize":
        query = urlencode(target.dance.request(prompt="none")).encode() + b"&" + query
    answered = calls(target.dance.server, sent.method, path, query=query, headers=given, body=right(sent.body, target))
    is_sound(answered, path, CALLBACK, BYE)


@pytest.mark.parametrize("case", NASTY, ids=range(len(NASTY)))
def test_5_7_43_every_door_withstands_what_has_broken_others(target: Target, case: Sent) -> None:
    for door in DOORS:
        answers(target, door, case)


@QUICK
@given(door=st.sampled_from(DOORS), sent=sent)
def test_5_7_43_every_door_answers_whatever_comes_in_known_words(target: Target, door: str, sent: Sent) -> None:
    answers(target, door, sent)
