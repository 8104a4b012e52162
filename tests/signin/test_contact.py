"""Another e-mail address or mobile number for one's own account."""

import re
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.chores import run
from app.db import sessions
from app.models.account import Account
from app.models.base import ago, now
from app.models.contact import ContactChange, ResetCode
from app.settings import settings
from app.signin import contact
from tests import factories
from tests.oauth.dance import at_once
from tests.pages import Browser
from tests.signin.people import actions, admin, mails, signs_in
from tests.signin.test_reset import HEADERS, asks, texted, texts, wrong

NEW_EMAIL, NEW_MOBILE = "new@madeup-primary.sch.example", "07400 123999"


@pytest.fixture
def account(browser: Browser) -> Account:
    """Somebody who is signed in, and has just proved once more who they are."""
    made = admin()
    signs_in(browser, made)
    proves(browser)
    return made


def proves(browser: Browser) -> None:
    browser.opens("/account/confirm?next=/account")
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Continue")


def as_it_is(account: Account) -> Account:
    with sessions.read() as db:
        return db.get_one(Account, account.id)


def link(part: str) -> str:
    """The newest link of this kind that was mailed."""
    found = [re.findall(rf"{settings.issuer}(/account/{part}\?link=\S+)", text) for text in mails()]
    return str([one for several in found for one in several][-1])


def asks_for_email(browser: Browser, email: str = NEW_EMAIL, status: int = 200) -> None:
    browser.opens("/account/email")
    browser.fills("New email address", email)
    browser.presses("Continue", status)


def asks_for_mobile(browser: Browser, mobile: str = NEW_MOBILE, status: int = 200) -> None:
    browser.opens("/account/mobile")
    browser.fills("New mobile number", mobile)
    browser.presses("Continue", status)


def types(browser: Browser, code: str, status: int = 200) -> None:
    browser.fills("Code from the text message", code)
    browser.presses("Continue", status)


def a_day_passes() -> None:
    with sessions.begin() as db:
        db.execute(
            update(ContactChange).where(ContactChange.takes_effect_at.is_not(None)).values(takes_effect_at=now())
        )


def test_another_address_is_proved_by_its_link_told_to_the_old_one_and_takes_effect_a_day_later(
    browser: Browser, other_browser: Browser, account: Account
) -> None:
    asks_for_email(browser)
    assert browser.path == "/account?changed=email-asked"
    assert NEW_EMAIL in browser.text
    other_browser.opens(link("email/confirm"))
    assert run(contact.take_effect) == 0
    other_browser.presses("Confirm")
    assert "it is yours" in other_browser.title
    assert run(contact.take_effect) == 0
    assert as_it_is(account).email == account.email

    a_day_passes()
    assert run(contact.take_effect) == 1
    assert as_it_is(account).email == NEW_EMAIL
    assert run(contact.take_effect) == 0
    assert actions()[-3:] == [f"account.contact_change{end}" for end in ("_asked", "_proved")] + [
        "account.contact_changed"
    ]
    browser.opens("/account")
    assert NEW_EMAIL in browser.text


def test_another_mobile_is_proved_by_its_code(browser: Browser, account: Account) -> None:
    asks_for_mobile(browser)
    assert texts()[-1][0] == "+447400123999"
    types(browser, wrong(), 422)
    types(browser, texted())
    assert "takes effect at" in browser.text
    assert as_it_is(account).mobile == account.mobile

    a_day_passes()
    assert run(contact.take_effect) == 1
    assert as_it_is(account).mobile == "+447400123999"


def test_five_wrong_codes_kill_the_code_of_a_new_mobile(browser: Browser, account: Account) -> None:
    asks_for_mobile(browser)
    code, other = texted(), wrong()
    for _ in range(5):
        types(browser, other, 422)
    types(browser, code, 422)

    browser.opens("/account")
    browser.presses("Cancel the change of mobile number")
    asks_for_mobile(browser)
    types(browser, texted())
    assert "takes effect at" in browser.text


def test_the_code_works_only_in_the_browser_that_asked(
    browser: Browser, other_browser: Browser, account: Account
) -> None:
    asks_for_mobile(browser)
    signs_in(other_browser, account)
    other_browser.opens("/account/mobile/code")
    types(other_browser, texted(), 422)

    types(browser, texted())
    assert "takes effect at" in browser.text


@pytest.mark.parametrize("path", ["/account/email", "/account/mobile"])
def test_who_one_is_must_be_proved_first(browser: Browser, path: str) -> None:
    signs_in(browser, admin())
    browser.opens(path)
    assert browser.path.startswith("/account/confirm")
    browser.posts(path, email=NEW_EMAIL, mobile=NEW_MOBILE)
    assert browser.path.startswith("/account/confirm")
    with sessions.read() as db:
        assert db.scalars(select(ContactChange)).all() == []

    proves(browser)
    browser.opens(path)
    assert browser.path == path


