from app.db import sessions
from app.models.account import Session as SignIn
from app.models.base import ago
from app.settings import settings
from app.signin.sessions_page import _name
from tests import factories
from tests.pages import Browser
from tests.signin.people import actions, admin, row_of, signs_in, types_password

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"


def test_the_list_says_which_devices_and_which_is_this_one(browser: Browser, other_browser: Browser) -> None:
    account = admin()
    browser.client.headers["user-agent"] = FIREFOX
    other_browser.client.headers["user-agent"] = IPHONE
    signs_in(browser, account)
    browser.opens("/account/sessions")
    assert "You are signed in nowhere else" in browser.text
    signs_in(other_browser, account)

    browser.opens("/account/sessions")

    assert "Firefox on Windows (this one)" in browser.text
    assert "Safari on iPhone" in browser.text
    assert "Network testclient" in browser.text


def test_one_is_signed_out_and_the_other_goes_on(browser: Browser, other_browser: Browser) -> None:
    account = admin()
    other_browser.client.headers["user-agent"] = EDGE
    signs_in(browser, account)
    signs_in(other_browser, account)
    browser.opens("/account/sessions")

    browser.presses("Sign out Edge on Windows")

    assert "That device was signed out" in browser.text
    assert actions()[-1] == "account.signed_out_elsewhere"
    other_browser.opens("/account")
    assert other_browser.path == "/sign-in?next=%2Faccount"
    browser.opens("/account")
    assert browser.path == "/account"


def test_signing_out_everywhere_else_leaves_this_one(browser: Browser, other_browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    signs_in(other_browser, account)
    browser.opens("/account/sessions")

    browser.presses("Sign out everywhere else")

    assert "You are signed in nowhere else" in browser.text
    other_browser.opens("/account")
    assert other_browser.path == "/sign-in?next=%2Faccount"


def test_a_foreign_session_is_not_found_and_goes_on(browser: Browser, other_browser: Browser) -> None:
    with sessions.begin() as db:
        other = factories.admin(db, factories.school(db, 100002))
    signs_in(other_browser, other)
    signs_in(browser, admin())
    row = row_of(other_browser)
    assert row
    for session_id in (_name(row), row.digest.hex(), "", "x"):
        browser.posts("/account/sessions/end", 404, id=session_id)
    own = row_of(browser)
    assert own
    browser.posts("/account/sessions/end", 404, id=_name(own))

    other_browser.opens("/account/sessions")
    assert other_browser.path == "/account/sessions"


def test_what_ended_was_idle_or_is_half_signed_in_is_not_listed(browser: Browser, other_browser: Browser) -> None:
    account = admin()
    signs_in(other_browser, account)
    row = row_of(other_browser)
    assert row
    with sessions.begin() as db:
        db.get_one(SignIn, row.digest).seen_at = ago(settings.session_idle_seconds + 1)
    signs_in(browser, account)
    types_password(other_browser, account.email)

    browser.opens("/account/sessions")
    assert "You are signed in nowhere else" in browser.text

    signs_in(other_browser, account)
    browser.opens("/account/sessions")
    assert "Sign out everywhere else" in browser.text
