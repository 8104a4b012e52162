import json

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from app.cli import app
from app.db import sessions
from app.models.account import Account, Membership
from app.models.base import ago
from tests.pages import Browser
from tests.signin.people import actions, types_password

ADD = ["operator", "add", "olive@gatehouse.example"]


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done.output


def operators() -> list[tuple[str, str]]:
    with sessions.read() as db:
        found = db.query(Account, Membership).join(Membership, Membership.account_id == Account.id).all()
        return [(account.email, membership.role) for account, membership in found]


@pytest.mark.parametrize("role", ["caller", "approver", "admin"])
def test_an_operator_is_added_with_a_password_that_is_printed_once(browser: Browser, role: str) -> None:
    said = run(*ADD, "--role", role, "--name", "Olive Green")

    assert operators() == [("olive@gatehouse.example", role)]
    assert actions() == ["operator.added"]
    password = said.splitlines()[1]
    types_password(browser, "olive@gatehouse.example", password)
    assert browser.path == "/account/first-password"
    assert password not in run(*ADD, "--role", role)


def test_for_programs_it_is_json_and_safe_to_repeat() -> None:
    first = json.loads(run("operator", "add", "Olive.Green@Gatehouse.example", "--role", "caller", "--json"))
    again = json.loads(run("operator", "add", "olive.green@gatehouse.example", "--role", "caller", "--json"))

    assert first | {"password": None} == {
        "email": "olive.green@gatehouse.example",
        "name": "Olive Green",
        "role": "caller",
        "password": None,
        "added": True,
    }
    assert first["password"]
    assert again == first | {"password": None, "added": False}
    assert operators() == [("olive.green@gatehouse.example", "caller")]
    assert actions() == ["operator.added"]


def test_another_role_for_the_same_address_is_refused_in_words() -> None:
    run(*ADD, "--role", "caller")

    said = run(*ADD, "--role", "approver", code=1)

    assert "another role" in said and "caller" in said
    assert operators() == [("olive@gatehouse.example", "caller")]
    run("operator", "add", "other@gatehouse.example", "--role", "approver")
    assert len(operators()) == 2


@pytest.mark.parametrize(
    "arguments",
    [["olive", "--role", "caller"], ["olive@gatehouse.example", "--role", "chief"], ["olive@g.example"], []],
)
def test_wrong_usage_is_refused_and_adds_nobody(arguments: list[str]) -> None:
    run("operator", "add", *arguments, code=2)
    assert operators() == []

    run(*ADD, "--role", "caller")
    assert len(operators()) == 1


def test_an_operator_whose_first_password_ran_out_gets_another(browser: Browser) -> None:
    first = run(*ADD, "--role", "caller").splitlines()[1]
    with sessions.begin() as db:
        db.execute(update(Account).values(password_expires_at=ago(1)))
    types_password(browser, "olive@gatehouse.example", first, 403)

    second = run(*ADD, "--role", "caller").splitlines()[1]

    assert second != first and len(operators()) == 1
    types_password(browser, "olive@gatehouse.example", first, 422)
    types_password(browser, "olive@gatehouse.example", second)
    assert browser.path == "/account/first-password"
