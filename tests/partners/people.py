"""A partner, its people and its apps, for the tests of its portal."""

import dataclasses
from typing import Any

from app.db import sessions
from app.models import lawful
from app.models.account import PARTNER_USER, Account, Membership
from app.models.account import Session as SignIn
from app.models.base import ahead, now
from app.models.partner import App, Partner
from tests import factories
from tests.pages import Browser

FILLED = {
    "name": "New App",
    "retention": "30 days",
    "redirect_uris": "https://new.example/callback",
    "auth_method": "client_secret_basic",
    "profile": "standard",
    "ask-school": "required",
    "purpose-school": "To set up your school",
    "legal_basis-school": lawful.PUBLIC_TASK,
}


@dataclasses.dataclass
class Company:
    """A partner with one app and one person."""

    partner: Partner
    app: App
    person: Account

    @property
    def page(self) -> str:
        return f"/partners/apps/{self.app.id}"


def company(name: str = "Reading Room", **app: Any) -> Company:
    with sessions.begin() as db:
        usual: dict[str, Any] = {"is_live": False, "retention": "30 days"}
        made, _ = factories.app(db, name, **usual | app)
        made.scopes[0].legal_basis = FILLED["legal_basis-school"]
        partner = db.get_one(Partner, made.partner_id)
        partner.agreement_url = "https://partner.example/agreement"
        person = factories.account(db, name="Dev Lowe")
        db.add(Membership(account_id=person.id, partner_id=partner.id, role=PARTNER_USER))
        db.flush()
        return Company(partner, made, person)


def proves(who: Account) -> None:
    """Let the person's sessions have typed the password once more, just now."""
    with sessions.begin() as db:
        for row in db.query(SignIn).where(SignIn.account_id == who.id):
            row.signed_in_at, row.proved_at = ahead(-60), now()


def opens(browser: Browser, who: Account) -> Browser:
    factories.signs_in(browser, who)
    proves(who)
    return browser


def app_now(of: Company) -> App:
    with sessions.read() as db:
        return db.get_one(App, of.app.id)
