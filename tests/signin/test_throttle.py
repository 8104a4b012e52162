from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app import secrets
from app.db import sessions
from app.models.account import Account
from app.settings import settings
from app.web import throttle
from app.web.throttle import Limit, TooManyTries, Try, network
from tests import factories
from tests.pages import Browser
from tests.signin.people import admin, signs_in, types_code, types_password, unspent

pytestmark = pytest.mark.once

HEADERS = {"sec-fetch-site": "same-origin", "accept": "text/html"}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def fails(server: ASGIApp, login: str, times: int, address: str = "198.51.100.7") -> list[int]:
    """Somebody elsewhere types wrong passwords for a login; each time a browser that was never here."""
    client = TestClient(server, base_url=settings.issuer, headers=HEADERS, client=(address, 5000))
    return [client.post("/sign-in", data={"login": login, "password": f"guess {n}"}).status_code for n in range(times)]


def test_a_limit_counts_failures_in_a_sliding_window() -> None:
    clock = Clock()
    limit = Limit(2, 60, clock)
    limit.failed("one")
    clock.now += 30
    limit.failed("one")

    assert (limit.wait("one"), limit.wait("other")) == (31, 0)
    clock.now += 31
    assert limit.wait("one") == 0
    limit.failed("one")
    assert limit.wait("one") == 30


def test_a_limit_forgets_the_oldest_keys_beyond_its_memory() -> None:
    limit = Limit(1, 60)
    for key in range(50_001):
        limit.failed(key)

    assert limit.wait(0) == 0
    assert limit.wait(50_000) > 0


def test_tries_that_run_side_by_side_get_no_more_answers_than_the_limit() -> None:
    limit = Limit(10, 60)

    def attempt(number: int) -> bool:
        try:
            Try(((limit, "key"),)).count()
        except TooManyTries:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(attempt, range(200))) == 10
    with pytest.raises(TooManyTries):
        Try(((limit, "key"),)).count()
    Try(((limit, "other key"),)).count()


def test_a_try_in_flight_counts_until_it_is_right_or_was_refused_unheard() -> None:
    limit = Limit(1, 60)
    first, second = Try(((limit, "key"),)), Try(((limit, "key"),))
    first.count()
    with pytest.raises(TooManyTries):
        second.count()

    first.forgive()
    with pytest.raises(secrets.TooBusy), second.counted():
        raise secrets.TooBusy
    second.count()
    assert limit.wait("key") > 0


def test_many_who_sign_in_at_once_are_refused_instead_of_queued(server: ASGIApp, browser: Browser) -> None:
    account = admin()
    with ExitStack() as crowd:
        for _ in range(20):
            assert secrets._places.acquire(blocking=False)
            crowd.callback(secrets._places.release)
        for _ in range(12):
            types_password(browser, account.email, status=503)
        assert browser.title == "Too many people are signing in" and browser.headers["retry-after"] == "5"

    types_password(browser, account.email)
    assert browser.path == "/sign-in/code"


def test_sign_ins_that_arrive_together_are_not_all_heard(server: ASGIApp) -> None:
    login = "together@madeup.example"
    with ThreadPoolExecutor(8) as pool:
        together = [status for got in pool.map(lambda _: fails(server, login, 3), range(8)) for status in got]
    assert sorted(together) == [422] * 10 + [429] * 14

    assert fails(server, "alone@madeup.example", 1) == [422]


