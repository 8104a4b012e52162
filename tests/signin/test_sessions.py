import pytest
from sqlalchemy import update
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.db import sessions
from app.main import create_app
from app.models.account import APPROVER, CALLER, PARTNER_USER, Account, Membership
from app.models.account import Session as SignIn
from app.models.base import ago, now
from app.secrets import digest, new_secret
from app.settings import settings
from app.signin.session import end_all
from app.web import cookies
from tests import factories
from tests.pages import Browser
from tests.signin.people import NEW_PASSWORD, admin, row_of, signs_in, types_code, types_password


def set_times(account: Account, **values: object) -> None:
    with sessions.begin() as db:
        db.execute(update(SignIn).where(SignIn.account_id == account.id).values(**values))


def is_in(browser: Browser) -> bool:
    browser.opens("/account")
    return browser.path == "/account"


def test_the_cookie_is_new_at_each_step_and_the_one_before_is_worth_nothing(server: ASGIApp, browser: Browser) -> None:
    account = admin()
    planted = new_secret("gh_ss")
    browser.client.cookies.set(cookies.name(), planted, domain="127.0.0.1")

    types_password(browser, account.email)
    at_code = browser.client.cookies.get(cookies.name(), domain="127.0.0.1", path="/")
    types_code(browser, factories.code())
    inside = browser.client.cookies.get(cookies.name(), domain="127.0.0.1", path="/")

    assert len({planted, at_code, inside}) == 3
    for dead in (planted, at_code):
        thief = TestClient(server, base_url=settings.issuer, follow_redirects=False)
        thief.cookies.set(cookies.name(), dead or "")
        assert thief.get("/account", headers={"accept": "text/html"}).headers["location"].startswith("/sign-in?")
    assert is_in(browser)


