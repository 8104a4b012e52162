"""protocol.md 65: an app asks that its person be signed out."""

import asyncio
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import update
from starlette.types import ASGIApp

from app.db import sessions
from app.models.base import ago, now
from app.models.partner import App
from app.models.signing_key import SigningKey
from app.oauth import jose
from tests.oauth.dance import Dance
from tests.oauth.oidc import colleague, signs_in_to, silent, site, told
from tests.pages import Browser

HOME = "https://partner.example/bye"


@pytest.fixture
def dance(server: ASGIApp, browser: Browser) -> Dance:
    made = site(server, browser, post_logout_redirect_uris=[HOME, f"{HOME}?tenant=7"])
    made.signs_in()
    return made


def hint(dance: Dance) -> str:
    return str(signs_in_to(dance)["id_token"])


def leaves(dance: Dance, method: str = "GET", **asked: Any) -> Any:
    """The answer of the endpoint itself: for a post, that of the GET that it is turned into."""
    client = dance.browser.client
    if method == "GET":
        return client.get("/oauth/logout", params=asked)
    foreign = {"sec-fetch-site": "cross-site", "origin": "https://partner.example"}
    turned = client.post("/oauth/logout", data=asked, headers=foreign)
    assert turned.status_code == 303 and "set-cookie" not in turned.headers
    return client.get(turned.headers["location"])


def asks_first(answered: Any) -> bool:
    """The page with the button, and nothing else: no redirect, nobody signed out."""
    assert answered.status_code == 200 and "location" not in answered.headers, answered.headers.get("location")
    return "Sign out of Gatehouse?" in answered.text and 'action="/sign-out"' in answered.text


def is_signed_in(dance: Dance) -> bool:
    return "code" in silent(dance)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_65_a_valid_hint_signs_out_and_leads_home(dance: Dance, method: str) -> None:
    asked = {"id_token_hint": hint(dance), "post_logout_redirect_uri": HOME, "state": "a b&c=ü/?"}
    assert is_signed_in(dance)

    answered = leaves(dance, method, **asked)

    assert answered.status_code == 303
    assert answered.headers["location"] == f"{HOME}?state=a%20b%26c%3D%C3%BC%2F%3F"
    assert silent(dance)["error"] == "login_required"
    again = leaves(dance, method, **asked)
    assert again.headers["location"].startswith(HOME), "nobody is signed in any more, which is what was wanted"


def test_65_the_address_is_as_registered_and_gets_a_state_only_if_one_came(dance: Dance) -> None:
    asked = {"id_token_hint": hint(dance), "client_id": dance.app.client_id}
    assert leaves(dance, post_logout_redirect_uri=HOME, **asked).headers["location"] == HOME
    other = f"{HOME}?tenant=7"
    with_state = leaves(dance, post_logout_redirect_uri=other, state="x", **asked)
    assert with_state.headers["location"] == f"{other}&state=x"


@pytest.mark.parametrize("how", ["expired", "by a key that has ended"])
def test_65_an_old_hint_counts(dance: Dance, how: str) -> None:
    old = hint(dance)
    if how == "expired":
        old = asyncio.run(jose.sign(told(dance, old) | {"exp": int(time.time()) - 10_000_000}, "JWT"))
    else:
        with sessions.begin() as db:
            db.execute(update(SigningKey).values(ends_at=ago(1)))
    try:
        answered = leaves(dance, id_token_hint=old, post_logout_redirect_uri=HOME)
        assert answered.headers["location"] == HOME
    finally:
        with sessions.begin() as db:
            db.execute(update(SigningKey).values(ends_at=None))
    assert silent(dance)["error"] == "login_required"


@pytest.mark.parametrize(
    "address",
    [
        f"{HOME}/",
        f"{HOME}?tenant=8",
        "https://partner.example/callback",
        "https://evil.example/bye",
        f"{HOME}#x",
        "//partner.example/bye",
        "javascript:alert(1)",
    ],
)
def test_65_an_unregistered_address_gets_the_page(dance: Dance, address: str) -> None:
    mine = hint(dance)
    for method in ("GET", "POST"):
        assert asks_first(leaves(dance, method, id_token_hint=mine, post_logout_redirect_uri=address))
    assert is_signed_in(dance)
    assert leaves(dance, id_token_hint=mine, post_logout_redirect_uri=HOME).headers["location"] == HOME


def test_65_no_hint_or_a_false_one_gets_the_page(server: ASGIApp, browser: Browser, dance: Dance) -> None:
    mine = hint(dance)
    claims = told(dance, mine)
    false: dict[str, dict[str, Any]] = {
        "nothing": {},
        "no hint": {"post_logout_redirect_uri": HOME, "client_id": dance.app.client_id},
        "forged": {"id_token_hint": mine[:-4] + "AAAA"},
        "unsigned": {"id_token_hint": f"eyJhbGciOiJub25lIn0.{mine.split('.')[1]}."},
        "another kind": {"id_token_hint": asyncio.run(jose.sign(claims, "at+jwt"))},
        "another app": {"id_token_hint": mine, "client_id": "app_other"},
        "an app that is gone": {"id_token_hint": asyncio.run(jose.sign(claims | {"aud": "app_gone"}, "JWT"))},
        "an access token": {"id_token_hint": signs_in_to(dance)["access_token"]},
    }
    for what, asked in false.items():
        assert asks_first(leaves(dance, **({"post_logout_redirect_uri": HOME} | asked))), what
    twice = f"?{urlencode({'id_token_hint': mine})}&{urlencode({'id_token_hint': mine})}"
    assert asks_first(browser.client.get(f"/oauth/logout{twice}"))
    assert is_signed_in(dance)
    assert leaves(dance, id_token_hint=mine, post_logout_redirect_uri=HOME).headers["location"] == HOME


def test_65_nobody_is_signed_out_by_somebody_elses_hint(dance: Dance) -> None:
    mine = hint(dance)
    dance.signs_in(colleague(dance))
    assert asks_first(leaves(dance, id_token_hint=mine, post_logout_redirect_uri=HOME))
    assert is_signed_in(dance)
    dance.browser.opens(f"/oauth/logout?{urlencode({'id_token_hint': mine})}")
    dance.browser.presses("Sign out")
    assert dance.browser.left_to == "", "the button leads nowhere else"
    assert silent(dance)["error"] == "login_required"


def test_65_a_suspended_app_leads_nobody_anywhere(dance: Dance) -> None:
    mine = hint(dance)
    with sessions.begin() as db:
        db.get_one(App, dance.app.id).suspended_at = now()
    assert asks_first(leaves(dance, id_token_hint=mine, post_logout_redirect_uri=HOME))


def test_without_an_address_the_page_says_that_it_is_done(dance: Dance) -> None:
    dance.browser.opens(f"/oauth/logout?{urlencode({'id_token_hint': hint(dance)})}")
    assert dance.browser.title == "You are signed out of Gatehouse"
    assert "Reading Room" in dance.browser.text and dance.admin.name not in dance.browser.text
    assert silent(dance)["error"] == "login_required"
    dance.browser.opens("/oauth/logout")
    assert "Nobody is signed in" in dance.browser.text


def test_65_what_is_no_form_is_refused(dance: Dance) -> None:
    assert dance.browser.client.post("/oauth/logout", json={}).status_code == 400
    assert dance.browser.client.post("/oauth/logout", data={"state": "x" * 30_000}).status_code == 400
    assert dance.browser.client.post("/oauth/logout", data={"state": "x"}).status_code == 303
