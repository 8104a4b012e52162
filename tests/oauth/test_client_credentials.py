"""protocol.md 47, 57, 59 and 60 for the tokens of a partner itself (RFC 6749 section 4.4, RFC 9068)."""

import base64
import json
from typing import Any

import pytest
from fastapi import FastAPI, Request
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet
from sqlalchemy import func, select
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.db import sessions
from app.models.scope import PARTNER_SCOPES
from app.models.spent_id import RETURNED, SpentId
from app.models.token import Token
from app.oauth import store
from app.oauth.bearer import read_partner
from app.settings import settings
from app.signin import session
from app.web import errors
from app.web.guard import Guard
from tests import factories
from tests.oauth.dance import DATA, Dance, refusal
from tests.oauth.proofs import Signer
from tests.oauth.test_bearer import refused
from tests.oauth.test_dpop import said
from tests.pages import Browser

DEAD = {"active": False}
ALL = " ".join(PARTNER_SCOPES)


def asks(dance: Dance, **sent: Any) -> Any:
    return dance.posts({"grant_type": "client_credentials"}, **sent)


def token(dance: Dance, **sent: Any) -> str:
    answered = asks(dance, **sent)
    assert answered.status_code == 200, answered.text
    return str(answered.json()["access_token"])


def looks_at(dance: Dance, of: str, **sent: Any) -> Any:
    return dance.posts({"token": of}, path="/oauth/introspect", **sent).json()


def members(of: str, number: int = 1) -> dict[str, Any]:
    text = of.split(".")[number]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def _partner_routes() -> TestClient:
    """The smallest partner API: one route that needs the scope `partner`."""
    app = FastAPI()
    errors.install(app, session.known)

    @app.get("/data")
    async def data(request: Request) -> dict[str, str]:
        access = await read_partner(request)
        access.require("partner")
        return {"client_id": access.client_id, "partner": str(access.partner_id), "app": str(access.app_id)}

    return TestClient(Guard(app), base_url=settings.issuer)


PARTNER = _partner_routes()


def opens(of: str, **headers: str) -> Any:
    return PARTNER.get("/data", headers={"authorization": f"Bearer {of}"} | headers)


def test_47_a_partner_gets_a_short_token_for_itself_and_nothing_to_refresh(dance: Dance) -> None:
    answered = asks(dance)
    body = answered.json()
    assert answered.headers["cache-control"] == "no-store"
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, ALL)
    claims = members(body["access_token"])
    assert claims.pop("exp") - claims.pop("iat") == 600
    assert len(claims.pop("jti")) >= 16
    assert claims == {
        "iss": settings.issuer,
        "sub": dance.app.client_id,
        "client_id": dance.app.client_id,
        "aud": settings.issuer,
        "scope": ALL,
    }
    with sessions.read() as db:
        assert db.scalar(select(func.count()).select_from(Token)) == 0, "making one writes nothing"


def test_47_our_published_key_verifies_it(dance: Dance) -> None:
    keys = KeySet.import_key_set(dance.programs.get("/oauth/jwks").json())
    decoded = joserfc_jwt.decode(token(dance), keys, algorithms=["ES256"])
    assert (decoded.header["typ"], decoded.header["alg"]) == ("at+jwt", "ES256")
    assert decoded.claims["client_id"] == dance.app.client_id


@pytest.mark.parametrize("scope", PARTNER_SCOPES)
def test_47_a_scope_may_be_named(dance: Dance, scope: str) -> None:
    assert asks(dance, scope=scope).json()["scope"] == scope
    assert asks(dance, scope=f"{scope} {scope}").json()["scope"] == scope


@pytest.mark.parametrize("scope", ["school", "partner school", "openid", "offline_access", "x", " "])
def test_47_never_school_data(dance: Dance, scope: str) -> None:
    assert refusal(asks(dance, scope=scope)) == (400, "invalid_scope")
    assert asks(dance).status_code == 200


def test_47_a_public_app_is_refused(server: ASGIApp, browser: Browser, dance: Dance) -> None:
    public = Dance(server, browser, urn=100002, name="Public", auth_method="none")
    assert refusal(asks(public)) == (400, "unauthorized_client")
    assert refusal(asks(dance, auth=None)) == (401, "invalid_client")
    assert asks(dance).status_code == 200


