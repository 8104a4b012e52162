"""Finding the case to work on next."""

import datetime as dt

from app.db import sessions
from app.models.account import Account
from app.models.base import now
from app.models.establishment import Establishment
from app.models.verification import Verification
from tests import factories
from tests.onboarding.people import Opens, Registered, registered
from tests.pages import Browser


def rows(browser: Browser) -> list[str]:
    """The schools in the table, from the top."""
    return [link.text_content() for link in browser.document.xpath("//tbody//th//a")]


def due(here: Registered, days: float) -> Registered:
    with sessions.begin() as db:
        db.get_one(Verification, here.case.id).due_at = now() + dt.timedelta(days=days)
    return here


def test_an_empty_queue_says_that_there_is_nothing_to_do(as_: Opens, caller: Account) -> None:
    browser = as_(caller)
    browser.opens("/onboarding")
    assert "Nothing to check" in browser.text and "0 to do" in browser.text
    registered()
    browser.opens("/onboarding")
    assert len(rows(browser)) == 1


def test_the_oldest_due_comes_first(as_: Opens, caller: Account) -> None:
    late, soon, later = due(registered(100003), -4), due(registered(100001), 3), due(registered(100002), 9)
    browser = as_(caller)
    browser.opens("/onboarding")

    assert rows(browser) == [late.school.name, soon.school.name, later.school.name]


def test_cases_are_filtered_by_state_and_counted(as_: Opens, caller: Account, approver: Account) -> None:
    new, called, asked, rejected = (registered(urn) for urn in range(100001, 100005))
    browser = as_(approver)
    browser.posts(f"{called.page}/call", number="01632960001", outcome="no answer")
    browser.posts(f"{asked.page}/ask", question="Which role have you?")
    browser.posts(f"{rejected.page}/reject", reason="Not known there")

    browser.opens("/onboarding")
    assert rows(browser) == [new.school.name, called.school.name]
    for words, names in (
        ("To do 2", [new, called]),
        ("New 1", [new]),
        ("Called 1", [called]),
        ("Confirmed 0", []),
        ("Waiting for school 1", [asked]),
        ("Approved 0", []),
        ("Rejected 1", [rejected]),
        ("All 4", [new, called, asked, rejected]),
        ("Taken by me 1", [called]),
    ):
        browser.follows(words)
        assert rows(browser) == [here.school.name for here in names], words
    other = as_(caller)
    other.opens("/onboarding?mine=yes")
    assert rows(other) == [] and "No cases here" in other.text


def test_a_case_is_found_by_school_urn_dfe_number_and_registrant(as_: Opens, caller: Account) -> None:
    with sessions.begin() as db:
        factories.establishment(db, 123456, name="Elm Park School", la_code="302", establishment_number="2001")
    elm = registered(123456, name="Grace Okafor", email="grace@elm-park.sch.example")
    registered(100002, name="Tom Whitfield")
    browser = as_(caller)
    for words in (
        "elm park",
        "ELM",
        "123456",
        "302/2001",
        "3022001",
        "302 2001",
        "grace okafor",
        "grace@elm-park.sch.example",
        elm.admin.username or "",
    ):
        browser.opens("/onboarding")
        browser.fills("School name, URN, DfE number or registrant", words)
        browser.presses("Search")
        assert rows(browser) == ["Elm Park School"], words
        assert browser.value("q") == words
    for words in ("no such school", "302/2002", "%", "_", "12345", "99999999999999999999", "'"):
        browser.opens("/onboarding")
        browser.fills("School name, URN, DfE number or registrant", words)
        browser.presses("Search")
        assert rows(browser) == [] and "No case matches" in browser.text, words
    browser.opens("/onboarding?q=%00elm%FF")
    browser.opens("/onboarding?q=%00elm%20park")
    assert rows(browser) == ["Elm Park School"]


def test_a_search_looks_through_every_state_until_one_is_chosen(as_: Opens, approver: Account) -> None:
    here, browser = registered(), as_(approver)
    browser.posts(f"{here.page}/reject", reason="Not known there")

    browser.opens("/onboarding?q=Made-up")

    assert rows(browser) == [here.school.name]
    browser.follows("To do 0")
    assert rows(browser) == [] and "No case matches “Made-up”" in browser.text
    browser.follows("Rejected 1")
    assert rows(browser) == [here.school.name]
    assert browser.value("q") == "Made-up"


