"""Finding the school, and the guard against registering the wrong one."""

import pytest

from app.db import sessions
from app.models.establishment import EstablishmentLink
from app.models.school import SUSPENDED, UNVERIFIED, VERIFIED
from app.notify import development
from tests import factories
from tests.pages import Browser
from tests.registration.people import finds, listed, mails

CLOSED, CLOSING, PROPOSED = "2", "3", "4"


def linked(urn: int, to: int, kind: str) -> None:
    with sessions.begin() as db:
        db.add(EstablishmentLink(urn=urn, link_urn=to, link_type=kind, link_name="x"))


@pytest.mark.parametrize(
    ("label", "typed", "by"),
    [
        ("School postcode", "yo7 1aa", "postcode"),
        ("School postcode", "YO71AA", "postcode"),
        ("LA/DfE number", "123/4567", "dfe"),
        ("LA/DfE number", "1234567", "dfe"),
        ("School URN", "100001", "urn"),
        ("School name or town", "thirsk castle", "name"),
    ],
)
def test_each_box_searches_and_the_search_has_an_address_of_its_own(
    browser: Browser, other_browser: Browser, label: str, typed: str, by: str
) -> None:
    listed(
        name="Thirsk Castle School",
        la_code="123",
        establishment_number="4567",
        postcode="YO7 1AA",
        postcode_key="YO71AA",
    )
    browser.opens("/register/school")
    browser.fills(label, typed)
    browser.presses("Search")

    assert browser.path.startswith(f"/register/school?by={by}&q=")
    for fact in (
        "Thirsk Castle School",
        "Community school",
        "Primary",
        "Anytown",
        "YO7 1AA",
        "100001",
        "123/4567",
        "Open",
    ):
        assert fact in browser.text
    other_browser.opens(browser.path)
    assert "Thirsk Castle School" in other_browser.text
    other_browser.ticks("Thirsk Castle School")
    other_browser.presses("Next")
    assert other_browser.path == "/register/details"


def test_the_box_of_the_last_search_gives_way_to_a_newly_filled_one(browser: Browser) -> None:
    listed(100001, name="First School")
    listed(100002, name="Second School", postcode="ZZ1 1ZZ", postcode_key="ZZ11ZZ")
    browser.opens("/register/school")
    browser.fills("School postcode", "ZZ1 1ZZ")
    browser.presses("Search")
    assert "Second School" in browser.text

    browser.fills("School URN", "100001")
    browser.presses("Search")
    assert browser.path == "/register/school?by=urn&q=100001" and "First School" in browser.text


@pytest.mark.parametrize(
    ("label", "typed", "field", "shape"),
    [
        ("School postcode", "ZZ99 9ZZ", "q-postcode", ""),
        ("School URN", "999999", "q-urn", ""),
        ("LA/DfE number", "305", "q-dfe", "An LA/DfE number has 7 digits"),
        ("School URN", "abc", "q-urn", "A URN has 5 or 6 digits"),
    ],
)
def test_what_is_not_found_stays_in_its_box_with_what_to_try(
    browser: Browser, label: str, typed: str, field: str, shape: str
) -> None:
    listed()
    browser.opens("/register/school")
    browser.fills(label, typed)
    browser.presses("Search", 422 if shape else 200)
    assert browser.value(field) == typed and shape in browser.text
    assert bool(browser.document.xpath(f"//p[@id='{field}-error']")) == bool(shape)
    assert "No school found" in browser.text and "Search by the school’s name or town instead" in browser.text
    finds(browser)


def test_what_stands_in_the_wrong_box_is_understood(browser: Browser) -> None:
    listed(name="First School")
    browser.opens("/register/school")
    browser.fills("School postcode", "100001")
    browser.presses("Search")
    assert "We searched for URN 100001" in browser.text and "First School" in browser.text


