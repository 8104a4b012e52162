"""protocol.md, PAR: 25 to 31 (RFC 9126)."""

from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import delete, func, select, update
from starlette.types import ASGIApp

from app.db import sessions, withdrawn
from app.models.base import ago, now
from app.models.partner import App, AppScope
from app.models.pushed_request import PushedRequest
from app.models.token import AuthorizationRequest
from app.oauth import par
from app.settings import settings
from tests import factories
from tests.oauth.dance import Dance, at_once, is_page, refusal, sent_back, signs_in
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


def test_30_another_apps_reference_is_refused(server: ASGIApp, browser: Browser, dance: Dance) -> None:
    other = Dance(server, browser, urn=100002, name="Other")
    reference = pushed(dance)
    dance.signs_in()
    assert is_page(visits(browser, brings(other, reference)))
    known = brings(other, reference, redirect_uri=other.app.redirect_uris[0])
    assert sent_back(visits(browser, known))["error"] == "invalid_request_uri"
    goes_on(visits(browser, brings(dance, reference)))


@pytest.mark.parametrize("client_id", [None, "", "app_nobody"])
def test_30_without_its_app_a_reference_is_nothing(dance: Dance, client_id: str | None) -> None:
    reference = pushed(dance)
    dance.signs_in()
    assert is_page(visits(dance.browser, brings(dance, reference, client_id=client_id)))
    goes_on(visits(dance.browser, brings(dance, reference)))


def test_30_a_reference_that_nobody_gave_out_is_refused(dance: Dance) -> None:
    dance.signs_in()
    good = pushed(dance)
    for wrong in (
        good[:-1],
        good + "A",
        good.swapcase(),
        good.removesuffix(good[-6:]),
        "urn:ietf:params:oauth:request_uri:",
    ):
        assert is_page(visits(dance.browser, brings(dance, wrong)))
    goes_on(visits(dance.browser, brings(dance, good)))


def test_30_a_foreign_reference_is_told_apart_and_never_fetched(dance: Dance) -> None:
    dance.signs_in()
    for address in ("https://partner.example/request.jwt", "http://127.0.0.1:1/", "urn:example:x"):
        assert sent_back(dance.asks(request_uri=address))["error"] == "request_uri_not_supported"
    assert sent_back(dance.asks(request_uri=pushed(dance)[:-1]))["error"] == "invalid_request_uri"
    goes_on(visits(dance.browser, brings(dance, pushed(dance))))


def expire() -> None:
    with sessions.begin() as db:
        db.execute(update(PushedRequest).values(expires_at=ago(0.001)))


def test_30_an_expired_reference_goes_home_once_somebody_is_signed_in(dance: Dance) -> None:
    reference = pushed(dance, state="st-5")
    expire()
    assert is_page(visits(dance.browser, brings(dance, reference))), "nobody is signed in: the error stays here (23)"
    dance.signs_in()
    answered = sent_back(visits(dance.browser, brings(dance, reference)))
    assert (answered["error"], answered["state"]) == ("invalid_request_uri", "st-5")
    goes_on(visits(dance.browser, brings(dance, pushed(dance))))


def test_30_an_expired_silent_request_goes_home(dance: Dance) -> None:
    reference = pushed(dance, prompt="none")
    expire()
    assert sent_back(visits(dance.browser, brings(dance, reference)))["error"] == "invalid_request_uri"
    live = pushed(dance, prompt="none")
    assert sent_back(visits(dance.browser, brings(dance, live)))["error"] == "login_required"


def test_30_a_used_reference_opens_in_no_other_browser(dance: Dance, other_browser: Browser) -> None:
    reference = pushed(dance)
    where = goes_on(visits(dance.browser, brings(dance, reference)))
    assert is_page(visits(other_browser, brings(dance, reference)))
    signs_in(other_browser, dance.admin)
    assert sent_back(visits(other_browser, brings(dance, reference)))["error"] == "invalid_request_uri"
    assert other_browser.client.get(where).status_code == 404
    assert goes_on(visits(dance.browser, brings(dance, reference))) == where


def test_30_a_silent_request_is_answered_once(dance: Dance) -> None:
    dance.code()
    reference = pushed(dance, prompt="none")
    assert "code" in sent_back(visits(dance.browser, brings(dance, reference)))
    assert sent_back(visits(dance.browser, brings(dance, reference)))["error"] == "invalid_request_uri"


