"""A request waits for its person: in one browser, for a day, checked again at the end. protocol.md 18, 31."""

import datetime as dt
import uuid
from urllib.parse import urlencode

import pytest

from app.db import sessions
from app.models.account import Session as SignIn
from app.models.base import ago, now
from app.models.partner import App, AppScope
from app.models.token import AuthorizationRequest
from app.oauth import authorize
from app.settings import settings
from app.web import cookies
from app.web.remembered import COOKIE
from app.web.throttle import Limit
from tests import factories
from tests.oauth.dance import CALLBACK, Dance, answer, at_once, authorisations, types_everything
from tests.pages import Browser


def links(dance: Dance) -> list[str]:
    """Where the links of the open page lead."""
    return [str(target) for target in dance.browser.document.xpath("//a/@href")]


def test_31_reloading_before_the_decision_works_and_going_back_after_it_is_explained(dance: Dance) -> None:
    dance.signs_in()
    dance.opens()
    page = dance.browser.path
    dance.browser.opens(page)
    dance.browser.presses("Authorise")
    code = dance.answered()["code"]

    dance.browser.opens(page, 410)

    assert dance.browser.title == "This request has been answered"
    dance.browser.posts(page, 410, decision="decline")
    assert dance.redeems(code).status_code == 200


def test_31_of_presses_at_the_same_moment_one_counts(dance: Dance) -> None:
    dance.signs_in()
    dance.opens()
    shown = dance.browser.document.xpath("//input[@name='shown']/@value")[0]
    headers = {"cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in dance.browser.client.cookies.jar)}
    headers["sec-fetch-site"] = "same-origin"

    def press(_: int) -> str:
        sent = {"shown": shown, "decision": "authorise"}
        answered = dance.programs.post(dance.browser.path, data=sent, headers=headers, follow_redirects=False)
        assert answered.status_code in (303, 410)
        return str(answered.headers.get("location", ""))

    home = [location for location in at_once(8, press) if location]

    assert len(home) == 1
    assert len(authorisations()) == 1
    assert dance.redeems(answer(home[0])["code"]).status_code == 200


@pytest.mark.parametrize("decision", ["Authorise", "Decline"])
def test_a_decision_ends_every_request_of_the_app_in_the_browser(
    dance: Dance, other_browser: Browser, decision: str
) -> None:
    dance.opens()
    first = dance.browser.path
    dance.signs_in()
    dance.opens()
    second = dance.browser.path
    with sessions.begin() as db:
        another, _ = factories.app(db)
    dance.opens(client_id=another.client_id)
    others = dance.browser.path
    dance.signs_in(browser=other_browser)
    other_browser.opens(f"/oauth/authorize?{urlencode(dance.request())}")
    elsewhere = other_browser.path

    dance.browser.opens(second)
    dance.browser.presses(decision)

    dance.browser.opens(first, 410)
    dance.browser.posts(first, 410, decision="authorise")
    dance.browser.opens("/school")
    assert others in links(dance) and first not in links(dance)
    dance.browser.opens(others)
    other_browser.opens(elsewhere)


def test_of_two_requests_of_an_app_the_newer_waits_and_the_older_can_still_be_decided(dance: Dance) -> None:
    dance.signs_in()
    dance.opens(state="older")
    older = dance.browser.path
    dance.opens(state="newer")
    newer = dance.browser.path
    dance.browser.opens("/school")
    assert newer in links(dance) and older not in links(dance)

    dance.browser.opens(older)
    dance.browser.presses("Authorise")

    assert dance.answered()["state"] == "older"
    dance.browser.opens("/school")
    assert "is waiting for you" not in dance.browser.text


def test_31_of_decisions_on_two_requests_at_the_same_moment_one_counts(dance: Dance) -> None:
    dance.signs_in()
    dance.opens()
    first = dance.browser.path
    dance.opens()
    paths = [first, dance.browser.path]
    shown = dance.browser.document.xpath("//input[@name='shown']/@value")[0]
    headers = {"cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in dance.browser.client.cookies.jar)}
    headers["sec-fetch-site"] = "same-origin"

    def press(number: int) -> int:
        sent = {"shown": shown, "decision": "authorise"}
        return int(
            dance.programs.post(paths[number % 2], data=sent, headers=headers, follow_redirects=False).status_code
        )

    assert sorted(at_once(6, press)) == [303, 410, 410, 410, 410, 410]
    assert len(authorisations()) == 1


def test_31_a_request_is_the_browsers_that_brought_it(dance: Dance, other_browser: Browser) -> None:
    dance.signs_in()
    dance.opens()
    page = dance.browser.path
    dance.signs_in(browser=other_browser)

    other_browser.opens(page, 404)
    other_browser.posts(page, 404, decision="authorise")
    other_browser.client.cookies.set(cookies.name(COOKIE), "gh_br_" + "a" * 49)
    other_browser.opens(page, 404)
    other_browser.opens("/oauth/authorize/01900000-0000-7000-8000-000000000000", 404)

    assert authorisations() == []
    dance.browser.presses("Authorise")
    assert len(authorisations()) == 1


def test_31_a_request_waits_for_a_day_and_no_longer(dance: Dance) -> None:
    dance.signs_in()
    dance.opens()
    page = dance.browser.path
    with sessions.begin() as db:
        waiting = db.get_one(AuthorizationRequest, uuid.UUID(page.rpartition("/")[2]))
        assert dt.timedelta(hours=23) < waiting.expires_at - now() <= dt.timedelta(hours=24)
        waiting.expires_at = ago(1)
    dance.browser.opens(page, 404)
    dance.opens()
    dance.browser.presses("Authorise")
    assert "code" in dance.answered()


def test_31_app_address_and_scopes_are_checked_again_at_completion(dance: Dance) -> None:
    dance.signs_in()

    dance.opens()
    with sessions.begin() as db:
        db.get_one(App, dance.app.id).suspended_at = now()
    dance.browser.presses("Authorise", 400)
    with sessions.begin() as db:
        db.get_one(App, dance.app.id).suspended_at = None

    dance.opens()
    with sessions.begin() as db:
        db.get_one(App, dance.app.id).redirect_uris = ["https://partner.example/moved"]
    dance.browser.presses("Authorise", 400)
    with sessions.begin() as db:
        db.get_one(App, dance.app.id).redirect_uris = [CALLBACK]

    dance.opens()
    with sessions.begin() as db:
        db.delete(db.get_one(AppScope, (dance.app.id, "school")))
    dance.browser.presses("Authorise")
    assert dance.answered()["error"] == "invalid_scope"
    assert authorisations() == []
    with sessions.begin() as db:
        db.add(AppScope(app_id=dance.app.id, scope="school", position=0, required=True, purpose="Because"))

    dance.opens()
    dance.browser.presses("Authorise")
    assert "code" in dance.answered()


def test_18_prompt_login_wants_a_new_sign_in(dance: Dance) -> None:
    dance.signs_in()
    dance.opens(prompt="login")
    assert dance.browser.title == "Sign in again"
    dance.browser.posts(dance.browser.path, decision="authorise")
    assert authorisations() == []
    dance.browser.follows("Sign in")
    types_everything(dance.browser, dance.admin)
    dance.browser.presses("Authorise")
    assert "code" in dance.answered()


def test_18_an_elapsed_max_age_wants_a_new_sign_in(dance: Dance) -> None:
    dance.signs_in()
    from sqlalchemy import update

    with sessions.begin() as db:
        db.execute(update(SignIn).values(signed_in_at=ago(100)))
    dance.opens(max_age="200")
    assert dance.browser.title == "Share data with Reading Room?"
    assert answer(dance.asks(max_age="60", prompt="none").headers["location"])["error"] == "login_required"
    dance.opens(max_age="60")
    assert dance.browser.title == "Sign in again"
    dance.browser.follows("Sign in")
    types_everything(dance.browser, dance.admin)
    assert dance.browser.title == "Share data with Reading Room?"


def test_a_page_from_another_site_cannot_decide(dance: Dance) -> None:
    dance.signs_in()
    dance.opens()
    shown = dance.browser.document.xpath("//input[@name='shown']/@value")[0]
    for site in ("cross-site", "same-site"):
        forged = dance.browser.client.post(
            dance.browser.path, data={"decision": "authorise", "shown": shown}, headers={"sec-fetch-site": site}
        )
        assert forged.status_code == 403
    assert authorisations() == []
    dance.browser.presses("Authorise")
    assert len(authorisations()) == 1


def test_the_cookie_that_binds_a_request_is_kept_from_scripts(dance: Dance) -> None:
    cookie = dance.asks().headers["set-cookie"]
    assert cookie.startswith(f"{cookies.name(COOKIE)}=gh_br_")
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie
    assert f"Max-Age={settings.partner_request_seconds}" in cookie


def test_strangers_cannot_fill_the_table_of_waiting_requests(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorize, "_kept_from_network", Limit(3, 3600))
    asked = [dance.browser.client.get("/oauth/authorize", params=dance.request()) for _ in range(5)]
    assert [one.status_code for one in asked] == [303, 303, 303, 429, 429]
    assert int(asked[-1].headers["retry-after"]) > 0
    with sessions.read() as db:
        assert db.query(AuthorizationRequest).count() == 3

    dance.signs_in()
    dance.opens()
    assert "Share data with" in dance.browser.title
