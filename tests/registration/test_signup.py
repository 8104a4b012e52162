"""From the search to the first password."""

import pytest

from app.db import sessions
from app.models import event
from app.models.account import ADMIN, Account, Membership
from app.models.base import now
from app.models.school import UNVERIFIED
from app.models.verification import NEW, Verification
from app.registration import working_days
from app.settings import settings
from tests.pages import Browser
from tests.registration.people import (
    EMAIL,
    MOBILE,
    NAME,
    asks_for_link,
    counts,
    finds,
    listed,
    mails,
    newest_link,
    registers,
    registration,
    the_school,
    types_details,
)


def test_a_school_is_registered_from_search_to_password(browser: Browser) -> None:
    listed(la_code="123", establishment_number="4567")
    finds(browser)
    assert "Made-up Primary School 100001" in browser.text and "authority to share the school’s data" in browser.text
    types_details(browser)
    assert browser.path == "/register/check-your-email" and EMAIL in browser.text
    link = newest_link()
    assert counts() == {"Registration": 1, "School": 0, "Account": 0, "Verification": 0, "Event": 0, "Message": 1}

    browser.opens(link)
    assert "Your email address is verified" in browser.text
    assert [browser.value(field) for field in ("name", "email", "mobile")] == [NAME, EMAIL, MOBILE]
    browser.presses("Signup")

    assert browser.value("estab-admin-username") == "1234567"
    assert f"URN 100001. Sign in at {settings.issuer}/sign-in" in browser.text
    password = browser.value("estab-admin-password")
    assert browser.headers["cache-control"] == "no-store"
    assert browser.headers["referrer-policy"] == "no-referrer"
    assert "install the endpoint" in browser.text and "authorise partners" in browser.text
    assert settings.support_phone in browser.text
    school = the_school()
    with sessions.read() as db:
        [account] = Account.of_school(db, school.id, ADMIN)
        [membership] = Membership.of(db, account.id)
        case = Verification.of_school(db, school.id)
        [recorded] = event.of_school(db, school.id)
    assert (school.urn, school.status, school.name) == (100001, UNVERIFIED, "Made-up Primary School 100001")
    assert (account.name, account.email, account.mobile) == (NAME, EMAIL, "+447700900123")
    assert account.password_must_change and membership.role == ADMIN
    assert case and case.state == NEW
    assert case.due_at == working_days.due(now(), 2)
    assert (recorded.action, recorded.actor_id, recorded.detail) == ("school.registered", account.id, {"urn": 100001})
    [welcome] = mails()
    assert welcome["to"] == EMAIL and "1234567" in welcome["text"] and password not in welcome["text"]

    browser.follows("Continue")
    assert browser.path == "/register/next" and browser.value("verification-status") == "Unverified"


def test_the_new_password_signs_in(browser: Browser) -> None:
    listed()
    username, password = registers(browser)
    browser.opens("/sign-in")
    browser.fills("Username or email address", username)
    browser.fills("Password", password)
    browser.presses("Sign in")
    assert browser.path == "/account/first-password"


def test_a_link_works_on_another_device(browser: Browser, other_browser: Browser) -> None:
    listed()
    other_browser.opens(asks_for_link(browser))
    other_browser.presses("Signup")
    assert other_browser.value("estab-admin-username") == "8880001"
    other_browser.follows("Continue")
    assert other_browser.value("verification-status") == "Unverified"

    browser.opens("/register/next")
    assert browser.path.startswith("/sign-in"), "the browser that only began it shows nothing"
    browser.opens("/register/check-your-email")
    assert browser.path.startswith("/sign-in")


def test_looking_at_a_link_spends_nothing(browser: Browser, other_browser: Browser) -> None:
    listed()
    link = asks_for_link(browser)
    before = counts()
    for _ in range(3):
        assert other_browser.client.get(link).status_code == 200
        assert other_browser.client.head(link).status_code == 200
    assert counts() == before and registration().completed_at is None

    browser.opens(link)
    browser.presses("Signup")
    assert browser.value("estab-admin-username")


