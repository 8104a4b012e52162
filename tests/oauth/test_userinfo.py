"""protocol.md 61: userinfo by GET and POST, and what it tells to whom."""

import datetime as dt
from typing import Any

import pytest
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import Account
from app.models.authorisation import REVOKED, Authorisation
from app.models.base import now
from app.models.school import SUSPENDED, UNVERIFIED, VERIFIED, School
from tests.oauth.dance import Dance, refusal
from tests.oauth.oidc import agrees, signs_in_to, site, told, userinfo
from tests.pages import Browser

EVERYTHING = "openid profile email"


@pytest.fixture
def dance(server: ASGIApp, browser: Browser) -> Dance:
    made = site(server, browser)
    made.signs_in()
    return made


def changed(kind: Any, key: Any, **values: Any) -> None:
    """Change a row as somebody elsewhere would; this process is told at once, as it would be within a second."""
    with sessions.begin() as db:
        row = db.get_one(kind, key)
        for name, value in values.items():
            setattr(row, name, value)
        db.info["withdrawn"] = True


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_61_userinfo_answers_get_and_post(dance: Dance, method: str) -> None:
    agrees(dance, "school", "openid", "profile", "email")
    tokens = signs_in_to(dance, scope=EVERYTHING)

    answered = userinfo(dance, tokens["access_token"], method)

    assert answered.status_code == 200 and answered.headers["cache-control"] == "no-store"
    assert answered.json() == {
        "sub": told(dance, tokens["id_token"])["sub"],
        "name": dance.admin.name,
        "email": dance.admin.email,
        "email_verified": True,
    }


def test_61_each_scope_opens_its_claims_and_no_others(dance: Dance) -> None:
    agrees(dance, "school", "openid", "profile", "email")
    for scope, names in (
        ("openid", {"sub"}),
        ("openid profile", {"sub", "name"}),
        ("openid email", {"sub", "email", "email_verified"}),
    ):
        assert set(userinfo(dance, signs_in_to(dance, scope=scope)["access_token"]).json()) == names


@pytest.mark.parametrize("scope", ["school", "profile"])
def test_61_without_openid_it_is_forbidden(dance: Dance, scope: str) -> None:
    agrees(dance, "school", "openid", "profile")
    token = dance.tokens(scope=scope)["access_token"] if scope == "school" else signs_in_to(dance, scope=scope)
    refused = userinfo(dance, token if isinstance(token, str) else token["access_token"])
    assert refusal(refused) == (403, "insufficient_scope")
    assert 'scope="openid"' in refused.headers["www-authenticate"]
    assert userinfo(dance, signs_in_to(dance)["access_token"]).status_code == 200


def test_61_a_token_elsewhere_than_in_the_header_is_refused(dance: Dance) -> None:
    token = signs_in_to(dance)["access_token"]
    unnamed = userinfo(dance, "")
    assert unnamed.status_code == 401 and "error=" not in unnamed.headers["www-authenticate"]
    for more in ({"data": {"access_token": token}}, {"params": {"access_token": token}}):
        assert refusal(userinfo(dance, "", "POST", **more)) == (400, "invalid_request")
        assert refusal(userinfo(dance, token, "POST", **more)) == (400, "invalid_request")
    assert refusal(userinfo(dance, token + "x")) == (401, "invalid_token")
    assert userinfo(dance, token, "PUT").headers["allow"] == "GET, POST"
    assert userinfo(dance, token, "POST").status_code == 200
    assert userinfo(dance, token, "POST", data={"colour": "green"}).status_code == 200


def test_61_a_session_cookie_means_nothing_to_it(dance: Dance) -> None:
    assert dance.browser.client.get("/oauth/userinfo").status_code == 401


@pytest.mark.parametrize("what", ["paused", "unverified"])
def test_name_and_address_wait_while_the_school_does_and_sub_stays(dance: Dance, what: str) -> None:
    yes = agrees(dance, "school", "openid", "profile", "email")
    token = signs_in_to(dance, scope=EVERYTHING)["access_token"]
    tomorrow = now().date() + dt.timedelta(days=1)
    if what == "paused":
        changed(Authorisation, yes.id, paused_at=now(), resumes_on=tomorrow)
    else:
        changed(School, dance.school.id, status=UNVERIFIED)

    assert set(userinfo(dance, token).json()) == {"sub"}

    changed(Authorisation, yes.id, paused_at=None)
    changed(School, dance.school.id, status=VERIFIED)
    assert set(userinfo(dance, token).json()) == {"sub", "name", "email", "email_verified"}


def test_a_revoked_authorisation_ends_its_tokens_here_too(dance: Dance) -> None:
    yes = agrees(dance, "school", "openid", "profile")
    named, bare = signs_in_to(dance, scope="openid profile"), signs_in_to(dance)
    with sessions.begin() as db:
        db.get_one(Authorisation, yes.id).end(db, REVOKED, dance.admin.id)
    assert refusal(userinfo(dance, named["access_token"])) == (401, "invalid_token")
    assert set(userinfo(dance, bare["access_token"]).json()) == {"sub"}, "no school ever backed this one"


def test_a_school_that_is_not_in_good_standing_tells_nothing(dance: Dance) -> None:
    agrees(dance, "school", "openid", "profile")
    token = signs_in_to(dance, scope="openid profile")["access_token"]
    changed(School, dance.school.id, status=SUSPENDED)
    assert refusal(userinfo(dance, token)) == (401, "invalid_token")
    changed(School, dance.school.id, status=VERIFIED)
    assert userinfo(dance, token).json()["name"]


def test_a_name_that_changed_is_told_as_it_is_now(dance: Dance) -> None:
    agrees(dance, "openid", "profile")
    token = signs_in_to(dance, scope="openid profile")["access_token"]
    before = userinfo(dance, token).json()
    changed(Account, dance.admin.id, name="Sam Newname")
    after = userinfo(dance, token).json()
    assert (before["sub"], "Sam Newname") == (after["sub"], after["name"])
