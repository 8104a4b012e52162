"""Asking that what was read be deleted, and the partner's answer."""

import datetime as dt
import uuid
from typing import Any

import pytest

from app.chores import CHORES
from app.db import sessions
from app.errors import NotAllowed, NotFound
from app.models import event
from app.models.account import ADMIN, DPO, IT, PARTNER_USER, READ_ONLY, Account, Membership
from app.models.authorisation import EXPIRED, Authorisation
from app.models.base import ago, now
from app.models.receipt import DeletionRequest
from app.models.webhook import Notice
from app.notify import development
from app.notify.outbox import deliver_due
from app.settings import settings
from app.sharing import deletion
from app.sharing.deletion import AlreadyAttested, StillInForce, Unsaid, ask, attest, remind
from app.sharing.service import give_back, revoke
from tests import factories
from tests.oauth.dance import at_once
from tests.pages import Browser
from tests.sharing.people import World, actions, colleague, granted, world

SAID = "All pupils’ records were deleted on 1 March.\nInvoices are kept for six years."


def ended(here: World) -> Authorisation:
    given = granted(here)
    with sessions.begin() as db:
        return revoke(db, person=here.person(db), school=here.school, authorisation_id=given.id)


def asked(here: World, given: Authorisation, who: Account | None = None) -> DeletionRequest:
    with sessions.begin() as db:
        return ask(db, person=here.person(db, who), school=here.school, authorisation_id=given.id)


def answered(here: World, request: DeletionRequest, statement: str = SAID) -> DeletionRequest:
    with sessions.begin() as db:
        return attest(db, here.app.partner_id, request.id, None, statement)


def partner_user(here: World, email: str = "pat@partner.example") -> Account:
    with sessions.begin() as db:
        made = factories.account(db, email, name="Pat Partner")
        db.add(Membership(account_id=made.id, partner_id=here.app.partner_id, role=PARTNER_USER))
        return made


def mails() -> list[dict[str, Any]]:
    """What has been sent since the last look."""
    count = deliver_due()
    return development.kept()[-count:] if count else []


def overdue(request: DeletionRequest) -> None:
    with sessions.begin() as db:
        db.get_one(DeletionRequest, request.id).due_on = deletion.today() - dt.timedelta(days=1)


def test_a_school_asks_and_the_partner_is_told_by_mail_and_notice() -> None:
    here = world()
    partner_user(here)
    given = ended(here)
    mails()

    request = asked(here, given)
    told = mails()
    assert request.due_on == deletion.today() + dt.timedelta(days=settings.deletion_days)
    assert [mail["to"] for mail in told] == ["dpo@partner.example", "pat@partner.example"]
    link = f"{settings.issuer}/partners/deletions/{request.id}"
    assert all(link in mail["text"] and here.school.name in mail["subject"] for mail in told)
    assert all(settings.support_phone in mail["text"] and "{" not in mail["text"] for mail in told)
    with sessions.read() as db:
        notice = db.query(Notice).filter(Notice.type == "deletion.requested").one()
    assert notice.app_id == here.app.id and notice.data["due_on"] == str(request.due_on)
    assert notice.data["grant_id"] == str(given.id) and notice.data["school"]["urn"] == 100001
    assert actions(here).count("deletion.requested") == 1


def test_a_contact_that_is_no_mail_address_gets_no_mail() -> None:
    here = world()
    with sessions.begin() as db:
        db.merge(here.app).partner.breach_contact = "020 7946 0000, or ask@partner.example <b>"
    partner_user(here)
    given = ended(here)
    mails()
    asked(here, given)
    assert [mail["to"] for mail in mails()] == ["pat@partner.example"]


@pytest.mark.parametrize("how", ["returned", "expired", "ran out"])
def test_it_can_be_asked_after_every_kind_of_end(how: str) -> None:
    here = world()
    given = granted(here)
    with sessions.begin() as db:
        found = db.get_one(Authorisation, given.id)
        if how == "returned":
            give_back(db, found)
        elif how == "expired":
            found.end(db, EXPIRED, None)
        else:
            found.expires_at = ago(60)
    assert asked(here, given).attested_at is None


