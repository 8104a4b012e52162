"""OpenID Connect: what an app is told about the person who signs in. protocol.md 57, 62, 63, 67."""

import base64
import hashlib
import time
from typing import Any

import pytest
from sqlalchemy import update
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import Account, Membership, Session
from app.models.base import ago, now
from app.models.partner import App
from app.models.token import Token
from app.oauth import jose
from app.oauth import userinfo as endpoint
from app.settings import settings
from tests import factories
from tests.faults.storage import away, is_unavailable
from tests.oauth.dance import Dance, refusal, sent_back, signs_in
from tests.oauth.oidc import ALL, agrees, colleague, signs_in_to, silent, site, told, userinfo
from tests.pages import Browser


@pytest.fixture
def dance(server: ASGIApp, browser: Browser) -> Dance:
    made = site(server, browser)
    made.signs_in()
    return made


def test_62_the_id_token_says_who_signed_in_when_and_how(dance: Dance) -> None:
    tokens = signs_in_to(dance, nonce="n-0S6_WzA2Mj")

    claims = told(dance, tokens["id_token"])

    assert set(claims) == {"iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "at_hash", "nonce"}
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (settings.issuer, dance.app.client_id, "n-0S6_WzA2Mj")
    assert claims["exp"] - claims["iat"] == settings.id_token_seconds and abs(claims["iat"] - time.time()) < 10
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).decode().rstrip("=")
    assert claims["amr"] == ["pwd", "otp", "mfa"] and claims["acr"] == "urn:gatehouse:acr:mfa"


def test_62_auth_time_and_acr_are_the_truth_about_the_session(dance: Dance) -> None:
    signed_in_at = ago(1000)
    with sessions.begin() as db:
        db.execute(update(Session).values(signed_in_at=signed_in_at, methods=["pwd"]))

    claims = told(dance, signs_in_to(dance)["id_token"])

    assert claims["auth_time"] == int(signed_in_at.timestamp())
    assert claims["amr"] == ["pwd"] and claims["acr"] == "urn:gatehouse:acr:password"
    assert "nonce" not in claims, "none was sent"


def test_62_rs256_is_for_the_profile_oidc_alone(server: ASGIApp, browser: Browser, dance: Dance) -> None:
    told(dance, signs_in_to(dance)["id_token"], "ES256")
    legacy = site(server, browser, urn=100002, profile="oidc")
    legacy.signs_in()
    told(legacy, signs_in_to(legacy)["id_token"], "RS256")


def test_63_sub_is_opaque_and_the_same_for_one_partner_alone(server: ASGIApp, browser: Browser, dance: Dance) -> None:
    def sub(of: Dance) -> str:
        return str(told(of, signs_in_to(of)["id_token"])["sub"])

    with sessions.begin() as db:
        sibling, secret = factories.app(db, "Reading Room Two", scopes=ALL)
        db.get_one(App, sibling.id).partner_id = dance.app.partner_id
    other = site(server, browser, urn=100002)
    first, again, elsewhere = sub(dance), sub(dance), sub(other)
    assert first == again != elsewhere
    assert str(dance.admin.id) not in first and dance.admin.email not in first
    dance.app, dance.secret = sibling, secret
    assert sub(dance) == first, "another app of the same partner"
    with sessions.begin() as db:
        reader = factories.admin(db, dance.school, role="Read-only")
    dance.signs_in(reader)
    assert sub(dance) != first


@pytest.mark.parametrize("role", ["Admin", "DPO", "IT", "Read-only"])
def test_67_openid_alone_goes_straight_back_without_any_authorisation(dance: Dance, role: str) -> None:
    dance.signs_in(colleague(dance, role))

    tokens = signs_in_to(dance)

    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope", "id_token"}
    assert tokens["scope"] == "openid"
    with sessions.read() as db:
        rows = db.query(Token).all()
    assert [(row.purpose, row.authorisation_id) for row in rows] == [("access", None)]


def test_67_two_windows_of_one_app_both_get_home(dance: Dance) -> None:
    dance.opens(scope="school")
    waiting = dance.browser.path
    first, second = (sent_back(dance.asks(scope="openid"))["code"] for _ in range(2))
    assert "id_token" in dance.redeems(first).json() and "id_token" in dance.redeems(second).json()
    dance.browser.opens(waiting)
    dance.browser.presses("Authorise")
    assert dance.redeems(dance.answered()["code"]).json()["scope"] == "school", "nor is another request in the way"