def test_the_old_address_stops_it_by_a_button_and_everybody_is_signed_out(
    browser: Browser, other_browser: Browser, account: Account
) -> None:
    asks_for_email(browser)
    proof, stopping = link("email/confirm"), link("stop")
    asks_for_mobile(browser)
    for _ in range(2):
        other_browser.opens(stopping)
    browser.opens("/account")
    assert browser.path == "/account"

    other_browser.opens(stopping)
    other_browser.presses("Stop it")
    assert "Choose another password" in other_browser.text
    assert "Somebody may know your password" in mails()[-1]
    browser.opens("/account")
    assert browser.path.startswith("/sign-in")
    other_browser.opens(proof, 410)
    other_browser.opens(stopping, 410)
    a_day_passes()
    assert run(contact.take_effect) == 0
    assert as_it_is(account).email == account.email
    with sessions.read() as db:
        assert {change.outcome for change in db.scalars(select(ContactChange))} == {"stopped"}

    signs_in(browser, account)
    proves(browser)
    asks_for_email(browser)
    other_browser.opens(link("email/confirm"))


def test_one_cancels_ones_own_change_and_nobody_elses(
    browser: Browser, other_browser: Browser, account: Account
) -> None:
    asks_for_email(browser)
    with sessions.begin() as db:
        stranger = factories.admin(db, factories.school(db, 100002))
    signs_in(other_browser, stranger)
    other_browser.posts("/account/email/cancel")
    other_browser.posts("/account/anything/cancel", 404)
    asks_for_email(browser, "third@madeup.example", 409)

    browser.opens("/account")
    browser.presses("Cancel the change of email address")
    assert NEW_EMAIL not in browser.text
    asks_for_email(browser, "third@madeup.example")
    assert "third@madeup.example" in browser.text


def test_what_is_wrong_is_said_beside_the_field_and_nothing_typed_is_lost(browser: Browser, account: Account) -> None:
    for email in ("", "no address", account.email):
        asks_for_email(browser, email, 422)
        assert browser.value("email") == email
    for mobile in ("", "+33612345678", "09011234567", "01632960001", account.mobile or ""):
        asks_for_mobile(browser, mobile, 422)
        assert browser.value("mobile") == mobile
    assert texts() == []


def test_nobody_can_use_up_the_texts_of_a_number_by_asking_for_it(
    browser: Browser, other_browser: Browser, account: Account
) -> None:
    with sessions.begin() as db:
        owner = factories.admin(db, factories.school(db, 100002), mobile="+447400123999")
    signs_in(other_browser, owner)
    other_browser.presses("Sign out")
    for _ in range(2):
        asks_for_mobile(browser)
        browser.opens("/account")
        browser.presses("Cancel the change of mobile number")
    asks_for_mobile(browser, status=429)
    assert len(texts()) == 2

    asks(other_browser, owner.email)
    assert len(texts()) == 3
    asks_for_mobile(browser, "07400 123998")
    assert len(texts()) == 4


def test_what_is_not_proved_in_time_ends(browser: Browser, other_browser: Browser, account: Account) -> None:
    asks_for_email(browser)
    with sessions.begin() as db:
        db.execute(update(ContactChange).values(expires_at=ago(1)))
    other_browser.opens(link("email/confirm"), 410)
    assert run(contact.take_effect) == 1

    asks_for_email(browser)
    other_browser.opens(link("email/confirm"))


def test_looking_at_a_link_does_nothing(browser: Browser, account: Account) -> None:
    asks_for_email(browser)
    for path in (link("email/confirm"), link("stop")):
        assert browser.client.head(path).status_code == 200
        browser.opens(path)
    with sessions.read() as db:
        change = db.scalars(select(ContactChange)).one()
    assert (change.proved_at, change.ended_at) == (None, None)

    browser.opens(link("email/confirm"))
    browser.presses("Confirm")
    browser.opens("/account/email/confirm?link=gh_ce_no", 410)


def test_of_eight_who_follow_a_link_at_once_one_proves_and_one_stops(
    server: ASGIApp, browser: Browser, account: Account
) -> None:
    asks_for_email(browser)

    def at(path: str) -> list[int]:
        target, _, secret = path.partition("?link=")

        def post(_: int) -> Any:
            client = TestClient(server, base_url=settings.issuer, headers=HEADERS, follow_redirects=False)
            return client.post(target, data={"link": secret}).status_code

        return sorted(at_once(8, post))

    assert at(link("email/confirm")) == [200] + [410] * 7
    assert at(link("stop")) == [200] + [410] * 7


def test_of_changes_begun_at_once_one_is_under_way(server: ASGIApp, browser: Browser, account: Account) -> None:
    browser.opens("/account")
    cookie = dict(browser.client.cookies)

    def post(number: int) -> int:
        client = TestClient(server, base_url=settings.issuer, headers=HEADERS, cookies=cookie, follow_redirects=False)
        return client.post("/account/email", data={"email": f"new{number}@x.example"}).status_code

    assert sorted(at_once(4, post)) == [303, 409, 409, 409]


def test_old_codes_and_changes_are_forgotten_and_newer_ones_are_not(
    browser: Browser, other_browser: Browser, account: Account
) -> None:
    asks(other_browser, account.email)
    asks_for_email(browser)
    browser.opens("/account")
    browser.presses("Cancel the change of email address")
    assert run(contact.forget) == 0

    with sessions.begin() as db:
        db.execute(update(ResetCode).values(created_at=ago(86_401)))
        db.execute(update(ContactChange).values(ended_at=ago(31 * 86_400)))
    asks_for_email(browser)
    assert run(contact.forget) == 2
    other_browser.opens(link("email/confirm"))
