"""Weightier changes want a fresh proof of who one is; what was typed is still there after it."""

import pytest

from app.db import sessions
from app.models.account import Account
from app.models.account import Session as SignIn
from app.models.base import ahead
from app.models.partner import Partner
from app.models.proposal import Proposal
from tests import factories
from tests.pages import Browser
from tests.partners.people import FILLED, app_now, company, opens, proves

PASSWORD = factories.PASSWORD
TYPED = FILLED | {"purpose-school": "Typed with care"}
CARD = {"ico_number": "ZA654321", "breach_contact": "typed@with.care.example"}


def grows_old(who: Account) -> None:
    with sessions.begin() as db:
        for row in db.query(SignIn).where(SignIn.account_id == who.id):
            row.signed_in_at, row.proved_at = ahead(-7200), ahead(-601)


@pytest.mark.parametrize("page", ["/scopes", "/credentials", "", "/partners/card", "/partners/apps/new"])
def test_the_form_is_behind_a_fresh_proof(browser: Browser, page: str) -> None:
    here = company()
    path = page if page.startswith("/partners") else here.page + page
    factories.signs_in(browser, here.person)
    grows_old(here.person)
    browser.opens(path)
    assert browser.title == "Enter your password again"
    browser.fills("Password", PASSWORD)
    browser.presses("Continue")
    assert browser.path == path


def test_scopes_sent_too_late_are_kept_until_the_password_is_there(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    browser.opens(f"{here.page}/scopes")
    grows_old(here.person)

    browser.posts(f"{here.page}/scopes", 422, **TYPED)
    assert "Typed with care" in browser.text and app_now(here).scopes[0].purpose != "Typed with care"
    browser.fills("Password", "not the password")
    browser.presses("Save Changes", 422)
    assert "That is not your password now" in browser.text and app_now(here).scopes[0].purpose != "Typed with care"
    browser.fills("Password", PASSWORD)
    browser.presses("Save Changes")

    assert app_now(here).scopes[0].purpose == "Typed with care"
    browser.posts(f"{here.page}/scopes", 200, **FILLED)


def test_the_card_sent_too_late_is_kept_until_the_password_is_there(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    grows_old(here.person)

    browser.posts("/partners/card", 422, **CARD)
    assert browser.value("breach_contact") == CARD["breach_contact"]
    assert card(here.partner) != CARD["breach_contact"]
    browser.fills("Password", PASSWORD)
    browser.presses("Save Changes")

    assert card(here.partner) == CARD["breach_contact"]


def test_an_agreement_is_not_taken_without_a_fresh_proof(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    grows_old(here.person)
    files, site = {"file": ("a", b"%PDF-1.7\n%%EOF")}, {"sec-fetch-site": "same-origin"}
    answer = browser.client.post("/partners/agreement", files=files, headers=site)
    assert answer.headers["location"] == "/account/confirm?next=/partners/card"
    proves(here.person)
    answer = browser.client.post("/partners/agreement", files=files, headers=site)
    assert answer.headers["location"] == "/partners/card?done=agreement"


def test_going_live_is_asked_for_with_a_fresh_proof_only(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    browser.opens(here.page)
    grows_old(here.person)

    browser.presses("Ask to go Live")
    assert browser.title == "Enter your password again"
    with sessions.read() as db:
        assert Proposal.waiting(db) == []
    browser.fills("Password", PASSWORD)
    browser.presses("Continue")
    browser.presses("Ask to go Live")

    with sessions.read() as db:
        assert [one.app_id for one in Proposal.waiting(db)] == [here.app.id]


def test_a_new_app_and_new_keys_sent_too_late_are_kept(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    grows_old(here.person)
    browser.posts("/partners/apps/new", 422, **TYPED)
    assert browser.value("retention") == "30 days" and "Typed with care" in browser.text
    browser.fills("Password", PASSWORD)
    browser.presses("Create")
    assert browser.value("client-secret")
    grows_old(here.person)
    browser.posts(here.page, 422, name="Typed anew", redirect_uris="https://a.example/")
    assert browser.value("name") == "Typed anew"


def test_whoever_tries_passwords_is_stopped_and_loses_nothing(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    grows_old(here.person)
    for _ in range(10):
        browser.posts(f"{here.page}/scopes", 422, **TYPED, password="guessed")
    browser.posts(f"{here.page}/scopes", 422, **TYPED, password=PASSWORD)
    assert "Too many tries" in browser.text and "Typed with care" in browser.text
    assert app_now(here).scopes[0].purpose != "Typed with care"


def test_another_partners_app_stays_absent_whatever_the_proof(browser: Browser) -> None:
    here, other = company(), company("Other")
    factories.signs_in(browser, here.person)
    grows_old(here.person)
    for end in ("", "/scopes", "/live", "/credentials"):
        browser.posts(other.page + end, 404, **TYPED, password=PASSWORD)


def card(of: Partner) -> str | None:
    with sessions.read() as db:
        return db.get_one(Partner, of.id).breach_contact
