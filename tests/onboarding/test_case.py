"""From a new registration to a Verified school, by two people."""

from app.db import sessions
from app.models.account import Account
from app.models.school import REJECTED, UNVERIFIED, VERIFIED
from app.models.verification import APPROVED, CALLED, CONFIRMED, NEW, Call
from tests.onboarding.people import NUMBER, Opens, actions, mails, registered, rings


def test_one_operator_hears_the_code_and_another_approves(as_: Opens, caller: Account, approver: Account) -> None:
    here = registered()
    calling = as_(caller)
    calling.opens("/onboarding")
    calling.follows(here.school.name)
    assert calling.title == here.school.name
    assert NUMBER in calling.text and "Ada Bright" in calling.text and "Sam Secretary" in calling.text
    calling.presses("Take this case")

    rings(calling, "Confirmed", person="Ada Bright, head", code=here.code)

    assert "The school has confirmed" in calling.text
    assert (here.state, here.now().confirmed_by, here.status) == (CONFIRMED, caller.id, UNVERIFIED)
    deciding = as_(approver)
    deciding.opens(here.page)
    deciding.presses("Approve")

    assert "The school is Verified" in deciding.text
    assert (here.state, here.status, here.now().decided_by) == (APPROVED, VERIFIED, approver.id)
    assert actions() == ["case.taken", "case.called", "school.verified"]
    assert [mail["subject"] for mail in mails(here.admin)] == [
        f"{here.school.name} has confirmed its registration to us",
        f"{here.school.name} is Verified",
    ]


def test_the_code_is_on_no_page_of_the_operators(as_: Opens, caller: Account, chief: Account) -> None:
    here = registered()
    for who in (caller, chief):
        browser = as_(who)
        for path in ("/onboarding", here.page, "/onboarding/schools", here.school_page):
            browser.opens(path)
            assert here.code not in browser.text
    assert "KITE-42" in here.code


def test_a_code_is_compared_without_capitals_blanks_and_hyphens(as_: Opens, caller: Account) -> None:
    for urn, heard in ((100001, "kite 42"), (100002, " Kite-42 "), (100003, "K i t e – 4 2")):
        here, browser = registered(urn), as_(caller)
        browser.opens(here.page)
        rings(browser, "Confirmed", person="The office", code=heard)
        assert here.state == CONFIRMED


def test_a_wrong_code_confirms_nothing_and_says_how_many_tries_are_left(as_: Opens, caller: Account) -> None:
    here, browser = registered(), as_(caller)
    browser.opens(here.page)

    rings(browser, "Confirmed", 422, person="The office", code="KITE-43")

    assert "That is not the code. Ask for it again, figure by figure. 4 tries are left." in browser.text
    assert (here.state, here.now().wrong_codes) == (NEW, 1)
    assert browser.value("person") == "The office"
    rings(browser, "Confirmed", code="KITE-42")
    assert here.state == CONFIRMED


def test_five_wrong_codes_kill_the_code_until_an_approver_makes_a_new_one(
    as_: Opens, caller: Account, approver: Account
) -> None:
    here, browser = registered(), as_(caller)
    browser.opens(here.page)
    for wrong in range(5):
        rings(browser, "Confirmed", 422, person="The office", code=f"KITE-{wrong}")
    assert "It was the fifth wrong one" in browser.text

    rings(browser, "Confirmed", 409, person="The office", code="KITE-42")

    assert "The code is dead after five wrong ones" in browser.text
    assert "Five wrong codes were typed" in browser.text and here.state == NEW
    browser.posts(f"{here.page}/new-code", 403)
    deciding = as_(approver)
    deciding.opens(here.page)
    deciding.presses("Make a new code")
    assert here.code != "KITE-42"
    assert mails(here.admin)[-1]["subject"].startswith("The code of your registration")
    assert here.code not in mails(here.admin)[-1]["text"]
    browser.opens(here.page)
    rings(browser, "Confirmed", 422, person="The office", code="KITE-42")
    rings(browser, "Confirmed", person="The office", code=here.code)
    assert here.state == CONFIRMED


def test_a_new_code_is_made_only_for_a_dead_one(as_: Opens, approver: Account) -> None:
    here, browser = registered(), as_(approver)

    browser.posts(f"{here.page}/new-code", 409)

    assert "The code that the registrant has still works" in browser.text and here.code == "KITE-42"
    rings(browser, "Confirmed", person="The office", code="KITE-42")
    assert here.state == CONFIRMED


def test_the_tries_are_counted_and_the_next_call_is_planned(as_: Opens, caller: Account) -> None:
    here, browser = registered(), as_(caller)
    browser.opens(here.page)

    rings(browser, "No answer", 422, again="2099-01-01T10:00")
    assert "Choose a time for the next call that is still to come, within 60 days" in browser.text
    browser.opens(here.page)
    rings(browser, "No answer")
    browser.opens(here.page)
    rings(browser, "Refused", person="The office", said="Ring again on Monday")

    assert here.state == CALLED
    with sessions.read() as db:
        calls = Call.of(db, here.case.id)
    assert [(call.outcome, call.person, call.number) for call in calls] == [
        ("no answer", "", NUMBER),
        ("refused", "The office", NUMBER),
    ]
    assert "Ring again on Monday" in browser.text
    browser.opens("/onboarding")
    assert "2 calls" in browser.text and "Called" in browser.text
    assert "could not finish the check yet" in mails(here.admin)[-1]["text"]


