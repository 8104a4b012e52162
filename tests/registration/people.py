"""Registering a school as a secretary would, and looking at what that left behind."""

import datetime as dt
from typing import Any

from sqlalchemy import func, select, update

from app.db import sessions
from app.models.account import Account
from app.models.base import ago
from app.models.establishment import Establishment
from app.models.event import Event
from app.models.outbox import Message
from app.models.school import Registration, School
from app.models.verification import Verification
from app.notify import development
from app.notify.outbox import deliver_due
from app.settings import settings
from tests import factories
from tests.pages import Browser

NAME, EMAIL, MOBILE = "Grace Okafor", "grace@madeup-primary.sch.example", "07700 900123"


def listed(urn: int = 100001, **columns: Any) -> Establishment:
    """An establishment of the register."""
    with sessions.begin() as db:
        return factories.establishment(db, urn, **columns)


def finds(browser: Browser, urn: int = 100001) -> None:
    """Search by URN, select the only result, press Next."""
    browser.opens("/register/school")
    browser.fills("School URN", str(urn))
    browser.presses("Search")
    browser.presses("Next")
    assert browser.path == "/register/details"


def types_details(browser: Browser, other: dict[str, str] | None = None, status: int = 200) -> None:
    """Fill in the form, with other values for some fields, and press Signup."""
    typed = {"name": NAME, "email": EMAIL, "mobile": MOBILE} | (other or {})
    browser.fills("Your name", typed["name"])
    browser.fills("Your email address", typed["email"])
    browser.fills("Your mobile number", typed["mobile"])
    browser.presses("Signup", status)


def asks_for_link(browser: Browser, urn: int = 100001, email: str = EMAIL) -> str:
    """Everything up to the mail; the path of the link in it."""
    finds(browser, urn)
    types_details(browser, {"email": email})
    assert browser.path == "/register/check-your-email"
    return newest_link()


def registers(browser: Browser, urn: int = 100001, email: str = EMAIL) -> tuple[str, str]:
    """The whole way; username and first password."""
    browser.opens(asks_for_link(browser, urn, email))
    browser.presses("Signup")
    return browser.value("estab-admin-username"), browser.value("estab-admin-password")


def mails() -> list[dict[str, Any]]:
    """What has been sent since this was last asked."""
    count = deliver_due()
    return development.kept()[-count:] if count else []


def newest_link() -> str:
    """The path of the link in the newest verification mail."""
    mails()
    with_link = [mail for mail in development.kept() if any("/register/verify" in link for link in mail["links"])]
    return str(with_link[-1]["links"][0]).removeprefix(settings.issuer)


def counts() -> dict[str, int]:
    """How much there is of what a registration makes."""
    with sessions.read() as db:
        tables = (Registration, School, Account, Verification, Event, Message)
        return {table.__name__: db.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def the_school() -> School:
    with sessions.read() as db:
        return db.scalars(select(School)).one()


def registration() -> Registration:
    with sessions.read() as db:
        return db.scalars(select(Registration)).one()


def ages_link(seconds: int) -> None:
    """As if every link had been sent that long ago."""
    with sessions.begin() as db:
        db.execute(update(Registration).values(link_sent_at=ago(seconds)))


def ages_school(age: dt.timedelta) -> None:
    with sessions.begin() as db:
        db.execute(update(School).values(registered_at=ago(age.total_seconds())))


def changes(**columns: Any) -> None:
    """Put the case of the only school into another state."""
    with sessions.begin() as db:
        case = Verification.of_school(db, the_school().id)
        assert case
        for name, value in columns.items():
            setattr(case, name, value)


def moves(status: str, reason: str | None = None) -> None:
    with sessions.begin() as db:
        school = School.by_id(db, the_school().id)
        assert school
        school.status, school.status_reason = status, reason


def the_case() -> Verification:
    with sessions.read() as db:
        case = Verification.of_school(db, the_school().id)
    assert case
    return case