def test_nothing_typed_or_too_much_is_said(browser: Browser) -> None:
    listed()
    browser.opens("/register/school")
    browser.presses("Search", 422)
    assert "Type a postcode" in browser.text
    browser.fills("School URN", "100001")
    browser.fills("School name or town", "Anytown")
    browser.presses("Search", 422)
    for field in ("q-urn", "q-name"):
        assert browser.document.xpath(f"//p[@id='{field}-error']") and browser.value(field)
    assert (
        "one box only" in browser.text and browser.value("q-urn") == "100001" and browser.value("q-name") == "Anytown"
    )
    for address in ("?q=100001", "?by=phone&q=1", "?by=urn&q="):
        browser.opens(f"/register/school{address}", 422)
    for fields in ({}, {"urn": "100001x"}, {"by": "urn"}):
        browser.posts("/register/school", 422, **fields)
    finds(browser)


def test_finding_nothing_says_what_was_searched_and_what_to_try(browser: Browser) -> None:
    browser.opens("/register/school?by=urn&q=999999")
    assert "No school found" in browser.text and "999999" in browser.text
    assert "Search by the school’s name or town instead" in browser.text
    assert not any(button.text_content().strip() == "Next" for button in browser.document.iter("button"))


def test_many_results_have_pages(browser: Browser) -> None:
    with sessions.begin() as db:
        for number in range(45):
            factories.establishment(db, 100100 + number, name=f"St Mary’s School {number:02}")
    browser.opens("/register/school?by=name&q=St+Mary")
    assert "45 schools found" in browser.text and "page 1 of" in browser.text
    browser.follows("2")
    assert "page 2 of" in browser.text and "page=2" in browser.path
    for page in ("0", "-1", "x", "999999999999", "9999"):
        browser.opens(f"/register/school?by=name&q=St+Mary&page={page}")


def test_next_without_a_choice_shows_the_results_again(browser: Browser) -> None:
    listed(100001, name="St Mary’s North")
    listed(100002, name="St Mary’s South")
    browser.opens("/register/school?by=name&q=St+Mary")
    browser.presses("Next", 422)
    assert "Select your school" in browser.text and "St Mary’s North" in browser.text
    browser.ticks("St Mary’s South")
    browser.presses("Next")
    assert "St Mary’s South" in browser.text and browser.path == "/register/details"


def test_a_closed_school_names_its_successor_with_a_link(browser: Browser) -> None:
    listed(100001, name="Old School", status_code=CLOSED)
    listed(100002, name="New Academy")
    linked(100001, 100002, "Successor")
    linked(100002, 100001, "Predecessor")
    browser.opens("/register/school?by=urn&q=100001")
    assert "has closed" in browser.text and not browser.document.xpath("//input[@type='radio']")
    browser.follows("New Academy")
    browser.presses("Next")
    assert browser.path == "/register/details" and "New Academy" in browser.text


def test_a_proposed_school_names_its_predecessor_with_a_link(browser: Browser) -> None:
    listed(100001, name="Old School", status_code=CLOSING)
    listed(100002, name="New Academy", status_code=PROPOSED)
    linked(100002, 100001, "Predecessor")
    browser.opens("/register/school?by=urn&q=100002")
    assert "has not opened yet" in browser.text and not browser.document.xpath("//input[@type='radio']")
    browser.follows("Old School")
    browser.presses("Next")
    assert browser.path == "/register/details" and "Old School" in browser.text


@pytest.mark.parametrize(
    ("status", "words"), [(CLOSED, "has closed"), (PROPOSED, "has not opened yet"), ("9", "has not opened yet")]
)
def test_a_crafted_post_cannot_choose_a_school_that_may_not_register(browser: Browser, status: str, words: str) -> None:
    listed(100001, status_code=status)
    listed(100002)
    browser.posts("/register/school", 409, urn="100001", by="urn", q="100001")
    assert words in browser.text
    browser.posts("/register/school", 409, urn="100001")
    assert words in browser.text
    browser.opens("/register/details")
    assert browser.path == "/register/school"

    browser.posts("/register/school", urn="100002", by="urn", q="100002")
    assert browser.path == "/register/details"