def test_a_call_needs_its_outcome_and_who_answered(as_: Opens, caller: Account) -> None:
    here, browser = registered(), as_(caller)
    browser.opens(here.page)

    browser.presses("Save the call", 422)
    assert "Choose how the call went" in browser.text
    rings(browser, "Confirmed", 422)

    assert "Write down who answered" in browser.text and "Type the code that you heard" in browser.text
    assert here.state == NEW
    rings(browser, "Confirmed", person="The office", code="KITE-42")
    assert here.state == CONFIRMED


def test_only_the_number_in_the_register_may_be_rung(as_: Opens, caller: Account) -> None:
    here, browser = registered(), as_(caller)
    for number, says in (
        ("07400 123456", "That is the registrant’s own mobile."),
        ("+447400123456", "That is the registrant’s own mobile."),
        ("01632 960002", f"For this school it is {NUMBER}."),
        ("", f"For this school it is {NUMBER}."),
    ):
        browser.opens(here.page)
        rings(
            browser,
            "Confirmed",
            422,
            number=number,
            person="The office",
            code="KITE-42",
        )
        assert says in browser.text and here.state == NEW
    rings(browser, "Confirmed", number="+44 1632 960 001")
    assert here.state == CONFIRMED


def test_whoever_heard_the_code_does_not_approve_not_even_an_admin(
    as_: Opens, approver: Account, chief: Account
) -> None:
    for urn, hearer, other in ((100001, approver, chief), (100002, chief, approver)):
        here, browser = registered(urn), as_(hearer)
        browser.opens(here.page)
        rings(browser, "Confirmed", person="The office", code="KITE-42")
        assert "another approver decides" in browser.text

        browser.posts(f"{here.page}/approve", 403)

        assert "Somebody else must approve this case" in browser.text
        assert (here.state, here.status) == (CONFIRMED, UNVERIFIED)
        deciding = as_(other)
        deciding.opens(here.page)
        deciding.presses("Approve")
        assert here.status == VERIFIED


def test_a_case_is_approved_only_once_the_school_has_confirmed(as_: Opens, caller: Account, approver: Account) -> None:
    here, browser = registered(), as_(approver)

    browser.posts(f"{here.page}/approve", 409)

    assert "The school has not confirmed this registration yet" in browser.text and here.status == UNVERIFIED
    calling = as_(caller)
    calling.opens(here.page)
    rings(calling, "Confirmed", person="The office", code="KITE-42")
    browser.posts(f"{here.page}/approve")
    assert here.status == VERIFIED
    browser.posts(f"{here.page}/approve", 409)
    assert actions().count("school.verified") == 1


def test_a_school_that_closed_meanwhile_is_not_approved(as_: Opens, caller: Account, approver: Account) -> None:
    from app.models.establishment import CLOSED, OPEN, Establishment
    from tests.onboarding.people import confirmed

    here, browser = confirmed(registered(), caller), as_(approver)
    with sessions.begin() as db:
        db.get_one(Establishment, 100001).status_code = CLOSED

    browser.posts(f"{here.page}/approve", 409)

    assert "This school cannot be approved" in browser.text and here.status == UNVERIFIED
    with sessions.begin() as db:
        db.get_one(Establishment, 100001).status_code = OPEN
    browser.posts(f"{here.page}/approve")
    assert here.status == VERIFIED


def test_approving_one_registration_rejects_the_others(as_: Opens, caller: Account, approver: Account) -> None:
    from tests.onboarding.people import confirmed

    here, rival = confirmed(registered(), caller), registered(name="Mallory")
    elsewhere = registered(100002)
    rivals = as_(rival.admin)
    rivals.opens("/account")
    browser = as_(approver)
    browser.opens(here.page)
    assert "Approving one rejects those that are still Unverified" in browser.text

    browser.presses("Approve")

    assert (here.status, rival.status, rival.state) == (VERIFIED, REJECTED, REJECTED)
    rivals.opens("/account")
    assert rivals.path.startswith("/sign-in")
    assert "Another registration of this school was verified" in mails(rival.admin)[-1]["text"]
    assert (elsewhere.status, elsewhere.state) == (UNVERIFIED, NEW)
    browser.posts(f"{elsewhere.page}/reject", reason="Not a school that we could reach")
    assert elsewhere.status == REJECTED


def test_whoever_approves_sees_each_wrong_code_in_the_calls_and_beside_approve(
    as_: Opens, caller: Account, approver: Account
) -> None:
    here, calling, deciding = registered(), as_(caller), as_(approver)
    deciding.opens(here.page)
    assert "read out to us" not in deciding.text
    calling.opens(here.page)
    rings(calling, "Confirmed", 422, person="The caretaker", code="KITE-43", said="Was guessing")
    deciding.opens(here.page)
    assert "1 wrong code was read out to us" in deciding.text
    rings(calling, "Confirmed", 422, person="The caretaker", code="KITE-44")
    rings(calling, "Confirmed", person="Ada Bright", code="KITE-42")

    deciding.opens(here.page)

    with sessions.read() as db:
        calls = Call.of(db, here.case.id)
    assert [call.outcome for call in calls] == ["wrong code", "wrong code", "confirmed"]
    assert "2 wrong codes were read out to us" in deciding.text and "Was guessing" in deciding.text
    assert deciding.text.count(f"by The caretaker, heard by {caller.name}") == 2
    assert deciding.text.count("Wrong code") == 2
    assert "KITE-43" not in deciding.text
    deciding.presses("Approve")
    assert here.status == VERIFIED
