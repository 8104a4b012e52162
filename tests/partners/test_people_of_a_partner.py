"""The people of a partner, as operators see and change them."""

from typing import Any

import pytest
from sqlalchemy import select

from app import audit
from app.db import sessions
from app.models import event, people
from app.models.account import APPROVER, OPERATOR_ADMIN, PARTNER_USER, Account, Membership
from app.models.account import Session as SignIn
from app.models.base import ago
from app.models.contact import Welcome
from app.models.partner import Partner
from app.partners import people as service
from app.signin import welcome
from tests import factories
from tests.oauth.dance import at_once
from tests.pages import Browser
from tests.partners.people import Company, company, opens
from tests.signin.test_welcome import newest_link

HOME = "/onboarding/partners"
NORA = "nora@reading-room.example"


@pytest.fixture
def chief() -> Account:
    with sessions.begin() as db:
        return factories.operator(db, OPERATOR_ADMIN)


def invited(browser: Browser, here: Company, email: str = NORA) -> Welcome:
    browser.opens(f"{HOME}/{here.partner.id}")
    browser.follows("Invite somebody")
    browser.fills("Their name", "Nora New")
    browser.fills("Their email address", email)
    browser.presses("Send the link")
    with sessions.read() as db:
        return next(one for one in Welcome.open_for(db, here.partner.id) if one.email == email)


def actions(subject: object) -> list[str]:
    with sessions.read() as db:
        found = select(event.Event).order_by(event.Event.number)
        return [row.action for row in db.scalars(found) if row.subject_id == subject]


def test_the_page_of_a_partner_lists_who_has_access_and_who_was_invited(browser: Browser, chief: Account) -> None:
    here, other = company(), company("Other")
    with sessions.begin() as db:
        db.get_one(Account, other.person.id).name = "Somebody Elsewhere"
    opens(browser, chief)
    sent = invited(browser, here)
    assert "The link is on its way" in browser.text
    for words in (here.person.name, here.person.email, "Active", "Nora New", NORA, "Invited"):
        assert words in browser.text
    assert "Somebody Elsewhere" not in browser.text
    with sessions.begin() as db:
        db.get_one(Welcome, sent.id).expires_at = ago(60)
    browser.opens(f"{HOME}/{here.partner.id}")
    assert "Expired" in browser.text and "Send again to Nora New" in browser.text


def test_what_is_wrong_with_an_invitation_is_said_about_the_person_invited(browser: Browser, chief: Account) -> None:
    here = company()
    opens(browser, chief)
    browser.opens(f"{HOME}/{here.partner.id}/people/new")
    browser.fills("Their email address", "nonsense")
    browser.presses("Send the link", 422)
    assert "Enter their name" in browser.text and "your name" not in browser.text
    assert browser.value("email") == "nonsense"
    browser.posts(f"{HOME}/{here.partner.id}/people/new", 422)
    assert "Enter their email address" in browser.text and "your" not in browser.text.lower()

    browser.posts(f"{HOME}/{here.partner.id}/people/new", 409, name="Dev Lowe", email=here.person.email)
    assert "here already" in browser.text
    invited(browser, here)
    browser.posts(f"{HOME}/{here.partner.id}/people/new", 409, name="Nora New", email=NORA)
    assert "Send it again, or withdraw it first" in browser.text
    invited(browser, here, "other@reading-room.example")


def test_a_link_is_sent_again_after_a_question_and_the_one_before_is_dead(
    browser: Browser, other_browser: Browser, chief: Account
) -> None:
    here = company()
    opens(browser, chief)
    sent = invited(browser, here)
    first = newest_link(NORA)
    browser.follows("Send again to Nora New")
    assert browser.title == "Send the link to Nora New again?" and newest_link(NORA) == first
    browser.presses("Send again")
    assert "The link is on its way" in browser.text
    other_browser.opens(first, 410)
    other_browser.opens(newest_link(NORA))
    assert here.partner.name in other_browser.text
    assert actions(sent.id) == ["person.welcomed", "person.welcomed"]


def test_a_link_is_withdrawn_after_a_question_and_opens_nothing(
    browser: Browser, other_browser: Browser, chief: Account
) -> None:
    here = company()
    opens(browser, chief)
    sent = invited(browser, here)
    link = newest_link(NORA)
    browser.follows("Withdraw the link of Nora New")
    other_browser.opens(link)
    browser.presses("Withdraw")
    assert "The link does not work any more" in browser.text and "Nora New" not in browser.text
    other_browser.opens(link, 410)
    assert actions(sent.id) == ["person.welcomed", "person.withdrawn"]
    for act in ("resend", "withdraw"):
        browser.posts(f"{HOME}/{here.partner.id}/welcomes/{sent.id}/{act}", 404)
    invited(browser, here)
    other_browser.opens(newest_link(NORA))


