"""protocol.md 30 to 32: what a reference opens, for whom and how often (RFC 9126 section 4)."""

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
from tests.oauth.dance import Dance, at_once, is_page, sent_back, signs_in
from tests.oauth.proofs import brings, pushed
from tests.oauth.test_par import PATH, goes_on, visits
from tests.pages import Browser


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