def test_67_whoever_has_no_school_can_be_known_too(dance: Dance) -> None:
    with sessions.begin() as db:
        operator = factories.operator(db, "caller")
    dance.signs_in(operator)
    assert "id_token" in signs_in_to(dance)


def test_67_signing_in_on_the_way_ends_at_the_app(server: ASGIApp, browser: Browser) -> None:
    dance = site(server, browser)
    dance.opens(scope="openid")
    assert browser.title == "Sign in to Reading Room with Gatehouse"
    assert "read data" not in browser.text
    browser.follows("Sign in")
    browser.fills("Username or email address", dance.admin.email)
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Sign in")
    browser.fills("Code from your authenticator app", factories.code())
    browser.presses("Continue")
    assert told(dance, dance.redeems(dance.answered()["code"]).json()["id_token"])["amr"] == ["pwd", "otp", "mfa"]


def test_67_a_test_app_knows_people_of_test_schools_only(server: ASGIApp, browser: Browser) -> None:
    dance = site(server, browser, is_live=False)
    dance.signs_in()
    dance.opens(403, scope="openid")
    assert browser.title == "You cannot sign in to Reading Room yet"
    assert silent(dance)["error"] == "consent_required"
    dance.opens(403, scope="openid")
    browser.presses("Go back to Reading Room")
    assert dance.answered()["error"] == "access_denied"
    with sessions.begin() as db:
        db.merge(dance.school).is_test = True
    assert "id_token" in signs_in_to(dance)