@pytest.mark.parametrize("urn", ["", "x", "-1", "1.5", "١٠٠٠٠١", "999999", "99999999999999999999", "100001 OR 1=1"])
def test_a_crafted_post_cannot_choose_what_does_not_exist(browser: Browser, urn: str) -> None:
    listed()
    answer = browser.client.post("/register/school", data={"urn": urn, "by": "urn", "q": "100001"})
    assert answer.status_code in (404, 422)
    browser.posts("/register/school", urn="100001", by="urn", q="100001")
    assert browser.path == "/register/details"


@pytest.mark.parametrize("status", [VERIFIED, SUSPENDED])
def test_a_verified_school_cannot_be_registered_again(browser: Browser, status: str) -> None:
    with sessions.begin() as db:
        factories.school(db, status=status)
        factories.establishment(db, 100002)
    browser.opens("/register/school?by=urn&q=100001")
    assert "registered already and Verified" in browser.text
    browser.posts("/register/school", 409, urn="100001", by="urn", q="100001")
    assert "is registered already" in browser.text
    finds(browser, 100002)


def test_an_unverified_one_may_be_claimed_again_with_a_warning(browser: Browser) -> None:
    with sessions.begin() as db:
        factories.school(db, status=UNVERIFIED)
    browser.opens("/register/school?by=urn&q=100001")
    assert "Somebody has registered this school" in browser.text
    browser.presses("Next")
    assert "Somebody has already registered this school" in browser.text


def test_twins_are_marked(browser: Browser) -> None:
    listed(100001, name="St Mary’s")
    listed(100002, name="St Mary’s")
    browser.opens("/register/school?by=postcode&q=AN1+1AA")
    assert browser.text.count("Same name nearby") == 2
    browser.opens("/register/school?by=urn&q=100001")
    assert browser.text.count("Select your school") == 1


def test_names_are_shown_as_text(browser: Browser) -> None:
    listed(name="<script>alert(1)</script> School")
    browser.opens("/register/school?by=urn&q=100001")
    assert "<script>alert(1)</script> School" in browser.text
    browser.opens("/register/school?by=name&q=%3Cscript%3Ealert(9)%3C/script%3E")
    assert "<script>alert(9)</script>" in browser.text


def test_the_admin_of_a_registered_school_is_asked_for_access(browser: Browser) -> None:
    with sessions.begin() as db:
        factories.admin(db, factories.school(db, status=VERIFIED), email="ada@school.example")
    browser.opens("/register/school?by=urn&q=100001")
    browser.follows("Ask the current admin for access to Made-up Primary School 100001")
    browser.presses("Send", 422)
    browser.fills("Your name", "Cy Coe")
    browser.fills("Your email address", "cy@school.example")
    browser.presses("Send")
    assert "passed on your request" in browser.title and "ada@" not in browser.text
    [mail] = mails()
    assert mail["to"] == "ada@school.example"
    assert "Name given: Cy Coe" in mail["text"] and "Email address given: cy@school.example" in mail["text"]


def test_access_cannot_be_asked_for_without_end(browser: Browser) -> None:
    with sessions.begin() as db:
        for urn in (100001, 100002):
            factories.admin(db, factories.school(db, urn, VERIFIED))
    asking = {"name": "Cy Coe", "email": "cy@school.example"}
    for _ in range(5):
        browser.posts("/register/access", urn="100001", **asking)
    browser.posts("/register/access", 429, urn="100001", **asking)
    assert len(mails()) == 5

    browser.posts("/register/access", urn="100002", **asking)
    assert len(mails()) == 1


def test_the_admin_has_left_says_how_to_reach_us(browser: Browser) -> None:
    with sessions.begin() as db:
        factories.school(db, status=VERIFIED)
        factories.school(db, 100002)
    browser.opens("/register/school?by=urn&q=100001")
    browser.follows("The admin has left Made-up Primary School 100001")
    assert "You can also ring us on" in browser.text and "100001" in browser.text
    before = len(development.kept())
    for path in ("/register/access", "/register/admin-left"):
        for urn in ("", "x", "100002", "999999", "9" * 40):
            browser.opens(f"{path}?urn={urn}", 404)
    assert len(development.kept()) == before
    browser.opens("/register/admin-left?urn=100001")
