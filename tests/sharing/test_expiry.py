"""The end of an authorisation is told of 30 and 7 days before, once each, and noted when it comes."""

from starlette.types import ASGIApp

from app import chores
from app.db import sessions
from app.models.account import DPO, READ_ONLY
from app.models.authorisation import Authorisation
from app.models.base import ago, ahead
from app.sharing.ending import expire, remind
from tests.factories import signs_in
from tests.oauth.dance import Dance, at_once
from tests.pages import Browser
from tests.sharing.control import data, given, notices, subjects
from tests.sharing.people import actions, authorised, colleague, granted, state, world

DAY = 86_400


def moved(which: Authorisation, seconds: float) -> None:
    with sessions.begin() as db:
        db.get_one(Authorisation, which.id).expires_at = ahead(seconds)


def test_the_school_is_reminded_30_and_7_days_before_once_each() -> None:
    here = world()
    colleague(here.school, DPO)
    colleague(here.school, READ_ONLY)
    running = authorised(here)
    moved(running, 31 * DAY)
    assert chores.run(remind) == 0

    moved(running, 29 * DAY)
    assert [chores.run(remind), chores.run(remind)] == [1, 0]
    assert len(subjects()) == 2 and "Reading Room stops reading your school’s data on" in subjects()[0]
    moved(running, 6 * DAY)
    assert [chores.run(remind), chores.run(remind)] == [1, 0]
    assert len(subjects()) == 4


def test_who_comes_late_is_reminded_once_and_renewing_begins_anew() -> None:
    here = world()
    running = granted(here)
    before = len(subjects())
    moved(running, 3 * DAY)
    assert [chores.run(remind), chores.run(remind)] == [1, 0]

    granted(here)
    with sessions.read() as db:
        assert db.get_one(Authorisation, running.id).reminded_days is None
    moved(running, 20 * DAY)
    assert chores.run(remind) == 1
    assert len(subjects()) == before + 3


def test_several_workers_remind_once() -> None:
    here = world()
    moved(authorised(here), 20 * DAY)

    assert sum(at_once(6, lambda _: chores.run(remind))) == 1
    assert len(subjects()) == 1


def test_what_is_over_by_its_date_is_ended_and_told_of_once(page: Browser) -> None:
    here, there = world(), world(100002)
    over, running = authorised(here), authorised(there)
    moved(over, -60)

    assert sum(at_once(6, lambda _: chores.run(expire))) == 1

    assert actions(here) == ["authorisation.expired"] and notices() == ["authorisation.expired"]
    assert subjects() == ["Reading Room can read nothing more: its authorisation has expired"]
    assert state(over) == "Expired" and state(running) == "Active"
    signs_in(page, here.admin)
    page.opens(f"/school/apps/{over.id}")
    rows = page.document.xpath("//caption[.='History']/..//tbody/tr")
    assert len(rows) == 1 and "The authorisation reached its end date" in page.text


def test_an_expired_app_reads_nothing_whether_or_not_the_worker_came_by(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser)
    token = dance.tokens()["access_token"]
    assert data(dance, token) == "200"
    with sessions.begin() as db:
        db.get_one(Authorisation, given(dance).id).expires_at = ago(1)

    chores.run(expire)

    assert data(dance, token) == "401 invalid_token"
    assert data(dance, dance.tokens()["access_token"]) == "200"
