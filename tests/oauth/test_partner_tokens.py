"""protocol.md 57: a token of a partner is one that we signed as such, and it never decides alone."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import ASGIApp

from app.db import sessions, withdrawn
from app.models.base import now
from app.models.partner import App
from app.oauth import jose
from app.settings import settings
from tests.oauth.dance import Dance
from tests.oauth.proofs import Keyed, Signer, b64, part
from tests.oauth.test_bearer import refused
from tests.oauth.test_client_credentials import DEAD, looks_at, members, opens, token
from tests.pages import Browser


def _resigned(key: Signer, of: str, **header: Any) -> str:
    return key.signs(members(of, 0) | header, members(of))


def _mac(secret: bytes, of: str, **header: Any) -> str:
    signed = f"{part(members(of, 0) | {'alg': 'HS256'} | header)}.{of.split('.')[1]}"
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def _ours(typ: str = "at+jwt", **changed: Any) -> Callable[[str, bytes], str]:
    """Signed by our own key, but not what we would have signed."""

    def made(of: str, _published: bytes) -> str:
        claims = {name: value for name, value in (members(of) | changed).items() if value is not None}
        return asyncio.run(jose.sign(claims, typ))

    return made


def _by_its_own_key(of: str, _published: bytes) -> str:
    key = Signer()
    return _resigned(key, of, jwk=key.public)


FORGED: dict[str, Callable[[str, bytes], str]] = {
    "unsigned": lambda of, _: f"{part(members(of, 0) | {'alg': 'none'})}.{of.split('.')[1]}.",
    "alg None": lambda of, _: f"{part(members(of, 0) | {'alg': 'None'})}.{of.split('.')[1]}.",
    "HS256 with the public key": lambda of, published: _mac(published, of),
    "HMAC with an empty key": lambda of, _: _mac(b"", of),
    "signed by another with our kid": lambda of, _: _resigned(Signer(), of),
    "a jwk that it brings": _by_its_own_key,
    "jku": lambda of, _: _resigned(Signer(), of, jku="https://evil.example/jwks"),
    "x5u": lambda of, _: _resigned(Signer(), of, x5u="https://evil.example/x5u"),
    "kid traversal": lambda of, _: _resigned(Signer(), of, kid="../../../../dev/null"),
    "kid missing": lambda of, _: _resigned(Signer(), of, kid=None),
    "unknown crit": lambda of, _: _resigned(Signer(), of, crit=["new"]),
    "our signature under another header": lambda of, _: (
        f"{part(members(of, 0) | {'crit': ['new']})}.{of.split('.', 1)[1]}"
    ),
    "our signature over other claims": lambda of, _: ".".join(
        (of.split(".")[0], part(members(of) | {"scope": "school"}), of.split(".")[2])
    ),
    "padded": lambda of, _: of + "=",
    "cut": lambda of, _: of[:-1],
    "another last character": lambda of, _: of[:-1] + ("A" if of[-1] != "A" else "B"),
    "JSON serialisation": lambda of, _: json.dumps(
        dict(zip(("protected", "payload", "signature"), of.split("."), strict=True))
    ),
    "an ID token": _ours("JWT"),
    "a logout token": _ours("logout+jwt"),
    "aud another": _ours(aud="https://other.example"),
    "aud an array": _ours(aud=[settings.issuer]),
    "aud the app": _ours(aud="app"),
    "aud missing": _ours(aud=None),
    "iss an array": _ours(iss=[settings.issuer]),
    "iss another": _ours(iss="https://other.example"),
    "expired": _ours(exp=int(time.time()) - 1),
    "exp missing": _ours(exp=None),
    "an unknown app": _ours(sub="app_nobody", client_id="app_nobody"),
    "a person": _ours(sub="somebody"),
    "no app": _ours(sub=None, client_id=None),
}


@pytest.mark.parametrize("how", FORGED)
def test_57_what_we_did_not_sign_as_such_opens_nothing(dance: Dance, how: str) -> None:
    made, published = token(dance), dance.programs.get("/oauth/jwks").content
    forged = FORGED[how](made, published)
    for answered in (opens(forged), dance.reads(forged)):
        assert refused(answered) == (401, "invalid_token")
    assert looks_at(dance, forged) == DEAD
    assert opens(made).status_code == 200


def test_57_an_assertion_of_the_app_is_no_token(server: ASGIApp, browser: Browser) -> None:
    keyed = Keyed(server, browser)
    assertion = keyed.signer.assertion(keyed.app.client_id)
    assert refused(opens(assertion)) == (401, "invalid_token")
    assert refused(keyed.reads(assertion)) == (401, "invalid_token")
    assert opens(token(keyed)).status_code == 200


def test_57_it_never_decides_alone(dance: Dance) -> None:
    made = token(dance)

    def suspend(at: Any) -> None:
        with sessions.begin() as db:
            db.get_one(App, dance.app.id).suspended_at = at
            withdrawn(db)

    suspend(now())
    assert refused(opens(made)) == (401, "invalid_token")
    assert refused(dance.reads(made)) == (401, "invalid_token")
    suspend(None)
    assert opens(made).status_code == 200
