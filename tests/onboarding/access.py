"""Access cases, and what an asker and an operator do about them, for the tests of onboarding."""

import json
import re

import pytest
from sqlalchemy import select, update

from app import chores
from app.db import sessions
from app.models.access_case import WINDOW, AccessCase
from app.models.account import Account, Membership, SecondStep
from app.models.base import ago, ahead
from app.models.outbox import Message
from app.onboarding import access_cases
from app.secrets import digest, unseal
from tests import factories
from tests.onboarding.people import NUMBER
from tests.pages import Browser

BOSS = "boss@madeup-primary.sch.example"
NEW_ADMIN = "nora.new@madeup-primary.sch.example"


def case() -> AccessCase:
    with sessions.read() as db:
        return db.scalars(select(AccessCase).order_by(AccessCase.opened_at.desc())).first() or pytest.fail("no case")


def state_of(made: AccessCase) -> str:
    with sessions.read() as db:
        return db.get_one(AccessCase, made.id).state


def code() -> str:
    return unseal(case().readback_sealed, "readback")


def types_password(browser: Browser, login: str = BOSS) -> None:
    browser.opens("/sign-in")
    browser.fills("Username or email address", login)
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Sign in")


def loses_step(browser: Browser) -> None:
    types_password(browser)
    browser.follows("I cannot get a code")
    browser.presses("Ask for it")


def says_left(browser: Browser, left: str = "bea  boss") -> None:
    browser.opens("/register/admin-left?urn=100001")
    browser.fills("Name of the Admin who has left", left)
    browser.fills("Your name", "Nora New")
    browser.fills("Your email address", NEW_ADMIN)
    browser.fills("Your mobile number", "07700 900123")
    browser.presses("Continue")


def rings(browser: Browser, heard: str, number: str = NUMBER, status: int = 200) -> None:
    browser.opens(f"/onboarding/access/{case().id}")
    browser.fills("Number that you rang", number)
    browser.ticks("Confirmed")
    browser.fills("Code that they read out", heard)
    browser.fills("Who answered", "Ms Bright, head")
    browser.presses("Save the call", status)


def approves(browser: Browser, status: int = 200) -> None:
    browser.opens(f"/onboarding/access/{case().id}")
    browser.presses("Approve", status)


def window_ends() -> None:
    with sessions.begin() as db:
        db.execute(update(AccessCase).where(AccessCase.state == WINDOW).values(window_ends_at=ago(1)))
    chores.run_each(access_cases.due, access_cases.complete_case)


def links(part: str) -> dict[str, str]:
    """Who was mailed which link with these words: address → path."""
    with sessions.read() as db:
        contents = [json.loads(unseal(row.sealed or "", "outbox")) for row in db.scalars(select(Message))]
    found = {one["to"]: link for one in contents for link in one["links"] if part in link}
    return {to: re.sub(r"^https?://[^/]+", "", link) for to, link in found.items()}


def steps(account: Account) -> int:
    with sessions.read() as db:
        return len(list(db.scalars(select(SecondStep).where(SecondStep.account_id == account.id))))


def in_window(kind: str, about: Account, by: Account) -> AccessCase:
    """A case that was approved."""
    with sessions.begin() as db:
        held = db.scalars(select(Membership).where(Membership.account_id == about.id)).one()
        made = AccessCase(
            school_id=held.school_id,
            kind=kind,
            account_id=about.id,
            name=about.name,
            email=about.email,
            readback_sealed="",
            visit_digest=digest(f"visit {about.id}"),
            stop_digest=digest(f"stop {about.id}"),
            state=WINDOW,
            confirmed_by=by.id,
            window_ends_at=ahead(60),
        )
        db.add(made)
        db.flush()
        return made
