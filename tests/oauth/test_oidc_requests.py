"""What an OpenID Connect request may say, and what it does. protocol.md 17, 18, 19, 64."""

import asyncio
import time
from typing import Any

import pytest
from sqlalchemy import update
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import Session
from app.models.base import ago
from app.oauth import jose
from app.settings import settings
from tests import factories
from tests.oauth.dance import Dance, is_page, sent_back, signs_in, types_everything
from tests.oauth.oidc import agrees, colleague, signs_in_to, silent, site, told
from tests.pages import Browser


@pytest.fixture
def dance(server: ASGIApp, browser: Browser) -> Dance:
    return site(server, browser)


def test_17_prompt_none_answers_at_once(dance: Dance) -> None:
    assert silent(dance)["error"] == "login_required"
    dance.signs_in()
    assert "code" in silent(dance)
    assert silent(dance, scope="openid profile")["error"] == "consent_required"
    assert silent(dance, scope="openid school")["error"] == "consent_required"
    agrees(dance, "school", "openid", "profile")
    assert "code" in silent(dance, scope="openid profile")
    assert "code" in silent(dance, scope="openid school")


@pytest.mark.parametrize("prompt", ["none login", "none consent", "create", "Login", "login\tnone", "none none none x"])
def test_17_prompts_that_make_no_sense_are_refused(dance: Dance, prompt: str) -> None:
    if "none" not in prompt:
        assert is_page(dance.asks(scope="openid", prompt=prompt))
    dance.signs_in()
    assert sent_back(dance.asks(scope="openid", prompt=prompt))["error"] == "invalid_request"
    assert "code" in silent(dance)


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
def test_18_prompt_login_and_select_account_want_one_sign_in(dance: Dance, prompt: str) -> None:
    dance.signs_in()
    with sessions.begin() as db:
        db.execute(update(Session).values(signed_in_at=ago(100)))
    before = told(dance, signs_in_to(dance)["id_token"])["auth_time"]

    dance.opens(scope="openid", prompt=prompt)

    assert dance.browser.title == "Sign in again"
    dance.browser.follows("Sign in")
    types_everything(dance.browser, dance.admin)
    tokens = dance.redeems(dance.answered()["code"]).json()
    assert told(dance, tokens["id_token"])["auth_time"] > before


def test_18_an_elapsed_max_age_wants_one_too(dance: Dance) -> None:
    dance.signs_in()
    with sessions.begin() as db:
        db.execute(update(Session).values(signed_in_at=ago(100)))
    assert silent(dance, max_age="50")["error"] == "login_required"
    assert "code" in silent(dance, max_age="500")
    dance.opens(scope="openid", max_age="50")
    assert dance.browser.title == "Sign in again"
    dance.browser.follows("Sign in")
    types_everything(dance.browser, dance.admin)
    claims = told(dance, dance.redeems(dance.answered()["code"]).json()["id_token"])
    assert time.time() - claims["auth_time"] < 50


def hint(dance: Dance) -> str:
    return str(signs_in_to(dance)["id_token"])


def test_19_a_hint_at_somebody_else_is_login_required(dance: Dance) -> None:
    dance.signs_in()
    mine = hint(dance)
    assert "code" in silent(dance, id_token_hint=mine)
    dance.signs_in(colleague(dance))
    assert silent(dance, id_token_hint=mine)["error"] == "login_required"
    assert "code" in silent(dance)


def test_19_with_a_page_the_hinted_person_is_waited_for(dance: Dance) -> None:
    dance.signs_in()
    mine = hint(dance)
    dance.signs_in(colleague(dance))

    dance.opens(scope="openid", id_token_hint=mine)

    assert dance.browser.title == "Sign in again" and "another Gatehouse account" in dance.browser.text
    assert dance.admin.name not in dance.browser.text and dance.admin.email not in dance.browser.text
    path = dance.browser.path
    with sessions.begin() as db:
        third = factories.admin(db, dance.school, role="IT")
    signs_in(dance.browser, third)
    dance.browser.opens(path)
    assert dance.browser.title == "Sign in again", "not just anybody else"
    dance.browser.follows("Sign in")
    types_everything(dance.browser, dance.admin)
    assert dance.answered()["code"]


