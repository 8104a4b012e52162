"""protocol.md 26, 41 and 42: an app that proves itself by a signature (RFC 7523, RFC 10070)."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import OctKey
from sqlalchemy import func, select
from starlette.types import ASGIApp

from app.db import sessions, withdrawn
from app.models.base import now
from app.models.partner import App
from app.models.spent_id import SpentId
from app.settings import settings
from tests import factories
from tests.oauth.dance import Dance, at_once, refusal
from tests.oauth.forged_proofs import hmac_signed
from tests.oauth.proofs import ASSERTED, Keyed, Signer, part
from tests.oauth.test_client_auth import is_unknown
from tests.pages import Browser


@pytest.fixture
def keyed(server: ASGIApp, browser: Browser) -> Keyed:
    return Keyed(server, browser)


def asks(dance: Dance, **sent: Any) -> Any:
    """A token request that only authentication can stop."""
    return dance.posts({"grant_type": "client_credentials"}, **sent)


def with_assertion(dance: Dance, assertion: str, **sent: Any) -> Any:
    return asks(dance, client_assertion=assertion, **{"client_assertion_type": ASSERTED} | sent)


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA", "Ed25519", "RS256"])
def test_42_an_app_authenticates_with_its_key_everywhere(server: ASGIApp, browser: Browser, algorithm: str) -> None:
    keyed = Keyed(server, browser, Signer(algorithm))
    tokens = keyed.tokens()
    assert keyed.refreshes(tokens["refresh_token"]).status_code == 200
    looked = keyed.posts({"token": tokens["access_token"]}, path="/oauth/introspect")
    assert looked.json()["active"] is True
    assert keyed.posts({"token": tokens["access_token"]}, path="/oauth/revoke").status_code == 200
    assert keyed.posts(keyed.request(), path="/oauth/par").status_code == 201


def _seconds(**offsets: float) -> Callable[[Keyed], str]:
    def made(keyed: Keyed) -> str:
        moments: dict[str, Any] = {name: int(time.time() + offset) for name, offset in offsets.items()}
        return keyed.signer.assertion(keyed.app.client_id, **moments)

    return made


def _claim(**changed: Any) -> Callable[[Keyed], str]:
    return lambda keyed: keyed.signer.assertion(keyed.app.client_id, **changed)


def _header(**header: Any) -> Callable[[Keyed], str]:
    return lambda keyed: keyed.signer.assertion(keyed.app.client_id, header)


def _claims(keyed: Keyed) -> dict[str, Any]:
    present = int(time.time())
    me = keyed.app.client_id
    return {"iss": me, "sub": me, "aud": settings.issuer, "jti": "1", "exp": present + 60}


def _by_hmac(keyed: Keyed) -> str:
    return hmac_signed(keyed.signer, _claims(keyed), json.dumps(keyed.signer.public).encode(), typ="JWT", jwk=None)


def _by_its_own_key(keyed: Keyed) -> str:
    other = Signer()
    return other.assertion(keyed.app.client_id, {"jwk": other.public})


WRONG: dict[str, Callable[[Keyed], str]] = {
    "aud missing": _claim(aud=None),
    "aud in an array": _claim(aud=[settings.issuer]),
    "aud the token endpoint": _claim(aud=f"{settings.issuer}/oauth/token"),
    "aud with a slash": _claim(aud=f"{settings.issuer}/"),
    "aud another server": _claim(aud="https://other.example"),
    "exp missing": _claim(exp=None),
    "exp past": _seconds(exp=-1),
    "exp an hour ago": _seconds(exp=-3600),
    "exp too far": _seconds(exp=3700),
    "exp a text": _claim(exp="9999999999"),
    "exp true": _claim(exp=True),
    "iat 61 s ahead": _seconds(iat=63),
    "iat an hour ahead": _seconds(iat=3600),
    "iat a text": _claim(iat="1"),
    "nbf 61 s ahead": _seconds(nbf=63),
    "jti missing": _claim(jti=None),
    "jti empty": _claim(jti=""),
    "jti a list": _claim(jti=["a"]),
    "jti too long": _claim(jti="x" * 257),
    "jti half a character": _claim(jti="\udfff"),
    "iss missing": _claim(iss=None),
    "sub missing": _claim(sub=None),
    "iss is not sub": _claim(iss="another"),
    "sub is not iss": _claim(sub="another"),
    "iss and sub unknown": _claim(iss="app_nobody", sub="app_nobody"),
    "iss and sub with a NUL": _claim(iss="a\x00", sub="a\x00"),
    "iss in an array": lambda keyed: keyed.signer.assertion(
        keyed.app.client_id, iss=[keyed.app.client_id], sub=[keyed.app.client_id]
    ),
    "alg none": lambda keyed: f"{part({'alg': 'none', 'kid': 'key-1'})}.{part(_claims(keyed))}.",
    "alg none in the header alone": _header(alg="none"),
    "alg HS256 with the public key": _by_hmac,
    "alg another than registered": _header(alg="ES384"),
    "alg of another type": _header(alg="PS256"),
    "alg missing": _header(alg=None),
    "kid unknown": _header(kid="key-2"),
    "kid a path": _header(kid="../../key-1"),
    "kid a number": _header(kid=1),
    "typ of a DPoP proof": _header(typ="dpop+jwt"),
    "typ of an access token": _header(typ="at+jwt"),
    "crit": _header(crit=["exp"]),
    "b64": _header(b64=True),
    "a key of its own": lambda keyed: Signer().assertion(keyed.app.client_id),
    "a key that it brings": _by_its_own_key,
    "a key elsewhere": _header(jku="https://evil.example/jwks"),
    "a certificate": _header(x5c=["MIIB"]),
    "no JWT": lambda keyed: "x",
    "empty": lambda keyed: "",
    "too long": _claim(more="x" * 9000),
}


@pytest.mark.parametrize("how", WRONG)
def test_42_an_assertion_that_is_wrong_is_401(keyed: Keyed, how: str) -> None:
    assert is_unknown(with_assertion(keyed, WRONG[how](keyed)))
    with sessions.read() as db:
        assert db.scalar(select(func.count()).select_from(SpentId)) == 0, "what is wrong uses nothing up"
    assert asks(keyed).status_code == 200


@pytest.mark.parametrize(
    "how",
    [
        _seconds(iat=10),
        _seconds(iat=58),
        _seconds(nbf=10),
        _seconds(exp=3590),
        _claim(iat=None),
        _header(kid=None),
        _header(typ=None),
        _header(typ="client-authentication+jwt"),
    ],
)
def test_42_a_clock_may_be_a_little_off_and_what_is_optional_may_be_missing(
    keyed: Keyed, how: Callable[[Keyed], str]
) -> None:
    assert with_assertion(keyed, how(keyed)).status_code == 200


def test_42_an_assertion_counts_once(keyed: Keyed) -> None:
    once = keyed.signer.assertion(keyed.app.client_id)
    assert with_assertion(keyed, once).status_code == 200
    assert is_unknown(with_assertion(keyed, once))
    assert asks(keyed).status_code == 200


def test_42_an_id_is_used_up_for_its_app_alone(server: ASGIApp, browser: Browser, keyed: Keyed) -> None:
    other = Keyed(server, browser, urn=100002, name="Other")
    for dance in (keyed, other):
        assert with_assertion(dance, dance.signer.assertion(dance.app.client_id, jti="same")).status_code == 200
    assert is_unknown(with_assertion(keyed, keyed.signer.assertion(keyed.app.client_id, jti="same")))


def test_42_of_many_calls_with_one_assertion_one_goes_through(keyed: Keyed) -> None:
    once = keyed.signer.assertion(keyed.app.client_id)
    answered = [response.status_code for response in at_once(20, lambda _: with_assertion(keyed, once))]
    assert sorted(answered) == [200] + [401] * 19
    assert asks(keyed).status_code == 200


def test_42_a_replayed_assertion_spends_no_code(keyed: Keyed) -> None:
    used = keyed.signer.asserts(keyed.app.client_id)
    assert asks(keyed, **used).status_code == 200
    code = keyed.code()
    assert is_unknown(keyed.redeems(code, **used))
    assert keyed.redeems(code).status_code == 200


def test_42_the_client_id_beside_an_assertion_is_the_same(keyed: Keyed) -> None:
    sent = keyed.signer.asserts(keyed.app.client_id)
    with sessions.begin() as db:
        other, _ = factories.app(db, "Other App")
    assert is_unknown(asks(keyed, **sent, client_id=other.client_id))
    assert asks(keyed, **sent, client_id=keyed.app.client_id).status_code == 200, "it was not used up"
    assert asks(keyed, client_id=None).status_code == 200


@pytest.mark.parametrize("kind", [None, "x", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"])
def test_42_the_type_of_assertion_is_said(keyed: Keyed, kind: str | None) -> None:
    assertion = keyed.signer.assertion(keyed.app.client_id)
    assert is_unknown(with_assertion(keyed, assertion, client_assertion_type=kind))
    assert with_assertion(keyed, assertion).status_code == 200


def test_41_an_assertion_and_a_secret_are_two_methods(keyed: Keyed) -> None:
    sent = keyed.signer.asserts(keyed.app.client_id)
    assert refusal(asks(keyed, **sent, client_secret=keyed.secret)) == (400, "invalid_request")
    assert refusal(asks(keyed, **sent, auth=(keyed.app.client_id, keyed.secret))) == (400, "invalid_request")
    assert is_unknown(asks(keyed, auth=(keyed.app.client_id, keyed.secret))), "it has no secret as far as we care"
    assert asks(keyed, **sent).status_code == 200


def test_42_an_assertion_is_nothing_for_an_app_with_a_secret(server: ASGIApp, browser: Browser) -> None:
    signer = Signer()
    dance = Dance(server, browser, jwks=signer.jwks)
    code = dance.code()
    assert is_unknown(dance.redeems(code, auth=None, **signer.asserts(dance.app.client_id)))
    assert dance.redeems(code).status_code == 200


def test_42_kid_chooses_and_without_it_every_fitting_key_is_tried(server: ASGIApp, browser: Browser) -> None:
    first, second, rsa = Signer(), Signer(), Signer("PS256")
    odd: list[dict[str, Any]] = [{"kty": "oct", "k": "AAAA"}, {"kty": "EC"}, first.public | {"use": "enc", "kid": "e"}]
    keys = [
        *odd,
        first.public | {"kid": "a"},
        second.public | {"kid": "b", "alg": "ES256"},
        rsa.public | {"kid": "r", "alg": "RS256"},
    ]
    keyed = Keyed(server, browser, second, jwks={"keys": keys})
    me = keyed.app.client_id
    assert with_assertion(keyed, second.assertion(me, {"kid": "b"})).status_code == 200
    assert with_assertion(keyed, second.assertion(me, {"kid": None})).status_code == 200
    assert with_assertion(keyed, first.assertion(me, {"kid": "a"})).status_code == 200
    assert is_unknown(with_assertion(keyed, second.assertion(me, {"kid": "a"})))
    assert is_unknown(with_assertion(keyed, first.assertion(me, {"kid": "e"}))), "a key for encryption signs nothing"
    assert is_unknown(with_assertion(keyed, rsa.assertion(me, {"kid": "r"}))), "registered for RS256, signed as PS256"
    by_rs256 = rsa.signs({"alg": "RS256", "kid": "r"}, _claims(keyed), "RS256")
    assert with_assertion(keyed, by_rs256).status_code == 200


def test_42_a_shared_secret_among_the_keys_verifies_nothing(server: ASGIApp, browser: Browser) -> None:
    shared, signer = OctKey.generate_key(256), Signer()
    keyed = Keyed(server, browser, signer, jwks={"keys": [shared.as_dict() | {"kid": "s"}, signer.jwks["keys"][0]]})
    signed = hmac_signed(signer, _claims(keyed), shared.raw_value, typ="JWT", jwk=None, kid="s")
    assert is_unknown(with_assertion(keyed, signed))
    assert asks(keyed).status_code == 200


def test_an_app_that_is_suspended_spends_no_assertion(keyed: Keyed) -> None:
    sent = keyed.signer.asserts(keyed.app.client_id)

    def suspend(at: Any) -> None:
        with sessions.begin() as db:
            db.get_one(App, keyed.app.id).suspended_at = at
            withdrawn(db)

    suspend(now())
    assert is_unknown(asks(keyed, **sent))
    suspend(None)
    assert asks(keyed, **sent).status_code == 200


def test_a_key_that_was_exchanged_no_longer_authenticates(keyed: Keyed) -> None:
    assert asks(keyed).status_code == 200
    old, keyed.signer = keyed.signer, Signer()
    with sessions.begin() as db:
        db.get_one(App, keyed.app.id).jwks = keyed.signer.jwks
        withdrawn(db)
    assert is_unknown(with_assertion(keyed, old.assertion(keyed.app.client_id)))
    assert asks(keyed).status_code == 200
