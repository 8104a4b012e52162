"""One app is stopped for a while: by whom, until when, and what it then may."""

import datetime as dt

import pytest
from starlette.types import ASGIApp

from app import chores
from app.db import sessions
from app.models import base
from app.models.account import DPO, IT, READ_ONLY
from app.models.authorisation import Authorisation
from app.models.base import today
from app.oauth import store
from app.sharing.pausing import NotPaused, pause, resume_in_time
from app.sharing.service import revoke
from tests.factories import signs_in
from tests.oauth.dance import Dance, at_once
from tests.pages import Browser
from tests.sharing.control import data, given, notices, subjects, texts
from tests.sharing.people import actions, authorised, colleague, person, state, world

TOMORROW = dt.timedelta(days=1)


def test_a_paused_app_is_told_so_and_goes_on_with_its_token_when_it_is_resumed(
    server: ASGIApp, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1e6]
    monkeypatch.setattr(store, "clock", lambda: clock[0])
    dance = Dance(server, browser)
    token = dance.tokens()["access_token"]
    assert data(dance, token) == "200"

    browser.opens(f"/school/apps/{given(dance).id}")
    browser.follows("Pause")
    browser.fills("Why do you pause it?", "Half-term: <nobody> needs it")
    browser.presses("Pause")

    assert "Paused: Reading Room reads nothing for now" in browser.text
    assert "Half-term: <nobody> needs it" in browser.text and "When an Admin resumes it" in browser.text
    assert data(dance, token) == "403 authorisation_paused"
    browser.presses("Resume")
    assert "Resumed: Reading Room reads again" in browser.text
    clock[0] += 0.81
    assert data(dance, token) == "200"
    assert notices()[-2:] == ["authorisation.paused", "authorisation.resumed"]
    assert "can read your school’s data again" in subjects()[-1]


def test_a_pause_ends_by_itself_on_its_day_in_england_and_is_told_of_once(
    page: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world()
    paused = authorised(here)
    signs_in(page, here.admin)
    page.opens(f"/school/apps/{paused.id}/pause")
    page.fills("Why do you pause it?", "Exams")
    page.fills("Resume by itself on (optional)", (today() + TOMORROW).isoformat())
    page.presses("Pause")
    assert state(paused) == "Paused" and ", by itself" in page.text
    assert "until it resumes by itself on" in texts()
    assert chores.run(resume_in_time) == 0

    with sessions.begin() as db:
        db.get_one(Authorisation, paused.id).resumes_on = today()
    assert state(paused) == "Active"
    assert chores.run(resume_in_time) == 1 and chores.run(resume_in_time) == 0

    with sessions.read() as db:
        row = db.get_one(Authorisation, paused.id)
    assert (row.paused_at, row.pause_reason, row.resumes_on) == (None, None, None)
    assert actions(here)[0] == "authorisation.resumed"
    monkeypatch.setattr(base, "now", lambda: dt.datetime(2026, 7, 1, 23, 30, tzinfo=dt.UTC))
    assert base.today() == dt.date(2026, 7, 2)  # summer time


@pytest.mark.parametrize("typed", ["nonsense", "yesterday", "today", "9999-12-31"])
def test_a_pause_must_end_on_a_later_day_and_nothing_typed_is_lost(page: Browser, typed: str) -> None:
    here = world()
    running = authorised(here)
    signs_in(page, here.admin)
    days = {"yesterday": (today() - TOMORROW).isoformat(), "today": today().isoformat()}
    page.opens(f"/school/apps/{running.id}/pause")
    page.fills("Why do you pause it?", "Because of exams")
    page.fills("Resume by itself on (optional)", days.get(typed, typed))
    page.presses("Pause", 422)

    assert "Choose a day after today" in page.text and "Because of exams" in page.text
    assert state(running) == "Active"
    page.fills("Resume by itself on (optional)", (today() + TOMORROW).isoformat())
    page.presses("Pause")
    assert state(running) == "Paused"


def test_a_pause_needs_a_reason(page: Browser) -> None:
    here = world()
    running = authorised(here)
    signs_in(page, here.admin)
    page.opens(f"/school/apps/{running.id}/pause")
    page.presses("Pause", 422)

    assert "Say why" in page.text and state(running) == "Active"
    page.fills("Why do you pause it?", "Exams")
    page.presses("Pause")
    assert state(running) == "Paused"


def test_the_dpo_pauses_and_an_admin_resumes(page: Browser) -> None:
    here = world()
    running = authorised(here)
    for role in (IT, READ_ONLY):
        signs_in(page, colleague(here.school, role))
        page.posts(f"/school/apps/{running.id}/pause", 403, reason="Exams")
    officer = colleague(here.school, DPO)
    signs_in(page, officer)

    page.posts(f"/school/apps/{running.id}/pause", reason="Exams")
    assert state(running) == "Paused" and "Resume" not in [
        b.text_content().strip() for b in page.document.iter("button")
    ]
    page.posts(f"/school/apps/{running.id}/resume", 403)
    assert state(running) == "Paused"
    signs_in(page, here.admin)
    page.posts(f"/school/apps/{running.id}/resume")
    assert state(running) == "Active"


def test_a_pause_and_a_revocation_at_once_leave_it_revoked(page: Browser) -> None:
    here = world()
    running = authorised(here)

    def act(number: int) -> None:
        with sessions.begin() as db:
            who, school = person(db, here.admin), here.school
            if number % 2:
                revoke(db, person=who, school=school, authorisation_id=running.id)
                return
            try:
                pause(db, person=who, school=school, authorisation_id=running.id, reason="Exams", resumes_on=None)
            except NotPaused:
                return

    at_once(8, act)

    assert state(running) == "Revoked"
    assert actions(here).count("authorisation.revoked") == 1 and actions(here).count("authorisation.paused") <= 1
    signs_in(page, here.admin)
    page.posts(f"/school/apps/{running.id}/pause", reason="Exams")
    page.posts(f"/school/apps/{running.id}/resume")
    assert state(running) == "Revoked"
