"""product.md 6: the pages between a partner's request and its answer. protocol.md 20, 22, 24."""

import datetime as dt

import pytest
from starlette.types import ASGIApp

from app.db import sessions
from app.models.authorisation import EXPIRED, RETURNED, REVOKED
from app.models.base import ago, now
from app.models.partner import App, AppScope
from app.web.pages import day
from tests import factories
from tests.oauth.dance import Dance, authorisations, types_everything
from tests.pages import Browser


def test_a_school_that_is_signed_out_signs_in_and_comes_back_to_the_same_request(dance: Dance) -> None:
    dance.opens()
    assert dance.browser.title == "Reading Room wants to read data of your school"
    assert "ZA000001" in dance.browser.text

    dance.browser.document = dance.browser.document.get_element_by_id("main-content")
    dance.browser.follows("Sign in")
    types_everything(dance.browser, dance.admin)
    assert dance.browser.title == "Share data with Reading Room?"
    dance.browser.presses("Authorise")

    assert dance.browser.status == 303
    assert dance.redeems(dance.answered()["code"]).status_code == 200


def test_a_school_that_is_new_is_led_to_register(dance: Dance) -> None:
    dance.opens()
    dance.browser.document = dance.browser.document.get_element_by_id("main-content")
    dance.browser.follows("Register your school")
    assert dance.browser.path == "/register/school"


def test_the_page_says_who_asks_for_what_why_and_until_when(
    server: ASGIApp, browser: Browser, more_scopes: None
) -> None:
    dance = Dance(server, browser, scopes=("school", "students", "students.sen"), retention="30 days")
    dance.signs_in()
    dance.opens(scope="school students students.sen")

    seen = dance.browser.text
    with sessions.read() as db:
        partner = db.get_one(App, dance.app.id).partner
    for words in (dance.school.name, "Reading Room", partner.name, "ZA000001", "30 days", "dpo@partner.example"):
        assert words in seen
    assert "Your school’s details Required" in seen
    assert "To show your school in Reading Room" in seen
    assert "Special educational needs Optional Special category" in seen
    a_year_on = now().replace(year=now().year + 1)
    assert any(day(a_year_on - dt.timedelta(days=days)) in seen for days in (0, 1))
    assert "only what" not in seen


def test_optional_scopes_start_off_and_the_token_carries_what_was_ticked(
    server: ASGIApp, browser: Browser, more_scopes: None
) -> None:
    dance = Dance(server, browser, scopes=("school", "students", "students.sen"))
    dance.signs_in()
    dance.opens(scope="students.sen students school")
    assert not dance.browser.document.xpath("//input[@checked]")
    dance.browser.ticks("Pupils")
    dance.browser.presses("Authorise")

    first = dance.redeems(dance.answered()["code"]).json()

    assert first["scope"] == "school students"
    dance.opens(scope="students.sen students school")
    assert [box.get("name") for box in dance.browser.document.xpath("//input[@checked]")] == ["scope-students"]
    dance.browser.presses("Authorise")
    again = dance.redeems(dance.answered()["code"]).json()
    assert (again["grant_id"], again["scope"]) == (first["grant_id"], first["scope"])
    assert dance.reads(first["access_token"]).status_code == 200, "the same yes again ends nothing"


def test_a_narrow_request_ends_nothing_that_is_shared_already(
    server: ASGIApp, browser: Browser, more_scopes: None
) -> None:
    dance = Dance(server, browser, scopes=("school", "students", "students.sen"))
    dance.signs_in()
    dance.opens(scope="school students students.sen")
    dance.browser.ticks("Pupils")
    dance.browser.presses("Authorise")
    wide = dance.redeems(dance.answered()["code"]).json()

    dance.opens(scope="school")
    assert "Stays shared Pupils" in dance.browser.text
    dance.browser.presses("Authorise")
    narrow = dance.redeems(dance.answered()["code"]).json()

    assert (narrow["scope"], narrow["grant_id"]) == ("school", wide["grant_id"])
    assert dance.refreshes(wide["refresh_token"]).json()["scope"] == "school students"

    dance.opens(scope="school students")
    shown = dance.browser.document.xpath("//input[@name='shown']/@value")[0]
    dance.browser.posts(dance.browser.path, shown=shown, decision="authorise")
    assert dance.redeems(dance.answered()["code"]).json()["scope"] == "school"
    assert dance.reads(wide["access_token"]).status_code == 200, "less was agreed to: tokens go on with what is left"


