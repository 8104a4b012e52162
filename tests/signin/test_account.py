import pyotp

from app.db import sessions
from app.models.account import Account, SecondStep
from app.models.account import Session as SignIn
from app.models.base import ago
from app.models.school import School
from app.secrets import unseal
from app.signin.service import new_admin
from tests import factories
from tests.pages import Browser
from tests.signin.people import (
    NEW_PASSWORD,
    actions,
    admin,
    mails,
    row_of,
    signs_in,
    types_code,
    types_password,
    unspent,
)


def changes(browser: Browser, now: str, new: str, again: str = "", status: int = 200) -> None:
    browser.opens("/account/password")
    browser.fills("Your password now", now)
    browser.fills("New password", new)
    browser.fills("New password again", again or new)
    browser.presses("Save Changes", status)


def test_the_account_page_says_who_one_is(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)

    browser.opens("/account")

    for words in (account.name, account.email, account.username or ""):
        assert words in browser.text


def test_changing_the_password_ends_every_other_session_and_says_so_by_mail(
    browser: Browser, other_browser: Browser
) -> None:
    account = admin()
    signs_in(browser, account)
    signs_in(other_browser, account)

    changes(browser, factories.PASSWORD, NEW_PASSWORD)

    assert (browser.path, "Your password was changed" in browser.text) == ("/account?changed=password", True)
    other_browser.opens("/account")
    assert other_browser.path.startswith("/sign-in")
    assert actions() == ["account.password_changed"]
    assert ["your password was changed" in text for text in mails()] == [True]
    types_password(other_browser, account.email, status=422)
    types_password(other_browser, account.email, NEW_PASSWORD)
    assert other_browser.path == "/sign-in/code"


def test_the_password_is_not_changed_without_the_one_until_now_or_to_a_bad_one(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    before = browser.client.cookies["gatehouse_8000"]

    changes(browser, "wrong password", NEW_PASSWORD, status=422)
    assert "not your password now" in browser.text
    changes(browser, factories.PASSWORD, "password1", status=422)
    changes(browser, factories.PASSWORD, NEW_PASSWORD, "another one", 422)
    changes(browser, factories.PASSWORD, factories.PASSWORD, status=422)
    changes(browser, factories.PASSWORD, account.email, status=422)

    assert (actions(), mails()) == ([], [])
    assert browser.client.cookies["gatehouse_8000"] == before
    changes(browser, factories.PASSWORD, NEW_PASSWORD)
    assert actions() == ["account.password_changed"]


def test_replacing_the_authenticator_takes_the_password_first(browser: Browser, other_browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    signs_in(other_browser, account)
    browser.opens("/account")
    browser.follows("Replace your authenticator app")
    assert browser.path == "/account/confirm?next=/account/authenticator"

    browser.fills("Password", "wrong password")
    browser.presses("Continue", 422)
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Continue")
    assert browser.path == "/account/authenticator"
    seed = browser.value("totp-secret")
    types_code(browser, factories.code(1), 422)
    types_code(browser, pyotp.TOTP(seed).now())

    assert "Your authenticator app was replaced" in browser.text
    assert actions() == ["account.second_step_added"]
    assert ["your authenticator app was replaced" in text for text in mails()] == [True]
    other_browser.opens("/account")
    assert other_browser.path.startswith("/sign-in")
    with sessions.read() as db:
        assert [unseal(row.sealed, "totp") for row in db.query(SecondStep).all()] == [seed]

    unspent(account)
    types_password(other_browser, account.email)
    types_code(other_browser, factories.code(), 422)
    types_code(other_browser, pyotp.TOTP(seed).now())
    assert other_browser.path == "/school"


def test_a_password_typed_too_long_ago_is_asked_for_again(browser: Browser) -> None:
    signs_in(browser, admin())
    browser.posts("/account/confirm", password=factories.PASSWORD, next="/account/authenticator")
    assert browser.path == "/account/authenticator"
    seed = browser.value("totp-secret")

    with sessions.begin() as db:
        for row in db.query(SignIn).all():
            row.signed_in_at, row.proved_at = ago(1000), ago(601)
    browser.posts("/account/authenticator", code=pyotp.TOTP(seed).now())
    assert browser.path == "/account/confirm?next=/account/authenticator"
    assert actions() == []

    browser.fills("Password", factories.PASSWORD)
    browser.presses("Continue")
    types_code(browser, pyotp.TOTP(seed).now())
    assert actions() == ["account.second_step_added"]


def test_typing_the_password_again_leads_only_to_our_own_pages(browser: Browser) -> None:
    signs_in(browser, admin())

    browser.posts("/account/confirm", password=factories.PASSWORD, next="//e.example/")
    assert (browser.path, browser.left_to) == ("/account", "")

    browser.posts("/account/confirm", password=factories.PASSWORD, next="/account/password")
    assert browser.path == "/account/password"


def test_a_post_from_another_site_changes_nothing(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    sent = {"password": factories.PASSWORD, "new_password": NEW_PASSWORD, "new_password_again": NEW_PASSWORD}

    for site in ("cross-site", "same-site"):
        for path in ("/account/password", "/sign-out", "/sign-in"):
            assert browser.client.post(path, data=sent, headers={"sec-fetch-site": site}).status_code == 403
    row = row_of(browser)
    assert row and row.ended_at is None and actions() == []

    assert browser.client.post("/account/password", data=sent).status_code == 303
    assert actions() == ["account.password_changed"]


def test_nobody_can_make_themselves_somebody_else_by_extra_fields(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)

    browser.posts(
        "/account/password",
        password=factories.PASSWORD,
        new_password=NEW_PASSWORD,
        new_password_again=NEW_PASSWORD,
        role="admin",
        email="e@e.example",
        needs_second_step="",
    )

    with sessions.read() as db:
        now = db.get_one(Account, account.id)
    assert (now.email, now.needs_second_step) == (account.email, True)
    assert actions() == ["account.password_changed"]


def test_a_new_admin_has_a_first_password_and_the_role_admin() -> None:
    with sessions.begin() as db:
        school = factories.school(db)
        facts = {"name": "Ada Bright", "email": "Ada@MadeUp.example", "mobile": "+447400123456"}
        account, password = new_admin(db, school=school, username="8880001", **facts)

    with sessions.read() as db:
        found = [row.email for row in Account.of_school(db, school.id, "Admin")]
        assert db.get_one(School, school.id).urn == school.urn
    assert found == ["ada@madeup.example"]
    assert account.password_must_change and account.password_expires_at
    assert len(password.replace("-", "")) == 18
