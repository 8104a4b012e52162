"""Requests that are right but for something: what is odd in one place never breaks what comes after it. 5, 7, 10, 43.

Bytes at random seldom get past the first check; these get past all but one.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import sessions
from app.oauth.device import CLIENT_ID, GRANT
from tests import factories
from tests.attacks.test_any_bytes import BYE, FORM, Target, credentials, target
from tests.attacks.wire import calls, is_sound
from tests.oauth.dance import CALLBACK
from tests.oauth.oidc import silent
from tests.oauth.proofs import ASSERTED, Signer

__all__ = ["target"]

SLOWLY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=SLOWLY, derandomize=True, database=None)
key = Signer()
AGENT = {"client_id": CLIENT_ID, "jwk": json.dumps(key.public), "machine": "SIMS-SERVER"}

Parameters = dict[str, str]


def _asked(target: Target) -> Parameters:
    details = [{"type": "school_data", "datatypes": ["school"], "identifier": target.dance.school.urn}]
    return target.dance.request() | {
        "nonce": "n-1",
        "max_age": "3600",
        "prompt": "consent",
        "response_mode": "query",
        "dpop_jkt": key.thumbprint,
        "resource": "http://127.0.0.1:8000",
        "authorization_details": json.dumps(details),
        "grant_id": target.values["grant_id"],
        "grant_management_action": "merge",
    }


def _exchanged(target: Target) -> Parameters:
    code = silent(target.dance, scope="school")["code"]
    verifier = {"code_verifier": target.dance.verifier, "redirect_uri": CALLBACK}
    return {"grant_type": "authorization_code", "code": code} | verifier


def _asserted(target: Target) -> Parameters:
    proof = {"client_assertion_type": ASSERTED, "client_assertion": key.assertion(target.values["keyed"])}
    return {"grant_type": "client_credentials", "scope": "partner"} | proof


RIGHT: dict[str, tuple[str, str, Callable[[Target], Parameters]]] = {
    "authorize": ("GET", "/oauth/authorize", _asked),
    "authorize silently": ("GET", "/oauth/authorize", lambda target: _asked(target) | {"prompt": "none"}),
    "authorize by post": ("POST", "/oauth/authorize", _asked),
    "push": ("POST", "/oauth/par", _asked),
    "exchange": ("POST", "/oauth/token", _exchanged),
    "refresh": (
        "POST",
        "/oauth/token",
        lambda target: {
            "grant_type": "refresh_token",
            "refresh_token": target.values["refresh_token"],
            "scope": "school",
        },
    ),
    "partner token": ("POST", "/oauth/token", _asserted),
    "poll": (
        "POST",
        "/oauth/token",
        lambda target: {"grant_type": GRANT, "device_code": target.values["device_code"], "client_id": CLIENT_ID},
    ),
    "device": (
        "POST",
        "/oauth/device_authorization",
        lambda _: AGENT,
    ),
    "introspect": (
        "POST",
        "/oauth/introspect",
        lambda target: {"token": target.values["token"], "token_type_hint": "access_token"},
    ),
    "revoke": ("POST", "/oauth/revoke", lambda target: {"token": target.bearer, "token_type_hint": "x"}),
    "decide": (
        "POST",
        "/oauth/authorize/{waiting}",
        lambda _: {"decision": "authorise", "shown": "x", "scope-school": "yes"},
    ),
    "sign out": (
        "GET",
        "/oauth/logout",
        lambda target: {"id_token_hint": target.bearer, "post_logout_redirect_uri": BYE, "state": "s"},
    ),
    "user code": ("POST", "/device", lambda target: {"user_code": target.values["user_code"]}),
    "let in": ("POST", "/device/answer", lambda _: {"waiting": "W10.x.y", "decision": "approve", "password": "p" * 20}),
}

MEMBERS = ("type", "datatypes", "identifier", "kty", "crv", "x", "y", "d")
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "datatypes", "identifier", "kty", "crv", "x", "y", "d"]), inner, max_size=4
        )
    ),
    max_leaves=6,
)
odd = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
    anything.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([b"", b"\x00", b" ", b"\xe2\x80\xae", b"\xf0\x9f\x98\x80", b"9" * 5_000, b"-0", b"a" * 40_000]),
)


@st.composite
def spoilt(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """What happens to one value: another in its place, bytes put in, cut off, or sent twice."""
    how, more, at = draw(st.sampled_from(["another", "in", "cut", "doubled"])), draw(odd), draw(st.integers(0, 60))
    ways: dict[str, Callable[[bytes], bytes]] = {
        "another": lambda _: more,
        "in": lambda right: right[:at] + more + right[at:],
        "cut": lambda right: right[:at],
        "doubled": lambda right: right + right,
    }
    return ways[how]


changes = st.lists(st.tuples(st.integers(0, 20), spoilt(), st.booleans()), min_size=1, max_size=2)
proofs = st.one_of(st.just(None), odd.map(lambda raw: raw.translate(None, b"\x00\r\n")), st.just(b"right"))


def sent(right: Parameters, spoils: list[tuple[int, Callable[[bytes], bytes], bool]]) -> bytes:
    """The form, with some values spoilt; `True` keeps the right one beside it."""
    pairs = [(name, value.encode()) for name, value in right.items()]
    for number, spoil, beside in spoils:
        index = number % len(pairs)
        name, value = pairs[index]
        pairs = [*(pairs if beside else pairs[:index] + pairs[index + 1 :]), (name, spoil(value))]
    return "&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in pairs).encode()


@pytest.mark.parametrize("what", RIGHT)
def test_5_7_10_43_whatever_is_odd_in_a_request_is_answered_in_known_words(target: Target, what: str) -> None:
    method, door, right = RIGHT[what]
    with sessions.begin() as db:
        keyed, _ = factories.app(db, "Signing", auth_method="private_key_jwt", jwks=key.jwks)
    target.values["keyed"] = keyed.client_id
    target.values.update(target.dance.programs.post("/oauth/device_authorization", data=AGENT).json())

    @QUICK
    @given(spoils=changes, proof=proofs)
    def answers(spoils: list[Any], proof: bytes | None) -> None:
        path = target.waiting if "{waiting}" in door else door
        own = [] if what in ("poll", "device", "partner token") else credentials(target, door)
        headers = [*own, (b"content-type", FORM)]
        if proof is not None:
            headers.append((b"dpop", key.proof().encode() if proof == b"right" else proof))
        raw = sent(right(target), spoils)
        query, body = (raw, b"") if method == "GET" else (b"", raw)
        answered = calls(target.dance.server, method, path, query=query, headers=headers, body=body)
        is_sound(answered, path, CALLBACK, BYE)

    answers()
