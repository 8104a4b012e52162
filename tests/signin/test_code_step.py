import time
from concurrent.futures import ThreadPoolExecutor

import pyotp
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.secrets import seal
from app.settings import settings
from app.signin.factors import time_step
from app.web import cookies
from tests import factories
from tests.pages import Browser
from tests.signin.people import admin, row_of, types_code, types_password

ORIGIN = {"sec-fetch-site": "same-origin"}


def test_the_code_of_now_and_its_neighbours_are_right_and_no_others() -> None:
    sealed = seal(factories.TOTP_SEED, "totp")
    while True:
        now = int(time.time()) // 30
        found = [time_step(sealed, pyotp.TOTP(factories.TOTP_SEED).generate_otp(now + away)) for away in range(-3, 4)]
        if now == int(time.time()) // 30:
            break

    assert found == [None, None, now - 1, now, now + 1, None, None]


def test_a_code_may_be_typed_with_a_blank_and_is_otherwise_six_digits(browser: Browser) -> None:
    account = admin()
    types_password(browser, account.email)

    for wrong in ("", "abc", "12345", "1234567", "١٢٣٤٥٦", "000000" * 1000):
        types_code(browser, wrong, 422)
        browser.opens("/sign-in/code")
    code = factories.code()
    types_code(browser, f"{code[:3]} {code[3:]}")

    assert browser.path == "/school"


def test_a_code_works_once(browser: Browser, other_browser: Browser) -> None:
    account = admin()
    code = factories.code()
    types_password(browser, account.email)
    types_password(other_browser, account.email)
    types_code(browser, code)
    assert browser.path == "/school"

    types_code(other_browser, code, 422)
    assert "was used already" in other_browser.text
    row = row_of(other_browser)
    assert row and row.step == "code"

    types_code(other_browser, factories.code(1))
    assert other_browser.path == "/school"


def test_a_code_from_before_the_one_that_was_used_is_refused(browser: Browser, other_browser: Browser) -> None:
    account = admin()
    types_password(browser, account.email)
    types_password(other_browser, account.email)
    types_code(browser, factories.code(1))
    assert browser.path == "/school"

    types_code(other_browser, factories.code(), 422)

    row = row_of(other_browser)
    assert row and row.step == "code"
    other_browser.opens("/school")
    assert other_browser.path == "/sign-in/code"


def at_the_code(server: ASGIApp, login: str) -> TestClient:
    client = TestClient(server, base_url=settings.issuer, headers=ORIGIN, follow_redirects=False)
    answer = client.post("/sign-in", data={"login": login, "password": factories.PASSWORD})
    assert answer.headers["location"] == "/sign-in/code"
    return client


def test_of_twenty_browsers_with_one_code_one_gets_in(server: ASGIApp) -> None:
    account = admin()
    clients = [at_the_code(server, account.email) for _ in range(20)]
    code = factories.code()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda client: client.post("/sign-in/code", data={"code": code}), clients))

    assert sorted({answer.status_code for answer in answers} - {422, 429}) == [303]
    winners = [client for client, answer in zip(clients, answers, strict=True) if answer.status_code == 303]
    assert len(winners) == 1
    inside = [client for client in clients if client.get("/account").status_code == 200]
    assert inside == winners


def test_of_twenty_posts_of_one_browser_one_goes_on(server: ASGIApp) -> None:
    account = admin()
    secret = at_the_code(server, account.email).cookies[cookies.name()]
    code = factories.code()

    def post(_: int) -> str:
        client = TestClient(server, base_url=settings.issuer, headers=ORIGIN, follow_redirects=False)
        client.cookies.set(cookies.name(), secret)
        return client.post("/sign-in/code", data={"code": code}).headers.get("location", "")

    with ThreadPoolExecutor(20) as pool:
        led = list(pool.map(post, range(20)))

    assert led.count("/school") == 1
    assert set(led) <= {"/school", "/sign-in", ""}
