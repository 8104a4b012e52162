"""Links that do not work: each has a page of its own, says what to do, and loses nothing."""

import uuid

import pytest
from sqlalchemy import delete

from app.db import sessions
from app.models.school import Registration
from app.registration import links
from app.secrets import sign
from app.settings import settings
from tests.pages import Browser
from tests.registration.people import (
    EMAIL,
    MOBILE,
    NAME,
    ages_link,
    asks_for_link,
    counts,
    listed,
    mails,
    newest_link,
    registers,
)

RAN_OUT = 48 * 3600 + 1


def token_of(link: str) -> str:
    return link.partition("token=")[2]


def posts(browser: Browser, token: str, status: int) -> None:
    browser.posts("/register/verify", status, token=token, name=NAME, email=EMAIL, mobile=MOBILE)


def test_a_link_runs_out_after_48_hours_and_a_new_one_is_offered(browser: Browser) -> None:
    listed()
    link = asks_for_link(browser)
    ages_link(RAN_OUT)
    posts(browser, token_of(link), 410)
    browser.opens(link, 410)
    assert browser.title == "This link has run out" and counts()["School"] == 0

    browser.presses("Send a new link")
    assert browser.title == "We have sent a new link"
    browser.opens(newest_link())
    assert browser.value("name") == NAME
    browser.presses("Signup")
    assert counts()["School"] == 1


def test_a_link_still_works_just_before(browser: Browser) -> None:
    listed()
    link = asks_for_link(browser)
    ages_link(48 * 3600 - 60)
    browser.opens(link)
    browser.presses("Signup")
    assert browser.value("estab-admin-username")


def test_whoever_began_it_may_change_the_address_from_a_dead_link_and_nobody_else(
    browser: Browser, other_browser: Browser
) -> None:
    listed()
    link = asks_for_link(browser)
    ages_link(RAN_OUT)
    other_browser.opens(link, 410)
    assert "Change the address" not in other_browser.text and EMAIL not in other_browser.text

    browser.opens(link, 410)
    browser.follows("Change the address or other details")
    assert browser.value("email") == EMAIL


def test_a_new_link_goes_only_to_the_address_that_the_old_one_was_made_for(
    browser: Browser, other_browser: Browser
) -> None:
    listed()
    link = asks_for_link(browser)
    ages_link(RAN_OUT)
    other_browser.posts("/register/new-link", token=token_of(link), email="thief@evil.example")
    [mail] = mails()
    assert mail["to"] == EMAIL
    other_browser.opens("/register/details")
    assert other_browser.path == "/register/school", "it learns nothing of the registration"


def test_a_used_link_says_so_and_leads_on(browser: Browser, other_browser: Browser) -> None:
    listed()
    link = asks_for_link(browser)
    browser.opens(link)
    browser.presses("Signup")
    other_browser.opens(link, 410)
    assert other_browser.title == "This link has been used already"
    assert "what happens next" not in other_browser.text
    other_browser.posts("/register/new-link", 410, token=token_of(link))
    assert len(mails()) == 1, "the welcome, and no new link"
    other_browser.opens("/sign-in")


def foreign() -> list[str]:
    registration = uuid.uuid4().hex
    return [
        "",
        "x",
        "a.b.c",
        "\x00",
        "é" * 50,
        "../../etc/passwd",
        sign([registration, "0" * 16, "x"], links.PURPOSE),  # of a server that was restored without this row
        sign([registration, "0" * 16, "x"], "invitation"),  # ours, but for another purpose
        sign({"urn": 1}, "registration"),
    ]


@pytest.mark.parametrize("number", range(len(foreign())))
def test_a_link_that_is_not_ours_is_refused(browser: Browser, number: int) -> None:
    listed()
    link = asks_for_link(browser)
    browser.client.cookies.clear()
    token = foreign()[number]
    answer = browser.client.get("/register/verify", params={"token": token})
    assert answer.status_code == 400 and "This link is not complete" in answer.text
    posts(browser, token, 400)
    browser.posts("/register/new-link", 400, token=token)
    assert counts()["School"] == 0

    browser.opens(link)
    posts(browser, token_of(link), 200)
    assert counts()["School"] == 1