def test_30_of_many_browsers_at_once_one_gets_the_request(dance: Dance, server: ASGIApp) -> None:
    reference = pushed(dance)
    with ExitStack() as open_:
        browsers = [open_.enter_context(Browser(server)) for _ in range(10)]
        answered = at_once(10, lambda number: visits(browsers[number], brings(dance, reference)).status_code)
    assert sorted(answered) == [303] + [400] * 9


def test_31_a_reload_before_completion_leads_to_the_same_request(dance: Dance) -> None:
    reference = pushed(dance)
    first = goes_on(visits(dance.browser, brings(dance, reference)))
    expire()
    assert goes_on(visits(dance.browser, brings(dance, reference))) == first
    with sessions.read() as db:
        assert db.scalar(select(func.count()).select_from(AuthorizationRequest)) == 1
    dance.signs_in()
    dance.browser.opens(first)
    dance.browser.presses("Authorise")
    assert "code" in dance.answered()
    assert sent_back(visits(dance.browser, brings(dance, reference)))["error"] == "invalid_request_uri", "completed"


def test_31_once_presented_it_lives_for_a_day(dance: Dance) -> None:
    where = goes_on(visits(dance.browser, brings(dance, pushed(dance))))
    with sessions.read() as db:
        waiting = db.scalars(select(AuthorizationRequest)).one()
    assert abs((waiting.expires_at - waiting.created_at).total_seconds() - 86_400) < 5
    expire()
    dance.signs_in()
    dance.browser.opens(where)
    dance.browser.presses("Authorise")
    assert dance.redeems(dance.answered()["code"]).status_code == 200


def test_31_app_address_and_scopes_are_checked_again_at_the_end(dance: Dance) -> None:
    dance.signs_in()

    def changed(**columns: Any) -> None:
        with sessions.begin() as db:
            db.execute(update(App).values(**columns))
            withdrawn(db)

    where = goes_on(visits(dance.browser, brings(dance, pushed(dance))))
    changed(redirect_uris=["https://partner.example/elsewhere"])
    assert is_page(dance.browser.client.get(where))
    changed(redirect_uris=dance.app.redirect_uris, suspended_at=now())
    assert is_page(dance.browser.client.get(where))
    changed(suspended_at=None)
    assert dance.browser.client.get(where).status_code == 200
    with sessions.begin() as db:
        db.execute(delete(AppScope))
        withdrawn(db)
    assert sent_back(dance.browser.client.get(where))["error"] == "invalid_scope"


def test_32_what_stands_beside_a_reference_is_ignored(dance: Dance) -> None:
    dance.signs_in()
    beside = {
        "redirect_uri": "https://evil.example/callback",
        "scope": "everything",
        "state": "another",
        "response_type": "token",
        "prompt": "none",
        "request": "x",
    }
    dance.browser.opens(f"{PATH}?{urlencode(brings(dance, pushed(dance, state='mine'), **beside))}&state=third")
    dance.browser.presses("Authorise")
    assert dance.answered()["state"] == "mine"


def test_a_reference_that_comes_by_post_or_twice(dance: Dance) -> None:
    reference = pushed(dance)
    dance.signs_in()
    twice = f"{PATH}?{urlencode(brings(dance, reference))}&request_uri=x"
    assert is_page(dance.browser.client.get(twice))
    posted = dance.programs.post(PATH, data=brings(dance, reference), follow_redirects=False)
    assert posted.status_code == 303
    goes_on(dance.browser.client.get(posted.headers["location"]))


def test_old_pushes_are_cleared_away(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed(dance)
    with sessions.begin() as db:
        db.execute(update(PushedRequest).values(created_at=ago(settings.partner_request_seconds + 700)))
    monkeypatch.setattr(par._sweep, "_last", -1e9)
    pushed(dance)
    assert len(kept()) == 1


def test_a_push_for_another_partners_address_is_refused(dance: Dance) -> None:
    with sessions.begin() as db:
        other, _ = factories.app(db, "Other App", redirect_uris=["https://other.example/callback"])
    assert refusal(pushes(dance, redirect_uri=other.redirect_uris[0])) == (400, "invalid_request")
    assert pushes(dance).status_code == 201
