"""Two schools, two apps, every route: nobody sees another's, and what is hidden changes no answer."""

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.db import sessions
from app.models.roster.person import Person
from app.roster import oneroster
from app.settings import settings as ours
from tests import factories
from tests.roster.api import Reader, reader
from tests.roster.small import SmallRoster

EVERYTHING = ("school", "students", "students.contact", "students.upn", "contacts", "staff", "groups")
FILTERS = (
    *("", "?limit=1", "?sort=givenName&orderBy=desc", "?fields=sourcedId", "?filter=status='active'"),
    *("?filter=status='tobedeleted'", "?filter=dateLastModified>'2020-01-01T00:00:00.000Z'", "?offset=1"),
)


def paths() -> list[str]:
    """Every route of OneRoster that answers, as it is written."""
    return [getattr(route, "path", "") for route in oneroster.router.routes if "GET" in getattr(route, "methods", ())]


def client(server: ASGIApp) -> TestClient:
    return TestClient(server, base_url=ours.issuer)


def fill(of: Reader, name: str) -> None:
    with sessions.begin(school=of.school.id) as db:
        roster = SmallRoster(db, of.school.id)
        year = roster.session(f"{name} year", "schoolYear")
        roster.session(f"{name} term", "term", parent_id=year)
        pupil = roster.pupil(f"{name}kid Smith", "7", email=f"{name}@x.example", upn="A123456789012")
        roster.contact(f"{name}mum Smith", pupil)
        teacher = roster.staff(f"{name}teach Smith")
        roster.group(f"{name}class", pupil, teachers=(teacher,), session_ids=[])


@pytest.fixture
def four(server: ASGIApp) -> dict[tuple[str, str], Reader]:
    """(school, app) → a token: schools north and south, apps wide and narrow."""
    with sessions.begin() as db:
        apps = {
            "wide": factories.app(db, name="Wide", scopes=EVERYTHING)[0],
            "narrow": factories.app(db, name="Narrow", scopes=("school", "students"))[0],
        }
    found: dict[tuple[str, str], Reader] = {}
    for urn, school in ((100001, "north"), (100002, "south")):
        for app, scopes in (("wide", EVERYTHING), ("narrow", ("school", "students"))):
            known = found.get((school, "wide"))
            made = reader(client(server), urn, scopes=scopes, app=apps[app], school=known.school if known else None)
            found[school, app] = made
        fill(found[school, "wide"], school)
    return found


def known_ids(of: Reader) -> dict[str, list[str]]:
    """The ids that this app reads, by the name of the parameter that a path calls them."""
    ids: dict[str, list[str]] = {}
    lists = (
        *(("classes", "classSourcedId"), ("students", "studentSourcedId"), ("teachers", "teacherSourcedId")),
        *(
            ("users", "userSourcedId"),
            ("terms", "termSourcedId"),
            ("schools", "schoolSourcedId"),
            ("courses", "courseSourcedId"),
        ),
    )
    for plural, name in lists:
        answer = of.reads(f"/{plural}")
        if answer.status_code == 200:
            ids[name] = [one["sourcedId"] for one in next(iter(answer.json().values()))]
    ids["sourcedId"] = [one for several in ids.values() for one in several]
    return ids


def filled(path: str, ids: dict[str, list[str]]) -> list[str]:
    """The path with ids in the place of its parameters; at most a few of them."""
    found = [path]
    for name in re.findall(r"\{(\w+)\}", path):
        values = ids.get(name) or ids["sourcedId"]
        found = [one.replace(f"{{{name}}}", value) for one in found for value in values[:2]]
    return found


@pytest.mark.once
def test_no_route_tells_one_school_or_app_of_another(four: dict[tuple[str, str], Reader]) -> None:
    every = {who: known_ids(of) for who, of in four.items()}
    other_school = {"north": "south", "south": "north"}
    seen: set[str] = set()
    for (school, app), of in four.items():
        foreign = {one for who, ids in every.items() if who != (school, app) for one in ids["sourcedId"]}
        for path in paths():
            for address in filled(path, every[school, app]):
                for query in FILTERS:
                    text = of.reads(f"{address}{query}").text
                    assert other_school[school] not in text, (school, app, address, query)
                    assert not [one for one in foreign if one in text], (school, app, address, query)
            for address in filled(path, {"sourcedId": sorted(foreign)}) if "{" in path else ():
                assert of.reads(address).status_code in (403, 404), (school, app, address)
            seen.add(path)
    assert len(seen) >= 41
    assert "northkid" in four["north", "narrow"].reads("/students").text
    assert "northmum" in four["north", "wide"].reads("/users").text
    assert "northmum" not in four["north", "narrow"].reads("/users").text


FIELDS = (
    "givenName",
    "familyName",
    "email",
    "sms",
    "identifier",
    "metadata.sen",
    "grades",
    "userIds",
    "sourcedId",
    "upn",
)
VALUES = ("Ada", "a@x.example", "A123456789012", "K", "true", "2015-01-01", "", "07700900001", "zzz")


@st.composite
def questions(draw: st.DrawFn) -> str:
    """A query about any field, opened or not."""
    parts = []
    if draw(st.booleans()):
        operator = draw(st.sampled_from(("=", "!=", ">", "<", ">=", "<=", "~")))
        parts.append(f"filter={draw(st.sampled_from(FIELDS))}{operator}'{draw(st.sampled_from(VALUES))}'")
    if draw(st.booleans()):
        parts.append(f"sort={draw(st.sampled_from(FIELDS))}&orderBy={draw(st.sampled_from(('asc', 'desc')))}")
    if draw(st.booleans()):
        parts.append(f"fields={','.join(draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3)))}")
    if draw(st.booleans()):
        parts.append(f"limit={draw(st.integers(1, 3))}&offset={draw(st.integers(0, 3))}")
    return draw(st.sampled_from(("users", "students"))) + "?" + "&".join(parts)


@pytest.fixture
def narrow(server: ASGIApp) -> Reader:
    """An app that sees names and years of pupils, and nothing else of them."""
    made = reader(client(server), scopes=("school", "students"))
    with sessions.begin(school=made.school.id) as db:
        roster = SmallRoster(db, made.school.id)
        for name in ("Ada Alpha", "Ben Beta", "Cleo Gamma", "Dev Delta"):
            roster.pupil(name, "7")
    return made


def answers(of: Reader, asked: list[str]) -> list[tuple[int, str, Any]]:
    found = [of.reads(f"/{one}") for one in asked]
    return [(one.status_code, one.text, one.headers.get("x-total-count")) for one in found]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(questions(), min_size=4, max_size=4), st.data())
def test_a_hidden_field_never_changes_an_answer(narrow: Reader, asked: list[str], data: st.DataObject) -> None:
    before = answers(narrow, asked)
    values: dict[str, Any] = {name: data.draw(st.sampled_from(VALUES)) for name in ("email", "upn", "mobile")}
    values |= {"sen": data.draw(st.sampled_from(("N", "K", "E"))), "fsm": data.draw(st.booleans())}
    with sessions.begin(school=narrow.school.id) as db:
        db.execute(update(Person).where(Person.given_name.in_(("Ada", "Cleo"))).values(**values))

    assert answers(narrow, asked) == before
    assert len(json.loads(narrow.reads("/students").text)["users"]) == 4
