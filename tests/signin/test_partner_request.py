"""A partner's request that waits while somebody signs in."""

from typing import Any

import pyotp
from starlette.responses import Response

from app.db import sessions
from app.models.account import CALLER, IT, Account
from app.models.base import ago, ahead
from app.models.partner import App
from app.models.token import AuthorizationRequest
from app.secrets import digest, new_secret
from app.web import cookies, remembered
from tests import factories
from tests.pages import Browser
from tests.signin.people import NEW_PASSWORD, admin, fresh_admin, types_code, types_password


def brings(browser: Browser, name: str = "Reading Room", **columns: Any) -> tuple[AuthorizationRequest, App]:
    """The browser comes with a request of an app."""
    secret = browser.client.cookies.get(cookies.name(remembered.COOKIE)) or new_secret("gh_br")
    with sessions.begin() as db:
        made, _ = factories.app(db, name, **columns)
        request = AuthorizationRequest(
            app_id=made.id, parameters={}, browser_digest=digest(secret), expires_at=ahead(3600)
        )
        db.add(request)
    browser.client.cookies.set(cookies.name(remembered.COOKIE), secret)
    return request, made


def targets(browser: Browser) -> set[str]:
    policy = dict(part.strip().split(" ", 1) for part in browser.headers["content-security-policy"].split(";"))
    return set(policy["form-action"].split())


def last_step(browser: Browser, account: Account, next: str = "") -> Response:
    browser.posts("/sign-in", login=account.email, password=factories.PASSWORD, next=next)
    return browser.client.post("/sign-in/code", data={"code": factories.code()})  # type: ignore[return-value]


def test_the_sign_in_page_names_the_partner_and_offers_to_register(browser: Browser) -> None:
    brings(browser)

    browser.opens("/sign-in")

    assert browser.title == "Sign in to connect Reading Room"
    assert browser.document.xpath("//main//a[@href='/register/school']")
    browser.client.cookies.clear()
    browser.opens("/sign-in")
    assert browser.title == "Sign in"
    assert browser.document.xpath("//main//a[@href='/register/school']")


def test_an_estab_admin_is_led_to_the_waiting_request(browser: Browser) -> None:
    account = admin()
    request, _ = brings(browser)

    answer = last_step(browser, account)

    assert answer.headers["location"] == f"/oauth/authorize/{request.id}"


def test_only_an_estab_admin_is_and_only_while_it_waits(browser: Browser, other_browser: Browser) -> None:
    with sessions.begin() as db:
        school = factories.school(db)
        technician, operator = factories.admin(db, school, IT), factories.operator(db, CALLER)
        head, other_head = factories.admin(db, school), factories.admin(db, school)
    request, _ = brings(browser)

    assert last_step(browser, technician).headers["location"] == "/school"
    assert last_step(browser, operator).headers["location"] == "/onboarding"
    assert last_step(other_browser, other_head).headers["location"] == "/school"
    assert last_step(browser, head).headers["location"] == f"/oauth/authorize/{request.id}"
    with sessions.begin() as db:
        db.get_one(AuthorizationRequest, request.id).expires_at = ago(1)
    other_browser.client.cookies.update(browser.client.cookies)
    browser.opens("/sign-in")
    assert browser.title == "Sign in"


def test_a_page_that_was_asked_for_goes_before_the_waiting_request(browser: Browser) -> None:
    account = admin()
    brings(browser)

    assert last_step(browser, account, "/account/password").headers["location"] == "/account/password"


def test_every_page_of_signing_in_lets_the_browser_follow_to_the_partner(browser: Browser) -> None:
    fresh_admin()
    brings(browser, redirect_uris=["https://partner.example/callback", "http://localhost:8001/cb"])
    allowed = {"'self'", "https://partner.example", "http://localhost:8001"}
    with sessions.begin() as db:
        account = db.query(Account).one()
        account.password_hash = factories.PASSWORD_HASH

    types_password(browser, "100001", "wrong password", 422)
    assert targets(browser) == allowed
    types_password(browser, "100001")
    assert (browser.path, targets(browser)) == ("/account/first-password", allowed)
    browser.fills("New password", "short")
    browser.presses("Continue", 422)
    assert targets(browser) == allowed
    browser.fills("New password", NEW_PASSWORD)
    browser.fills("New password again", NEW_PASSWORD)
    browser.presses("Continue")
    assert (browser.path, targets(browser)) == ("/account/authenticator", allowed)
    types_code(browser, "00000", 422)
    assert targets(browser) == allowed
    seed = browser.value("totp-secret")
    browser.client.post("/account/authenticator", data={"code": pyotp.TOTP(seed).now()})

    types_password(browser, "100001", NEW_PASSWORD)
    assert (browser.path, targets(browser)) == ("/sign-in/code", allowed)
    types_code(browser, "00000", 422)
    assert targets(browser) == allowed
    browser.opens("/")
    assert targets(browser) == {"'self'"}


def test_of_two_requests_the_one_in_the_address_is_meant(browser: Browser) -> None:
    older, _ = brings(browser, "Older", redirect_uris=["https://older.example/cb"])
    brings(browser, "Newer", redirect_uris=["https://newer.example/cb"])

    browser.opens("/sign-in")
    assert (browser.title, "https://newer.example" in targets(browser)) == ("Sign in to connect Newer", True)
    browser.opens(f"/sign-in?next=/oauth/authorize/{older.id}")
    assert (browser.title, "https://older.example" in targets(browser)) == ("Sign in to connect Older", True)
    browser.opens("/sign-in?next=/account")
    assert (browser.title, targets(browser)) == ("Sign in", {"'self'"})


def test_somebody_elses_request_names_no_partner(browser: Browser, other_browser: Browser) -> None:
    request, _ = brings(browser)

    other_browser.opens(f"/sign-in?next=/oauth/authorize/{request.id}")
    assert (other_browser.title, targets(other_browser)) == ("Sign in", {"'self'"})

    browser.opens(f"/sign-in?next=/oauth/authorize/{request.id}")
    assert browser.title == "Sign in to connect Reading Room"


def test_only_plain_origins_get_into_the_policy() -> None:
    uris = ["https://a.example/x?y", "https://a.example/z", "http://127.0.0.1:8001/cb", "https://e.example;script-src/"]

    assert remembered.form_targets(App(redirect_uris=uris)) == {"https://a.example", "http://127.0.0.1:8001"}
