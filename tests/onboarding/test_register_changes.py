"""What the register says of a school after it was checked."""

import datetime as dt
import uuid
from typing import Any

import pytest

from app import chores
from app.db import sessions
from app.models.account import APPROVER, CALLER
from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.establishment import CLOSED as REGISTER_CLOSED
from app.models.establishment import Establishment, RegisterImport
from app.models.school import CLOSED, VERIFIED, School
from app.models.verification import Verification
from app.onboarding.register_changes import Follower
from tests import factories
from tests.pages import Browser


def register_says(**changed: Any) -> None:
    """A new import of the register, in which the school differs."""
    with sessions.begin() as db:
        record = db.get_one(Establishment, 100001)
        for name, value in changed.items():
            setattr(record, name, value)
        db.add(
            RegisterImport(
                id=uuid.uuid4(),
                imported_at=now(),
                file_name="x.csv",
                file_digest=b"",
                rows=1,
                added=0,
                changed=1,
                closed=0,
                unchanged=0,
            )
        )


@pytest.fixture
def school() -> School:
    """A Verified school that the follower has seen."""
    with sessions.begin() as db:
        made = factories.school(db, status=VERIFIED)
    register_says()
    chores.run(Follower())
    return made


def now_(school: School) -> School:
    with sessions.read() as db:
        return db.get_one(School, school.id)


def test_a_change_of_what_the_check_went_by_is_flagged_once(school: School) -> None:
    follower = Follower()
    register_says(telephone="01632960009", capacity=200)

    assert chores.run(follower) == 1
    assert chores.run(follower) == 0
    register_says()
    assert chores.run(follower) == 0

    flagged = now_(school)
    assert flagged.recheck_reason == "Telephone: 01632960001 → 01632960009" and flagged.recheck_since
    assert flagged.status == VERIFIED


def test_what_does_not_matter_is_not_flagged(school: School) -> None:
    register_says(street="Other Lane")
    assert chores.run(Follower()) == 0

    register_says(head_last_name="Newhead")
    assert chores.run(Follower()) == 1


def test_a_school_that_the_register_closes_is_closed_with_all_it_authorised(school: School) -> None:
    with sessions.begin() as db:
        admin = factories.admin(db, school)
        app, _ = factories.app(db)
        given = factories.authorisation(db, admin, db.get_one(School, school.id), app)
    register_says(status_code=REGISTER_CLOSED)

    assert chores.run(Follower()) == 1

    closed = now_(school)
    assert closed.status == CLOSED and "register" in (closed.status_reason or "")
    with sessions.read() as db:
        assert not db.get_one(Authorisation, given.id).is_active


def test_an_approver_says_that_it_was_looked_at(school: School, browser: Browser, other_browser: Browser) -> None:
    register_says(telephone="01632960009")
    chores.run(Follower())
    with sessions.begin() as db:
        caller, approver = factories.operator(db, CALLER), factories.operator(db, APPROVER)
    factories.signs_in(other_browser, caller)
    factories.signs_in(browser, approver)

    other_browser.posts(f"/onboarding/schools/{school.id}/checked", 403)
    browser.opens("/onboarding/schools?status=To+check+again")
    browser.follows(school.name)
    assert "Telephone: 01632960001 → 01632960009" in browser.text
    browser.presses("Checked, still right")

    assert now_(school).recheck_since is None
    browser.posts(f"/onboarding/schools/{school.id}/checked", 409)
    register_says()
    assert chores.run(Follower()) == 0
    register_says(telephone="01632960001")
    assert chores.run(Follower()) == 1


def test_the_statistics_tell_how_often_the_target_was_kept(browser: Browser) -> None:
    with sessions.begin() as db:
        for urn, hours_late in ((100001, -1), (100002, 1)):
            case = Verification.of_school(db, factories.school(db, urn, VERIFIED).id)
            assert case is not None
            case.state, case.decided_at = "Approved", case.due_at + dt.timedelta(hours=hours_late)
        factories.school(db, 100003)
        caller = factories.operator(db, CALLER)
    factories.signs_in(browser, caller)

    browser.opens("/onboarding")
    browser.follows("How fast we check schools")

    assert "50% in the last twelve months" in browser.text
    row = [" ".join(cell.text_content().split()) for cell in browser.document.xpath("//tbody/tr[td[4]]/*")]
    assert row[1:5] == ["3", "2", "1 (50%)", "2"]


def test_without_any_registration_the_statistics_say_so(browser: Browser) -> None:
    with sessions.begin() as db:
        caller = factories.operator(db, CALLER)
    factories.signs_in(browser, caller)
    browser.opens("/onboarding/statistics")
    assert "No school has registered yet" in browser.text
