"""protocol.md 35 and 41: an app proves who it is in the one way that it is registered for."""

import base64
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.db import sessions, withdrawn
from app.models.base import now
from app.models.partner import App, AppSecret
from app.oauth import client_auth, token
from app.secrets import digest, new_secret
from app.settings import settings
from app.web import throttle
from tests import factories
from tests.oauth.dance import Dance, refusal
from tests.pages import Browser


def basic(pair: bytes | str) -> dict[str, str]:
    raw = pair.encode() if isinstance(pair, str) else pair
    return {"authorization": f"Basic {base64.b64encode(raw).decode()}"}


def is_unknown(answered: Any) -> bool:
    assert refusal(answered) == (401, "invalid_client")
    challenge = str(answered.headers.get("www-authenticate", ""))
    return challenge.startswith("Basic ") or "authorization" not in answered.request.headers


def test_35_a_replay_without_authentication_leaves_the_victims_tokens_alone(dance: Dance) -> None:
    code = dance.code()
    tokens = dance.redeems(code).json()

    assert is_unknown(dance.redeems(code, auth=None))
    assert is_unknown(dance.redeems(code, auth=None, client_id=dance.app.client_id))
    assert is_unknown(dance.redeems(code, auth=(dance.app.client_id, "gh_cs_wrong")))

    assert dance.reads(tokens["access_token"]).status_code == 200
    assert dance.refreshes(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        {"authorization": "Basic"},
        {"authorization": "Basic "},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic YQ"},
        {"authorization": "Bearer gh_at_x"},
        {"authorization": "Negotiate abc"},
        {"authorization": ""},
        basic("no colon"),
        basic(b"\xff\xfe:x"),
        basic("%ff:x"),
        basic("%00:x"),
        basic(":"),
        basic("a:b" * 5000),
    ],
)
def test_41_a_bad_authorization_header_is_401_and_says_what_is_wanted(dance: Dance, header: dict[str, str]) -> None:
    code = dance.code()
    assert is_unknown(dance.redeems(code, auth=None, headers=header))
    assert dance.redeems(code).status_code == 200


def test_41_id_and_secret_are_form_encoded_in_the_header(dance: Dance) -> None:
    client_id, secret = dance.app.client_id.replace("_", "%5F"), dance.secret.replace("_", "%5f")
    answered = dance.redeems(dance.code(), auth=None, headers=basic(f"{client_id}:{secret}"))
    assert answered.status_code == 200


def test_41_two_methods_at_once_are_refused(dance: Dance) -> None:
    code = dance.code()
    twice = [("authorization", basic(f"{dance.app.client_id}:{dance.secret}")["authorization"])] * 2
    for answered in (
        dance.redeems(code, client_secret=dance.secret),
        dance.redeems(code, client_id=dance.app.client_id, client_secret=dance.secret),
        dance.redeems(code, client_assertion="x", client_assertion_type="y"),
        dance.redeems(code, client_id="another"),
        dance.redeems(code, auth=None, headers=twice),
    ):
        assert refusal(answered) == (400, "invalid_request")
    assert dance.redeems(code, client_id=dance.app.client_id).status_code == 200, "the same id twice is one method"


@pytest.mark.parametrize("registered", ["client_secret_basic", "client_secret_post", "none", "private_key_jwt"])
def test_41_the_registered_method_is_enforced(server: ASGIApp, browser: Browser, registered: str) -> None:
    dance = Dance(server, browser, auth_method=registered)
    code = dance.code()
    me = {"client_id": dance.app.client_id}
    ways: dict[str, dict[str, Any]] = {
        "client_secret_basic": {"auth": (dance.app.client_id, dance.secret)},
        "client_secret_post": {"auth": None, **me, "client_secret": dance.secret},
        "none": {"auth": None, **me},
    }
    for way, sent in ways.items():
        if way != registered:
            assert is_unknown(dance.redeems(code, **sent))
    if registered in ways:
        assert dance.redeems(code, **ways[registered]).status_code == 200


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_41_a_blank_secret_never_authenticates(server: ASGIApp, browser: Browser, method: str) -> None:
    dance = Dance(server, browser, auth_method=method)
    with sessions.begin() as db:
        db.add(AppSecret(app_id=dance.app.id, digest=digest("")))
    code = dance.code()
    assert is_unknown(dance.redeems(code, auth=(dance.app.client_id, "")))
    assert is_unknown(dance.redeems(code, auth=None, client_id=dance.app.client_id, client_secret=""))
    assert dance.redeems(code).status_code == 200


