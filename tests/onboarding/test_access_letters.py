"""An access case where no number in the register can be rung: a letter to the head at the address in the register."""

from sqlalchemy import select, update

from app.db import sessions
from app.models.access_case import CONFIRMED, NEW, REFUSED, WINDOW, AccessCall
from app.models.account import ADMIN, Account, Membership
from app.models.establishment import Establishment
from tests import factories
from tests.onboarding.access import approves, case, code, loses_step, says_left
from tests.onboarding.people import NUMBER, Opens, actions, operator
from tests.pages import Browser


def register_says(**columns: str | None) -> None:
    with sessions.begin() as db:
        db.execute(update(Establishment).values(**columns))


def page() -> str:
    return f"/onboarding/access/{case().id}"


def prints(browser: Browser, button: str = "Print the letter") -> str:
    """The code of the letter."""
    browser.opens(page())
    browser.presses(button)
    return browser.value("letter-code")


def hears(browser: Browser, heard: str, status: int = 200) -> None:
    browser.opens(page())
    browser.fills("Who rang", "Ada Bright, head")
    browser.fills("Code that they read from the letter", heard)
    browser.presses("Save the code", status)


def test_a_school_without_a_number_confirms_by_the_code_of_a_letter(
    browser: Browser, as_: Opens, caller: Account, approver: Account, boss: Account
) -> None:
    register_says(telephone=None, street="Mill Lane", town="Thirsk", postcode="YO7 1AA")
    loses_step(browser)
    printing, hearing = as_(approver), as_(caller)
    printing.opens(page())
    assert "Ring the school" not in printing.text and "no number that can be rung" in printing.text

    letter = prints(printing)

    for words in ("Ms Ada Bright", "Mill Lane", "YO7 1AA", "Can Bea Boss not sign in", "020 7946 0123"):
        assert words in printing.text
    assert printing.headers["cache-control"] == "no-store" and letter != code()
    with sessions.read() as db:
        sealed = db.scalars(select(AccessCall.notes)).one()
    for reader in (printing, hearing):
        reader.opens(page())
        assert letter not in reader.text and sealed not in reader.text
    browser.opens("/account/access")
    assert "we sent a letter to the head instead" in browser.text and letter not in browser.text
    hears(hearing, "WRONG-0000", 422)
    assert "That is not the code" in hearing.text and case().wrong_codes == 1
    hears(hearing, letter.lower().replace("-", " "))
    assert (case().state, case().confirmed_by) == (CONFIRMED, caller.id)
    assert f"Ada Bright, head rang {caller.name} about our letter." in hearing.text
    approves(printing)
    assert case().state == WINDOW
    told = ["access.asked", "access.letter_sent", "access.called", "access.called", "access.approved"]
    assert actions() == told


def test_the_letter_about_an_admin_who_has_left_names_who_asks(
    browser: Browser, as_: Opens, caller: Account, approver: Account, boss: Account
) -> None:
    register_says(telephone="")
    says_left(browser)
    printing = as_(caller)

    letter = prints(printing)

    assert "Is Nora New to look after Gatehouse for your school?" in printing.text
    hears(as_(approver), letter)
    assert case().state == CONFIRMED


def test_whoever_printed_the_letter_does_not_hear_its_code(
    browser: Browser, as_: Opens, caller: Account, approver: Account, boss: Account
) -> None:
    register_says(telephone=None)
    loses_step(browser)
    printing = as_(caller)
    letter = prints(printing)
    printing.posts(f"{page()}/letter-code", 409, letter_person="Ada Bright", letter_heard=letter)
    assert "You printed this letter" in printing.text and case().state == NEW

    hears(as_(approver), letter)
    assert case().state == CONFIRMED


def test_only_a_missing_or_wrong_number_leads_to_a_letter(
    browser: Browser, as_: Opens, caller: Account, approver: Account, boss: Account
) -> None:
    loses_step(browser)
    team = as_(caller)
    team.posts(f"{page()}/letter", 409)
    assert "A letter is for a missing or wrong number" in team.text
    team.posts(f"{page()}/letter-code", 409, letter_person="Ada Bright", letter_heard=code())
    assert "No letter is on its way" in team.text and case().state == NEW

    team.posts(f"{page()}/call", number=NUMBER, outcome="wrong number", person="A bakery")
    assert "turned out to be wrong" in team.text
    letter = prints(team)
    hears(as_(approver), letter)
    assert case().state == CONFIRMED


def test_another_letter_makes_the_first_one_s_code_dead_and_the_asker_s_never_counts_for_it(
    browser: Browser, as_: Opens, caller: Account, approver: Account, boss: Account
) -> None:
    register_says(telephone=None)
    loses_step(browser)
    printing, hearing = as_(caller), as_(approver)
    first = prints(printing)
    second = prints(printing, "Print another letter")
    for wrong in (first, code()):
        hears(hearing, wrong, 422)
    assert case().state == NEW

    hears(hearing, second)
    assert case().state == CONFIRMED
    printing.posts(f"{page()}/letter", 409)
    assert "This case has moved on" in printing.text


def test_five_wrong_codes_of_a_letter_end_the_case(
    browser: Browser, as_: Opens, caller: Account, approver: Account, boss: Account
) -> None:
    register_says(telephone=None)
    loses_step(browser)
    letter = prints(as_(caller))
    hearing = as_(approver)
    for _ in range(5):
        hears(hearing, "APPLE-0000", 422)
    assert (case().state, case().wrong_codes) == (REFUSED, 5)
    hearing.posts(f"{page()}/letter-code", 409, letter_person="Ada Bright", letter_heard=letter)
    assert case().state == REFUSED

    loses_step(browser)
    letter = prints(hearing)
    hears(as_(operator("caller")), letter)
    assert case().state == CONFIRMED


def test_no_letter_without_an_address_nor_by_somebody_of_the_school(
    browser: Browser, as_: Opens, caller: Account, approver: Account, boss: Account
) -> None:
    lines = ("street", "locality", "address3", "town", "county", "postcode")
    register_says(telephone=None, **dict.fromkeys(lines))
    loses_step(browser)
    team = as_(caller)
    team.opens(page())
    assert "neither a number that can be rung nor an address" in team.text
    team.posts(f"{page()}/letter", 409)
    assert "The register gives no address" in team.text

    register_says(street="Mill Lane")
    with sessions.begin() as db:
        colleague = factories.operator(db, "caller")
        db.add(Membership(account_id=colleague.id, school_id=case().school_id, role=ADMIN))
    as_(colleague).posts(f"{page()}/letter", 403)
    letter = prints(team)
    hears(as_(approver), letter)
    assert case().state == CONFIRMED
