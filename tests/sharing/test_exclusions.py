"""People whose data does not leave: found, excluded from one app or every one, and let in again."""

from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app import audit
from app.db import sessions
from app.models.event import of_school
from app.models.roster.head import Roster
from app.models.roster.person import Person
from app.models.school import VERIFIED
from app.settings import settings
from tests import factories
from tests.factories import signs_in
from tests.pages import Browser
from tests.roster.api import Reader, reader
from tests.roster.small import SmallRoster


@pytest.fixture
def partner(server: ASGIApp, browser: Browser) -> Reader:
    """An app that reads pupils, contacts and classes; the school's Admin is signed in."""
    made = reader(TestClient(server, base_url=settings.issuer), scopes=("school", "students", "contacts", "groups"))
    with sessions.begin(school=made.school.id) as db:
        roster = SmallRoster(db, made.school.id)
        ada = roster.pupil("Ada Lovelace", "7", registration_group="7A")
        roster.contact("Anne Lovelace", ada)
        ben = roster.pupil("Ben Nevis", "7", registration_group="7A")
        roster.group("7A", ada, ben)
        Roster.arrived(db, made.school.id, "oneroster", 3)
    signs_in(browser, made.admin)
    return made


def names(of: Reader) -> set[str]:
    return {one["givenName"] for one in of.reads("/users").json()["users"]}


def excludes(browser: Browser, who: str, app: str, status: int = 200) -> None:
    browser.opens("/school/people?q=" + who.split(maxsplit=1)[0])
    browser.follows(who)
    if app:
        browser.ticks(app)
        browser.ticks("Their whereabouts or identity must be protected")
    browser.presses("Exclude", status)


def ids(of: Reader) -> dict[str, int]:
    with sessions.read(school=of.school.id) as db:
        return {one.given_name: one.id for one in Person.pupils_and_staff(db, of.school.id)}


def test_somebody_who_is_excluded_everywhere_is_in_no_answer_and_neither_are_the_contacts(
    browser: Browser, partner: Reader
) -> None:
    assert names(partner) == {"Ada", "Anne", "Ben"}
    excludes(browser, "Ada Lovelace", "Every app, now and later")

    assert "Their data does not leave any more" in browser.text and "Ada Lovelace" in browser.text
    assert names(partner) == {"Ben"}
    assert partner.reads("/users").headers["x-total-count"] == "1"
    assert partner.reads("/users?filter=familyName='Lovelace'").json() == {"users": []}
    browser.presses("End it")
    assert "Their data may leave again" in browser.text
    assert names(partner) == {"Ada", "Anne", "Ben"}


def test_an_exclusion_from_one_app_keeps_nothing_from_another(
    server: ASGIApp, browser: Browser, partner: Reader
) -> None:
    scopes = ("school", "students")
    with sessions.begin() as db:
        other_app = factories.app(db, scopes=scopes, name="Another")[0]
    client = TestClient(server, base_url=settings.issuer)
    other = reader(client, scopes=scopes, app=other_app, school=partner.school)
    excludes(browser, "Ada Lovelace", f"{partner.app.name} only")
    assert names(partner) == {"Ben"}
    assert names(other) == {"Ada", "Ben"}


def test_the_audit_names_nobody(browser: Browser, partner: Reader) -> None:
    excludes(browser, "Ada Lovelace", "Every app, now and later")
    with sessions.read() as db:
        assert of_school(db, partner.school.id)[0].action == "person.excluded"
        assert "Ada" not in str(list(audit.exported(db))) and audit.verify(db) == []


def test_what_was_not_chosen_is_asked_for_and_somebody_unknown_is_said(browser: Browser, partner: Reader) -> None:
    excludes(browser, "Ada Lovelace", "", 422)
    assert "Choose from which app" in browser.text and "Choose why" in browser.text
    browser.opens("/school/people?q=zzz")
    assert "Nobody is called that" in browser.text
    browser.opens("/school/people/999", 404)
    browser.opens("/school/people?q=7A")
    assert "2 found" in browser.text
    assert names(partner) == {"Ada", "Anne", "Ben"}


def test_another_schools_people_and_exclusions_are_as_good_as_absent(
    browser: Browser, other_browser: Browser, partner: Reader
) -> None:
    excludes(browser, "Ada Lovelace", "Every app, now and later")
    end = browser.document.xpath("//form[contains(@action, '/exclusions/')]")[0].get("action")
    with sessions.begin() as db:
        stranger = factories.admin(db, factories.school(db, 100002, VERIFIED))
    signs_in(other_browser, stranger)
    other_browser.opens(f"/school/people/{ids(partner)['Ben']}", 404)
    told: dict[str, Any] = {"app": "every", "reason": "other"}
    other_browser.posts(f"/school/people/{ids(partner)['Ben']}", 404, **told)
    other_browser.posts(end, 404)
    assert names(partner) == {"Ben"}
    browser.posts(end)
    assert names(partner) == {"Ada", "Anne", "Ben"}


def test_a_school_without_data_is_told_so(browser: Browser) -> None:
    with sessions.begin() as db:
        admin = factories.admin(db, factories.school(db, 100003, VERIFIED))
    signs_in(browser, admin)
    browser.opens("/school/people")
    assert "There is no data yet" in browser.text
