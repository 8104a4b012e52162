"""protocol.md, PAR: 25 to 31 (RFC 9126)."""

from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import delete, select, update
from starlette.types import ASGIApp

from app.db import sessions
from app.models.base import ahead
from app.models.pushed_request import PushedRequest
from app.oauth import par
from tests import factories
from tests.oauth.dance import Dance, refusal
from tests.oauth.proofs import Keyed, brings, pushed, pushes
from tests.oauth.test_client_auth import is_unknown
from tests.pages import Browser

PATH = "/oauth/authorize"


def visits(browser: Browser, sent: dict[str, str]) -> Any:
    """The first answer to a browser that carries a reference."""
    return browser.client.get(f"{PATH}?{urlencode(sent)}")


def goes_on(response: Any) -> str:
    """Where a request waits for its person."""
    assert response.status_code == 303, response.text[:300]
    where = str(response.headers["location"])
    assert where.startswith(f"{PATH}/"), where
    return where


def kept() -> list[PushedRequest]:
    with sessions.read() as db:
        return list(db.scalars(select(PushedRequest)))


def test_25_a_push_is_answered_with_a_reference_that_nobody_can_guess(dance: Dance) -> None:
    answered = pushes(dance)
    assert (answered.status_code, answered.headers["cache-control"]) == (201, "no-store")
    body = answered.json()
    assert set(body) == {"request_uri", "expires_in"}
    assert body["request_uri"].startswith("urn:ietf:params:oauth:request_uri:gh_pr_")
    assert 0 < body["expires_in"] < 600
    assert body["request_uri"] != pushed(dance)
    assert body["request_uri"].encode() not in repr([row.__dict__ for row in kept()]).encode(), "stored as a digest"


def test_25_the_whole_dance_by_reference(dance: Dance) -> None:
    reference = pushed(dance, state="st-9")
    dance.signs_in()
    dance.browser.opens(f"{PATH}?{urlencode(brings(dance, reference))}")
    dance.browser.presses("Authorise")
    answered = dance.answered()
    assert answered["state"] == "st-9"
    assert dance.redeems(answered["code"]).status_code == 200


@pytest.mark.parametrize("method", ["client_secret_post", "none", "private_key_jwt"])
def test_26_every_app_pushes_by_its_own_method(server: ASGIApp, browser: Browser, method: str) -> None:
    kind = Keyed if method == "private_key_jwt" else Dance
    dance = kind(server, browser, auth_method=method)
    assert pushes(dance).status_code == 201
    assert is_unknown(pushes(dance, auth=(dance.app.client_id, dance.secret)))


def test_26_without_authentication_nothing_is_kept(dance: Dance) -> None:
    for auth in (None, (dance.app.client_id, "gh_cs_wrong"), ("app_nobody", dance.secret)):
        assert is_unknown(pushes(dance, auth=auth, client_id=None if auth else dance.app.client_id))
    assert not kept()
    assert pushes(dance).status_code == 201


def test_26_the_client_id_beside_the_header_is_the_same(dance: Dance) -> None:
    assert refusal(pushes(dance, client_id="app_other")) == (400, "invalid_request")
    assert pushes(dance, client_id=None).status_code == 201


def test_27_a_reference_is_not_pushed(dance: Dance) -> None:
    for address in (pushed(dance), "urn:ietf:params:oauth:request_uri:x", "https://partner.example/request.jwt"):
        assert refusal(pushes(dance, request_uri=address)) == (400, "invalid_request")
    assert refusal(pushes(dance, request="eyJhbGciOiJub25lIn0.e30."))[0] == 400
    assert pushes(dance).status_code == 201


def test_28_only_posts_of_a_bearable_size(dance: Dance) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        answered = dance.programs.request(method, "/oauth/par")
        assert (answered.status_code, answered.headers["allow"]) == (405, "POST")
    assert pushes(dance, nonce="x" * 1_000_001).status_code == 413
    assert refusal(pushes(dance, nonce="x" * 40_000)) == (400, "invalid_request")
    assert pushes(dance, nonce="x" * 1000).status_code == 201


def test_28_a_flood_is_429_for_that_app_alone(
    server: ASGIApp, browser: Browser, dance: Dance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (par.PUSHES_A_MINUTE, par._pushes._most, par._pushes._seconds) == (300, 300, 60)
    monkeypatch.setattr(par._pushes, "_most", 3)
    for _ in range(3):
        assert pushes(dance).status_code == 201
    flooded = pushes(dance)
    assert refusal(flooded) == (429, "temporarily_unavailable")
    assert 0 < int(flooded.headers["retry-after"]) <= 61
    other = Dance(server, browser, urn=100002, name="Other")
    assert pushes(other).status_code == 201


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/callback"}, "invalid_request"),
        ({"redirect_uri": "https://partner.example/callback/"}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "school everything"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"resource": "https://other.example"}, "invalid_target"),
    ],
)
def test_29_what_authorize_would_refuse_is_refused_at_once(dance: Dance, changed: dict[str, Any], error: str) -> None:
    assert refusal(pushes(dance, **changed)) == (400, error)
    assert not kept()
    assert pushes(dance).status_code == 201


def test_29_a_parameter_that_comes_twice_is_refused(dance: Dance) -> None:
    body = urlencode(dance.request()) + "&state=another"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    me = (dance.app.client_id, dance.secret)
    answered = dance.programs.post("/oauth/par", auth=me, content=body, headers=kind)
    assert refusal(answered) == (400, "invalid_request")
    assert refusal(dance.posts(dance.request(), path="/oauth/par?a=b")) == (400, "invalid_request")
    assert pushes(dance).status_code == 201


def test_old_pushes_are_cleared_away(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    for age, left in ((par.SECONDS - 10, 2), (par.SECONDS + 10, 1)):
        with sessions.begin() as db:
            db.execute(delete(PushedRequest))
        pushed(dance)
        with sessions.begin() as db:
            db.execute(update(PushedRequest).values(expires_at=ahead(par.SECONDS - age)))
        monkeypatch.setattr(par._sweep, "_last", -1e9)
        pushed(dance)
        assert len(kept()) == left


def test_a_push_for_another_partners_address_is_refused(dance: Dance) -> None:
    with sessions.begin() as db:
        other, _ = factories.app(db, "Other App", redirect_uris=["https://other.example/callback"])
    assert refusal(pushes(dance, redirect_uri=other.redirect_uris[0])) == (400, "invalid_request")
    assert pushes(dance).status_code == 201
