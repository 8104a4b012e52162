"""product.md 7: the person signs in, or registers the school first, and comes back to the invitation."""

from app.db import sessions
from app.models.account import Session
from app.models.school import VERIFIED
from tests import factories
from tests.pages import Browser
from tests.registration import people
from tests.sharing.invited import Invited


def test_after_registering_the_next_page_leads_back_to_the_invitation(browser: Browser) -> None:
    here = Invited()
    browser.opens(here.path)
    browser.presses("Register this school")
    people.types_details(browser)
    browser.opens(people.newest_link())
    browser.presses("Signup")
    username, password = (browser.value(f"estab-admin-{what}") for what in ("username", "password"))

    browser.opens("/register/next")
    browser.follows("Continue to Reading Room")

    assert browser.path.startswith("/sign-in")
    browser.fills("Username or email address", username)
    browser.fills("Password", password)
    browser.presses("Sign in")
    assert browser.path == "/account/first-password"
    with sessions.read() as db:
        [session] = db.query(Session).all()
    assert session.next_path == f"/invitation/{here.id}"


def test_an_open_invitation_waits_for_whoever_signs_in_by_themselves(browser: Browser) -> None:
    here = Invited(registered=True)
    browser.opens(here.path)
    browser.opens("/sign-in")
    browser.fills("Username or email address", here.admin.email)
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Sign in")
    browser.fills("Code from your authenticator app", factories.code())
    browser.presses("Continue")
    assert browser.path == f"/invitation/{here.id}"


def test_signing_in_for_another_school_leads_to_the_school_and_not_to_the_invitation(browser: Browser) -> None:
    here = Invited(registered=True)
    with sessions.begin() as db:
        elsewhere = factories.admin(db, factories.school(db, 100002, VERIFIED))
    browser.opens(here.path)
    browser.opens("/sign-in")
    browser.fills("Username or email address", elsewhere.email)
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Sign in")
    browser.fills("Code from your authenticator app", factories.code())
    browser.presses("Continue")
    assert browser.path == "/school"
