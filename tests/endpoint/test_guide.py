"""A school makes the account that Integris G2 needs, step by step, gives its password, and tests it."""

import datetime as dt
import json
from urllib.parse import urlsplit

import pytest
from sqlalchemy import update

from app import chores
from app.db import sessions
from app.endpoint import guide
from app.models.account import DPO, IT
from app.models.base import today
from app.models.mis_guide import MisGuide
from app.models.school import CLOSED, VERIFIED, School
from app.secrets import unseal
from app.web.pages import day
from tests import factories
from tests.factories import signs_in
from tests.onboarding.people import mails
from tests.pages import Browser
from tests.roster.simulated_g2 import G2, PASSWORD, USER
from tests.sharing.people import World, actions, colleague, world

PAGE = "/school/endpoint/integris"


def kept(here: World) -> MisGuide:
    with sessions.read() as db:
        found = MisGuide.of_school(db, here.school.id)
    assert found
    return found


def gives(browser: Browser, password: str, address: str = "", status: int = 200, user: str = USER) -> None:
    browser.opens(PAGE)
    browser.fills(f"Password of {user}", password)
    browser.fills("Address of the web service (optional)", address)
    button = "Replace the password" if "Replace the password" in browser.text else "Keep the password"
    browser.presses(button, status)


def test_every_step_shows_the_values_of_the_school(browser: Browser, here: World) -> None:
    browser.opens(PAGE)
    for said in (
        *("General > Staff Details", "Service", "Web", "Out of Scope of SWF Census", "You have not specified a Staff"),
        *("System Management > Define User Roles", "VLE Integration", "CORE", "SCHOOL", "SCH_Q_SchoolView"),
        *("System Management > User Management", "Mr Web Service", "Note the user ID: WebServices2999"),
        *("Log on as WebServices2999 with the password jan1", "Confirm New Password"),
        day(today() - dt.timedelta(days=1)),
    ):
        assert said in browser.text, said


def test_a_school_without_a_number_reads_what_to_put_there(browser: Browser) -> None:
    with sessions.begin() as db:
        factories.establishment(db, 100007, establishment_number=None)
        school = factories.school(db, 100007, VERIFIED)
        admin = factories.admin(db, school)
    signs_in(browser, admin)
    browser.opens(PAGE)
    assert "followed by the four digits of your" in browser.text
    gives(browser, "violet tractor seventeen", "http://127.0.0.1:9/g2", user="WebServices")
    browser.posts(f"{PAGE}/test", 409)
    assert "There is nothing to test yet" in browser.text


def test_ticks_are_kept_with_who_and_when(browser: Browser, other_browser: Browser, here: World) -> None:
    helper = colleague(here.school, IT, name="Ned Network")
    signs_in(other_browser, helper)
    browser.opens(PAGE)
    browser.presses("Step 1 is done")
    other_browser.opens(PAGE)
    other_browser.presses("Step 3 is done")
    assert "2 of 4" in other_browser.text and "by Ned Network" in other_browser.text
    assert here.admin.name in other_browser.text
    assert set(kept(here).ticks) == {"staff", "account"}
    browser.opens(PAGE)
    browser.presses("Step 3 is not done after all")
    assert "1 of 4" in browser.text and set(kept(here).ticks) == {"staff"}
    browser.posts(f"{PAGE}/steps/dance", 404, done="yes")


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("jan1", "jan1 is the password that every new account has"),
        (" JAN1 ", "jan1 is the password that every new account has"),
        ("", "Use 8 characters or more"),
        ("qz7!kd", "Use 8 characters or more"),
        ("password123", "one of those that attackers try first"),
        ("WebServices2999", "too close"),
    ],
)
def test_a_password_that_is_the_default_short_breached_or_close_is_refused(
    browser: Browser, here: World, password: str, said: str
) -> None:
    gives(browser, password, status=422)
    assert said in browser.text
    with sessions.read() as db:
        found = MisGuide.of_school(db, here.school.id)
    assert found is None or found.password_sealed is None
    gives(browser, "violet tractor seventeen")
    assert kept(here).password_sealed


def test_the_password_is_sealed_and_never_shown(browser: Browser, here: World) -> None:
    password = "violet tractor seventeen"
    gives(browser, password)
    assert "Nobody sees it again" in browser.text and "Given on" in browser.text
    for page in (PAGE, "/school/endpoint", "/school"):
        browser.opens(page)
        assert password not in browser.client.get(page).text
    sealed = kept(here).password_sealed or ""
    assert password not in sealed and json.loads(unseal(sealed, guide.PURPOSE))["password"] == password
    assert actions(here) == ["guide.password_set"]
    assert "Test it" not in browser.text