def test_both_secrets_work_while_one_replaces_the_other(dance: Dance) -> None:
    second = new_secret("gh_cs")
    with sessions.begin() as db:
        db.add(AppSecret(app_id=dance.app.id, digest=digest(second)))
    assert dance.redeems(dance.code(), auth=(dance.app.client_id, second)).status_code == 200
    with sessions.begin() as db:
        db.get_one(AppSecret, digest(dance.secret)).ended_at = now()
        withdrawn(db)
    code = dance.code()
    assert is_unknown(dance.redeems(code))
    assert dance.redeems(code, auth=(dance.app.client_id, second)).status_code == 200


def test_another_apps_secret_is_no_key(dance: Dance) -> None:
    with sessions.begin() as db:
        _, other = factories.app(db, "Other App")
    code = dance.code()
    assert is_unknown(dance.redeems(code, auth=(dance.app.client_id, other)))
    assert dance.redeems(code).status_code == 200


def test_too_many_failures_are_429_for_that_app_from_that_network(
    dance: Dance, server: ASGIApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (client_auth.FAILURES_A_MINUTE, client_auth._failures._most, client_auth._failures._seconds) == (
        100,
        100,
        60,
    )
    monkeypatch.setattr(client_auth._failures, "_most", 3)
    with sessions.begin() as db:
        other, secret = factories.app(db, "Other App")
    code = dance.code()
    for _ in range(3):
        assert is_unknown(dance.redeems(code, auth=(dance.app.client_id, "gh_cs_wrong")))
    for path in ("/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/par"):
        refused = dance.posts({"token": "x"}, path=path, auth=(dance.app.client_id, "gh_cs_wrong"))
        assert refusal(refused) == (429, "temporarily_unavailable")
        assert 0 < int(refused.headers["retry-after"]) <= 61
    assert dance.posts({"token": "x"}, path="/oauth/revoke", auth=(other.client_id, secret)).status_code == 200
    elsewhere = TestClient(server, base_url=settings.issuer, client=("192.0.2.7", 50000))
    guess = (dance.app.client_id, "gh_cs_wrong")
    assert is_unknown(elsewhere.post("/oauth/revoke", data={"token": "x"}, auth=guess))
    assert dance.redeems(code).status_code == 200, "whoever has the secret is not locked out by those who guess it"


def test_strangers_who_fail_too_often_as_a_public_app_wait(
    server: ASGIApp, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    dance = Dance(server, browser, auth_method="none")
    monkeypatch.setattr(token._failures, "_most", 3)
    code = dance.code()
    for _ in range(3):
        assert refusal(dance.redeems("gh_ac_x")) == (400, "invalid_grant")
    assert refusal(dance.redeems("gh_ac_x")) == (429, "temporarily_unavailable")
    throttle.forget_all()
    assert dance.redeems(code).status_code == 200


def test_authenticating_as_one_should_never_counts(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_auth._failures, "_most", 2)
    for _ in range(10):
        assert dance.posts({"token": "x"}, path="/oauth/revoke").status_code == 200
        assert refusal(dance.posts({"grant_type": "refresh_token"}))[1] == "invalid_request"
    assert is_unknown(dance.posts({"token": "x"}, path="/oauth/revoke", auth=(dance.app.client_id, "wrong")))
    assert dance.posts({"token": "x"}, path="/oauth/revoke").status_code == 200


def test_a_suspended_app_gets_nothing_from_the_next_moment_on(dance: Dance) -> None:
    code, tokens = dance.code(), dance.tokens()
    with sessions.begin() as db:
        db.get_one(App, dance.app.id).suspended_at = now()
        withdrawn(db)
    assert is_unknown(dance.redeems(code))
    assert is_unknown(dance.refreshes(tokens["refresh_token"]))
    assert dance.reads(tokens["access_token"]).status_code == 401
    with sessions.begin() as db:
        db.get_one(App, dance.app.id).suspended_at = None
        withdrawn(db)
    assert dance.refreshes(tokens["refresh_token"]).status_code == 200


def test_41_a_right_secret_by_the_wrong_way_is_told_the_right_way(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, auth_method="client_secret_post")

    told = dance.posts({"grant_type": "client_credentials"}, auth=(dance.app.client_id, dance.secret))

    assert refusal(told) == (401, "invalid_client")
    assert "client_secret_post" in told.json()["error_description"]
    guessed = dance.posts({"grant_type": "client_credentials"}, auth=(dance.app.client_id, "guessed"))
    assert "client_secret_post" not in guessed.json()["error_description"]
    assert dance.posts({"grant_type": "client_credentials"}).status_code == 200


def test_41_a_challenge_answers_a_try_by_header_and_no_other(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, auth_method="client_secret_post")
    wrong = {"grant_type": "client_credentials", "client_id": dance.app.client_id, "client_secret": "wrong"}

    assert "www-authenticate" not in dance.posts(wrong, auth=None).headers
    assert "www-authenticate" in dance.posts(wrong, auth=None, client_id=None, client_secret=None).headers
    assert dance.posts({"grant_type": "client_credentials"}).status_code == 200