def test_a_changed_or_shortened_link_is_refused(browser: Browser) -> None:
    listed()
    link = asks_for_link(browser)
    head, _, signature = link.rpartition(".")
    for broken in (link[:-1], link[:-8], f"{head}.{signature[::-1]}", link.replace("token=", "token=A")):
        browser.opens(broken, 400)
        posts(browser, token_of(broken), 400)
    assert counts()["School"] == 0

    posts(browser, token_of(link), 200)


def test_a_link_of_another_registration_opens_only_that_one(browser: Browser, other_browser: Browser) -> None:
    listed()
    listed(100002, name="The Other School")
    asks_for_link(browser, 100001)
    theirs = asks_for_link(other_browser, 100002, "other@school.example")

    browser.opens(theirs)

    assert "The Other School" in browser.text and browser.value("email") == "other@school.example"
    browser.presses("Signup")
    assert browser.title == "The Other School is registered"


def test_a_link_signed_for_an_address_that_is_no_longer_the_registrations_is_dead(browser: Browser) -> None:
    listed()
    link = asks_for_link(browser)
    with sessions.begin() as db:
        [registration] = db.query(Registration).all()
        registration.email = "changed@school.example"
    posts(browser, token_of(link), 410)
    with sessions.begin() as db:
        [registration] = db.query(Registration).all()
        registration.email = EMAIL
    posts(browser, token_of(link), 200)


def test_a_registration_that_was_erased_leaves_a_link_that_says_so(browser: Browser) -> None:
    listed()
    link = asks_for_link(browser)
    with sessions.begin() as db:
        db.execute(delete(Registration))
    browser.opens(link, 400)
    browser.opens("/register/check-your-email")
    assert browser.path == "/register/details", "and the browser starts over"

    assert registers(browser)


def test_a_school_that_closed_meanwhile_is_not_registered_and_the_link_not_spent(browser: Browser) -> None:
    listed()
    link = asks_for_link(browser)
    set_status("2")
    browser.opens(link)
    browser.presses("Signup", 409)
    assert "has closed" in browser.text and counts()["School"] == 0

    set_status("1")
    browser.presses("Signup")
    assert browser.value("estab-admin-username")


def set_status(code: str) -> None:
    from app.models.establishment import Establishment

    with sessions.begin() as db:
        found = Establishment.by_urn(db, 100001)
        assert found
        found.status_code = code


def test_too_many_mails_to_one_address_are_refused_and_others_go_on(browser: Browser, other_browser: Browser) -> None:
    listed()
    asks_for_link(browser)
    for _ in range(9):
        ages_link(61)
        browser.opens("/register/check-your-email")
        browser.presses("Send the link again")
    ages_link(61)
    browser.presses("Send the link again", 429)
    assert "as many messages as we may" in browser.text and int(browser.headers["retry-after"]) > 0
    assert len(mails()) == 9

    other_browser.opens("/register/school")
    assert asks_for_link(other_browser, email="somebody.else@school.example")


def test_too_many_mails_from_one_network_are_refused(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.registration.limits._from_network._most", 3)
    listed()
    for number in range(3):
        browser.client.cookies.clear()
        asks_for_link(browser, email=f"n{number}@school.example")
    browser.client.cookies.clear()
    browser.opens("/register/school?by=urn&q=100001")
    browser.presses("Next")
    browser.fills("Your name", NAME)
    browser.fills("Your email address", "n4@school.example")
    browser.fills("Your mobile number", MOBILE)
    browser.presses("Signup", 429)
    assert browser.value("name") == NAME and counts()["Registration"] == 3

    monkeypatch.setattr("app.registration.limits._from_network._most", 4)
    browser.presses("Signup")
    assert browser.path == "/register/check-your-email"


def test_a_link_names_nobody(browser: Browser) -> None:
    listed()
    link = asks_for_link(browser)
    assert "grace" not in link.lower() and "madeup" not in link.lower()
    assert settings.verification_link_seconds == 48 * 3600