def test_access_ends_after_a_question_with_the_sessions_and_the_links(
    browser: Browser, other_browser: Browser, chief: Account
) -> None:
    here = company()
    with sessions.begin() as db:
        colleague = factories.account(db, name="Mae Stays")
        for _ in range(2):  # somebody may have followed two links
            db.add(Membership(account_id=here.person.id, partner_id=here.partner.id, role=PARTNER_USER))
        db.add(Membership(account_id=colleague.id, partner_id=here.partner.id, role=PARTNER_USER))
    opens(other_browser, here.person)
    other_browser.opens("/partners")
    opens(browser, chief)
    browser.opens(f"{HOME}/{here.partner.id}")
    assert browser.text.count(f"End access of {here.person.name}") == 1
    browser.follows(f"End access of {here.person.name}")
    assert browser.title == f"End the access of {here.person.name}?"
    other_browser.opens("/partners")
    browser.presses("End access")

    assert "The person has no access any more" in browser.text and here.person.email not in browser.text
    other_browser.opens("/partners")
    assert other_browser.path.startswith("/sign-in")
    opens(other_browser, here.person)
    other_browser.opens("/partners", 403)
    assert actions(here.person.id) == ["person.removed"]
    browser.posts(f"{HOME}/{here.partner.id}/people/{here.person.id}/end", 404)
    opens(other_browser, colleague)
    other_browser.opens("/partners")
    with sessions.read() as db:
        assert audit.verify(db) == []


def test_an_end_of_access_takes_the_links_of_that_partner_only(chief: Account) -> None:
    here, other = company(), company("Other")
    with sessions.begin() as db:
        for at in (here, other):
            link = {"email": here.person.email, "account_id": here.person.id, "expires_at": ago(-3600)}
            row = Welcome(
                link_digest=at.partner.id.bytes, partner_id=at.partner.id, role=PARTNER_USER, name="x", **link
            )
            db.add(row)
    with sessions.begin() as db:
        service.end_access(db, db.get_one(Partner, here.partner.id), chief, here.person.id)
    with sessions.read() as db:
        assert Welcome.open_for(db, here.partner.id) == []
        assert len(Welcome.open_for(db, other.partner.id)) == 1
        assert [one.account.id for one in people.of_partner(db, other.partner.id)] == [other.person.id]


def test_people_and_links_of_another_partner_are_absent(browser: Browser, chief: Account) -> None:
    here, other = company(), company("Other")
    opens(browser, chief)
    sent = invited(browser, here)
    wrong, right = f"{HOME}/{other.partner.id}", f"{HOME}/{here.partner.id}"
    acts = (f"people/{here.person.id}/end", f"welcomes/{sent.id}/resend", f"welcomes/{sent.id}/withdraw")
    for act in acts:
        browser.opens(f"{wrong}/{act}", 404)
        browser.posts(f"{wrong}/{act}", 404)
    for act in acts:
        browser.opens(f"{right}/{act}")
    with sessions.read() as db:
        assert [one.account.id for one in people.of_partner(db, here.partner.id)] == [here.person.id]


def test_nobody_but_an_admin_of_the_team_changes_the_people_of_a_partner(browser: Browser, chief: Account) -> None:
    here = company()
    opens(browser, chief)
    sent = invited(browser, here)
    one = f"{HOME}/{here.partner.id}"
    acts = ("people/new", f"people/{here.person.id}/end", f"welcomes/{sent.id}/resend", f"welcomes/{sent.id}/withdraw")
    with sessions.begin() as db:
        approver = factories.operator(db, APPROVER)
    for who in (approver, here.person):
        opens(browser, who)
        for act in acts:
            browser.opens(f"{one}/{act}", 403)
            browser.posts(f"{one}/{act}", 403, name="x", email="x@y.example")
    assert actions(sent.id) == ["person.welcomed"] and actions(here.person.id) == []
    opens(browser, chief)
    for act in acts:
        browser.opens(f"{one}/{act}")


@pytest.mark.parametrize("_round", range(6))
def test_a_link_that_is_followed_while_access_ends_gives_none_back(chief: Account, _round: int) -> None:
    here = company()
    with sessions.begin() as db:
        partner = db.get_one(Partner, here.partner.id)
        about: dict[str, Any] = {
            "name": "Dev Lowe",
            "email": here.person.email,
            "role": PARTNER_USER,
            "partner": partner,
        }
        sent = [welcome.send(db, **about, sent_by=None).id for _ in range(3)]

    def happens(number: int) -> bool:
        try:
            with sessions.begin() as db:
                if number == len(sent):
                    service.end_access(db, db.get_one(Partner, here.partner.id), chief, here.person.id)
                else:
                    welcome.accept(db, db.get_one(Welcome, sent[number]), db.get_one(Account, here.person.id))
        except welcome.DeadLink:
            return False
        return True

    assert at_once(len(sent) + 1, happens)[-1]
    with sessions.read() as db:
        assert people.of_partner(db, here.partner.id) == []
        assert Welcome.open_for(db, here.partner.id) == []


def test_a_person_is_signed_out_of_every_browser(browser: Browser, other_browser: Browser, chief: Account) -> None:
    here = company()
    for one in (browser, other_browser):
        opens(one, here.person)
    with sessions.begin() as db:
        service.end_access(db, db.get_one(Partner, here.partner.id), chief, here.person.id)
    with sessions.read() as db:
        rows = list(db.scalars(select(SignIn).where(SignIn.account_id == here.person.id)))
    assert len(rows) == 2 and all(row.ended_at for row in rows)
