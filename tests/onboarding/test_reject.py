"""Turning a registration down, and what ends with it."""

import pytest

from app.db import sessions
from app.models.account import Account
from app.models.authorisation import Authorisation
from app.models.school import REJECTED, UNVERIFIED, VERIFIED
from app.models.verification import CALLED, CONFIRMED, NEW, WAITING
from app.registration import service
from app.registration.details import DetailsForm
from tests import factories
from tests.onboarding.people import Opens, actions, confirmed, mails, registered, rings


@pytest.mark.parametrize("before", [NEW, CALLED, CONFIRMED, WAITING])
def test_a_case_is_rejected_from_any_open_state_with_a_reason(
    as_: Opens, caller: Account, approver: Account, before: str
) -> None:
    here, browser = registered(), as_(approver)
    if before == CONFIRMED:
        confirmed(here, caller)
    browser.opens(here.page)
    if before == CALLED:
        rings(browser, "Refused", person="The office")
    if before == WAITING:
        browser.posts(f"{here.page}/ask", question="Which role have you?")
    assert here.state == before
    browser.presses("Reject", 422)
    assert "Write the reason" in browser.text and here.state == before

    browser.fills("Reason", "The school does not know you.\nPlease ask your head.")
    browser.presses("Reject")

    assert (here.state, here.status, here.now().decided_by) == (REJECTED, REJECTED, approver.id)
    assert "The school does not know you. Please ask your head." in browser.text
    assert "The school does not know you." in mails(here.admin)[-1]["text"]
    browser.posts(f"{here.page}/reject", 409, reason="Once more")
    browser.posts(f"{here.page}/approve", 409)
    assert here.status == REJECTED and actions().count("school.rejected") == 1


def test_a_rejected_registration_loses_its_authorisations_and_sessions(as_: Opens, approver: Account) -> None:
    here, neighbour = registered(), registered(100002)
    with sessions.begin() as db:
        app, _ = factories.app(db)
        ended = factories.authorisation(db, here.admin, here.school, app)
        kept = factories.authorisation(db, neighbour.admin, neighbour.school, app)
    registrant, other = as_(here.admin), as_(neighbour.admin)
    registrant.opens("/account")

    as_(approver).posts(f"{here.page}/reject", reason="Not known there")

    with sessions.read() as db:
        assert db.get_one(Authorisation, ended.id).state == "Revoked"
        assert db.get_one(Authorisation, kept.id).state == "Active"
    registrant.opens("/account")
    assert registrant.path.startswith("/sign-in")
    other.opens("/account")
    assert other.path == "/account"
    assert actions() == ["school.rejected", "authorisation.revoked"]


def test_after_a_rejection_the_school_registers_again_and_is_approved(
    as_: Opens, caller: Account, approver: Account
) -> None:
    here, browser = registered(), as_(approver)
    browser.posts(f"{here.page}/reject", reason="Not known there")

    with sessions.begin() as db:
        form = DetailsForm(name="Ada Bright", email="head@madeup-primary.sch.example", mobile="07700 900123")
        assert service.start(db, 100001, form)
    again = registered(name="Ada Bright")
    calling = as_(caller)
    calling.opens(again.page)
    assert "One other registration of this school, 1 rejected" in calling.text
    rings(calling, "Confirmed", person="The office", code=again.code)
    browser.posts(f"{again.page}/approve")

    assert (here.status, again.status) == (REJECTED, VERIFIED)


def test_what_was_typed_is_text_on_every_page(as_: Opens, caller: Account, approver: Account) -> None:
    evil = '<b id="evil">"&amp;\'</b>'
    here = registered(name=evil, telephone=None, website=evil, street=evil, town=evil)
    calling, browser = as_(caller), as_(approver)
    calling.posts(f"{here.page}/note", note=evil)
    calling.posts(f"{here.page}/ask", question=evil)
    calling.posts(f"{here.page}/answer", answer=evil)
    calling.posts(f"{here.page}/letter")
    assert evil in calling.text and not calling.document.xpath("//*[@id='evil']")
    for path in ("/onboarding", here.page, "/onboarding/schools", here.school_page, f"/onboarding?q={evil}"):
        browser.opens(path)
        assert evil in browser.text and not browser.document.xpath("//*[@id='evil']")
    browser.posts(f"{here.page}/reject", reason=evil)
    assert evil in browser.text and here.status == REJECTED


def test_long_words_are_refused_with_how_many_may_be_sent(as_: Opens, approver: Account) -> None:
    here, browser = registered(), as_(approver)
    for action, field in (("note", "note"), ("ask", "question"), ("reject", "reason")):
        browser.posts(f"{here.page}/{action}", 422, **{field: "x" * 2001})
        assert "Write 2,000 characters or fewer" in browser.text
    assert (here.state, here.status) == (NEW, UNVERIFIED)
    browser.posts(f"{here.page}/note", note="x" * 2000)
    assert "x" * 2000 in browser.text
