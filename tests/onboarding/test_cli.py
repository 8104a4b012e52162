"""`gatehouse school`."""

import json
from typing import Any

from typer.testing import CliRunner

from app.cli import app
from app.db import sessions
from app.models.account import CALLER
from app.models.school import REJECTED, UNVERIFIED, VERIFIED
from app.models.verification import NO_ANSWER, Call
from app.web.pages import when
from tests import factories
from tests.onboarding.people import operator, registered


def gatehouse(*words: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == status, done.output
    return done.output


def facts(*words: str) -> Any:
    return json.loads(gatehouse(*words, "--json"))


def test_schools_are_listed_by_name_and_by_status() -> None:
    assert "No school is registered" in gatehouse("school", "list")
    here = registered()
    with sessions.begin() as db:
        factories.school(db, 100002, VERIFIED)

    assert f"Unverified  100001  {here.school.name}" in gatehouse("school", "list")
    assert [school["urn"] for school in facts("school", "list")["schools"]] == [100001, 100002]
    assert [school["status"] for school in facts("school", "list", "--status", "verified")["schools"]] == [VERIFIED]
    gatehouse("school", "list", "--status", "splendid", status=2)


def test_one_school_is_shown_by_urn_or_id() -> None:
    here = registered()

    for which in ("100001", str(here.school.id)):
        shown = facts("school", "show", which)
        assert (shown["status"], shown["dfe_number"], shown["case"]["state"]) == (UNVERIFIED, "888/0001", "New")
        assert [person["email"] for person in shown["people"]] == [here.admin.email]
    assert "Made-up Primary School 100001: Unverified" in gatehouse("school", "show", "100001")
    for unknown in ("100009", "nonsense", "99999999999999999999", str(here.case.id)):
        gatehouse("school", "show", unknown, status=1)


def test_a_case_is_shown_with_days_and_numbers_that_people_read() -> None:
    here = registered()
    due = when(here.case.due_at)
    assert f"Case: New, due on {due}, 0 calls" in gatehouse("school", "show", "100001")
    caller = operator(CALLER)
    for calls in ("1 call\n", "2 calls\n"):
        with sessions.begin() as db:
            db.add(Call(verification_id=here.case.id, called_by=caller.id, number="1", person="", outcome=NO_ANSWER))
        shown = gatehouse("school", "show", "100001")
        assert f"Case: New, due on {due}, {calls}" in shown
        assert f"Registered on {when(here.school.registered_at)}; people: Sam Secretary" in shown
    assert facts("school", "show", "100001")["case"]["due_at"] == here.case.due_at.isoformat(timespec="seconds")


def test_of_several_registrations_the_one_that_speaks_for_the_school_is_shown() -> None:
    with sessions.begin() as db:
        first = factories.school(db, 100001, VERIFIED)
        factories.school(db, 100001, REJECTED)

    shown = facts("school", "show", "100001")

    assert shown["id"] == str(first.id) and shown["other_registrations"][0]["status"] == REJECTED


def test_the_code_of_a_case_is_never_printed() -> None:
    here = registered()

    assert here.code not in gatehouse("school", "show", "100001", "--json") + gatehouse("school", "list", "--json")
    assert str(here.case.id) in gatehouse("school", "show", "100001", "--json")
