import re

import pytest

from app.db import sessions
from app.models.account import Account
from app.signin import passwords
from app.signin.passwords import generated
from tests import factories
from tests.pages import Browser
from tests.signin.people import admin, row_of, signs_in, types_password


@pytest.mark.parametrize(
    "login", ["8880001", "888/0001", " 888 / 0001 ", "office@madeup.sch.example", "OFFICE@MadeUp.sch.example"]
)
def test_the_username_with_or_without_its_slash_or_the_address_will_do(browser: Browser, login: str) -> None:
    with sessions.begin() as db:
        factories.admin(db, factories.school(db), username="8880001", email="office@madeup.sch.example")

    types_password(browser, login)

    assert browser.path == "/sign-in/code"


def answers(browser: Browser, login: str, password: str) -> tuple[int, str]:
    """What the server says, with what was typed cut out of it."""
    answer = browser.client.post("/sign-in", data={"login": login, "password": password})
    return answer.status_code, answer.text.replace(login, "LOGIN")


def test_the_answer_is_the_same_for_a_known_and_an_unknown_account(browser: Browser) -> None:
    account = admin()

    known = answers(browser, account.email, "wrong password")
    unknown = answers(browser, "nobody@madeup-primary.sch.example", "wrong password")

    assert known == unknown and known[0] == 422
    assert row_of(browser) is None
    types_password(browser, account.email)
    assert browser.path == "/sign-in/code"


@pytest.mark.parametrize("login", ["nobody", "one@madeup.example", "three@madeup.example", "five@madeup.example"])
@pytest.mark.parametrize("password", ["wrong password", factories.PASSWORD, "x" * 5000])
def test_every_try_costs_three_hashes(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, login: str, password: str
) -> None:
    with sessions.begin() as db:
        for count, name in ((1, "one"), (3, "three"), (5, "five")):
            for _ in range(count):
                factories.account(db, f"{name}@madeup.example")
    hashes: list[str | None] = []

    def counted(password: str, stored: str | None) -> bool:
        hashes.append(stored)
        return stored is not None and password == factories.PASSWORD

    monkeypatch.setattr(passwords, "password_matches", counted)
    answer = browser.client.post("/sign-in", data={"login": login, "password": password})

    assert len(hashes) == 3
    right = password == factories.PASSWORD and login != "nobody"
    assert answer.status_code == (303 if right else 422)


def test_of_several_accounts_with_one_address_the_password_tells_which(browser: Browser) -> None:
    with sessions.begin() as db:
        older = factories.account(db, "office@madeup.example", password_hash=passwords.hashed("the older password"))
        newer = factories.account(db, "office@madeup.example", password_hash=passwords.hashed("the newer password"))

    for account, password in ((older, "the older password"), (newer, "the newer password")):
        types_password(browser, "office@madeup.example", password)
        row = row_of(browser)
        assert row and row.account_id == account.id
    types_password(browser, "office@madeup.example", "neither of them", 422)


@pytest.mark.parametrize(("login", "password"), [("", ""), ("someone", ""), ("", "something")])
def test_an_empty_field_is_pointed_at(browser: Browser, login: str, password: str) -> None:
    types_password(browser, login, password, 422)

    assert ("Enter your username or email address" in browser.text) == (not login)
    assert ("Enter your password" in browser.text) == (not password)


def test_an_absurd_password_is_only_wrong(browser: Browser) -> None:
    account = admin()

    for password in ("\ufdfa" * 1000, "a\x00b", "x" * 100_000):
        types_password(browser, account.email, password, 422)

    types_password(browser, account.email)
    assert browser.path == "/sign-in/code"


def test_somebody_signed_in_may_go_on_or_sign_in_as_somebody_else(browser: Browser) -> None:
    with sessions.begin() as db:
        school = factories.school(db)
        one, other = factories.admin(db, school, name="Ada One"), factories.admin(db, school, name="Ben Other")
    signs_in(browser, one)
    first = row_of(browser)

    browser.opens("/sign-in?next=/account")
    assert "You are signed in as Ada One" in browser.text
    browser.follows("Go on as Ada One")
    assert browser.path == "/account"

    signs_in(browser, other)
    assert "Ben Other" in browser.text
    with sessions.read() as db:
        ended = db.get(type(first), first.digest) if first else None
    assert ended and ended.ended_at


def test_generated_passwords_are_long_enough_readable_and_never_the_same() -> None:
    made = {generated() for _ in range(200)}

    assert len(made) == 200
    assert all(re.fullmatch(r"(?:[b-df-hjkmnp-tv-xz2-9]{3}-){5}[b-df-hjkmnp-tv-xz2-9]{3}", one) for one in made)
    assert len("bcdfghjkmnpqrstvwxz23456789") ** 18 > 2**80


def test_the_password_is_stored_as_argon2id_alone() -> None:
    account = admin()
    with sessions.read() as db:
        stored = db.get_one(Account, account.id).password_hash

    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.matching([account], factories.PASSWORD) is account
    assert passwords.matching([account], factories.PASSWORD + " ") is None