@pytest.mark.parametrize(
    ("host", "seen"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_network_is_an_address_or_the_half_of_one_that_a_subscriber_holds(host: str, seen: str) -> None:
    assert network(Request({"type": "http", "client": (host, 5000)})) == seen


def test_ten_wrong_passwords_and_the_next_try_must_wait(server: ASGIApp, browser: Browser) -> None:
    account = admin()
    assert fails(server, account.email, 11) == [422] * 10 + [429]

    types_password(browser, account.email, status=429)
    assert browser.title == "Too many tries"
    assert "Wait 15 minutes, then try again" in browser.text
    assert 0 < int(browser.headers["retry-after"]) <= 901

    throttle.forget_all()
    types_password(browser, account.email)
    assert browser.path == "/sign-in/code"


def test_an_unknown_account_is_throttled_alike(server: ASGIApp) -> None:
    assert fails(server, "nobody@madeup.example", 11) == [422] * 10 + [429]
    assert fails(server, "Nobody@MadeUp.example", 1) == [429]
    assert fails(server, "888/0001", 11) == [422] * 10 + [429]
    assert fails(server, "8880001", 1) == [429]
    assert fails(server, "8880002", 1) == [422]


def test_a_right_password_is_no_failure(browser: Browser) -> None:
    account = admin()

    for _ in range(15):
        types_password(browser, account.email)

    assert browser.path == "/sign-in/code"


def test_one_network_cannot_try_many_accounts(server: ASGIApp, browser: Browser) -> None:
    account = admin()
    statuses = [status for n in range(12) for status in fails(server, f"person{n}@madeup.example", 9)]
    assert statuses == [422] * 100 + [429] * 8

    assert fails(server, account.email, 1, "198.51.100.8") == [422]
    types_password(browser, account.email)
    assert browser.path == "/sign-in/code"


def test_failing_from_elsewhere_keeps_nobody_from_a_device_that_they_know(
    server: ASGIApp, browser: Browser, other_browser: Browser
) -> None:
    account = admin()
    signs_in(browser, account)
    browser.presses("Sign out")
    assert fails(server, account.email, 12)[-1] == 429
    types_password(other_browser, account.email, status=429)

    signs_in(browser, account)
    assert browser.path == "/school"
    # The known device has an allowance of its own, and no more than that.
    browser.presses("Sign out")
    for _ in range(10):
        types_password(browser, account.email, "guess", 422)
    types_password(browser, account.email, status=429)


def test_a_device_known_to_one_account_is_nothing_to_another(
    server: ASGIApp, browser: Browser, other_browser: Browser
) -> None:
    with sessions.begin() as db:
        school = factories.school(db)
        attacker, victim = factories.admin(db, school), factories.admin(db, school)
    signs_in(browser, attacker)
    browser.presses("Sign out")
    assert fails(server, victim.email, 10) == [422] * 10

    types_password(browser, victim.email, status=429)

    types_password(browser, attacker.email)
    assert browser.path == "/sign-in/code"


def test_a_forged_device_cookie_is_nothing(server: ASGIApp, browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    browser.presses("Sign out")
    genuine = browser.client.cookies["gatehouse_device_8000"]
    fails(server, account.email, 10)

    browser.client.cookies.clear()
    browser.client.cookies.set("gatehouse_device_8000", genuine[:-4] + "AAAA")
    types_password(browser, account.email, status=429)
    browser.client.cookies.clear()
    browser.client.cookies.set("gatehouse_device_8000", genuine)
    types_password(browser, account.email)
    assert browser.path == "/sign-in/code"


@pytest.fixture
def at_code(browser: Browser) -> Browser:
    types_password(browser, admin().email)
    return browser


def test_wrong_codes_are_throttled_whatever_the_session(at_code: Browser, other_browser: Browser) -> None:
    for _ in range(10):
        types_code(at_code, "00000", 422)
    with sessions.read() as db:
        account = db.query(Account).one()

    types_code(at_code, factories.code(), 429)
    types_password(other_browser, account.email)
    types_code(other_browser, factories.code(), 429)

    throttle.forget_all()
    unspent(account)
    other_browser.opens("/sign-in/code")
    types_code(other_browser, factories.code())
    assert other_browser.path == "/school"


def test_wrong_codes_from_elsewhere_keep_nobody_from_a_device_that_they_know(
    browser: Browser, other_browser: Browser
) -> None:
    account = admin()
    signs_in(browser, account)
    browser.presses("Sign out")
    types_password(other_browser, account.email)
    for _ in range(10):
        types_code(other_browser, "00000", 422)
    types_code(other_browser, "00000", 429)

    signs_in(browser, account)
    assert browser.path == "/school"


def test_guessing_the_password_inside_a_session_is_throttled(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)

    for _ in range(10):
        browser.posts("/account/confirm", 422, password="guess")
    browser.posts("/account/confirm", 429, password=factories.PASSWORD)
    browser.posts("/account/password", 429, password=factories.PASSWORD)

    throttle.forget_all()
    browser.posts("/account/confirm", password=factories.PASSWORD)
    assert browser.path == "/account"
