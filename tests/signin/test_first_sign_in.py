import re
import time
from urllib.parse import unquote

import pyotp
import pytest
from sqlalchemy import update

from app.db import sessions
from app.models.account import Account, SecondStep
from app.models.base import ago
from app.settings import settings
from tests import factories
from tests.pages import Browser
from tests.signin.people import (
    NEW_PASSWORD,
    actions,
    fresh_admin,
    mails,
    row_of,
    signs_in,
    types_code,
    types_password,
    without_second_step,
)


def chooses(browser: Browser, password: str, again: str | None = None, status: int = 200) -> None:
    browser.fills("New password", password)
    browser.fills("New password again", password if again is None else again)
    browser.presses("Continue", status)


def test_the_first_sign_in_sets_a_password_and_an_authenticator_and_ends_at_the_school(browser: Browser) -> None:
    account, password = fresh_admin()

    types_password(browser, "100001", password)
    assert browser.path == "/account/first-password"
    chooses(browser, NEW_PASSWORD)
    assert browser.path == "/account/authenticator"
    seed = browser.value("totp-secret")
    types_code(browser, pyotp.TOTP(seed).now())

    assert browser.path == "/school"
    assert "Sam Secretary" in browser.text
    row = row_of(browser)
    assert row and (row.step, row.methods, row.seed_sealed) == ("done", ["pwd", "otp", "mfa"], None)
    assert actions() == ["account.password_changed", "account.second_step_added"]
    assert ["your password was changed" in text for text in mails()] == [True, False]
    with sessions.read() as db:
        now = db.get_one(Account, account.id)
    assert (now.password_must_change, now.password_expires_at) == (False, None)


def test_the_next_sign_in_takes_the_own_password_and_a_code_and_no_longer_the_first_password(browser: Browser) -> None:
    _, password = fresh_admin()
    types_password(browser, "100001", password)
    chooses(browser, NEW_PASSWORD)
    seed = browser.value("totp-secret")
    types_code(browser, pyotp.TOTP(seed).now())
    browser.presses("Sign out")

    types_password(browser, "100001", password, 422)
    types_password(browser, "100001", NEW_PASSWORD)
    assert browser.path == "/sign-in/code"
    types_code(browser, pyotp.TOTP(seed).at(int(time.time()) + 30))

    assert browser.path == "/school"


def test_the_picture_holds_the_key_and_stays_the_same_until_it_was_used(browser: Browser) -> None:
    without_second_step()
    types_password(browser, "100001")
    seed = browser.value("totp-secret")
    pictures = browser.document.xpath("//img/@src")

    types_code(browser, "00000", 422)
    assert browser.value("totp-secret") == seed
    browser.opens("/account/authenticator")
    assert browser.value("totp-secret") == seed
    assert browser.document.xpath("//img/@src") == pictures
    assert unquote(pictures[0]).startswith("data:image/svg+xml")
    assert re.fullmatch(r"[A-Z2-7]{32}", seed)

    types_code(browser, pyotp.TOTP(seed).now())
    assert browser.path == "/school"


def test_the_key_that_one_browser_was_shown_is_not_the_one_that_another_sets_up(
    browser: Browser, other_browser: Browser
) -> None:
    without_second_step()
    types_password(browser, "100001")
    types_password(other_browser, "100001")
    assert browser.value("totp-secret") != other_browser.value("totp-secret")

    types_code(browser, pyotp.TOTP(browser.value("totp-secret")).now())
    assert browser.path == "/school"

    # The one that was first has set up the account; the other must start again, and meets the code.
    seed = other_browser.value("totp-secret")
    other_browser.posts("/account/authenticator", code=pyotp.TOTP(seed).now())
    assert other_browser.path == "/sign-in"
    with sessions.read() as db:
        assert db.query(SecondStep).count() == 1
    types_password(other_browser, "100001")
    assert other_browser.path == "/sign-in/code"


def test_whoever_else_had_the_first_password_is_signed_out_when_it_is_changed(
    browser: Browser, other_browser: Browser
) -> None:
    _, password = fresh_admin()
    types_password(browser, "100001", password)
    types_password(other_browser, "100001", password)

    chooses(browser, NEW_PASSWORD)
    assert browser.path == "/account/authenticator"
    chooses(other_browser, "another fine password")

    assert other_browser.path == "/sign-in"
    types_password(other_browser, "100001", "another fine password", 422)
    types_password(other_browser, "100001", NEW_PASSWORD)
    assert other_browser.path == "/account/authenticator"


