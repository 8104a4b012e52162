"""protocol.md 59: giving a token back (RFC 7009)."""

from typing import Any

from starlette.types import ASGIApp

from app.db import sessions
from tests import factories
from tests.oauth.dance import Dance, refusal
from tests.pages import Browser


def gives_back(dance: Dance, token: str | None, **changed: Any) -> Any:
    return dance.posts({"token": token} if token else {}, path="/oauth/revoke", **changed)


def test_59_an_access_token_goes_alone(dance: Dance) -> None:
    tokens = dance.tokens()
    assert dance.reads(tokens["access_token"]).status_code == 200
    answered = gives_back(dance, tokens["access_token"])
    assert (answered.status_code, answered.content, answered.headers["cache-control"]) == (200, b"", "no-store")
    assert dance.reads(tokens["access_token"]).status_code == 401
    assert dance.refreshes(tokens["refresh_token"]).status_code == 200


def test_59_a_refresh_token_takes_its_access_tokens_with_it(dance: Dance) -> None:
    other, first = dance.tokens(), dance.tokens()
    second = dance.refreshes(first["refresh_token"]).json()
    assert dance.reads(first["access_token"]).status_code == 200

    assert gives_back(dance, second["refresh_token"], token_type_hint="access_token").status_code == 200

    assert dance.reads(first["access_token"]).status_code == 401
    assert dance.reads(second["access_token"]).status_code == 401
    assert refusal(dance.refreshes(second["refresh_token"])) == (400, "invalid_grant")
    assert dance.reads(other["access_token"]).status_code == 200
    assert dance.reads(dance.tokens()["access_token"]).status_code == 200, "the school's yes is not touched"


def test_59_what_nobody_knows_is_answered_alike(dance: Dance) -> None:
    tokens = dance.tokens()
    for unknown in ("x", "gh_at_" + "a" * 49, "eyJhbGciOiJub25lIn0.e30.", tokens["access_token"] + "x"):
        assert gives_back(dance, unknown).status_code == 200
    assert gives_back(dance, tokens["access_token"]).status_code == 200
    assert gives_back(dance, tokens["access_token"]).status_code == 200, "again"
    assert refusal(gives_back(dance, None)) == (400, "invalid_request")
    assert dance.programs.get("/oauth/revoke").status_code == 405


def test_59_another_apps_token_is_refused_and_lives(dance: Dance) -> None:
    tokens = dance.tokens()
    with sessions.begin() as db:
        other, secret = factories.app(db, "Other App")
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert refusal(gives_back(dance, token, auth=(other.client_id, secret))) == (400, "invalid_grant")
        assert refusal(gives_back(dance, token, auth=None)) == (401, "invalid_client")
        assert refusal(gives_back(dance, token, auth=(dance.app.client_id, secret))) == (401, "invalid_client")
    assert dance.reads(tokens["access_token"]).status_code == 200
    assert dance.refreshes(tokens["refresh_token"]).status_code == 200


def test_a_public_app_may_give_its_tokens_back(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, auth_method="none")
    tokens = dance.tokens()
    assert gives_back(dance, tokens["refresh_token"]).status_code == 200
    assert dance.reads(tokens["access_token"]).status_code == 401
