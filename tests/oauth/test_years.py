"""What a school sees of its own data before it decides, and the year groups that it shares."""

from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.db import sessions
from app.models.receipt import Receipt
from app.models.roster.head import Roster
from app.settings import settings
from app.sharing import receipts
from tests.oauth.dance import Dance, authorisations
from tests.pages import Browser
from tests.roster.api import BASE
from tests.roster.small import SmallRoster

SCOPES = ("school", "students", "contacts", "groups")


@pytest.fixture
def dance(server: ASGIApp, browser: Browser) -> Dance:
    """A school with pupils in years 7, 8 and Reception, before an app that asks for them."""
    made = Dance(server, browser, scopes=SCOPES)
    with sessions.begin(school=made.school.id) as db:
        roster = SmallRoster(db, made.school.id)
        ada = roster.pupil("Ada Lovelace", "7", registration_group="7A")
        roster.contact("Anne Lovelace", ada)
        roster.pupil("Ben Nevis", "8", registration_group="8B")
        roster.pupil("Cleo Small", "R")
        roster.group("7A", ada, kind="homeroom")
        Roster.arrived(db, made.school.id, "oneroster", 4)
    made.signs_in()
    return made


def decides(dance: Dance, *years: str) -> None:
    """Authorise everything for these year groups alone, by the words beside the boxes."""
    dance.opens(scope=" ".join(SCOPES))
    form = dict.fromkeys((f"scope-{scope}" for scope in SCOPES), "yes") | {
        "years-shown": "yes",
        "decision": "authorise",
    }
    form["shown"] = dance.browser.document.xpath("//input[@name='shown']")[0].get("value")
    form |= {f"years-{year}": "yes" for year in years}
    dance.browser.posts(dance.browser.path, 303 if years else 422, **form)


def students(dance: Dance, server: ASGIApp) -> Any:
    token = dance.redeems(dance.answered()["code"]).json()["access_token"]
    client = TestClient(server, base_url=settings.issuer)
    answer = client.get(f"{BASE}/students", headers={"authorization": f"Bearer {token}"})
    return {one["givenName"] for one in answer.json()["users"]}


def test_the_page_shows_what_each_scope_would_open_today(dance: Dance) -> None:
    dance.opens(scope=" ".join(SCOPES))
    seen = dance.browser.text
    assert "Today that is 3 pupils" in seen and "Ada" in seen and "7A" in seen
    assert "Today that is 1 contact:" in seen and "Anne" in seen
    assert "Today that is 1 class or registration group" in seen
    for words in ("Reception", "Year 7", "Year 8"):
        assert words in seen


def test_a_year_group_that_is_not_ticked_is_not_shared(dance: Dance, server: ASGIApp) -> None:
    decides(dance, "7", "R")
    [given] = authorisations()
    assert given.years == ["R", "7"]
    assert students(dance, server) == {"Ada", "Cleo"}
    with sessions.read() as db:
        [receipt] = Receipt.of(db, given.id)
    told = dict(row for _, rows in receipts.sections(receipt.content) for row in rows)
    assert told["Year groups"] == "Reception, Year 7"


def test_with_every_year_group_ticked_later_ones_are_covered_too(dance: Dance, server: ASGIApp) -> None:
    decides(dance, "7", "8", "R")
    assert authorisations()[0].years is None
    assert students(dance, server) == {"Ada", "Ben", "Cleo"}


def test_none_ticked_is_said_and_nothing_is_decided(dance: Dance) -> None:
    decides(dance)
    assert "Choose at least one year group" in dance.browser.text
    assert authorisations() == []
    decides(dance, "8")
    assert authorisations()[0].years == ["8"]


def test_year_groups_are_changed_later_and_the_app_reads_less_at_once(dance: Dance, server: ASGIApp) -> None:
    decides(dance, "7", "8", "R")
    token = dance.redeems(dance.answered()["code"]).json()["access_token"]
    [given] = authorisations()
    dance.browser.opens(f"/school/apps/{given.id}")
    assert "Ada" in dance.browser.text, "the dashboard shows what it reads today"
    dance.browser.opens(f"/school/apps/{given.id}/change")
    form = {f"scope-{scope}": "yes" for scope in SCOPES} | {"years-shown": "yes", "years-8": "yes", "decision": "save"}
    form["shown"] = dance.browser.document.xpath("//input[@name='shown']")[0].get("value")
    dance.browser.posts(f"/school/apps/{given.id}/change", 200, **form)
    assert "Saved: what Reading Room may read has changed" in dance.browser.text
    assert "Year 8" in dance.browser.text
    client = TestClient(server, base_url=settings.issuer)
    answer = client.get(f"{BASE}/students", headers={"authorization": f"Bearer {token}"})
    assert [one["givenName"] for one in answer.json()["users"]] == ["Ben"]


def test_a_school_without_data_is_not_asked_for_year_groups(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, scopes=SCOPES)
    dance.signs_in()
    dance.opens(scope=" ".join(SCOPES))
    assert "Which year groups?" not in browser.text and "Today that is" not in browser.text
    browser.presses("Authorise")
    assert authorisations()[0].years is None