def test_sending_the_form_again_shows_no_password_and_makes_no_second_school(browser: Browser) -> None:
    listed()
    link = asks_for_link(browser)
    token = link.partition("token=")[2]
    browser.opens(link)
    browser.presses("Signup")
    after = counts()

    browser.posts("/register/verify", 410, token=token, name=NAME, email=EMAIL, mobile=MOBILE)

    assert browser.title == "This link has been used already"
    assert "estab-admin-password" not in browser.client.get(link).text
    assert counts() == after
    browser.follows("See what happens next")
    assert browser.value("verification-status") == "Unverified"


def test_name_and_mobile_may_be_put_right_at_the_last_moment(browser: Browser) -> None:
    listed()
    browser.opens(asks_for_link(browser))
    browser.fills("Your name", "Grace Okafor-Bell")
    browser.fills("Your mobile number", "12")
    browser.presses("Signup", 422)
    assert browser.value("name") == "Grace Okafor-Bell" and browser.value("mobile") == "12"
    assert counts()["School"] == 0

    browser.fills("Your mobile number", "07700 900456")
    browser.presses("Signup")
    with sessions.read() as db:
        [account] = Account.of_school(db, the_school().id)
    assert (account.name, account.mobile) == ("Grace Okafor-Bell", "+447700900456")


def test_another_address_beside_a_verified_one_is_verified_first(browser: Browser, other_browser: Browser) -> None:
    listed()
    link = asks_for_link(browser)
    other_browser.opens(link)
    other_browser.fills("Your email address", "head@madeup-primary.sch.example")
    other_browser.presses("Signup")
    assert other_browser.path == "/register/check-your-email"
    assert "head@madeup-primary.sch.example" in other_browser.text and counts()["School"] == 0
    browser.opens(link, 410)

    browser.opens(newest_link())
    browser.presses("Signup")
    with sessions.read() as db:
        [account] = Account.of_school(db, the_school().id)
    assert account.email == "head@madeup-primary.sch.example"


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("name", "", "Enter your name"),
        ("name", "1234", "Enter your name in letters"),
        ("name", "A" * 101, "100 characters or fewer"),
        ("name", "Ada\u202egnp.exe", "Enter your name in letters"),
        ("email", "", "Enter your email address"),
        ("email", "grace", "in the usual form"),
        ("email", "grace@school", "in the usual form"),
        ("email", "a@b.example\r\nBcc: c@d.example", "in the usual form"),
        ("email", "Grace <a@b.example>", "in the usual form"),
        ("mobile", "", "Enter your mobile number"),
        ("mobile", "my phone", "in digits"),
        ("mobile", "07700 90012", "11 digits"),
        ("mobile", "020 7946 0123", "cannot receive texts"),
        ("mobile", "070 1234 5678", "costs extra"),
        ("mobile", "0906 123 4567", "costs extra"),
        ("mobile", "+33 6 12 34 56 78", "other countries"),
        ("mobile", "+1 900 555 0100", "other countries"),
    ],
)
def test_what_is_wrong_with_a_field_is_said_and_nothing_is_lost(
    browser: Browser, field: str, typed: str, words: str
) -> None:
    listed()
    finds(browser)
    right = {"name": NAME, "email": EMAIL, "mobile": MOBILE}

    types_details(browser, right | {field: typed}, 422)

    assert words in browser.text
    kept = {name: browser.value(name) for name in right if name != field}
    assert kept == {name: value for name, value in right.items() if name != field}
    assert counts()["Message"] == 0
    types_details(browser, right)
    assert browser.path == "/register/check-your-email"


@pytest.mark.parametrize("mobile", ["07700 900 123", "+44 7400 123456", "0044 7400 123456", "+44 (0)7400 123456"])
def test_a_mobile_is_taken_as_people_write_it(browser: Browser, mobile: str) -> None:
    listed()
    finds(browser)
    types_details(browser, {"mobile": mobile})
    assert registration().mobile in ("+447700900123", "+447400123456")


def test_drama_numbers_are_for_practice_only(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    listed()
    finds(browser)
    with monkeypatch.context() as patched:
        patched.setattr("app.settings.settings.environment", "production")
        types_details(browser, {"mobile": "07700 900123"}, 422)
        types_details(browser, {"mobile": "07400 123456"})
    assert browser.path == "/register/check-your-email"


def test_addresses_are_kept_in_lower_case(browser: Browser) -> None:
    listed()
    finds(browser)
    types_details(browser, {"email": "Grace.Okafor@School.Example"})
    assert registration().email == "grace.okafor@school.example"
