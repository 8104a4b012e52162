"""Every school, and what an admin may do with one: suspend, resume, close."""

import datetime as dt

from app import audit
from app.audit import record
from app.db import sessions
from app.models import token
from app.models.account import Account
from app.models.authorisation import Authorisation
from app.models.base import ahead, new_id
from app.models.school import CLOSED, REJECTED, SUSPENDED, UNVERIFIED, VERIFIED, School
from tests import factories
from tests.onboarding.people import Opens, actions, confirmed, mails, registered
from tests.pages import Browser


def verified(urn: int = 100001) -> tuple[School, Account]:
    with sessions.begin() as db:
        school = factories.school(db, urn, VERIFIED)
        return school, factories.admin(db, school)


def page_of(school: School) -> str:
    return f"/onboarding/schools/{school.id}"


def status(school: School) -> tuple[str, str | None]:
    with sessions.read() as db:
        found = db.get_one(School, school.id)
        return found.status, found.status_reason


def rows(browser: Browser) -> list[str]:
    return [link.text_content() for link in browser.document.xpath("//tbody//th//a")]


def test_an_admin_suspends_a_school_with_a_reason_and_resumes_it(as_: Opens, chief: Account) -> None:
    school, admin = verified()
    browser, registrant = as_(chief), as_(admin)
    browser.opens(page_of(school))
    browser.presses("Suspend", 422)
    assert "Write the reason" in browser.text and status(school)[0] == VERIFIED

    browser.fills("Reason", "The head asked for it")
    browser.presses("Suspend")

    assert status(school) == (SUSPENDED, "The head asked for it")
    assert "The head asked for it" in mails(admin)[-1]["text"]
    registrant.opens("/school")
    assert registrant.path == "/school" and "Suspended" in registrant.text
    browser.fills("Reason", "Cleared up with the head")
    browser.presses("Resume")
    assert status(school) == (VERIFIED, "Cleared up with the head")
    assert "Cleared up with the head" in mails(admin)[-1]["text"]
    assert actions() == ["school.suspended", "school.resumed"]


def test_a_suspension_keeps_what_the_school_authorised_and_closing_ends_it(as_: Opens, chief: Account) -> None:
    school, admin = verified()
    with sessions.begin() as db:
        given = factories.authorisation(db, admin, school, factories.app(db)[0])
        access = token.Token(
            digest=b"x" * 32,
            purpose="access",
            family=new_id(),
            app_id=given.app_id,
            account_id=admin.id,
            authorisation_id=given.id,
            scope="school",
            expires_at=ahead(600),
        )
        db.add(access)
    browser, registrant = as_(chief), as_(admin)
    browser.opens(page_of(school))
    browser.fills("Reason", "The head asked for it")
    browser.presses("Suspend")
    with sessions.read() as db:
        assert db.get_one(Authorisation, given.id).state == "Active"
    browser.fills("Reason for closing", "It merged with another school")
    browser.presses("Close", 422)
    assert "Tick the box" in browser.text and status(school)[0] == SUSPENDED

    browser.ticks("Close this school for good")
    browser.presses("Close")

    assert status(school) == (CLOSED, "It merged with another school")
    with sessions.read() as db:
        assert db.get_one(Authorisation, given.id).state == "Revoked"
        assert db.get_one(token.Token, access.digest).ended_at
    registrant.opens("/school")
    assert registrant.path.startswith("/sign-in")
    assert actions() == ["school.suspended", "school.closed", "authorisation.revoked"]
    for action in ("resume", "suspend", "close"):
        browser.posts(f"{page_of(school)}/{action}", 409, reason="x", close_reason="x", sure="yes")
    assert status(school)[0] == CLOSED


def test_only_the_moves_that_a_status_allows_happen(as_: Opens, chief: Account) -> None:
    browser = as_(chief)
    for urn, (before, refused, allowed) in enumerate(
        (
            (UNVERIFIED, ("suspend", "resume", "close"), None),
            (REJECTED, ("suspend", "resume", "close"), None),
            (VERIFIED, ("resume",), "suspend"),
            (SUSPENDED, ("suspend",), "resume"),
        ),
        100001,
    ):
        with sessions.begin() as db:
            school = factories.school(db, urn, before)
        for action in refused:
            browser.posts(f"{page_of(school)}/{action}", 409, reason="x", close_reason="x", sure="yes")
            assert "The status of this school has changed" in browser.text and status(school)[0] == before
        if allowed:
            browser.posts(f"{page_of(school)}/{allowed}", reason="x")
            assert status(school)[0] != before


def test_a_closed_school_s_establishment_can_be_verified_anew(as_: Opens, chief: Account, caller: Account) -> None:
    school, _ = verified()
    again, browser = confirmed(registered(), caller), as_(chief)
    browser.posts(f"{again.page}/approve", 409)
    assert "Another registration of this school is Verified already" in browser.text
    browser.posts(f"{page_of(school)}/close", close_reason="Its admin left", sure="yes")

    browser.posts(f"{again.page}/approve")

    assert again.status == VERIFIED


def test_the_history_says_what_was_done_when_and_by_whom(as_: Opens, caller: Account, chief: Account) -> None:
    here, calling, browser = registered(), as_(caller), as_(chief)
    calling.posts(f"{here.page}/call", number="01632960001", outcome="confirmed", person="The office", heard="KITE-42")
    browser.posts(f"{here.page}/approve")
    browser.posts(f"{here.school_page}/suspend", reason="The head asked for it")

    calling.opens(here.school_page)

    told = [
        [cell.text_content() for cell in row.xpath("./td")] for row in calling.document.xpath("(//table)[2]//tbody/tr")
    ]
    assert told == [
        ["Suspended", chief.name],
        ["Approved: the school is Verified", chief.name],
        ["School called: confirmed", caller.name],
        ["Case taken", caller.name],
    ]
    today = dt.datetime.now(dt.UTC)
    assert f"{today:%B %Y} at " in calling.text
    with sessions.begin() as db:
        record(db, "account.second_step_added", actor=here.admin.id, school=here.school.id, subject=here.admin.id)
    calling.opens(here.school_page)
    assert "Second step added" in calling.text
    assert "An admin can suspend, resume or close a school" in calling.text
    with sessions.read() as db:
        assert audit.verify(db) == []
        assert here.admin.name not in str(list(audit.exported(db)))


def test_schools_are_found_by_status_and_words_and_come_page_by_page(as_: Opens, caller: Account) -> None:
    browser = as_(caller)
    browser.opens("/onboarding/schools")
    assert "Nobody has registered a school yet" in browser.text
    with sessions.begin() as db:
        for urn in range(100001, 100031):
            factories.school(db, urn)
        factories.establishment(db, 123456, name="Elm Park School", la_code="302", establishment_number="2001")
        elm = factories.school(db, 123456, VERIFIED)

    browser.opens("/onboarding/schools")
    assert len(rows(browser)) == 25 and rows(browser)[0] == "Elm Park School"
    browser.opens("/onboarding/schools?page=2")
    assert len(rows(browser)) == 6
    browser.follows("Verified 1")
    assert rows(browser) == ["Elm Park School"]
    browser.follows("Closed 0")
    assert "None has this status" in browser.text
    for words in ("elm", "123456", "302/2001"):
        browser.fills("School name, URN, DfE number or a person there", words)
        browser.presses("Search")
        assert rows(browser) == ["Elm Park School"]
    browser.follows("Elm Park School")
    assert browser.path == page_of(elm)
    browser.opens("/onboarding/schools?q=nowhere")
    assert "No school matches “nowhere”" in browser.text
