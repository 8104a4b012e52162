"""What is to do next in a case stands above its long tables, and leads there."""

from app.models.account import Account
from tests.onboarding.people import NUMBER, Opens, confirmed, registered, rings
from tests.pages import Browser


def following(browser: Browser) -> str:
    """The words of the next thing to do, which stands before every table and leads to a part of the page."""
    [link] = browser.document.xpath("//strong[.='Next:']/../a[not(preceding::table)]")
    assert len(browser.document.xpath(f"//h2[@id='{link.get('href')[1:]}']")) == 1
    return str(link.text_content())


def test_the_number_to_ring_stands_above_the_tables_then_the_letter(as_: Opens, caller: Account) -> None:
    here, browser = registered(), as_(caller)
    browser.opens(here.page)
    assert following(browser) == f"ring {NUMBER}"
    rings(browser, "Wrong number", person="A bakery")
    assert following(browser) == "print the letter"
    browser.presses("Print the letter")
    browser.opens(here.page)
    assert following(browser) == "the school reads the code of our letter to us"


def test_a_dead_code_comes_before_ringing(as_: Opens, caller: Account) -> None:
    here, browser = registered(), as_(caller)
    browser.opens(here.page)
    for wrong in range(5):
        assert following(browser) == f"ring {NUMBER}"
        rings(browser, "Confirmed", 422, person="The office", code=f"KITE-{wrong}")
    assert following(browser) == "an approver makes a new code"


def test_the_decision_is_next_for_who_may_decide_and_nothing_afterwards(
    as_: Opens, caller: Account, approver: Account
) -> None:
    here, calling, browser = confirmed(registered(), caller), as_(caller), as_(approver)
    calling.opens(here.page)
    assert following(calling) == "another person decides"
    browser.opens(here.page)
    assert following(browser) == "approve or reject"
    browser.presses("Approve")
    assert "Next:" not in browser.text