def test_nothing_is_asked_while_the_app_may_still_read() -> None:
    here = world()
    given = granted(here)
    with pytest.raises(StillInForce):
        asked(here, given)
    with sessions.begin() as db:
        revoke(db, person=here.person(db), school=here.school, authorisation_id=given.id)
    assert asked(here, given).id


def test_of_many_who_ask_at_once_one_request_comes() -> None:
    here = world()
    given = ended(here)
    mails()

    found = at_once(8, lambda _: asked(here, given).id)
    assert len(set(found)) == 1 and len(mails()) == 1
    with sessions.read() as db:
        assert db.query(DeletionRequest).count() == 1 and db.query(Notice).filter_by(type="deletion.requested").count()
    assert actions(here).count("deletion.requested") == 1


def test_of_many_answers_at_once_one_stands() -> None:
    here = world()
    request = asked(here, ended(here))
    mails()

    def answer(number: int) -> str:
        try:
            return answered(here, request, f"Answer {number}").statement or ""
        except AlreadyAttested:
            return ""

    said = [one for one in at_once(8, answer) if one]
    with sessions.read() as db:
        stands = db.get_one(DeletionRequest, request.id)
    assert said == [stands.statement] and stands.attested_at is not None and stands.attested_by is None
    assert [mail["to"] for mail in mails()] == [here.admin.email]
    assert actions(here).count("deletion.attested") == 1


@pytest.mark.parametrize(("role", "may"), [(ADMIN, True), (DPO, True), (IT, False), (READ_ONLY, False)])
def test_who_may_ask(browser: Browser, role: str, may: bool) -> None:
    here = world()
    given = ended(here)
    who = colleague(here.school, role)
    factories.signs_in(browser, who)

    browser.opens(f"/school/apps/{given.id}")
    assert ("Ask for deletion" in browser.text) == may
    browser.opens(f"/school/apps/{given.id}/deletion", 200 if may else 403)
    if not may:
        browser.posts(f"/school/apps/{given.id}/deletion", 403)
        with pytest.raises(NotAllowed):
            asked(here, given, who)
        assert asked(here, given).id
        return
    browser.presses("Ask for deletion")
    assert browser.path == f"/school/apps/{given.id}" and "Asked on" in browser.text
    browser.opens(f"/school/apps/{given.id}/deletion")
    assert browser.path == f"/school/apps/{given.id}"


def test_another_schools_authorisation_is_as_good_as_absent(browser: Browser) -> None:
    here, there = world(), world(100002)
    mine, other = ended(here), ended(there)
    factories.signs_in(browser, here.admin)

    for absent in (other.id, uuid.uuid4(), "x"):
        browser.opens(f"/school/apps/{absent}/deletion", 404)
        browser.posts(f"/school/apps/{absent}/deletion", 404)
    with sessions.begin() as db, pytest.raises(NotAllowed):
        ask(db, person=here.person(db), school=there.school, authorisation_id=other.id)
    with sessions.begin() as db, pytest.raises(NotFound):
        ask(db, person=here.person(db), school=here.school, authorisation_id=other.id)
    browser.posts(f"/school/apps/{mine.id}/deletion")
    assert "Asked on" in browser.text


def test_the_partner_answers_in_its_own_words_and_the_school_reads_them(
    browser: Browser, other_browser: Browser
) -> None:
    here = world()
    given = ended(here)
    request = asked(here, given)
    mails()
    factories.signs_in(browser, partner_user(here))

    browser.opens("/partners/deletions")
    browser.follows(here.school.name)
    browser.presses("Say that it is deleted", 422)
    assert "Say what you deleted" in browser.text
    browser.fills("What you deleted, and what you keep", "a" * 2001)
    browser.presses("Say that it is deleted", 422)
    assert browser.document.get_element_by_id("statement").text == "a" * 2001
    browser.fills("What you deleted, and what you keep", f"{SAID} <b>")
    browser.presses("Say that it is deleted")
    assert "Thank you" in browser.text and "Invoices are kept" in browser.text
    browser.posts(f"/partners/deletions/{request.id}", statement="Something else")
    assert "Something else" not in browser.text and "Invoices are kept" in browser.text

    [mail] = mails()
    assert mail["to"] == here.admin.email and "Invoices" not in mail["text"]
    factories.signs_in(other_browser, here.admin)
    other_browser.opens(f"/school/apps/{given.id}")
    assert "Done" in other_browser.text and "Invoices are kept for six years. <b>" in other_browser.text
    assert actions(here).count("deletion.attested") == 1


