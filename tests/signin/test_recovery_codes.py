import re

from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import CODE
from app.models.passkey import RecoveryCode
from app.web import cookies
from tests import factories
from tests.oauth.dance import at_once
from tests.pages import Browser
from tests.signin.people import actions, admin, mails, row_of, signs_in, types_password


def makes(browser: Browser) -> list[str]:
    """Ten new codes of somebody signed in."""
    browser.opens("/account/confirm?next=/account/recovery-codes")
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Continue")
    browser.presses("Make ten new codes")
    assert browser.headers["cache-control"] == "no-store"
    return re.findall(r"[0-9a-z]{4}(?:-[0-9a-z]{4}){3}", browser.value("recovery-codes"))


def types(browser: Browser, code: str, status: int = 200) -> None:
    browser.opens("/sign-in/recovery-code")
    browser.fills("Recovery code", code)
    browser.presses("Continue", status)


def test_ten_codes_are_shown_once_and_told_of(browser: Browser) -> None:
    signs_in(browser, admin())
    browser.opens("/account")
    assert "You have not made recovery codes yet" in browser.text

    codes = makes(browser)

    assert len(set(codes)) == 10
    assert actions()[-1] == "account.recovery_codes_made"
    assert "new recovery codes were made" in mails()[-1]
    browser.opens("/account/recovery-codes")
    assert "You have 10 left" in browser.text
    assert not any(code in browser.text for code in codes)


def test_they_are_shown_only_after_proof(browser: Browser) -> None:
    signs_in(browser, admin())
    browser.posts("/account/recovery-codes")
    assert browser.path == "/account/confirm?next=/account/recovery-codes"

    assert len(makes(browser)) == 10


def test_a_code_stands_in_for_the_second_step_once(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    codes = makes(browser)
    browser.client.cookies.clear()
    types_password(browser, account.email)
    browser.follows("Use a recovery code instead")
    types(browser, f" {codes[0].upper().replace('-', ' ').replace('0', 'o').replace('1', 'L')} ")
    assert browser.path == "/school"
    assert actions()[-1] == "account.recovery_code_used"
    assert "a recovery code was used to sign in, and 9 are left." in mails()[-1]
    browser.client.cookies.clear()

    types_password(browser, account.email)
    types(browser, codes[0], 422)
    assert "was used already" in browser.text

    types(browser, codes[1])
    assert browser.path == "/school"


def test_when_few_are_left_the_mail_and_the_pages_say_so(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    codes = makes(browser)
    for code in codes[:7]:
        types_password(browser, account.email)
        types(browser, code)

    assert "3 are left; make new ones" in mails()[-1]
    browser.opens("/account")
    assert "You have only 3 recovery codes left" in browser.text


def test_new_codes_take_the_place_of_those_before(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    before, after = makes(browser), makes(browser)
    types_password(browser, account.email)
    types(browser, before[0], 422)

    types(browser, after[0])
    assert browser.path == "/school"


def test_the_codes_of_another_are_of_no_use(browser: Browser, other_browser: Browser) -> None:
    signs_in(browser, admin())
    codes = makes(browser)
    with sessions.begin() as db:
        other = factories.admin(db, factories.school(db, 100002))
    signs_in(other_browser, other)
    own = makes(other_browser)
    types_password(other_browser, other.email)
    types(other_browser, codes[0], 422)
    row = row_of(other_browser)
    assert row and row.step == CODE

    types(other_browser, own[0])
    assert other_browser.path == "/school"


def test_wrong_ones_count_together_with_wrong_codes_of_the_app(browser: Browser, other_browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    codes = makes(browser)
    types_password(other_browser, account.email)
    for _ in range(5):
        other_browser.posts("/sign-in/recovery-code", 422, **{"recovery-code": "0000-0000-0000-0000"})
        other_browser.posts("/sign-in/code", 422, code="000000")

    other_browser.posts("/sign-in/recovery-code", 429, **{"recovery-code": codes[0]})
    other_browser.posts("/sign-in/code", 429, code=factories.code(1))

    types_password(browser, account.email)
    types(browser, codes[0])
    assert browser.path == "/school"


def test_of_eight_that_type_one_code_one_signs_in(server: ASGIApp, browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    code = makes(browser)[0]
    browsers = [Browser(server) for _ in range(8)]
    for one in browsers:
        types_password(one, account.email)

    def types_it(number: int) -> int:
        answer = browsers[number].client.post("/sign-in/recovery-code", data={"recovery-code": code})
        return int(answer.status_code)

    assert sorted(at_once(8, types_it)) == [303] + [422] * 7
    with sessions.read() as db:
        assert RecoveryCode.left(db, account.id) == 9


def test_the_step_cannot_be_skipped(browser: Browser) -> None:
    browser.posts("/sign-in/recovery-code", **{"recovery-code": "0000-0000-0000-0000"})
    assert browser.path == "/sign-in"
    assert cookies.name() not in browser.client.cookies
    account = admin()
    types_password(browser, account.email)
    browser.posts("/account/recovery-codes", 401)

    signs_in(browser, account)
    assert len(makes(browser)) == 10
