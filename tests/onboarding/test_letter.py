"""No number, or a wrong one: a letter to the head at the address in the register."""

from typing import Any

from app.models.account import Account
from app.models.school import VERIFIED
from app.models.verification import CALLED, CONFIRMED, NEW
from tests.onboarding.people import Opens, actions, mails, registered, rings
from tests.pages import Browser


def reads_letter(browser: Browser, code: str, status: int = 200) -> None:
    browser.fills("Who rang", "Ada Bright, head")
    browser.fills("Code that they read from the letter", code)
    browser.presses("Save the code", status)


def test_a_school_without_a_number_confirms_by_the_code_of_a_letter(
    as_: Opens, caller: Account, approver: Account
) -> None:
    here = registered(telephone=None, street="Mill Lane", town="Thirsk", postcode="YO7 1AA")
    printing = as_(approver)
    printing.opens(here.page)
    assert "The register gives no number that can be rung" in printing.text and "Ring the school" not in printing.text

    printing.presses("Print the letter")

    code = printing.value("letter-code")
    for words in (
        "Ms Ada Bright",
        here.school.name,
        "Mill Lane",
        "Thirsk",
        "YO7 1AA",
        "Sam Secretary",
        "020 7946 0123",
    ):
        assert words in printing.text
    assert printing.headers["cache-control"] == "no-store" and here.now().letter_sent_at
    assert mails(here.admin)[-1]["subject"].startswith("We have sent a letter")
    assert code not in mails(here.admin)[-1]["text"]
    calling = as_(caller)
    calling.opens(here.page)
    assert code not in calling.text
    reads_letter(calling, "WRONG-0000", 422)
    assert "That is not the code" in calling.text
    reads_letter(calling, code.lower().replace("-", " "))
    assert (here.state, here.now().confirmed_by) == (CONFIRMED, caller.id)
    printing.opens(here.page)
    assert f"by Ada Bright, head, heard by {caller.name}" in printing.text
    printing.presses("Approve")
    assert here.status == VERIFIED
    assert actions() == ["case.letter_sent", "case.called", "case.called", "school.verified"]


def test_whoever_printed_the_letter_does_not_hear_its_code(as_: Opens, caller: Account, approver: Account) -> None:
    here, printing = registered(telephone=""), as_(caller)
    printing.opens(here.page)
    printing.presses("Print the letter")
    code = printing.value("letter-code")
    printing.opens(here.page)
    assert "another operator takes the school’s call" in printing.text

    printing.posts(f"{here.page}/letter-code", 409, letter_person="Ada Bright", letter_heard=code)

    assert "You printed this letter" in printing.text and here.state == NEW
    other = as_(approver)
    other.opens(here.page)
    reads_letter(other, code)
    assert here.state == CONFIRMED


def test_a_wrong_number_leads_to_the_letter(as_: Opens, caller: Account, approver: Account) -> None:
    here, browser = registered(), as_(caller)
    browser.posts(f"{here.page}/letter", 409)
    assert "A letter is for a missing or wrong number" in browser.text
    rings(browser, "Wrong number", person="A bakery")
    assert here.state == CALLED and "turned out to be wrong" in browser.text

    browser.presses("Print the letter")

    code = browser.value("letter-code")
    assert here.now().taken_by is None
    other = as_(approver)
    other.opens(here.page)
    reads_letter(other, code)
    assert here.state == CONFIRMED


def test_the_register_s_number_that_is_the_registrant_s_mobile_leads_to_the_letter(as_: Opens, caller: Account) -> None:
    here, browser = registered(telephone="07400 123456"), as_(caller)
    browser.opens(here.page)
    assert "Ring the school" not in browser.text

    browser.posts(f"{here.page}/call", 422, number="07400123456", outcome="confirmed", person="x", heard="KITE-42")

    assert here.state == NEW
    browser.presses("Print the letter")
    assert browser.value("letter-code")


def test_another_letter_makes_the_first_one_s_code_dead(as_: Opens, caller: Account, approver: Account) -> None:
    here, printing = registered(telephone=None), as_(caller)
    printing.opens(here.page)
    printing.presses("Print the letter")
    first = printing.value("letter-code")
    printing.opens(here.page)
    printing.presses("Print another letter")
    second = printing.value("letter-code")
    other = as_(approver)
    other.opens(here.page)

    reads_letter(other, first, 422)

    assert first != second and here.state == NEW
    reads_letter(other, second)
    assert here.state == CONFIRMED


def test_the_letter_s_code_is_not_the_tracker_s_and_neither_confirms_for_the_other(
    as_: Opens, caller: Account, approver: Account
) -> None:
    here, calling = registered(), as_(caller)
    calling.opens(here.page)
    rings(calling, "Wrong number", person="A bakery")
    calling.presses("Print the letter")
    letter, tracker = calling.value("letter-code"), here.code
    other = as_(approver)
    other.opens(here.page)

    reads_letter(other, tracker, 422)
    other.opens(here.page)
    rings(other, "Confirmed", 422, person="The office", code=letter)

    assert here.state == CALLED
    other.opens(here.page)
    reads_letter(other, letter)
    assert here.state == CONFIRMED


def test_no_letter_without_an_address(as_: Opens, caller: Account) -> None:
    nowhere: dict[str, Any] = dict.fromkeys(("street", "locality", "address3", "town", "county", "postcode"))
    here, browser = registered(telephone=None, **nowhere), as_(caller)

    browser.posts(f"{here.page}/letter", 409)

    assert "The register gives no address" in browser.text and here.now().letter_sent_at is None
    browser.opens(registered(100002, telephone=None).page)
    browser.presses("Print the letter")
    assert browser.value("letter-code")


def test_no_letter_is_printed_over_the_case_that_somebody_else_took(
    as_: Opens, caller: Account, approver: Account
) -> None:
    here, taking, other = registered(telephone=None), as_(caller), as_(approver)
    taking.posts(f"{here.page}/take")

    other.posts(f"{here.page}/letter", 409)

    assert "Somebody else has taken this case" in other.text and here.now().letter_sealed is None
    taking.posts(f"{here.page}/letter")
    assert taking.value("letter-code")
