"""Suspending, resuming and closing a school need a proof just before of who does it; what was typed is kept."""

import pytest

from app.db import sessions
from app.models.account import Account
from app.models.account import Session as SignIn
from app.models.base import ago
from app.models.school import CLOSED, SUSPENDED, VERIFIED, School
from tests import factories
from tests.onboarding.people import Opens, actions
from tests.pages import Browser

# What is done → the status before, and after.
ACTS = {"suspend": (VERIFIED, SUSPENDED), "resume": (SUSPENDED, VERIFIED), "close": (VERIFIED, CLOSED)}


def opens_school(as_: Opens, chief: Account, status: str, *, proved_ago: float) -> tuple[Browser, School]:
    browser = as_(chief)
    with sessions.begin() as db:
        for row in db.query(SignIn).where(SignIn.account_id == chief.id):
            row.signed_in_at, row.proved_at = ago(3600), ago(proved_ago)
        school = factories.school(db, status=status)
        factories.admin(db, school)
    browser.opens(f"/onboarding/schools/{school.id}")
    return browser, school


def status_of(school: School) -> str:
    with sessions.read() as db:
        return db.get_one(School, school.id).status


@pytest.mark.parametrize("act", ACTS)
def test_without_a_fresh_proof_it_does_not_happen_and_the_form_keeps_what_was_typed(
    as_: Opens, chief: Account, act: str
) -> None:
    before, after = ACTS[act]
    browser, school = opens_school(as_, chief, before, proved_ago=1200)
    assert "Password" not in browser.text
    browser.fills("Reason for closing" if act == "close" else "Reason", "The head asked for it, in many words")
    if act == "close":
        browser.ticks("Close this school for good")
    browser.presses(act.title(), 422)

    assert "Enter your password, then press the button again" in browser.text
    browser.fills("Password", "not the password")
    browser.presses(act.title(), 422)
    assert status_of(school) == before and actions() == []

    browser.fills("Password", factories.PASSWORD)
    browser.presses(act.title())
    assert status_of(school) == after
    with sessions.read() as db:
        assert db.get_one(School, school.id).status_reason == "The head asked for it, in many words"


def test_a_fresh_proof_lasts_for_the_next_act(as_: Opens, chief: Account) -> None:
    browser, school = opens_school(as_, chief, VERIFIED, proved_ago=30)
    for act, after in (("Suspend", SUSPENDED), ("Resume", VERIFIED)):
        browser.fills("Reason", "The head asked for it")
        browser.presses(act)
        assert status_of(school) == after


def test_nobody_is_asked_for_a_proof_of_what_cannot_be_done(as_: Opens, chief: Account) -> None:
    browser, school = opens_school(as_, chief, VERIFIED, proved_ago=1200)
    path = f"/onboarding/schools/{school.id}/suspend"
    with sessions.begin() as db:
        db.get_one(School, school.id).status = CLOSED
    browser.posts(path, 409, reason="The head asked for it")
    assert "The status of this school has changed" in browser.text and "password" not in browser.text

    with sessions.begin() as db:
        db.get_one(School, school.id).status = VERIFIED
    browser.posts(path, 200, reason="The head asked for it", password=factories.PASSWORD)
    assert status_of(school) == SUSPENDED
