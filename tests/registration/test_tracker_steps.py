"""How the tracker moves on: by a call or by a letter, then to a second person, then to the decision."""

from app.audit import record
from app.db import sessions
from app.models.account import CALLER
from app.models.base import ago
from app.models.verification import APPROVED, CALLED, CONFIRMED, WAITING, WRONG_NUMBER, Call, Verification
from app.web.pages import day
from tests import factories
from tests.pages import Browser
from tests.registration.people import changes, listed, moves, registers, the_case, the_school


def confirmed() -> None:
    """An operator heard the right code."""
    with sessions.begin() as db:
        caller = factories.operator(db, CALLER)
        case = Verification.of_school(db, the_school().id)
        assert case and case.confirm(db, caller.id)


def current(browser: Browser) -> str:
    """The step of the tracker that goes on."""
    [title] = browser.document.xpath("//li[@aria-current='step']/p[@class='gh-tracker__title']")
    return " ".join(title.text_content().split())


def test_a_school_without_a_number_gets_a_letter(browser: Browser) -> None:
    listed(telephone=None)
    registers(browser)
    browser.opens("/register/next")
    assert "A letter to your school" in browser.text and "When we call" not in browser.text
    assert "write a letter to its address in the register" in browser.text
    assert "We post it within 2 working days" in browser.text and "By 5pm" not in browser.text
    assert "read to us the code in the letter" in browser.text
    assert browser.document.get_element_by_id("readback-code", None) is None
    changes(letter_sent_at=ago(3600))
    browser.opens("/register/next")
    assert "We sent a letter" in browser.text and f"Posted on {day(ago(3600))}" in browser.text
    assert "We post it within" not in browser.text and "By 5pm" not in browser.text
    confirmed()
    browser.opens("/register/next")
    assert "Your school has read us the code of our letter; a second person now decides" in browser.text


def test_a_number_that_is_not_the_school_s_leads_to_a_letter_too(browser: Browser) -> None:
    listed(telephone="01632 960001")
    registers(browser)
    browser.opens("/register/next")
    assert "When we call" in browser.text
    with sessions.begin() as db:
        caller = factories.operator(db, CALLER)
        case = the_case()
        db.add(Call(verification_id=case.id, called_by=caller.id, number="1", person="A bakery", outcome=WRONG_NUMBER))
    browser.opens("/register/next")
    assert "A letter to your school" in browser.text and "When we call" not in browser.text


def test_once_the_code_was_heard_a_second_person_decides(browser: Browser) -> None:
    listed(telephone="01632 960001")
    registers(browser)
    browser.opens("/register/next")
    assert "We ring 01632 960001" in browser.text and "a second person now decides" not in browser.text
    assert current(browser) == "A call to your school (in progress)"

    confirmed()
    browser.opens("/register/next")

    assert "We have rung your school; a second person now decides" in browser.text
    assert current(browser) == "A second person decides (in progress)"
    assert "We rang 01632 960001" in browser.text and "By 5pm on" in browser.text
    assert "When we call" not in browser.text and "We ring" not in browser.text
    assert browser.document.get_element_by_id("readback-code", None) is None
    assert "There is nothing for you to do" in browser.text
    changes(state=WAITING, waiting_from=CONFIRMED, waiting_since=ago(60), question="Which department?")
    browser.opens("/register/next")
    assert "We go on when you have answered" in browser.text and "There is nothing for you to do" not in browser.text
    changes(state=CONFIRMED, waiting_from=None, waiting_since=None)
    changes(due_at=ago(60))
    browser.opens("/register/next")
    assert "longer than we aimed for" in browser.text and "By 5pm on" not in browser.text
    changes(state=APPROVED)
    moves("Verified")
    browser.opens("/register/next")
    assert "We rang 01632 960001" in browser.text and "We ring" not in browser.text
    assert "now decides" not in browser.text


def test_an_answer_is_acknowledged_until_the_case_moves_on(browser: Browser) -> None:
    listed()
    registers(browser)
    changes(state=WAITING, waiting_from=CALLED, waiting_since=ago(60), question="Which department?")
    browser.posts("/register/next/answer", answer="The finance office")
    browser.opens("/register/next")
    assert "We have your answer to our last question" in browser.text
    with sessions.begin() as db:
        record(db, "case.taken", actor=None, school=the_school().id, subject=the_case().id)
    browser.opens("/register/next")
    assert "We have your answer to our last question" in browser.text
    with sessions.begin() as db:
        record(db, "case.called", actor=None, school=the_school().id, subject=the_case().id)
    browser.opens("/register/next")
    assert "We have your answer" not in browser.text and "When we call" in browser.text
