"""What an operator does to a partner needs a proof of who they are just before; and a suspension says of itself."""

from collections.abc import Callable

import pytest

from app.db import sessions
from app.models import people as known
from app.models.account import OPERATOR_ADMIN, Account
from app.models.account import Session as SignIn
from app.models.base import ago
from app.models.contact import Welcome
from app.models.partner import App, Partner
from app.partners import people, proposals
from tests import factories
from tests.pages import Browser
from tests.partners.people import Company, app_now, company, opens

HOME = "/onboarding/partners"
FIELDS = {"reason": "A breach", "decision": "approve", "oidc": "yes", "name": "Nora New", "email": "nora@x.example"}


@pytest.fixture
def chief() -> Account:
    with sessions.begin() as db:
        return factories.operator(db, OPERATOR_ADMIN, name="Cleo Chief")


def partner_now(here: Company) -> Partner:
    with sessions.read() as db:
        return db.get_one(Partner, here.partner.id)


def waits(here: Company) -> list[Welcome]:
    with sessions.read() as db:
        return Welcome.open_for(db, here.partner.id)


def proved_long_ago(who: Account) -> None:
    with sessions.begin() as db:
        for row in db.query(SignIn).where(SignIn.account_id == who.id):
            row.signed_in_at, row.proved_at = ago(3600), ago(1200)


def just_signed_in(browser: Browser, who: Account) -> None:
    factories.signs_in(browser, who)
    with sessions.begin() as db:
        for row in db.query(SignIn).where(SignIn.account_id == who.id):
            row.signed_in_at = row.proved_at = ago(1)


Done = Callable[[Company], bool]
ACTS: dict[str, tuple[str, Done]] = {
    "a partner is suspended": ("{one}/suspend", lambda here: partner_now(here).suspended_at is not None),
    "an app is suspended": ("{app}/suspend", lambda here: app_now(here).is_suspended),
    "profile oidc is granted": ("{app}/oidc", lambda here: app_now(here).profile == "oidc"),
    "somebody is invited": ("{one}/people/new", lambda here: len(waits(here)) == 2),
    "access ends": ("{one}/people/{person}/end", lambda here: not _has_access(here)),
    "a link is sent again": ("{one}/welcomes/{link}/resend", lambda here: waits(here)[0].sent_at > ago(1800)),
    "a link is withdrawn": ("{one}/welcomes/{link}/withdraw", lambda here: waits(here) == []),
    "an app goes Live": ("/onboarding/partners/proposals/{asked}", lambda here: app_now(here).is_live),
}


def _has_access(here: Company) -> bool:
    with sessions.read() as db:
        return any(one.account.id == here.person.id for one in known.of_partner(db, here.partner.id))


@pytest.mark.parametrize("what", ACTS)
def test_without_a_fresh_proof_nothing_of_it_happens(browser: Browser, chief: Account, what: str) -> None:
    here = company()
    with sessions.begin() as db:
        asked = proposals.ask_live(db, db.get_one(App, here.app.id), here.person.id)
    with sessions.begin() as db:
        link = people.invite(db, db.get_one(Partner, here.partner.id), chief, name="Old", email="old@x.example")
        link.sent_at = ago(3600)
    one = f"{HOME}/{here.partner.id}"
    path, done = ACTS[what]
    path = path.format(one=one, app=f"{one}/apps/{here.app.id}", person=here.person.id, link=link.id, asked=asked.id)
    factories.signs_in(browser, chief)
    proved_long_ago(chief)
    if "oidc" not in path:  # whose button stands on a page that is for reading too
        browser.opens(path)
        assert browser.path.startswith("/account/confirm")
    browser.posts(path, 422, **FIELDS)
    assert "Enter your password, then press the button again" in browser.text and not done(here)
    browser.posts(path, 422, **FIELDS, password="not the password")
    assert not done(here)

    browser.posts(path, 200, **FIELDS, password=factories.PASSWORD)
    assert done(here)


def test_signing_in_is_no_proof_and_what_was_typed_stays(browser: Browser, chief: Account) -> None:
    here = company()
    just_signed_in(browser, chief)
    browser.posts(f"{HOME}/{here.partner.id}/suspend", 422, reason="A breach of many words")
    assert browser.value("reason") == "A breach of many words"
    assert partner_now(here).suspended_at is None
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Suspend")
    assert partner_now(here).suspended_at


def test_after_the_proof_the_operator_is_back_at_the_form(browser: Browser, chief: Account) -> None:
    here = company()
    just_signed_in(browser, chief)
    browser.opens(f"{HOME}/{here.partner.id}")
    browser.follows("Suspend")
    assert browser.path.startswith("/account/confirm")
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Continue")
    assert browser.title == f"Suspend {here.partner.name}?"


def test_a_suspended_partner_says_since_when_by_whom_and_why(browser: Browser, chief: Account) -> None:
    here = company(is_live=True)
    opens(browser, chief)
    one = f"{HOME}/{here.partner.id}"
    browser.opens(one)
    assert "Never suspended" in browser.text
    for act, reason in (("Suspend", "First <b>breach</b>"), ("Resume", "Mended"), ("Suspend", "Second breach")):
        browser.follows(act)
        browser.fills("Reason", reason)
        browser.presses(act)
    facts = [" ".join(row.text_content().split()) for row in browser.document.find_class("govuk-summary-list__row")]
    assert "Suspended by Cleo Chief" in facts and "Reason Second breach" in facts
    assert any(fact.startswith("Suspended since ") and " at " in fact for fact in facts)
    history = [cell.text_content() for cell in browser.document.xpath("//caption[.='History']/..//tbody/tr/td[1]")]
    assert history == ["Suspended: Second breach", "Resumed: Mended", "Suspended: First <b>breach</b>"]


def test_nobody_is_let_in_for_a_suspended_partner(browser: Browser, chief: Account) -> None:
    here = company()
    with sessions.begin() as db:
        partner = db.get_one(Partner, here.partner.id)
        link = people.invite(db, partner, chief, name="Nora", email="nora@x.example")
    with sessions.begin() as db:
        proposals.suspend(db, db.get_one(Partner, here.partner.id), chief.id, "A breach")
    opens(browser, chief)
    one = f"{HOME}/{here.partner.id}"
    browser.opens(one)
    assert "Invite somebody" not in browser.text and "Send again" not in browser.text
    browser.opens(f"{one}/people/new")
    assert not browser.document.xpath("//input[@name='email']")
    browser.posts(f"{one}/people/new", 409, name="Mae", email="mae@x.example")
    browser.posts(f"{one}/welcomes/{link.id}/resend", 409)
    assert [row.email for row in waits(here)] == ["nora@x.example"]
    browser.posts(f"{one}/welcomes/{link.id}/withdraw", 200)
    browser.posts(f"{one}/people/{here.person.id}/end", 200)
    browser.posts(f"{one}/resume", 200, reason="Mended")
    browser.posts(f"{one}/people/new", 200, name="Mae", email="mae@x.example")


def test_the_page_of_an_app_says_since_when_it_is_suspended_and_not_what_befell_another(
    browser: Browser, chief: Account
) -> None:
    here, other = company(), company("Other")
    with sessions.begin() as db:
        proposals.suspend(db, db.get_one(App, here.app.id), chief.id, "Leaks")
    opens(browser, chief)
    browser.opens(f"{HOME}/{here.partner.id}/apps/{here.app.id}")
    assert "Suspended by" in browser.text and "Suspended: Leaks" in browser.text
    browser.opens(f"{HOME}/{other.partner.id}/apps/{other.app.id}")
    assert "Leaks" not in browser.text and "Never suspended" in browser.text
