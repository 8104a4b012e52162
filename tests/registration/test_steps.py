"""Every later step refuses to run before the earlier one, whatever is posted."""

from collections.abc import Callable

import pytest

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
    registers,
    the_school,
)

DETAILS = {"name": NAME, "email": EMAIL, "mobile": MOBILE}


def nothing(browser: Browser) -> None:
    browser.opens("/")


def chosen(browser: Browser) -> None:
    finds(browser)


def mailed(browser: Browser) -> None:
    asks_for_link(browser)


STEPS = [
    # before, what is posted too early, its fields, the answer
    (nothing, "/register/details", DETAILS, 409),
    (nothing, "/register/details", DETAILS | {"urn": "100001"}, 409),
    (nothing, "/register/resend", {}, 409),
    (nothing, "/register/verify", DETAILS | {"token": ""}, 400),
    (nothing, "/register/verify", DETAILS, 400),
    (nothing, "/register/new-link", {}, 400),
    (nothing, "/register/next/answer", {"answer": "yes"}, 401),
    (nothing, "/register/next/question", {"question": "why"}, 401),
    (chosen, "/register/resend", {}, 409),
    (chosen, "/register/verify", DETAILS, 400),
    (chosen, "/register/next/answer", {"answer": "yes"}, 401),
    (chosen, "/register/next/question", {"question": "why"}, 401),
    (mailed, "/register/verify", DETAILS, 400),
    (mailed, "/register/next/answer", {"answer": "yes"}, 401),
    (mailed, "/register/next/question", {"question": "why"}, 401),
]


@pytest.mark.parametrize(("before", "path", "fields", "status"), STEPS)
def test_a_post_that_comes_too_early_does_nothing(
    browser: Browser, before: Callable[[Browser], None], path: str, fields: dict[str, str], status: int
) -> None:
    listed()
    before(browser)
    standing = counts()

    browser.posts(path, status, **fields)

    assert counts() == standing and mails() == []
    username, password = registers(browser)
    assert username and password


@pytest.mark.parametrize(
    ("before", "path", "leads_to"),
    [
        (nothing, "/register/details", "/register/school"),
        (nothing, "/register/check-your-email", "/register/school"),
        (nothing, "/register/next", "/sign-in?next=%2Fregister%2Fnext"),
        (chosen, "/register/check-your-email", "/register/details"),
        (chosen, "/register/next", "/sign-in?next=%2Fregister%2Fnext"),
        (mailed, "/register/next", "/register/check-your-email"),
    ],
)
def test_a_page_that_is_opened_too_early_leads_to_the_step_that_is_open(
    browser: Browser, before: Callable[[Browser], None], path: str, leads_to: str
) -> None:
    listed()
    before(browser)
    browser.opens(path)
    assert browser.path == leads_to


def test_a_forged_or_foreign_cookie_is_no_step(browser: Browser, other_browser: Browser) -> None:
    listed()
    registers(other_browser)
    name, value = next((c.name, c.value) for c in other_browser.client.cookies.jar if "registration" in c.name)
    for forged in (f"{value}x", (value or "")[:-1], "x", '[100001,null,"x"]'):
        browser.client.cookies.clear()
        browser.client.cookies.set(name, forged)
        browser.opens("/register/details")
        assert browser.path == "/register/school"
        browser.opens("/register/next")
        assert browser.path.startswith("/sign-in")
    other_browser.opens("/register/next")
    assert other_browser.path == "/register/next"


def test_fields_that_the_form_does_not_have_change_nothing(browser: Browser) -> None:
    listed()
    link = asks_for_link(browser)
    token = link.partition("token=")[2]
    more = {"status": "Verified", "role": "DPO", "urn": "100002", "school_id": "x", "completed_at": "2020-01-01"}
    assert browser.client.post("/register/verify", data={"token": token} | DETAILS | more).status_code == 200
    browser.opens("/register/next")
    assert browser.value("verification-status") == "Unverified"
    assert (the_school().urn, the_school().status) == (100001, "Unverified")
