"""Reading what others sign: the RFCs' own examples hold, and no bytes whatever do worse than being refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.oauth import jws
from app.oauth.jws import Unsound
from tests.oauth.proofs import Signer, b64

pytestmark = pytest.mark.once

# RFC 7515 appendix A.3 (ES256) and A.2 (RS256), RFC 8037 appendix A.4 (EdDSA); RFC 7638 section 3.1 (thumbprint).
ES256 = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
ES256_SIGNED = (
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cn"
    "VlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
THUMBED = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qM"
    "QvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnq"
    "DKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


def test_the_examples_of_the_rfcs_hold() -> None:
    found = jws.read(ES256_SIGNED, ("",))
    found.verify(jws.key(ES256), ("ES256",))
    assert found.claims == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    assert jws.key(THUMBED).thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert jws.key(THUMBED).algorithms == ("RS256",)


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA", "RS256"])
def test_another_implementation_agrees_about_signatures_and_thumbprints(algorithm: str) -> None:
    signer = Signer(algorithm)
    signed = jws.read(signer.signs({"alg": algorithm}, {"a": 1}), ("",))
    signed.verify(jws.key(signer.public), (algorithm,))
    assert jws.key(signer.public).thumbprint == signer.thumbprint
    with pytest.raises(Unsound):
        signed.verify(jws.key(Signer(algorithm).public), (algorithm,))
    with pytest.raises(Unsound):
        signed.verify(jws.key(signer.public), ())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["alg", "typ", "jwk", "kid", "crit", "b64", "kty", "crv", "x", "y", "n", "e", "d", "use", "alg"]
)


def refusal(reads: Callable[[], Any]) -> str:
    try:
        reads()
    except Unsound as wrong:
        return str(wrong)
    return ""


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")) | st.text("abcAB01-_.=", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    said = refusal(lambda: jws.read(text, ("", "jwt")))
    assert said.isascii() and said.isprintable()


@given(st.dictionaries(NAMES, JSON), st.dictionaries(st.sampled_from(["iss", "jti", "exp", "iat"]), JSON), st.binary())
def test_any_header_and_claims_are_read_or_refused(header: dict[str, Any], claims: dict[str, Any], end: bytes) -> None:
    text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}.{b64(end)}"
    try:
        found = jws.read(text, ("",))
        found.text("jti")
        found.moment("exp")
        found.moment("iat")
        found.verify(jws.key(ES256), jws.STRONG)
    except Unsound:
        return
    raise AssertionError("nobody signed that")


@given(JSON | st.dictionaries(NAMES, JSON | st.sampled_from(["EC", "RSA", "OKP", "P-256", "Ed25519", "AQAB"])))
def test_any_key_is_read_or_refused(jwk: Any) -> None:
    assert refusal(lambda: jws.key(jwk)).isascii()


@pytest.mark.parametrize(
    "changed",
    [
        {"n": b64(b"\0" + jws._decoded(THUMBED["n"]))},
        {"n": THUMBED["n"][:300]},
        {"n": THUMBED["n"] * 3},
        {"n": ""},
        {"e": "AAEAAQ"},
        {"e": "AQABAQAB"},
        {"e": "Ag"},
        {"e": ""},
        {"e": "AQAB="},
        {"d": "AQAB"},
        {"oth": []},
        {"kty": "rsa"},
        {"kty": ["RSA"]},
    ],
)
def test_a_key_in_another_form_than_the_one_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Unsound):
        jws.key(THUMBED | changed)
    assert jws.key(THUMBED).algorithms


def test_few_keys_are_kept() -> None:
    assert jws._key.cache_info().maxsize == 1024
