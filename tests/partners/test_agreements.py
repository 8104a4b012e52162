"""A partner uploads its agreement as often as it needs to, and not faster."""

import pytest

from app import audit
from app.db import sessions
from app.models.base import ago
from app.models.partner import App, Partner
from app.models.proposal import Document
from app.partners import agreements, proposals
from app.partners.apps import CannotChange
from tests.pages import Browser
from tests.partners.people import Company, company, opens

PDF = b"%PDF-1.7\n%%EOF"
SITE = {"sec-fetch-site": "same-origin"}


def keeps(here: Company) -> str:
    with sessions.begin() as db:
        agreements.keep(db, db.get_one(Partner, here.partner.id), here.person.id, PDF)
    with sessions.read() as db:
        return db.get_one(Partner, here.partner.id).agreement_url or ""


def aged(here: Company, days: int) -> None:
    with sessions.begin() as db:
        for row in db.query(Document).where(Document.partner_id == here.partner.id):
            row.uploaded_at = ago(days * 86_400)


def test_the_twenty_first_in_a_month_waits_and_is_told_until_when(browser: Browser) -> None:
    here, other = company(), company("Other")
    for _ in range(agreements.MOST):
        last = keeps(here)
    opens(browser, here.person)
    said = browser.client.post("/partners/agreement", files={"file": ("a", PDF)}, headers=SITE)
    assert said.status_code == 422
    assert "You have uploaded 20 agreements in 30 days. Upload the next one after " in said.text
    assert "or give the agreement’s address above instead" in said.text
    with sessions.read() as db:
        assert db.get_one(Partner, here.partner.id).agreement_url == last
    keeps(other)
    browser.posts("/partners/card", 200, agreement_url="https://partner.example/new")

    aged(here, agreements.DAYS - 1)
    assert browser.client.post("/partners/agreement", files={"file": ("a", PDF)}, headers=SITE).status_code == 422
    aged(here, agreements.DAYS)
    assert browser.client.post("/partners/agreement", files={"file": ("a", PDF)}, headers=SITE).status_code == 303
    old = browser.client.get("/" + last.split("/", 3)[3])
    assert old.content == PDF  # a school may ask what it agreed to
    with sessions.read() as db:
        assert audit.verify(db) == []


def test_the_agreement_that_an_operator_looks_at_is_not_exchanged() -> None:
    here = company()
    with sessions.begin() as db:
        proposals.ask_live(db, db.get_one(App, here.app.id), here.person.id)
    with pytest.raises(CannotChange, match="cannot be changed"):
        keeps(here)
    with sessions.begin() as db:
        assert Document.agreement(db, here.partner.id) is None
        proposals.withdraw(db, db.get_one(App, here.app.id), here.person.id)
    assert keeps(here).endswith(".pdf")