def test_the_cookie_is_new_after_a_change_of_password(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    before = browser.client.cookies[cookies.name()]

    browser.opens("/account/password")
    browser.fills("Your password now", factories.PASSWORD)
    browser.fills("New password", NEW_PASSWORD)
    browser.fills("New password again", NEW_PASSWORD)
    browser.presses("Save Changes")

    assert browser.client.cookies[cookies.name()] != before
    with sessions.read() as db:
        assert SignIn.live(db, digest(before)) is None
    assert is_in(browser)


def test_the_database_holds_a_digest_and_never_the_secret(browser: Browser) -> None:
    signs_in(browser, admin())
    secret = browser.client.cookies[cookies.name()]

    with sessions.read() as db:
        rows = db.query(SignIn).all()

    assert all(secret not in repr(vars(row)) and row.digest != secret.encode() for row in rows)
    assert digest(secret) in {row.digest for row in rows}
    assert len(secret) >= 43


def test_signing_out_ends_the_session_in_the_database_too(browser: Browser) -> None:
    signs_in(browser, admin())
    secret = browser.client.cookies[cookies.name()]

    browser.presses("Sign out")
    assert browser.path == "/"
    assert cookies.name() not in browser.client.cookies
    browser.client.cookies.set(cookies.name(), secret)
    assert not is_in(browser)

    with sessions.read() as db:
        account = db.query(Account).one()
    browser.client.cookies.delete(cookies.name())
    signs_in(browser, account)
    assert is_in(browser)


def test_opening_the_way_out_signs_nobody_out(browser: Browser) -> None:
    browser.opens("/sign-out")
    assert browser.path == "/sign-in"
    signs_in(browser, admin())

    browser.opens("/sign-out")
    assert browser.title == "Sign out of Gatehouse"
    assert is_in(browser)

    browser.opens("/sign-out")
    browser.presses("Sign out", near="Sign out")
    assert not is_in(browser)


def test_a_session_ends_after_half_an_hour_without_use(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    set_times(account, seen_at=ago(29 * 60))
    assert is_in(browser)

    set_times(account, seen_at=ago(30 * 60 + 1))
    assert not is_in(browser)
    set_times(account, seen_at=ago(30 * 60 + 1))
    browser.posts("/account/confirm", 401, password=factories.PASSWORD)

    signs_in(browser, account)
    assert is_in(browser)


@pytest.mark.parametrize("role", [CALLER, APPROVER])
def test_an_operators_session_ends_after_a_quarter_of_an_hour(browser: Browser, role: str) -> None:
    with sessions.begin() as db:
        account = factories.operator(db, role)
    signs_in(browser, account)
    set_times(account, seen_at=ago(14 * 60))
    assert is_in(browser)

    set_times(account, seen_at=ago(15 * 60 + 1))
    assert not is_in(browser)

    signs_in(browser, account)
    assert is_in(browser)


def test_a_session_ends_twelve_hours_after_it_began_however_busy(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    row = row_of(browser)
    assert row and 12 * 3600 - 60 < (row.expires_at - now()).total_seconds() <= 12 * 3600

    set_times(account, seen_at=now(), expires_at=ago(1))
    assert not is_in(browser)

    signs_in(browser, account)
    assert is_in(browser)


def test_use_is_noted_at_most_once_a_minute(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)

    recent, older = ago(50), ago(70)
    set_times(account, seen_at=recent)
    assert is_in(browser)
    row = row_of(browser)
    assert row and row.seen_at == recent

    set_times(account, seen_at=older)
    assert is_in(browser)
    row = row_of(browser)
    assert row and row.seen_at > recent


def test_use_inside_a_write_unit_is_noted_in_it(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    set_times(account, seen_at=ago(70))

    browser.posts("/account/confirm", password=factories.PASSWORD)

    row = row_of(browser)
    assert row and row.seen_at > ago(60)


def test_end_all_signs_an_account_out_everywhere_and_nobody_else(browser: Browser, other_browser: Browser) -> None:
    one, other = admin(), admin_of_another_school()
    signs_in(browser, one)
    signs_in(other_browser, other)

    with sessions.begin() as db:
        end_all(db, one.id)

    assert not is_in(browser)
    assert is_in(other_browser)


def admin_of_another_school() -> Account:
    with sessions.begin() as db:
        return factories.admin(db, factories.school(db, 100002))


@pytest.mark.parametrize("secret", ["", "gh_ss_short", "x" * 5000, "gh_at_" + "A" * 49, "é", '"; DROP TABLE session'])
def test_an_odd_cookie_opens_nothing(server: ASGIApp, secret: str) -> None:
    client = TestClient(server, base_url=settings.issuer, follow_redirects=False)
    cookie = f"{cookies.name()}={secret}".encode()

    answer = client.get("/account", headers={b"cookie": cookie, b"accept": b"text/html"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Faccount")


def test_on_http_the_cookies_are_plain_and_carry_the_port(browser: Browser) -> None:
    account = admin()
    types_password(browser, account.email)
    answer = browser.client.post("/sign-in/code", data={"code": factories.code()})

    found = answer.headers.get_list("set-cookie")
    names = {one.partition("=")[0] for one in found}
    assert names == {"gatehouse_8000", "gatehouse_device_8000"}
    for one in found:
        parts = {part.strip().lower() for part in one.split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/"} <= parts
        assert "secure" not in parts and not any(part.startswith("domain") for part in parts)
    assert not any("max-age" in one.lower() for one in found if one.startswith("gatehouse_8000="))


def test_on_https_the_cookies_are_host_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "issuer", "https://gatehouse.example")
    account = admin()
    with Browser(create_app()) as browser:
        types_password(browser, account.email)
        answer = browser.client.post("/sign-in/code", data={"code": factories.code()})
        assert is_in(browser)

    found = answer.headers.get_list("set-cookie")
    assert {one.partition("=")[0] for one in found} == {"__Host-gatehouse", "__Host-gatehouse-device"}
    for one in found:
        parts = {part.strip().lower() for part in one.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= parts
        assert not any(part.startswith("domain") for part in parts)


def test_each_role_has_its_own_first_page_and_menu(browser: Browser) -> None:
    with sessions.begin() as db:
        operator = factories.operator(db, CALLER)
        partner_user = factories.account(db)
        made, _ = factories.app(db)
        db.add(Membership(account_id=partner_user.id, partner_id=made.partner_id, role=PARTNER_USER))
        nobody = factories.account(db)

    school = [
        "Home",
        "Data sharing",
        "Your data",
        "Access ledger",
        "Receipts",
        "People",
        "Accounts in apps",
        "Admins",
        "Account",
    ]
    partner = ["Apps", "Schools", "Invitations", "Deletion requests", "Account"]
    for account, home, menu in (
        (admin_of_another_school(), "/school", school),
        (operator, "/onboarding", ["Cases", "Schools", "Access", "Installations", "Account"]),
        (partner_user, "/partners", partner),
        (nobody, "/account", ["Account"]),
    ):
        browser.client.cookies.clear()
        types_password(browser, account.email)
        answer = browser.client.post("/sign-in/code", data={"code": factories.code()})
        assert answer.headers["location"] == home
        browser.opens("/account")
        links = browser.document.xpath("//nav//li")
        assert [" ".join(link.text_content().split()) for link in links] == menu
        assert browser.document.xpath("//nav//*[@aria-current]/@href") == ["/account"]


def test_a_person_of_two_schools_works_for_the_one_they_choose(browser: Browser) -> None:
    with sessions.begin() as db:
        first, second, foreign = (factories.school(db, urn) for urn in (100001, 100002, 100003))
        account = factories.admin(db, first)
        db.add(Membership(account_id=account.id, school_id=second.id, role="Admin"))
    signs_in(browser, account)
    assert first.name in browser.title

    browser.opens("/account")
    browser.presses(f"Work for {second.name}")
    assert second.name in browser.title
    browser.posts("/account/school", 404, school=str(foreign.id))
    browser.posts("/account/school", 404, school="x")

    browser.opens("/school")
    assert second.name in browser.title
