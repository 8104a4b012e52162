"""Signing in to an app through Gatehouse, and reading what the app is told."""

from typing import Any

from joserfc import jwk, jwt
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import READ_ONLY, Account
from app.models.authorisation import Authorisation
from app.settings import settings
from tests import factories
from tests.oauth.dance import Dance, sent_back
from tests.pages import Browser

ALL = ("school", "openid", "profile", "email")


def site(server: ASGIApp, browser: Browser, scopes: tuple[str, ...] = ALL, **more: Any) -> Dance:
    """An app that may ask for a school's data and for who signs in."""
    return Dance(server, browser, scopes=scopes, **more)


def signs_in_to(dance: Dance, **changed: Any) -> dict[str, Any]:
    """The token response after a visit without any page, by whoever has a session in the browser."""
    dance.opens(**{"scope": "openid"} | changed)
    assert dance.browser.left_to, dance.browser.text
    answered = dance.redeems(dance.answered()["code"])
    assert answered.status_code == 200, answered.text
    body: dict[str, Any] = answered.json()
    return body


def told(dance: Dance, token: str, algorithm: str = "ES256") -> dict[str, Any]:
    """The claims of an ID token, as an app that trusts the published keys alone would read them."""
    keys = jwk.KeySet.import_key_set(dance.programs.get("/oauth/jwks").json())
    read = jwt.decode(token, keys, algorithms=[algorithm])
    assert set(read.header) == {"alg", "kid", "typ"} and read.header["typ"] == "JWT"
    rules = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": settings.issuer},
        aud={"essential": True, "value": dance.app.client_id},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
    )
    rules.validate(read.claims)
    return read.claims


def agrees(dance: Dance, *scopes: str) -> Authorisation:
    """The school has said yes to these."""
    with sessions.begin() as db:
        return factories.authorisation(db, dance.admin, dance.school, dance.app, scopes)


def colleague(dance: Dance, role: str = READ_ONLY) -> Account:
    """Somebody else of the same school, who decides nothing."""
    with sessions.begin() as db:
        return factories.admin(db, dance.school, role=role, name="Rae Reader")


def silent(dance: Dance, **changed: Any) -> dict[str, str]:
    """What comes back with prompt=none."""
    return sent_back(dance.asks(**{"prompt": "none", "scope": "openid"} | changed))


def userinfo(dance: Dance, token: str, method: str = "GET", **more: Any) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return dance.programs.request(method, "/oauth/userinfo", headers=headers, **more)
