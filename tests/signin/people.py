"""Signing in as a person would, and looking at what that left behind."""

import json

from sqlalchemy import select, update

from app import audit
from app.db import sessions
from app.models.account import Account, SecondStep
from app.models.account import Session as SignIn
from app.models.outbox import Message
from app.secrets import digest, unseal
from app.signin.service import new_admin
from app.web import cookies
from tests import factories
from tests.pages import Browser

NEW_PASSWORD = "violet tractor seventeen"


def types_password(browser: Browser, login: str, password: str = factories.PASSWORD, status: int = 200) -> None:
    browser.opens("/sign-in")
    browser.fills("Username or email address", login)
    browser.fills("Password", password)
    browser.presses("Sign in", status)


def types_code(browser: Browser, code: str, status: int = 200) -> None:
    browser.fills("Code from your authenticator app", code)
    browser.presses("Continue", status)


def signs_in(browser: Browser, account: Account) -> None:
    """Both steps, with a code that works although an earlier sign-in of the test may have used it."""
    unspent(account)
    types_password(browser, account.username or account.email)
    types_code(browser, factories.code())


def unspent(account: Account) -> None:
    with sessions.begin() as db:
        db.execute(update(SecondStep).where(SecondStep.account_id == account.id).values(last_step=0))


def admin() -> Account:
    """An Estab Admin past the first sign-in."""
    with sessions.begin() as db:
        return factories.admin(db, factories.school(db))


def fresh_admin(urn: int = 100001) -> tuple[Account, str]:
    """An Estab Admin who has just registered, and the generated password."""
    with sessions.begin() as db:
        school = factories.school(db, urn)
        return new_admin(
            db,
            school=school,
            name="Sam Secretary",
            email="office@madeup-primary.sch.example",
            mobile="+447400123456",
            username=str(urn),
        )


def without_second_step() -> Account:
    """An Estab Admin who changed the password and then closed the browser."""
    account, _ = fresh_admin()
    with sessions.begin() as db:
        before = db.get_one(Account, account.id)
        assert before.set_password(db, before.password_hash, factories.PASSWORD_HASH)
        return before


def row_of(browser: Browser) -> SignIn | None:
    """The session that the browser's cookie opens, ended or not."""
    secret = browser.client.cookies.get(cookies.name())
    with sessions.read() as db:
        return db.get(SignIn, digest(secret)) if secret else None


def actions() -> list[str]:
    with sessions.read() as db:
        return [row["action"] for row in audit.exported(db)]


def mails() -> list[str]:
    """The texts of all messages, oldest first."""
    with sessions.read() as db:
        found = db.scalars(select(Message).order_by(Message.created_at, Message.id)).all()
        return [json.loads(unseal(message.sealed or "", "outbox"))["text"] for message in found]
