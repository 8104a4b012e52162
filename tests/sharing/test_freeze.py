"""Everything is stopped by one button, and goes on where it was."""

import pytest
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import DPO, READ_ONLY
from app.models.authorisation import Authorisation
from app.models.school import School
from app.oauth import store
from app.sharing.pausing import freeze
from tests.factories import signs_in
from tests.oauth.dance import Dance, at_once
from tests.pages import Browser
from tests.sharing.control import data, given, notices, subjects, texts
from tests.sharing.people import actions, authorised, colleague, person, world


def test_freezing_stops_every_app_and_ending_it_lets_them_go_on(
    server: ASGIApp, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1e6]
    monkeypatch.setattr(store, "clock", lambda: clock[0])
    dance = Dance(server, browser)
    token = dance.tokens()["access_token"]
    assert data(dance, token) == "200"
    colleague(dance.school, DPO)

    browser.opens("/school")
    browser.follows("freeze everything")
    browser.presses("Freeze everything", 422)
    assert data(dance, token) == "200"
    browser.fills("Why do you freeze everything?", "A stolen laptop")
    browser.presses("Freeze everything")

    assert (
        "Everything is frozen: no app can read your school’s data" in browser.text
        and "by Sam Secretary" in browser.text
    )
    assert data(dance, token) == "403 authorisation_paused"
    assert subjects().count("No app can read your school’s data: everything is frozen") == 2
    assert "A stolen laptop" in texts() and notices()[-1] == "authorisation.paused"
    browser.opens(f"/school/apps/{given(dance).id}")
    assert browser.title == "Reading Room Frozen"
    browser.opens("/school")
    browser.presses("End the freeze")
    clock[0] += 0.81
    assert data(dance, token) == "200"
    assert notices()[-1] == "authorisation.resumed"


def test_twenty_freeze_at_once_and_it_is_told_once() -> None:
    here = world()
    authorised(here)

    def act(_: int) -> bool:
        with sessions.begin() as db:
            school = db.get_one(School, here.school.id)
            return freeze(db, person=person(db, here.admin), school=school, reason="A stolen laptop")

    assert sum(at_once(10, act)) == 1
    assert actions(here) == ["school.frozen"]


def test_who_may_stop_freezes_and_who_decides_ends_it(page: Browser) -> None:
    here = world()
    paused = authorised(here)
    with sessions.begin() as db:
        db.get_one(Authorisation, paused.id).pause(db, here.admin.id, "Exams", None)
    signs_in(page, colleague(here.school, READ_ONLY))
    page.posts("/school/freeze", 403, reason="No")
    signs_in(page, colleague(here.school, DPO))
    page.posts("/school/freeze", reason="A stolen laptop")
    page.posts("/school/freeze", reason="A stolen laptop")
    assert "Only an Admin of your school can end the freeze" in page.text
    page.posts("/school/unfreeze", 403)
    assert actions(here) == ["school.frozen"] and notices() == []

    signs_in(page, here.admin)
    page.posts("/school/unfreeze")

    assert actions(here) == ["school.unfrozen", "school.frozen"]
    page.opens(f"/school/apps/{paused.id}")
    assert page.title == "Reading Room Paused"