def test_47_another_resource_is_refused(dance: Dance) -> None:
    assert refusal(asks(dance, resource="https://other.example")) == (400, "invalid_target")
    assert asks(dance, resource=settings.issuer).status_code == 200


def test_47_it_opens_no_data_route(dance: Dance) -> None:
    made = token(dance)
    assert refused(dance.reads(made)) == (403, "insufficient_scope")
    assert opens(made).json() == {
        "client_id": dance.app.client_id,
        "partner": str(dance.app.partner_id),
        "app": str(dance.app.id),
    }
    assert dance.reads(dance.tokens()["access_token"]).status_code == 200


def test_47_a_schools_token_opens_no_partner_route(dance: Dance) -> None:
    tokens = dance.tokens()
    assert refused(opens(tokens["access_token"])) == (403, "insufficient_scope")
    assert refused(opens(tokens["refresh_token"])) == (401, "invalid_token")
    assert refused(opens(token(dance, scope="grant_management_query"))) == (403, "insufficient_scope")
    assert opens(token(dance, scope="partner")).status_code == 200


def test_60_introspection_describes_it(dance: Dance) -> None:
    made = token(dance)
    described, claims = looks_at(dance, made), members(made)
    assert described == claims | {"active": True, "token_type": "Bearer"}
    with sessions.begin() as db:
        other, secret = factories.app(db, "Other App")
    assert looks_at(dance, made, auth=(other.client_id, secret)) == DEAD


def test_59_given_back_it_is_dead_everywhere(dance: Dance) -> None:
    made, stays = token(dance), token(dance)
    assert opens(made).status_code == 200
    with sessions.begin() as db:
        other, secret = factories.app(db, "Other App")
    answered = dance.posts({"token": made}, path="/oauth/revoke", auth=(other.client_id, secret))
    assert refusal(answered) == (400, "invalid_grant")
    assert opens(made).status_code == 200
    for _ in range(2):
        assert dance.posts({"token": made}, path="/oauth/revoke").status_code == 200
    assert refused(opens(made)) == (401, "invalid_token")
    assert refused(dance.reads(made)) == (401, "invalid_token")
    assert looks_at(dance, made) == DEAD
    assert opens(stays).status_code == 200
    with sessions.read() as db:
        kept = db.scalars(select(SpentId.expires_at).where(SpentId.purpose == RETURNED)).all()
    assert [int(until.timestamp()) for until in kept] == [members(made)["exp"] + 1]


def test_59_given_back_elsewhere_it_is_dead_within_a_second(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(store, "clock", lambda: clock[0])
    made = token(dance)
    assert opens(made).status_code == 200
    seen = sessions.withdrawals
    assert dance.posts({"token": made}, path="/oauth/revoke").status_code == 200
    monkeypatch.setattr(sessions, "withdrawals", seen)  # as if another process had done it
    clock[0] += 0.79
    assert opens(made).status_code == 200
    clock[0] += 0.02
    assert refused(opens(made)) == (401, "invalid_token")


def test_48_with_a_proof_it_is_bound_to_the_key(dance: Dance) -> None:
    key = Signer()
    answered = asks(dance, headers=key.proves()).json()
    made = answered["access_token"]
    assert answered["token_type"] == "DPoP"
    assert members(made)["cnf"] == {"jkt": key.thumbprint}
    described = looks_at(dance, made)
    assert (described["token_type"], described["cnf"]) == ("DPoP", {"jkt": key.thumbprint})
    assert said(opens(made)) == (401, "invalid_token")
    assert said(PARTNER.get("/data", headers=Signer().proves(made))) == (401, "invalid_token")
    assert said(DATA.get("/data", headers=Signer().proves(made))) == (401, "invalid_token")
    assert said(DATA.get("/data", headers=key.proves(made))) == (403, "insufficient_scope")
    assert PARTNER.get("/data", headers=key.proves(made)).status_code == 200


def test_70_a_partner_route_says_what_it_wants(dance: Dance) -> None:
    for answered in (PARTNER.get("/data"), PARTNER.get("/data", headers={"authorization": "Basic YTpi"})):
        assert answered.status_code == 401 and "error" not in answered.json()
        header = answered.headers["www-authenticate"]
        assert header.startswith('Bearer realm="Gatehouse"') and ', DPoP algs="' in header
    assert opens(token(dance)).status_code == 200