def test_a_first_password_runs_out_after_72_hours_and_the_page_says_what_to_do(browser: Browser) -> None:
    account, password = fresh_admin()
    with sessions.begin() as db:
        db.execute(update(Account).where(Account.id == account.id).values(password_expires_at=ago(1)))

    types_password(browser, "100001", password, 403)
    assert browser.title == "Your first password has run out"
    assert "72 hours" in browser.text and settings.support_phone in browser.text
    assert row_of(browser) is None
    # Only who has it learns that it was right once.
    types_password(browser, "100001", password + "x", 422)
    assert "do not belong together" in browser.text

    with sessions.begin() as db:
        db.execute(update(Account).where(Account.id == account.id).values(password_expires_at=None))
    types_password(browser, "100001", password)
    assert browser.path == "/account/first-password"


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("seven77", "Use 8 characters or more"),
        ("", "Use 8 characters or more"),
        ("x y" * 400, "Use 1024 characters or fewer"),
        ("Password1", "attackers try first"),
        ("PASSWORD123!", "attackers try first"),
        ("aaaaaaaaaaaaaaaa", "attackers try first"),
        ("office-madeup", "close to your name"),
        ("madeup-primary.sch", "close to your name"),
        ("Made-Up Primary School 100001!", "close to your name"),
        ("SamSecretary1", "close to your name"),
        ("gatehouse-1", "close to your name"),
    ],
)
def test_a_password_that_will_not_do_is_refused_with_the_reason(browser: Browser, password: str, words: str) -> None:
    _, first = fresh_admin()
    types_password(browser, "100001", first)

    chooses(browser, password, status=422)
    assert words in browser.text
    row = row_of(browser)
    assert row and row.step == "change-password"

    chooses(browser, NEW_PASSWORD)
    assert browser.path == "/account/authenticator"


def test_the_two_must_be_the_same_and_not_the_one_that_was_given(browser: Browser) -> None:
    _, first = fresh_admin()
    types_password(browser, "100001", first)

    chooses(browser, NEW_PASSWORD, "violet tractor seventy", 422)
    assert "not the same" in browser.text
    chooses(browser, first, status=422)
    assert "the password you have now" in browser.text

    chooses(browser, NEW_PASSWORD)
    assert browser.path == "/account/authenticator"


@pytest.mark.parametrize(
    "password",
    [
        "eight ch",
        "qjxvbnwk",
        "12874639",
        " blanks at both ends ",
        "Zoë’s naïve café ☕",
        "q7 " * 42 + "zz",
        "\ufdfa" * 50,
    ],
)
def test_any_characters_and_128_of_them_will_do_and_none_is_cut_off(browser: Browser, password: str) -> None:
    _, first = fresh_admin()
    types_password(browser, "100001", first)
    chooses(browser, password)
    assert browser.path == "/account/authenticator"
    browser.posts("/sign-out")

    types_password(browser, "100001", password[:-1], 422)
    types_password(browser, "100001", password)
    assert browser.path == "/account/authenticator"


def test_a_password_works_however_the_keyboard_composes_its_letters(browser: Browser) -> None:
    _, first = fresh_admin()
    types_password(browser, "100001", first)
    chooses(browser, "caf\u00e9 violet tractor")
    browser.posts("/sign-out")

    types_password(browser, "100001", "cafe\u0301 violet tractor")
    assert browser.path == "/account/authenticator"


def test_an_account_without_a_second_step_is_for_tests_alone(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    with sessions.begin() as db:
        account = factories.admin(db, factories.school(db), needs_second_step=False)
        db.query(SecondStep).delete()

    monkeypatch.setattr(settings, "environment", "development")
    types_password(browser, account.email, status=422)
    assert "do not belong together" in browser.text

    monkeypatch.setattr(settings, "environment", "test")
    types_password(browser, account.email)
    assert browser.path == "/school"


def test_a_removed_account_cannot_sign_in(browser: Browser, other_browser: Browser) -> None:
    with sessions.begin() as db:
        school = factories.school(db)
        gone, stays = factories.admin(db, school), factories.admin(db, school)
    signs_in(other_browser, gone)
    with sessions.begin() as db:
        db.execute(update(Account).where(Account.id == gone.id).values(ended_at=ago(1)))

    types_password(browser, gone.email, status=422)
    other_browser.opens("/account")
    assert other_browser.path.startswith("/sign-in?")

    signs_in(browser, stays)
    assert browser.path == "/school"
