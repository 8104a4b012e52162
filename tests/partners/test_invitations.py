"""product.md 5, 7: the partner's side of an invitation, in the portal."""

import pytest

from app.db import sessions
from app.models.account import PARTNER_USER, Account, Membership
from app.models.base import now
from app.models.invitation import Invitation
from app.models.partner import Partner
from app.sharing import invitations
from tests import factories
from tests.pages import Browser
from tests.sharing.invited import EMAIL, Invited, mails, state


def employee(here: Invited) -> Account:
    with sessions.begin() as db:
        made = factories.account(db, name="Pat Partner")
        db.add(Membership(account_id=made.id, partner_id=here.partner_id, role=PARTNER_USER))
        return made


@pytest.fixture
def portal(browser: Browser) -> Browser:
    return browser


def enters(portal: Browser, here: Invited) -> None:
    factories.signs_in(portal, employee(here))
    portal.opens("/partners/invitations")


def test_a_partner_finds_the_school_and_invites_it(portal: Browser) -> None:
    here = Invited(send=False)
    enters(portal, here)
    assert "You have not invited a school yet" in portal.text
    portal.document = portal.document.get_element_by_id("main-content")
    portal.follows("Invite a school")
    portal.fills("DfE number or URN of the school", "888/0001")
    portal.presses("Find the school")
    assert "Made-up Primary School 100001" in portal.text
    portal.fills("Name of the contact", "Ada Bright")
    portal.fills("Email address of the contact", EMAIL)
    portal.ticks("Sign in with Gatehouse")
    portal.fills("Your own reference (optional)", "R-7")
    portal.presses("Send Invitation Email")

    assert portal.title == "Invitation of Made-up Primary School 100001 Sent"
    assert "Sent to Ada Bright Pat Partner" in portal.text
    assert mails()[-1].to == EMAIL
    with sessions.read() as db:
        row = db.query(Invitation).one()
    assert (row.scopes, row.reference) == (["school", "openid"], "R-7")


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("DfE number or URN of the school", "999999"),
        ("Name of the contact", ""),
        ("Email address of the contact", "nobody"),
        ("Name of a technical contact (optional)", "Tess Cable"),
        ("Your own reference (optional)", "x" * 101),
    ],
)
def test_a_mistake_shows_the_form_again_with_everything_typed(portal: Browser, label: str, value: str) -> None:
    here = Invited(send=False)
    enters(portal, here)
    portal.opens("/partners/invitations/new")
    fill(portal, here)
    portal.fills(label, value)
    portal.presses("Send Invitation Email", 422)
    assert portal.document.xpath("//input[@id='scopes']/@checked")
    fill(portal, here)
    portal.fills("Name of a technical contact (optional)", "")
    portal.fills("Your own reference (optional)", "")
    portal.presses("Send Invitation Email")


def test_with_several_apps_one_is_chosen_first_and_suspended_ones_say_so(portal: Browser) -> None:
    here = Invited(send=False)
    with sessions.begin() as db:
        partner = db.get_one(Partner, here.partner_id)
        other, _ = factories.app(db, "Writing Room", scopes=("school", "openid"))
        other.partner_id, other.suspended_at = partner.id, now()
    enters(portal, here)
    portal.opens("/partners/invitations/new")
    portal.follows("Writing Room")
    fill(portal, here)
    portal.presses("Send Invitation Email", 422)
    assert "Writing Room is suspended" in portal.text
    portal.opens("/partners/invitations/new")
    portal.follows("Reading Room")
    fill(portal, here)
    portal.presses("Send Invitation Email")


def test_the_list_has_states_to_choose_from(portal: Browser) -> None:
    here = Invited()
    enters(portal, here)
    assert "Made-up Primary School 100001" in portal.text
    portal.opens("/partners/invitations?state=declined")
    assert "No invitation is in this state" in portal.text
    here.age(days=15)
    portal.opens("/partners/invitations?state=expired")
    assert "Made-up Primary School 100001" in portal.text
    portal.opens("/partners/invitations?state=sent&page_number=99")
    assert "No invitation is in this state" in portal.text


def test_the_detail_shows_the_chain_and_what_happened_but_no_address_of_the_school(portal: Browser) -> None:
    here = Invited()
    with sessions.begin() as db:
        invitations.mark_opened(db, here.row(db))
        invitations.forward(db, here.row(db), name="Beth Head", email="secret@madeup.example", by=None)
    enters(portal, here)
    portal.opens(f"/partners/invitations/{here.id}")
    for words in ("Passed on to somebody else at the school", "Sent on to Beth Head", "was followed", EMAIL):
        assert words in portal.text
    portal.follows("Beth Head")
    assert "Beth Head (this one)" in portal.text
    assert "secret@" not in portal.text


def test_taking_it_back_and_reminding(portal: Browser) -> None:
    here = Invited()
    enters(portal, here)
    portal.opens(f"/partners/invitations/{here.id}")
    portal.presses("Send a reminder", 422)
    here.age(days=2)
    portal.opens(f"/partners/invitations/{here.id}")
    portal.presses("Send a reminder")
    assert "The reminder is on its way" in portal.text
    assert mails()[-1].subject.startswith("Reminder")
    portal.presses("Withdraw")
    assert state(here) == "cancelled"
    portal.posts(f"/partners/invitations/{here.id}/cancel", 409)
    portal.posts(f"/partners/invitations/{here.id}/remind", 409)
    portal.opens(here.path, 410)


def test_another_partner_sees_and_does_nothing(portal: Browser, other_browser: Browser) -> None:
    here, other = Invited(), Invited(urn=100002)
    enters(portal, other)
    assert "100001" not in portal.text
    portal.opens(f"/partners/invitations/{here.id}", 404)
    for act in ("cancel", "remind"):
        portal.posts(f"/partners/invitations/{here.id}/{act}", 404)
    portal.posts("/partners/invitations/new", 404, app=str(here.app.id), step="send", school="100001")
    other_browser.opens("/partners/invitations")
    assert other_browser.path.startswith("/sign-in")
    assert state(here) == "sent"
    portal.opens(f"/partners/invitations/{other.id}")
    portal.presses("Withdraw")
    assert state(other) == "cancelled"


def fill(portal: Browser, here: Invited) -> None:
    portal.fills("DfE number or URN of the school", str(here.urn))
    portal.fills("Name of the contact", "Ada Bright")
    portal.fills("Email address of the contact", EMAIL)
    portal.ticks("Sign in with Gatehouse")