def test_a_request_to_another_partner_is_as_good_as_absent(browser: Browser) -> None:
    here, there = world(), world(100002)
    mine, other = asked(here, ended(here)), asked(there, ended(there))
    factories.signs_in(browser, partner_user(here))

    for absent in (other.id, uuid.uuid4(), "x"):
        browser.opens(f"/partners/deletions/{absent}", 404)
        browser.posts(f"/partners/deletions/{absent}", 404, statement=SAID)
    with sessions.begin() as db, pytest.raises(NotFound):
        attest(db, here.app.partner_id, other.id, None, SAID)
    browser.opens("/partners/deletions")
    assert there.school.name not in browser.text and here.school.name in browser.text
    browser.posts(f"/partners/deletions/{mine.id}", statement=SAID)
    assert "Thank you" in browser.text


@pytest.mark.parametrize("statement", ["", " \n ", "a" * 2001])
def test_an_answer_must_say_something(statement: str) -> None:
    here = world()
    request = asked(here, ended(here))
    with pytest.raises(Unsaid):
        answered(here, request, statement)
    assert answered(here, request, "a" * 2000).statement == "a" * 2000


def test_only_people_of_a_partner_see_its_requests(browser: Browser, other_browser: Browser) -> None:
    here = world()
    browser.opens("/partners/deletions")
    assert browser.title == "Sign in"
    factories.signs_in(browser, here.admin)
    browser.opens("/partners/deletions", 403)
    factories.signs_in(other_browser, partner_user(here))
    other_browser.opens("/partners/deletions")
    assert "No school has asked you" in other_browser.text


def test_an_overdue_request_is_reminded_of_once_and_the_school_is_told(browser: Browser) -> None:
    here, other = world(), world(100002)
    given = ended(here)
    request, done = asked(here, given), asked(other, ended(other))
    answered(other, done)
    mails()
    with sessions.begin() as db:
        assert remind(db) == 0
    overdue(request)
    overdue(done)

    def chore(_: int) -> int:
        with sessions.begin() as db:
            return remind(db)

    assert sum(at_once(4, chore)) == 1 and chore(0) == 0
    told = mails()
    assert sorted(mail["to"] for mail in told) == sorted(["dpo@partner.example", here.admin.email])
    assert all(settings.support_phone in mail["text"] and "\n\n\n" not in mail["text"] for mail in told)
    assert deletion.remind in CHORES
    factories.signs_in(browser, here.admin)
    browser.opens(f"/school/apps/{given.id}")
    assert "Overdue" in browser.text and "Information Commissioner" in browser.text
    answered(here, request)
    browser.opens(f"/school/apps/{given.id}")
    assert "Overdue" not in browser.text and "Done" in browser.text


def test_many_requests_come_in_pages_with_the_open_ones_first(browser: Browser) -> None:
    here = world()
    with sessions.begin() as db:
        for number in range(52):
            past = factories.authorisation(db, here.admin, here.school, here.app)
            past.ended_at = now()
            done = {"attested_at": now(), "statement": SAID} if number == 0 else {}
            due_on = deletion.today() + dt.timedelta(days=number)
            db.add(DeletionRequest(authorisation_id=past.id, asked_by=here.admin.id, due_on=due_on, **done))
            db.flush()
    factories.signs_in(browser, partner_user(here))

    browser.opens("/partners/deletions")
    assert "52 requests" in browser.text and len(browser.document.xpath("//tbody/tr")) == 50
    assert "Done" not in browser.text
    browser.follows("Next page")
    assert len(browser.document.xpath("//tbody/tr")) == 2 and "Done" in browser.text


def test_the_audit_keeps_no_word_of_the_answer() -> None:
    here = world()
    answered(here, asked(here, ended(here)))
    with sessions.read() as db:
        rows = event.of_school(db, here.school.id)
    assert {"deletion.requested", "deletion.attested"} <= {row.action for row in rows}
    assert not any("Invoices" in str(row.detail) or here.admin.name in str(row.detail) for row in rows)