def test_no_posted_scope_beyond_the_request_is_granted(server: ASGIApp, browser: Browser, more_scopes: None) -> None:
    dance = Dance(server, browser, scopes=("school", "students"))
    dance.signs_in()
    dance.opens(scope="school")
    shown = dance.browser.document.xpath("//input[@name='shown']/@value")[0]
    forged = {"shown": shown, "decision": "authorise", "scope-students": "yes", "scope-openid": "yes"}
    dance.browser.posts(dance.browser.path, **forged)
    assert dance.redeems(dance.answered()["code"]).json()["scope"] == "school"


def test_nothing_ticked_of_what_is_all_optional_is_no_decision(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser)
    with sessions.begin() as db:
        db.get_one(AppScope, (dance.app.id, "school")).required = False
    dance.signs_in()
    dance.opens()
    dance.browser.presses("Authorise", 422)
    assert authorisations() == []
    dance.browser.ticks("Your school’s details")
    dance.browser.presses("Authorise")
    assert dance.redeems(dance.answered()["code"]).json()["scope"] == "school"


def test_what_is_all_optional_is_spoken_of_as_what_was_ticked(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser)
    dance.signs_in()
    dance.opens()
    assert "Reading Room may read this, and nothing else" in dance.browser.text
    assert "What it needs" in dance.browser.text and "Reading stops within a second." in dance.browser.text
    with sessions.begin() as db:
        db.get_one(AppScope, (dance.app.id, "school")).required = False

    dance.opens()

    assert "Reading Room may read what you ticked, and nothing else" in dance.browser.text
    assert "What it needs" not in dance.browser.text


def test_what_changed_while_the_page_was_read_is_shown_before_it_counts(dance: Dance) -> None:
    dance.signs_in()
    dance.opens()
    with sessions.begin() as db:
        db.get_one(AppScope, (dance.app.id, "school")).purpose = "To sell it"

    dance.browser.presses("Authorise", 409)

    assert authorisations() == []
    assert "To sell it" in dance.browser.text
    dance.browser.presses("Authorise")
    assert len(authorisations()) == 1


def test_20_declining_tells_the_app_and_grants_nothing(dance: Dance) -> None:
    dance.signs_in()
    dance.opens()
    dance.browser.presses("Decline")

    assert dance.browser.status == 303
    assert dance.answered()["error"] == "access_denied"
    assert dance.answered()["state"] == "st-1"
    assert authorisations() == []
    assert "code" not in dance.answered()


def test_declining_leaves_an_older_authorisation_in_force(dance: Dance) -> None:
    tokens = dance.tokens()
    dance.opens()
    assert "shares data with Reading Room already" in dance.browser.text
    dance.browser.presses("Decline")
    assert dance.answered()["error"] == "access_denied"
    assert dance.reads(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (REVOKED, "then your school revoked it"),
        (RETURNED, "then the app gave that back"),
        (EXPIRED, "then it ran out"),
    ],
)
def test_what_ended_is_not_forgotten_on_the_page(dance: Dance, how: str, words: str) -> None:
    dance.signs_in()
    dance.opens()
    assert "Nothing has been shared." in dance.browser.text
    with sessions.begin() as db:
        given = factories.authorisation(db, dance.admin, dance.school, dance.app)
        given.granted_at = ago(9 * 86400)
        if how != EXPIRED:
            given.end(db, how, None)
        given.expires_at = ago(3 * 86400) if how == EXPIRED else given.expires_at
    over = day(ago(3 * 86400) if how == EXPIRED else now())

    dance.opens()

    assert f"Reading Room could read data of your school until {over}; {words}" in dance.browser.text
    assert "Nothing has been shared." not in dance.browser.text
    dance.browser.presses("Authorise")
    dance.opens()
    assert "shares data with Reading Room already" in dance.browser.text and "could read" not in dance.browser.text


def test_24_every_page_whose_post_can_end_at_the_app_lets_the_browser_go_there(dance: Dance) -> None:
    dance.opens()
    home = "form-action 'self' https://partner.example;"
    dance.browser.opens(f"/sign-in?next={dance.browser.path}")
    assert home in dance.browser.headers["content-security-policy"] + ";"
    dance.signs_in()
    dance.opens()
    assert home in dance.browser.headers["content-security-policy"] + ";"
    dance.browser.opens("/school")
    assert "form-action 'self'" in dance.browser.headers["content-security-policy"]