def test_many_cases_come_page_by_page_each_once(as_: Opens, caller: Account) -> None:
    for urn in range(100001, 100061):
        due(registered(urn), urn - 100000)
    browser, seen = as_(caller), []
    browser.opens("/onboarding")
    for page in (1, 2, 3):
        seen += rows(browser)
        if page < 3:
            browser.opens(f"/onboarding?state=To+do&page={page + 1}")

    assert len(seen) == 60 == len(set(seen)) and seen[0].endswith("100001") and seen[-1].endswith("100060")
    browser.opens("/onboarding?page=99")
    assert rows(browser) == seen[50:]
    assert browser.client.get("/onboarding?page=0").status_code == 422
    assert browser.client.get("/onboarding?page=99999999999999999999").status_code == 422


def test_long_names_are_whole_on_every_page(as_: Opens, caller: Account) -> None:
    name = "The Right Reverend Archibald Featherstonehaugh-Cholmondeley " * 4
    with sessions.begin() as db:
        factories.establishment(db, 100001, name=name)
    here, browser = registered(name="Wolfeschlegelsteinhausenbergerdorff" * 3), as_(caller)

    for path in ("/onboarding", here.page, "/onboarding/schools", here.school_page):
        browser.opens(path)
        assert name.strip() in browser.text


def test_a_case_is_taken_and_released(as_: Opens, caller: Account, approver: Account) -> None:
    here, browser, other = registered(), as_(caller), as_(approver)
    browser.opens(here.page)
    browser.presses("Take this case")
    assert here.now().taken_by == caller.id and "You have taken this case" in browser.text
    other.opens("/onboarding")
    assert caller.name in other.text
    other.posts(f"{here.page}/take", 409)
    assert f"{caller.name} has it. Ask them to release it first." in other.text
    other.posts(f"{here.page}/call", 409, number="01632960001", outcome="no answer")
    assert here.state == "New"

    browser.presses("Release this case")

    assert here.now().taken_by is None
    other.posts(f"{here.page}/call", number="01632960001", outcome="no answer")
    assert (here.state, here.now().taken_by) == ("Called", approver.id)
    browser.posts(f"{here.page}/release", 409)
    assert here.now().taken_by == approver.id
    other.posts(f"{here.page}/release")
    assert here.now().taken_by is None


def test_an_approver_frees_what_an_absent_caller_took(as_: Opens, caller: Account, approver: Account) -> None:
    here = registered()
    as_(caller).posts(f"{here.page}/take")
    browser = as_(approver)
    browser.opens(here.page)

    browser.presses("Release this case")

    assert here.now().taken_by is None


def test_notes_and_the_next_call_are_kept(as_: Opens, caller: Account) -> None:
    here, browser = registered(), as_(caller)
    browser.opens(here.page)
    browser.presses("Save the note", 422)
    assert "Write a note" in browser.text
    browser.fills("Note for the team", "Closed on Wednesdays")
    browser.presses("Save the note")
    assert "Closed on Wednesdays" in browser.text and caller.name in browser.text
    soon = (now() + dt.timedelta(days=2)).replace(second=0, microsecond=0, tzinfo=None)
    browser.fills("Day and time", "whenever")
    browser.presses("Plan the call", 422)
    assert "Choose a day and a time" in browser.text
    browser.fills("Day and time", soon.isoformat(timespec="minutes"))
    browser.presses("Plan the call")

    assert here.now().next_call_at is not None
    browser.opens("/onboarding")
    assert f"{soon.day} {soon:%b}, " in browser.text
    browser.posts(f"{here.page}/next-call", planned="")
    assert here.now().next_call_at is None


def test_a_school_that_left_the_register_can_still_be_looked_at(as_: Opens, caller: Account) -> None:
    here, browser = registered(), as_(caller)
    with sessions.begin() as db:
        db.delete(db.get_one(Establishment, 100001))

    browser.opens(here.page)

    assert "The register no longer has a school with this URN" in browser.text
    browser.opens("/onboarding")
    assert rows(browser) == [here.school.name]
