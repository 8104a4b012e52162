"""Data that is never read, and the annual review of everything on one page."""

import uuid

import pytest

from app.db import sessions
from app.models.account import DPO
from app.models.authorisation import Authorisation
from app.models.base import ago, now
from app.models.ledger import Read
from app.models.partner import App
from app.models.school import School
from app.models.scope import SCOPES, Scope
from app.sharing import review
from tests import factories
from tests.factories import signs_in
from tests.pages import Browser
from tests.sharing.people import World, actions, colleague, granted, state, world

DAY = 86_400


@pytest.fixture(autouse=True)
def _pupils(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more kind of data of which the ledger knows."""
    monkeypatch.setitem(SCOPES, "students", Scope("students", "Pupils", "Names.", "student", ("givenName",)))


def school_with(*names: str) -> tuple[World, list[Authorisation]]:
    """A school that authorised apps of these names for its details and its pupils 200 days ago."""
    here = world()
    made = []
    for name in names:
        with sessions.begin() as db:
            app, _ = factories.app(db, name, scopes=("school", "students"))
        made.append(given(here, app))
    return here, made


def given(here: World, app: App) -> Authorisation:
    made = granted(World(here.school, here.admin, app), "school", "students")
    with sessions.begin() as db:
        row = db.get_one(Authorisation, made.id)
        row.granted_at, row.reviewed_at = ago(200 * DAY), None
        for wanted in row.app.scopes:
            wanted.changed_at = ago(300 * DAY)
    return made


def reads(of: Authorisation, scopes: str, days: int) -> None:
    row: dict[str, object] = {
        "id": uuid.uuid4(),
        "school_id": of.school_id,
        "app_id": of.app_id,
        "authorisation_id": of.id,
    }
    row |= {"route": "oneroster/orgs", "people": 0, "address": "192.0.2.7"}
    with sessions.begin() as db:
        Read.add(db, [row | {"scopes": scopes, "read_at": ago(days * DAY)}])


def scopes(of: Authorisation) -> list[str]:
    with sessions.read() as db:
        return db.get_one(Authorisation, of.id).scopes


def reviewed_at(here: World) -> object:
    with sessions.read() as db:
        return db.get_one(School, here.school.id).reviewed_at


def test_data_that_was_not_read_for_90_days_is_told_of_and_stopped_by_one_press(page: Browser) -> None:
    here, (old, used) = school_with("Old", "Used")
    reads(old, "school", 10)
    reads(old, "students", 91)
    reads(used, "school students", 10)
    signs_in(page, here.admin)

    page.opens(f"/school/apps/{used.id}")
    assert "Not read for 90 days" not in page.text
    page.opens(f"/school/apps/{old.id}")
    assert page.text.count("Not read for 90 days") == 1
    page.presses("Stop sharing it")

    assert scopes(old) == ["school"] and "Saved: what Old may read has changed" in page.text
    page.posts(f"/school/apps/{old.id}/stop", scope="school")
    page.posts(f"/school/apps/{used.id}/stop", scope="nonsense")
    assert scopes(old) == ["school"] and scopes(used) == ["school", "students"]


def test_what_was_agreed_to_lately_is_not_called_unused() -> None:
    here, (old,) = school_with("Old")
    with sessions.begin() as db:
        row = db.get_one(Authorisation, old.id)
        assert review.unused(db, [row]) == {old.id: ["school", "students"]}
        row.granted_at = ago(80 * DAY)
        assert review.unused(db, [row]) == {}
    assert here


def test_a_review_keeps_narrows_and_revokes_by_one_press(page: Browser) -> None:
    here, (kept, narrowed, revoked) = school_with("Kept", "Narrowed", "Revoked")
    signs_in(page, here.admin)
    page.opens("/school/apps")
    page.follows("Review what your school shares")
    page.presses("Save Changes", 422)
    assert "Choose what to do about Kept" in page.text and reviewed_at(here) is None

    for name, decision in ((kept, "keep"), (narrowed, "narrow"), (revoked, "revoke")):
        page._filled[f"decide-{name.id}"] = [decision]
    page._filled[f"stop-{narrowed.id}-students"] = []
    page.presses("Save Changes", 422)
    assert "Tick what Narrowed may no longer read" in page.text
    assert page.document.xpath(f"//input[@name='decide-{revoked.id}' and @value='revoke' and @checked]")
    page._filled[f"stop-{narrowed.id}-students"] = ["yes"]
    page.presses("Save Changes")

    assert "The review is saved" in page.text
    assert (scopes(kept), scopes(narrowed)) == (["school", "students"], ["school"])
    assert [state(one) for one in (kept, narrowed, revoked)] == ["Active", "Active", "Revoked"]
    assert reviewed_at(here) is not None and actions(here)[0] == "school.reviewed"


def test_a_review_of_what_has_changed_meanwhile_saves_nothing(page: Browser) -> None:
    here, (one, other) = school_with("One", "Other")
    signs_in(page, here.admin)
    page.opens("/school/review")
    page._filled = {f"decide-{given.id}": ["revoke"] for given in (one, other)}
    review_page = page.document
    page.posts(f"/school/apps/{other.id}/stop", scope="students")
    page.document, page.path = review_page, "/school/review"
    page._filled = {f"decide-{given.id}": ["revoke"] for given in (one, other)}

    page.presses("Save Changes", 409)
    assert "has changed since you opened this page" in page.text and state(one) == "Active"

    page._filled = {f"decide-{given.id}": ["revoke"] for given in (one, other)}
    page.presses("Save Changes")
    assert [state(one), state(other)] == ["Revoked", "Revoked"]


def test_a_year_later_the_first_page_asks_for_a_review(page: Browser) -> None:
    here, (one,) = school_with("One")
    signs_in(page, here.admin)
    page.opens("/school")
    assert "It is time to review" not in page.text
    with sessions.begin() as db:
        db.get_one(School, here.school.id).registered_at = ago(366 * DAY)

    page.opens("/school")
    page.follows("Keep, narrow or revoke each app on one page")
    page._filled[f"decide-{one.id}"] = ["keep"]
    page.presses("Save Changes")

    assert "It is time to review" not in page.text


def test_what_came_over_from_before_a_conversion_reads_once_it_is_confirmed(page: Browser) -> None:
    here, (carried, left) = school_with("Carried", "Left")
    with sessions.begin() as db:
        row = db.get_one(Authorisation, carried.id)
        row.paused_at, row.reconfirm_since, row.reconfirm_reason, row.carried_from = now(), now(), "conversion", left.id
        row = db.get_one(Authorisation, left.id)
        row.paused_at, row.reconfirm_since, row.reconfirm_reason = now(), now(), "admin left"
    signs_in(page, here.admin)
    page.opens("/school")
    assert "2 apps are to be confirmed again" in page.text
    page.follows("Confirm or revoke")
    for one in (carried, left):
        page._filled[f"decide-{one.id}"] = ["keep"]
    page.presses("Save Changes")

    assert "to be confirmed again" not in page.text
    assert (state(carried), state(left)) == ("Active", "Paused")
    assert "authorisation.resumed" in actions(here)


def test_more_apps_than_fit_on_one_page_are_reviewed_in_turn(page: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    here, shared = school_with("One", "Two", "Three")
    monkeypatch.setattr(review, "MOST", 2)
    signs_in(page, here.admin)
    page.opens("/school/review")
    assert "1 more come after them" in page.text

    for turn in range(2):
        chosen = page.document.xpath("//input[@value='keep']/@name")
        page._filled = {name: ["keep"] for name in chosen}
        assert reviewed_at(here) is None, turn
        page.presses("Save Changes")

    assert "The review is saved" in page.text and reviewed_at(here) is not None
    assert {state(one) for one in shared} == {"Active"}


def test_a_school_that_shares_nothing_has_nothing_to_review_and_a_dpo_reviews_nothing(page: Browser) -> None:
    here = world()
    signs_in(page, colleague(here.school, DPO))
    page.opens("/school/review", 403)
    signs_in(page, here.admin)
    page.opens("/school/review")

    assert "There is nothing to review" in page.text
