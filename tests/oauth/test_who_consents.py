"""Who may decide about a request, and for which school."""

import pytest
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import Membership
from app.models.school import School
from tests import factories
from tests.oauth.dance import Dance, authorisations
from tests.pages import Browser


@pytest.mark.parametrize("role", ["DPO", "IT", "Read-only"])
def test_only_the_role_admin_decides(dance: Dance, role: str) -> None:
    with sessions.begin() as db:
        colleague = factories.admin(db, dance.school, role=role)
    dance.signs_in(colleague)
    dance.opens(403)
    assert dance.browser.title == "Ask your Estab Admin"
    page = dance.browser.path
    dance.browser.posts(page, 403, decision="authorise")
    assert authorisations() == []
    dance.browser.presses("Go back to Reading Room")
    assert dance.answered()["error"] == "access_denied"
    dance.signs_in(dance.admin)
    dance.opens()
    dance.browser.presses("Authorise")
    assert len(authorisations()) == 1


def test_our_own_team_does_not_decide_for_schools(dance: Dance) -> None:
    with sessions.begin() as db:
        operator = factories.operator(db, "admin")
    dance.signs_in(operator)
    dance.opens(403)
    assert dance.browser.title == "Ask your Estab Admin"


def test_an_admin_of_two_schools_chooses(dance: Dance) -> None:
    with sessions.begin() as db:
        other = factories.school(db, 100002, "Verified")
        foreign = factories.school(db, 100003, "Verified")
        db.add(Membership(account_id=dance.admin.id, school_id=other.id, role="Admin"))
    dance.signs_in()
    dance.opens()
    assert dance.browser.title == "Which school do you decide for?"
    path = dance.browser.path
    dance.browser.presses("Continue", 422)
    dance.browser.posts(f"{path}/school", 422, school=str(foreign.id))

    dance.browser.ticks(other.name)
    dance.browser.presses("Continue")
    assert other.name in dance.browser.text
    dance.browser.follows("Decide for another school")
    dance.browser.ticks(dance.school.name)
    dance.browser.presses("Continue")
    dance.browser.presses("Authorise")

    assert dance.redeems(dance.answered()["code"]).json()["school"]["urn"] == dance.school.urn


def test_an_unverified_school_may_authorise_and_is_told_that_data_waits(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, status="Unverified")
    dance.signs_in()
    dance.opens()
    assert "We are still checking the registration of your school" in dance.browser.text
    dance.browser.presses("Authorise")
    assert dance.redeems(dance.answered()["code"]).json()["school"]["status"] == "Unverified"


@pytest.mark.parametrize("status", ["Suspended", "Closed", "Rejected"])
def test_a_school_that_is_not_in_good_standing_is_told_so(server: ASGIApp, browser: Browser, status: str) -> None:
    dance = Dance(server, browser, status=status)
    dance.signs_in()
    dance.opens(409)
    assert status in dance.browser.text
    dance.browser.posts(dance.browser.path, 409, decision="authorise")
    assert authorisations() == []
    with sessions.begin() as db:
        db.get_one(School, dance.school.id).status = "Verified"
    dance.opens()
    dance.browser.presses("Authorise")
    assert len(authorisations()) == 1


def test_a_test_app_sees_test_schools_only(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, is_live=False)
    dance.signs_in()
    dance.opens(409)
    assert "still being tested" in dance.browser.text
    with sessions.begin() as db:
        db.get_one(School, dance.school.id).is_test = True
    dance.opens()
    dance.browser.presses("Authorise")
    assert dance.redeems(dance.answered()["code"]).status_code == 200
