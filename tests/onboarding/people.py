"""Cases, operators and codes that the tests of onboarding share."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from app import audit
from app.db import sessions
from app.models.account import Account
from app.models.outbox import Message
from app.models.school import School
from app.models.verification import CONFIRMED, Verification
from app.secrets import unseal
from tests import factories
from tests.pages import Browser

NUMBER = "01632 960001"
Opens = Callable[[Account], Browser]


@dataclasses.dataclass
class Registered:
    """An Unverified school, the person who registered it, and its case as it was then."""

    school: School
    admin: Account
    case: Verification

    @property
    def page(self) -> str:
        return f"/onboarding/cases/{self.case.id}"

    @property
    def school_page(self) -> str:
        return f"/onboarding/schools/{self.school.id}"

    @property
    def code(self) -> str:
        """The code on the registrant's page now."""
        return unseal(self.now().readback_sealed, "readback")

    def now(self) -> Verification:
        """The case as it stands in the database."""
        with sessions.read() as db:
            return db.get_one(Verification, self.case.id)

    @property
    def state(self) -> str:
        return self.now().state

    @property
    def status(self) -> str:
        with sessions.read() as db:
            return db.get_one(School, self.school.id).status


def registered(urn: int = 100001, name: str = "Sam Secretary", email: str = "", **record: Any) -> Registered:
    """A registration; `record` are columns of its establishment, when there is none of that URN yet."""
    with sessions.begin() as db:
        if record:
            factories.establishment(db, urn, **record)
        school = factories.school(db, urn)
        admin = factories.admin(db, school, name=name, email=email)
        case = Verification.of_school(db, school.id)
        assert case
        return Registered(school, admin, case)


def operator(role: str, name: str = "") -> Account:
    with sessions.begin() as db:
        return factories.operator(db, role, **({"name": name} if name else {}))


def confirmed(here: Registered, by: Account) -> Registered:
    """The same registration after this operator heard the right code."""
    with sessions.begin() as db:
        case = db.get_one(Verification, here.case.id)
        assert case.confirm(db, by.id)
    assert here.state == CONFIRMED
    return here


LABELS = {
    "number": "Number that you rang",
    "person": "Who answered",
    "code": "Code that they read out",
    "said": "What was said (optional)",
    "again": "Call again (optional)",
}


def rings(browser: Browser, outcome: str, status: int = 200, **fields: str) -> None:
    """Fill in the call form of the case that is open; `fields` by the names in LABELS."""
    browser.ticks(outcome)
    for name, value in fields.items():
        browser.fills(LABELS[name], value)
    browser.presses("Save the call", status)


def actions() -> list[str]:
    with sessions.read() as db:
        return [row["action"] for row in audit.exported(db)]


def mails(to: Account) -> list[dict[str, Any]]:
    """What one person was mailed, oldest first: {to, subject, text, links}."""
    with sessions.read() as db:
        found = db.scalars(select(Message).order_by(Message.created_at, Message.id)).all()
        written = [json.loads(unseal(message.sealed or "", "outbox")) for message in found]
    return [mail for mail in written if mail["to"] == to.email]