def test_the_account_is_tested_against_the_web_service(browser: Browser, here: World, g2: G2) -> None:
    gives(browser, PASSWORD, g2.address)
    browser.presses("Test it")
    assert "It works: the account opens the data of your school" in browser.text
    assert (kept(here).test_result, kept(here).tested_at is not None) == ("", True)
    assert [urlsplit(path).path for path in g2.asked] == ["/g2/school"]

    g2.dfe_number = "888/2001"
    browser.presses("Test it")
    assert "one of another school’s" in browser.text and "It works" not in browser.text
    g2.answers["school"] = (403, b"{}")
    browser.presses("Test it")
    assert "web services switched off" in browser.text
    g2.answers["school"] = (410, b"{}")
    browser.presses("Test it")
    assert "no web service at this address" in browser.text

    gives(browser, "violet tractor seventeen", g2.address)
    assert kept(here).tested_at is None
    g2.answers.clear()
    browser.presses("Test it")
    assert "does not accept the user ID or the password" in browser.text


def test_a_result_of_a_password_that_was_replaced_meanwhile_is_dropped(browser: Browser, here: World, g2: G2) -> None:
    gives(browser, PASSWORD, g2.address)
    before = kept(here).password_sealed or ""
    gives(browser, "violet tractor seventeen", g2.address)
    with sessions.begin() as db:
        MisGuide.locked(db, here.school.id).tested(db, before, "")
    assert kept(here).tested_at is None
    with sessions.begin() as db:
        MisGuide.locked(db, here.school.id).tested(db, kept(here).password_sealed or "", "Closed")
    assert kept(here).test_result == "Closed"


@pytest.mark.parametrize("address", ["integris", "ftp://example.com/g2", "http://10.0.0.1/g2"])
def test_an_address_that_we_would_not_ask_is_refused(browser: Browser, here: World, address: str) -> None:
    gives(browser, "violet tractor seventeen", address, 422)
    assert "Check the address with RM" in browser.text
    gives(browser, "violet tractor seventeen", "http://127.0.0.1:9/g2")
    assert guide.address_of(kept(here)) == "http://127.0.0.1:9/g2"


def leaves(browser: Browser, on: str, status: int = 200) -> None:
    browser.opens(PAGE)
    browser.fills("Leaving date that you entered in Integris", on)
    browser.presses("Save the date", status)


def test_the_school_is_warned_30_days_before_its_account_ends(browser: Browser, here: World) -> None:
    leaves(browser, (today() + dt.timedelta(days=32)).isoformat())
    assert chores.run(guide.tell_of_leaving) == 0
    soon = today() + dt.timedelta(days=29)
    leaves(browser, soon.isoformat())
    assert chores.run(guide.tell_of_leaving) == 1 and chores.run(guide.tell_of_leaving) == 0
    [mail] = mails(here.admin)
    assert mail["subject"] == f"Integris ends the account WebServices2999 on {day(soon)}"
    leaves(browser, soon.isoformat())
    assert chores.run(guide.tell_of_leaving) == 0
    leaves(browser, (soon - dt.timedelta(days=3)).isoformat())
    assert chores.run(guide.tell_of_leaving) == 1


def test_a_closed_school_is_not_warned(browser: Browser, here: World) -> None:
    leaves(browser, (today() + dt.timedelta(days=9)).isoformat())
    with sessions.begin() as db:
        db.execute(update(School).where(School.id == here.school.id).values(status=CLOSED))
    chores.run(guide.tell_of_leaving)
    assert mails(here.admin) == []
    with sessions.begin() as db:
        db.execute(update(School).where(School.id == here.school.id).values(status=VERIFIED))
    leaves(browser, (today() + dt.timedelta(days=8)).isoformat())
    chores.run(guide.tell_of_leaving)
    assert len(mails(here.admin)) == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter the leaving date"),
        ("31/08/2031", "Enter the leaving date"),
        ("2001-01-01", "not ahead"),
        ("2999-01-01", "within 50 years"),
    ],
)
def test_a_leaving_date_that_cannot_be_is_refused(browser: Browser, here: World, typed: str, said: str) -> None:
    leaves(browser, typed, 422)
    assert said in browser.text
    leaves(browser, (today() + dt.timedelta(days=400)).isoformat())
    assert kept(here).leaving_date == today() + dt.timedelta(days=400)


def test_another_school_sees_nothing_of_it_and_other_roles_are_refused(
    browser: Browser, other_browser: Browser, here: World, g2: G2
) -> None:
    gives(browser, PASSWORD, g2.address)
    browser.presses("Step 1 is done")
    signs_in(other_browser, world(100002).admin)
    other_browser.opens(PAGE)
    assert "0 of 4" in other_browser.text and g2.address not in other_browser.text
    other_browser.posts(f"{PAGE}/test", 409)
    assert g2.asked == []
    signs_in(other_browser, colleague(here.school, DPO))
    other_browser.posts(f"{PAGE}/password", 403, new_password="violet tractor seventeen")
    other_browser.posts(f"{PAGE}/test", 403)
    assert g2.asked == []
    browser.presses("Test it")
    assert len(g2.asked) == 1
