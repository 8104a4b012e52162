"""What is said of the schools found, and which is selected already."""

import datetime as dt

import pytest

from tests.pages import Browser
from tests.registration.people import listed


@pytest.mark.parametrize("search", ["by=urn&q=100001", "by=postcode&q=AN1+1AA"])
def test_only_a_whole_number_or_postcode_selects_the_school_itself(browser: Browser, search: str) -> None:
    listed(name="Thirsk Castle School")
    browser.opens("/register/school?by=name&q=Thirsk+Castle")
    assert "1 school found" in browser.text and not browser.document.xpath("//input[@checked]")
    browser.presses("Next", 422)
    assert "Select your school" in browser.text

    browser.opens(f"/register/school?{search}")
    browser.presses("Next")
    assert browser.path == "/register/details"


def test_a_proposed_school_says_when_it_opens_and_what_to_do(browser: Browser) -> None:
    listed(100001, status_code="4", open_date=dt.date(2027, 9, 1))
    listed(100002, status_code="4", open_date=None)
    browser.opens("/register/school?by=urn&q=100001")
    assert "it opens on 1 September 2027: come back and register it then" in browser.text
    browser.opens("/register/school?by=urn&q=100002")
    assert "Come back and register it once it has opened." in browser.text
