"""The mail of a registration, and the names that it leads to."""

import pytest
from starlette.requests import Request

from app.db import sessions
from app.registration import limits
from app.settings import settings
from tests import factories
from tests.pages import Browser
from tests.registration.people import (
    EMAIL,
    MOBILE,
    NAME,
    ages_link,
    asks_for_link,
    counts,
    finds,
    listed,
    mails,
    newest_link,
    registers,
    registration,
    types_details,
)


def test_the_link_can_be_sent_again_after_a_minute_and_only_the_newest_works(browser: Browser) -> None:
    listed()
    first = asks_for_link(browser)
    browser.presses("Send the link again", 429)
    assert "less than a minute ago" in browser.text and mails() == []

    ages_link(61)
    browser.presses("Send the link again")
    assert browser.path == "/register/check-your-email"
    second = newest_link()
    assert second != first
    browser.opens(first, 410)
    assert browser.title == "A newer link has replaced this one"
    browser.opens(second)
    browser.presses("Signup")
    assert browser.value("estab-admin-username")


def test_a_change_of_address_ends_the_old_link(browser: Browser) -> None:
    listed()
    first = asks_for_link(browser)
    browser.follows("Change the address or other details")
    assert [browser.value(field) for field in ("name", "email", "mobile")] == [NAME, EMAIL, MOBILE]
    types_details(browser, {"email": "new@madeup-primary.sch.example"})
    [mail] = mails()
    assert mail["to"] == "new@madeup-primary.sch.example"
    browser.opens(first, 410)

    browser.opens(mail["links"][0])
    browser.presses("Signup")
    assert counts()["Registration"] == 1 and registration().email == "new@madeup-primary.sch.example"


def test_signup_pressed_twice_sends_one_mail(browser: Browser) -> None:
    listed()
    finds(browser)
    for _ in range(2):
        browser.opens("/register/details")
        types_details(browser)
        assert browser.path == "/register/check-your-email"
    assert len(mails()) == 1


def test_two_windows_cannot_mix_up_two_schools(browser: Browser) -> None:
    listed()
    listed(100002, name="The Other School")
    finds(browser, 100001)
    first_window = browser.document
    finds(browser, 100002)
    browser.document = first_window

    types_details(browser, status=422)

    assert "another school in another window" in browser.text and "The Other School" in browser.text
    assert counts()["Registration"] == 0
    browser.presses("Signup")
    assert registration().urn == 100002


def test_usernames_are_the_dfe_number_else_the_urn_and_later_claims_get_a_suffix(
    browser: Browser, other_browser: Browser
) -> None:
    listed(la_code="123", establishment_number="4567")
    listed(100002, establishment_number=None)
    assert registers(browser, 100001)[0] == "1234567"
    assert registers(browser, 100002)[0] == "100002"

    finds(other_browser)
    assert "Somebody has already registered this school" in other_browser.text
    assert registers(other_browser, 100001, "second@madeup-primary.sch.example")[0] == "1234567-2"
    assert registers(other_browser, 100001, "third@madeup-primary.sch.example")[0] == "1234567-3"
    assert counts()["School"] == 4


def test_links_come_from_the_settings_and_never_from_the_host(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed()
    finds(browser)
    sent = {"urn": "100001", "name": NAME, "email": EMAIL, "mobile": MOBILE}
    lies = {"host": "127.0.0.1:9999", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    assert browser.client.post("/register/details", data=sent, headers={"host": "evil.example"}).status_code == 400
    assert counts()["Message"] == 0

    assert browser.client.post("/register/details", data=sent, headers=lies).status_code == 303
    [mail] = mails()
    assert mail["links"][0].startswith(f"{settings.issuer}/register/verify?token=")
    assert "evil.example" not in mail["text"] and ":9999" not in mail["text"]


def test_a_name_cannot_put_html_or_a_message_into_the_mail(browser: Browser) -> None:
    listed(name="St <b>Mary</b>")
    finds(browser)
    types_details(browser, {"name": '<a href="https://evil.example">Prize</a>'})
    [mail] = mails()
    assert mail["text"].startswith("Hello,\n") and "evil" not in mail["text"]

    browser.opens(mail["links"][0])
    assert browser.value("name") == '<a href="https://evil.example">Prize</a>'
    browser.presses("Signup")
    assert browser.title == "St <b>Mary</b> is registered"


def test_tags_of_one_inbox_share_its_allowance_of_mails() -> None:
    request = Request({"type": "http", "client": ("127.0.0.1", 5000)})
    for number in range(limits.LINKS_TO_ONE_ADDRESS):
        limits.link(request, f"grace+{number}@madeup-primary.sch.example")

    with pytest.raises(limits.TooManyMessages):
        limits.link(request, "Grace+more@madeup-primary.sch.example")
    limits.link(request, "head+0@madeup-primary.sch.example")


def test_a_stranger_cannot_mail_admins_a_text_instead_of_a_name(browser: Browser) -> None:
    with sessions.begin() as db:
        factories.admin(db, factories.school(db, 100001, status="Verified"))
    asking = {"urn": "100001", "email": EMAIL, "mobile": MOBILE}

    browser.posts("/register/access", name="URGENT sign in at https://evil.example", **asking)
    [mail] = mails()
    assert "evil" not in mail["text"] and "Name given: left out" in mail["text"]

    browser.posts("/register/access", name=NAME, **asking)
    [mail] = mails()
    assert f"Name given: {NAME}" in mail["text"]
