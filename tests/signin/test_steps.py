"""No step can be skipped: whoever posts a later one, or one that is done, changes nothing."""

from collections.abc import Callable

import pyotp
import pytest

from app.db import sessions
from app.models.account import Account, SecondStep
from tests import factories
from tests.pages import Browser
from tests.signin.people import (
    NEW_PASSWORD,
    actions,
    admin,
    fresh_admin,
    row_of,
    types_code,
    types_password,
    without_second_step,
)


def nobody(_browser: Browser) -> None:
    admin()


def at_code(browser: Browser) -> None:
    types_password(browser, admin().email)


def at_password(browser: Browser) -> None:
    _, password = fresh_admin()
    types_password(browser, "100001", password)


def at_authenticator(browser: Browser) -> None:
    without_second_step()
    types_password(browser, "100001")


def state() -> list[object]:
    with sessions.read() as db:
        accounts = [(row.id, row.password_hash, row.password_must_change) for row in db.query(Account).all()]
        seconds = [(row.id, row.sealed, row.last_step) for row in db.query(SecondStep).all()]
    return [accounts, seconds, actions()]


def posts(browser: Browser, path: str, fields: dict[str, str], status: int = 200) -> None:
    browser.posts(path, status, **fields)


STEPS: list[tuple[Callable[[Browser], None], str | None, str]] = [
    (nobody, None, "/sign-in"),
    (at_code, "code", "/sign-in/code"),
    (at_password, "change-password", "/account/first-password"),
    (at_authenticator, "enrol", "/account/authenticator"),
]
POSTS: list[tuple[str, dict[str, str]]] = [
    ("/sign-in/code", {"code": ""}),
    ("/account/first-password", {"new_password": NEW_PASSWORD, "new_password_again": NEW_PASSWORD}),
    ("/account/authenticator", {"code": ""}),
]
INSIDE: list[tuple[str, dict[str, str]]] = [
    (
        "/account/password",
        {"password": factories.PASSWORD, "new_password": NEW_PASSWORD, "new_password_again": NEW_PASSWORD},
    ),
    ("/account/confirm", {"password": factories.PASSWORD, "next": "/school"}),
    ("/account/school", {"school": "x"}),
]


@pytest.mark.parametrize(("arrive", "step", "page"), STEPS)
def test_a_step_that_is_not_the_open_one_does_nothing(
    browser: Browser, arrive: Callable[[Browser], None], step: str | None, page: str
) -> None:
    arrive(browser)
    before = state()

    for path, fields in POSTS:
        if path == page:
            continue
        sent = fields | ({"code": factories.code()} if "code" in fields else {})
        posts(browser, path, sent)
        assert browser.path == page
        browser.opens(path)
        assert browser.path == page
    for path, fields in INSIDE:
        posts(browser, path, fields, 401)

    row = row_of(browser)
    assert (row.step if row else None) == step
    assert state() == before


@pytest.mark.parametrize(("arrive", "step", "page"), STEPS)
@pytest.mark.parametrize("wanted", ["/school", "/account", "/account/password", "/account/confirm"])
def test_pages_for_the_signed_in_lead_to_the_open_step(
    browser: Browser, arrive: Callable[[Browser], None], step: str | None, page: str, wanted: str
) -> None:
    arrive(browser)

    browser.opens(wanted)

    assert browser.path.partition("?")[0] == page


def test_who_is_signed_in_is_led_home_from_every_step(browser: Browser) -> None:
    types_password(browser, admin().email)
    types_code(browser, factories.code())
    before = state()

    for path, fields in POSTS[:2]:
        posts(browser, path, fields | {"code": factories.code(1)})
        assert browser.path == "/school"
        browser.opens(path)
        assert browser.path == "/school"
    # The authenticator can be replaced later, by whoever types the password again.
    browser.posts("/account/authenticator", code=factories.code(1))
    assert browser.path == "/account/confirm?next=/account/authenticator"

    assert state() == before


def test_each_step_in_its_turn_leads_to_the_school(browser: Browser) -> None:
    at_password(browser)
    browser.fills("New password", NEW_PASSWORD)
    browser.fills("New password again", NEW_PASSWORD)
    browser.presses("Continue")
    types_code(browser, pyotp.TOTP(browser.value("totp-secret")).now())

    assert browser.path == "/school"
