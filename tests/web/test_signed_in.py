"""Pages that are for everybody know who is signed in."""

import pytest

from tests.pages import Browser
from tests.signin.people import admin, signs_in


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/register/school", 200), ("/dev/outbox", 200), ("/no-such-page", 404)]
)
def test_a_page_for_everybody_names_whoever_is_signed_in(
    browser: Browser, other_browser: Browser, path: str, status: int
) -> None:
    account = admin()
    signs_in(browser, account)
    browser.opens(path, status)
    assert account.name in browser.text and not browser.document.xpath("//a[@href='/sign-in']")

    other_browser.opens(path, status)
    assert "Sign out" not in other_browser.text and other_browser.document.xpath("//a[@href='/sign-in']")


def test_the_first_page_leads_to_ones_school(browser: Browser) -> None:
    signs_in(browser, admin())
    browser.opens("/")
    browser.follows("Go to your school’s page")
    assert browser.path == "/school"
