"""OneRoster's own names of scopes, as a stock client of OneRoster sends them."""

import pytest
from starlette.types import ASGIApp

from app.models.scope import ONEROSTER
from tests.oauth.dance import Dance
from tests.pages import Browser

CORE, ROSTER, DEMOGRAPHICS = ONEROSTER


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (CORE, {"school", "students"}),
        (ROSTER, {"school", "students", "contacts"}),
        (f"{CORE} {DEMOGRAPHICS}", {"school", "students", "students.demographics"}),
        (f"{CORE} contacts", {"school", "students", "contacts"}),
    ],
)
def test_a_name_of_oneroster_stands_for_what_the_app_has_registered_of_its_set(
    server: ASGIApp, browser: Browser, asked: str, granted: set[str]
) -> None:
    dance = Dance(server, browser, scopes=("school", "students", "contacts", "students.demographics"))
    dance.signs_in()
    dance.opens(scope=asked)
    for scope in granted - {"school"}:
        browser._filled[f"scope-{scope}"] = ["yes"]
    browser.presses("Authorise")
    assert set(dance.redeems(dance.answered()["code"]).json()["scope"].split()) == granted


def test_a_name_of_oneroster_of_which_the_app_has_nothing_is_refused(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, scopes=("school",))
    dance.signs_in()
    assert dance.asks(scope=DEMOGRAPHICS).headers["location"].find("error=invalid_scope") > 0
    assert dance.asks(scope=f"{CORE} students").headers["location"].find("error=invalid_scope") > 0
    dance.opens(scope=CORE)
    browser.presses("Authorise")
    assert dance.redeems(dance.answered()["code"]).json()["scope"] == "school"