def test_19_an_expired_hint_is_a_hint(dance: Dance) -> None:
    dance.signs_in()
    claims = told(dance, hint(dance)) | {"exp": int(time.time()) - 86_400}
    expired = asyncio.run(jose.sign(claims, "JWT"))
    assert "code" in silent(dance, id_token_hint=expired)
    dance.signs_in(colleague(dance))
    assert silent(dance, id_token_hint=expired)["error"] == "login_required"


def test_19_a_false_hint_is_refused(server: ASGIApp, browser: Browser, dance: Dance) -> None:
    dance.signs_in()
    mine = hint(dance)
    claims = told(dance, mine)
    other = site(server, browser, urn=100002)
    other.signs_in()
    false = {
        "not a token": "x",
        "cut short": mine[:-2],
        "another app's": hint(other),
        "another kind": asyncio.run(jose.sign(claims, "at+jwt")),
        "for several": asyncio.run(jose.sign(claims | {"aud": [dance.app.client_id]}, "JWT")),
        "another issuer's": asyncio.run(jose.sign(claims | {"iss": "https://other.example"}, "JWT")),
    }
    dance.signs_in()
    for what, token in false.items():
        assert silent(dance, id_token_hint=token)["error"] == "invalid_request", what
        assert sent_back(dance.asks(scope="openid", id_token_hint=token))["error"] == "invalid_request", what
    dance.browser.client.cookies.clear()
    for what, token in false.items():
        assert silent(dance, id_token_hint=token)["error"] == "invalid_request", what
        assert is_page(dance.asks(scope="openid", id_token_hint=token)), what
    assert silent(dance, id_token_hint=mine)["error"] == "login_required"
    dance.signs_in()
    assert "code" in silent(dance, id_token_hint=mine)


HARMLESS: list[dict[str, Any]] = [
    {"display": "popup"},
    {"display": "hologram"},
    {"ui_locales": "cy fr-CA tlh"},
    {"claims_locales": "cy"},
    {"login_hint": "somebody@madeup-primary.sch.example"},
    {"login_hint": "nobody@nowhere.example"},
    {"acr_values": "urn:gatehouse:acr:mfa urn:other"},
    {"claims": '{"id_token":{"email":{"essential":true}}}'},
    {"registration": "{}"},
    {"nonce": "x" * 2000},
]


@pytest.mark.parametrize("more", HARMLESS)
def test_64_what_means_nothing_here_changes_nothing(dance: Dance, more: dict[str, Any]) -> None:
    assert silent(dance, **more)["error"] == "login_required"
    dance.opens(scope="openid")
    page = dance.browser.text
    dance.opens(scope="openid", **more)
    assert dance.browser.text == page
    dance.signs_in()
    claims = told(dance, signs_in_to(dance, **more)["id_token"])
    assert "email" not in claims and "name" not in claims


def test_64_the_order_of_scopes_and_parameters_does_not_matter(dance: Dance) -> None:
    dance.signs_in()
    agrees(dance, "school", "openid", "profile", "email")
    for scope in ("openid profile email", "email profile openid", "profile openid openid email"):
        assert set(signs_in_to(dance, scope=scope)["scope"].split()) == {"openid", "profile", "email"}
    asked = dance.request(scope="openid", prompt="none")
    backwards = dict(reversed(asked.items()))
    assert "code" in sent_back(dance.browser.client.get("/oauth/authorize", params=backwards))


def test_the_metadata_say_what_is_on(dance: Dance) -> None:
    said = dance.programs.get("/.well-known/openid-configuration").json()
    assert said["userinfo_endpoint"] == f"{settings.issuer}/oauth/userinfo"
    assert said["end_session_endpoint"] == f"{settings.issuer}/oauth/logout"
    assert said["subject_types_supported"] == ["pairwise"]
    assert said["id_token_signing_alg_values_supported"] == ["ES256", "RS256"]
    assert {"openid", "profile", "email"} <= set(said["scopes_supported"])
    assert said["claims_parameter_supported"] is False and said["request_parameter_supported"] is False
    assert said["prompt_values_supported"] == ["none", "login", "consent", "select_account"]
    assert {"sub", "auth_time", "acr", "amr", "name", "email", "email_verified"} <= set(said["claims_supported"])
    resource = dance.programs.get("/.well-known/oauth-protected-resource").json()
    assert not {"openid", "profile", "email"} & set(resource["scopes_supported"])
