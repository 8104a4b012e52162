"""A school's Integris is asked every day, once its account works."""

import threading

import pytest
from sqlalchemy import update

from app.db import sessions
from app.endpoint import collecting
from app.models.base import ago
from app.models.mis_guide import MisGuide
from app.models.roster.batch import ACCEPTED, Batch
from app.models.roster.head import Roster
from app.models.school import SUSPENDED, School
from app.roster import intake
from tests.endpoint.test_guide import PAGE, gives, kept
from tests.pages import Browser
from tests.roster.simulated_g2 import G2, PASSWORD
from tests.sharing.people import World


@pytest.fixture
def ready(browser: Browser, here: World, g2: G2) -> World:
    """A school whose account was tested."""
    gives(browser, PASSWORD, g2.address)
    browser.presses("Test it")
    return here


def a_day_passes() -> None:
    with sessions.begin() as db:
        db.execute(update(MisGuide).values(asked_at=ago(collecting.EVERY_SECONDS + 60)))


def batches(of: World) -> list[Batch]:
    with sessions.read() as db:
        return Batch.newest(db, of.school.id)


def test_what_the_service_gives_becomes_the_roster_once_a_day(browser: Browser, ready: World) -> None:
    assert collecting.work() == 1
    intake.work()

    [batch] = batches(ready)
    assert (batch.state, batch.source, batch.name) == (ACCEPTED, "integris", collecting.NAME)
    assert batch.counts["people"]["added"] > 4
    assert collecting.work() == 0, "not again on the same day"
    browser.opens(PAGE)
    assert "Last asked" in browser.text
    a_day_passes()
    assert collecting.work() == 1
    intake.work()
    assert [one.state for one in batches(ready)] == [ACCEPTED, ACCEPTED]


def test_of_two_workers_one_asks(ready: World, g2: G2) -> None:
    done: list[int] = []
    both = [threading.Thread(target=lambda: done.append(collecting.work())) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(done) == [0, 1] and len(batches(ready)) == 1


def test_why_nothing_came_stands_on_the_page_and_it_is_tried_the_day_after(
    browser: Browser, ready: World, g2: G2
) -> None:
    g2.answers["pupils"] = (403, b"{}")
    assert collecting.work() == 1
    assert batches(ready) == [] and "web services switched off" in kept(ready).asked_result
    browser.opens(PAGE)
    assert "Did not come" in browser.text
    g2.answers.clear()
    a_day_passes()
    assert collecting.work() == 1
    assert kept(ready).asked_result == "" and len(batches(ready)) == 1


@pytest.mark.parametrize("what", ["untested", "switched off", "suspended"])
def test_whoever_is_not_to_be_asked_is_not(browser: Browser, ready: World, g2: G2, what: str) -> None:
    with sessions.begin() as db:
        if what == "untested":
            db.execute(update(MisGuide).values(tested_at=None))
        elif what == "switched off":
            Roster.switch(db, ready.school.id, ready.admin.id)
        else:
            db.execute(update(School).values(status=SUSPENDED))
    before = len(g2.asked)
    assert collecting.work() == 0 and len(g2.asked) == before
    with sessions.begin() as db:
        db.execute(update(MisGuide).values(tested_at=ago(60)))
        db.execute(update(School).values(status="Verified"))
        Roster.switch(db, ready.school.id, None)
    assert collecting.work() == 1


def test_a_failure_that_nobody_foresaw_is_told_and_stops_nothing(monkeypatch: pytest.MonkeyPatch, ready: World) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    with monkeypatch.context() as patched:
        patched.setattr(collecting, "collect", fail)
        assert collecting.work() == 1
    assert "support team has been told" in kept(ready).asked_result
    a_day_passes()
    assert collecting.work() == 1 and len(batches(ready)) == 1