def test_57_neither_an_id_token_nor_an_identity_token_opens_data(dance: Dance) -> None:
    tokens = signs_in_to(dance)
    refused = dance.reads(tokens["id_token"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    refused = dance.reads(tokens["access_token"])
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert userinfo(dance, tokens["id_token"]).status_code == 401
    assert dance.reads(dance.tokens()["access_token"]).status_code == 200


def test_an_id_token_comes_with_openid_alone_and_not_with_a_refresh(dance: Dance) -> None:
    assert "id_token" not in dance.tokens(scope="school")
    dance.signs_in()
    dance.opens(scope="school openid")
    dance.browser.presses("Authorise")
    tokens = dance.redeems(dance.answered()["code"]).json()
    assert tokens["scope"] == "school openid" and told(dance, tokens["id_token"])
    assert dance.reads(tokens["access_token"]).status_code == 200
    refreshed = dance.refreshes(tokens["refresh_token"]).json()
    assert refreshed["scope"] == "school openid" and "id_token" not in refreshed


def test_openid_is_told_to_the_school_and_is_no_choice_of_its(dance: Dance) -> None:
    dance.signs_in()
    dance.opens(scope="school openid")
    assert "Sign in with Gatehouse" in dance.browser.text
    dance.browser.presses("Authorise")
    tokens = dance.redeems(dance.answered()["code"]).json()
    assert tokens["scope"] == "school openid" and "id_token" in tokens
    assert "code" in silent(dance, scope="school openid")


def test_a_replayed_code_ends_the_identity_token(dance: Dance) -> None:
    dance.opens(scope="openid")
    code = dance.answered()["code"]
    token = dance.redeems(code).json()["access_token"]
    assert userinfo(dance, token).status_code == 200
    assert refusal(dance.redeems(code)) == (400, "invalid_grant")
    assert userinfo(dance, token).status_code == 401


def introspected(dance: Dance, token: str) -> dict[str, Any]:
    said: dict[str, Any] = dance.posts({"token": token}, path="/oauth/introspect").json()
    return said


def test_60_an_identity_token_is_introspected_without_a_school(dance: Dance) -> None:
    tokens = signs_in_to(dance)
    said = introspected(dance, tokens["access_token"])
    assert said["active"] is True and said["sub"] == told(dance, tokens["id_token"])["sub"]
    assert "grant_id" not in said and "school_status" not in said
    dance.posts({"token": tokens["access_token"]}, path="/oauth/revoke")
    assert introspected(dance, tokens["access_token"]) == {"active": False}


@pytest.mark.parametrize("what", ["app", "account"])
def test_an_identity_token_dies_with_its_app_and_its_person(dance: Dance, what: str) -> None:
    token = signs_in_to(dance)["access_token"]
    assert userinfo(dance, token).status_code == 200
    dance.opens(scope="openid")
    code = dance.answered()["code"]
    with sessions.begin() as db:
        if what == "app":
            db.get_one(App, dance.app.id).suspended_at = now()
        else:
            db.get_one(Account, dance.admin.id).ended_at = now()
        db.info["withdrawn"] = True

    assert userinfo(dance, token).status_code == 401
    assert dance.redeems(code).status_code in (400, 401)
    if what == "account":
        assert introspected(dance, token) == {"active": False}


def test_name_and_address_need_the_schools_yes(dance: Dance, other_browser: Browser) -> None:
    reader = colleague(dance)
    asked: dict[str, Any] = {"scope": "openid profile email"}
    dance.signs_in(reader)
    dance.opens(403, **asked)
    assert dance.browser.title == "Ask your Estab Admin" and "name or email address" in dance.browser.text
    assert silent(dance, **asked)["error"] == "consent_required"

    dance.signs_in(dance.admin)
    dance.opens(**asked)
    assert dance.browser.title == "Tell Reading Room who signs in?"
    dance.browser.ticks("Name of the person who signs in")
    dance.browser.presses("Authorise")
    tokens = dance.redeems(dance.answered()["code"]).json()
    assert tokens["scope"] == "openid profile" and "refresh_token" not in tokens and "grant_id" in tokens

    dance.signs_in(reader)
    tokens = signs_in_to(dance, **asked)
    assert tokens["scope"] == "openid profile", "what the school left out stays out"
    assert userinfo(dance, tokens["access_token"]).json()["name"] == "Rae Reader"
    assert "code" in silent(dance, **asked)


def test_an_admin_is_asked_once_and_then_goes_straight_back(dance: Dance) -> None:
    agrees(dance, "school", "openid", "profile")
    assert signs_in_to(dance, scope="openid profile")["scope"] == "openid profile"
    assert silent(dance, scope="openid profile email")["error"] == "consent_required"
    dance.opens(scope="openid profile email")
    assert dance.browser.title == "Tell Reading Room who signs in?", "email is new"
    dance.opens(scope="openid profile", prompt="consent")
    assert dance.browser.title == "Tell Reading Room who signs in?"
    dance.browser.presses("Authorise")
    assert dance.answered()["code"]


def test_whoever_belongs_to_two_schools_says_for_which_one(server: ASGIApp, browser: Browser) -> None:
    dance = site(server, browser)
    agrees(dance, "openid", "profile")
    reader = colleague(dance)
    with sessions.begin() as db:
        second = factories.school(db, 100002, "Verified")
        db.add(Membership(account_id=reader.id, school_id=second.id, role="IT"))
    signs_in(browser, reader)
    dance.opens(scope="openid profile")
    assert browser.title == "Which school do you sign in for?"
    browser.ticks(dance.school.name)
    browser.presses("Continue")
    assert dance.redeems(dance.answered()["code"]).json()["school"]["urn"] == dance.school.urn


def test_data_are_still_for_admins_only(dance: Dance) -> None:
    agrees(dance, "school", "openid", "profile")
    dance.signs_in(colleague(dance))
    dance.opens(403, scope="school openid")
    assert dance.browser.title == "Ask your Estab Admin"
    assert silent(dance, scope="school openid")["error"] == "consent_required"
    dance.signs_in(dance.admin)
    assert "code" in silent(dance, scope="school openid")


def test_66_without_the_keys_no_code_is_spent(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    dance.opens(scope="openid")
    code = dance.answered()["code"]
    with monkeypatch.context() as broken:
        broken.setattr(jose._ring._read, "_open_unit", away)
        jose._ring.forget()
        assert is_unavailable(dance.redeems(code))
        assert is_unavailable(dance.programs.get("/oauth/jwks"))
    assert "id_token" in dance.redeems(code).json()


def test_66_userinfo_without_storage_says_nothing(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    token = signs_in_to(dance)["access_token"]
    with monkeypatch.context() as broken:
        broken.setattr(endpoint._claims, "_open_unit", away)
        assert is_unavailable(userinfo(dance, token))
    assert userinfo(dance, token).status_code == 200
