"""Integris G2 by its web service, against a simulated one: whole, by changes, and when it does not answer."""

import contextlib
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import sessions
from app.models.roster.group import Enrolment
from app.models.roster.head import Roster
from app.models.roster.person import Person, Relation
from app.roster import difference, sources
from app.roster.incoming import COVERED, Faulty, Incoming, Row
from app.roster.sources import integris, records
from app.roster.sources.integris import Collected, Unusable, WebService
from app.settings import settings as app_settings
from tests import factories
from tests.roster.school_data import School
from tests.roster.simulated_g2 import G2, PASSWORD, USER, running

DFE_NUMBER = "8882999"


@pytest.fixture
def g2() -> Iterator[G2]:
    with running(G2(School(24))) as served:
        yield served


def collect(g2: G2, since: str = "", password: str = PASSWORD) -> Collected:
    return integris.collect(WebService(g2.address, USER, password), DFE_NUMBER, since)


def read(collected: Collected) -> Incoming:
    return sources.read("integris.json", collected.content, {})


def by_name(row: Row) -> tuple[str, ...]:
    return row["family_name"], row["given_name"], row.get("email", "")


@pytest.mark.once
def test_the_web_service_says_the_same_as_spreadsheets_of_the_school(g2: G2) -> None:
    live, reports = read(collect(g2)), sources.read("school.zip", School(24).sims(), {})
    assert live.covers == reports.covers == set(COVERED)
    assert live.is_full
    assert not live.forgiven
    theirs = {by_name(row): row for row in live.people.values()}
    assert len(theirs) == len(live.people) == len(reports.people)
    for row in reports.people.values():
        told = theirs[by_name(row)]
        apart = {"year_as_sent", "job_title", "leaves_on"}
        assert {column: told.get(column) for column in row.keys() - apart} == {
            column: row[column] for column in row.keys() - apart
        }
    assert {group["title"]: group for group in live.groups.values()} == {
        group["title"]: group for group in reports.groups.values()
    }

    def related(batch: Incoming) -> Any:
        people = batch.people
        return {(by_name(people[one]), by_name(people[two])): row for (one, two), row in batch.relations.items()}

    def placed(batch: Incoming) -> Any:
        return {(row["group"][-2:], by_name(batch.people[row["person"]])) for row in batch.enrolments.values()}

    assert related(live) == related(reports)
    assert placed(live) == placed(reports)


@pytest.mark.once
def test_it_is_asked_page_by_page(g2: G2) -> None:
    collect(g2)
    assert g2.asked[0].endswith("/g2/school")
    assert [path.rpartition("=")[2] for path in g2.asked if "/pupils" in path] == ["", "7", "14", "21"]


@pytest.mark.once
def test_who_left_is_counted_and_who_is_nowhere_is_forgiven(g2: G2) -> None:
    g2.change("pupils", "p2", leaves_on="01/09/2020")
    g2.change("pupils", "p3", contacts=[{"contact": "c999"}])
    batch = read(collect(g2))
    assert batch.left == 1
    assert "p2" not in batch.people
    assert not [one for one in batch.enrolments.values() if one["person"] == "p2"]
    assert [fault.column for fault in batch.forgiven] == ["pupils.contacts"]


def take(school: uuid.UUID, batch: Incoming) -> dict[str, dict[str, int]]:
    """Write a batch to a school's roster; what it changed."""
    with sessions.begin(school=school) as db:
        Roster.lock(db, school)
        found = difference.compare(db, school, batch, {})
        if not found.is_empty:
            difference.write(db, school, found, Roster.next_number(db, school))
        return {
            name: {how: count for how, count in table.items() if how != "unchanged" and count}
            for name, table in found.counts.items()
        }


def standing(school: uuid.UUID) -> set[tuple[object, ...]]:
    """Everybody who is there: their keys and what matters of them, and their places."""
    with sessions.begin(school=school) as db:
        people = [one for one in db.query(Person).filter_by(school_id=school) if one.gone_at is None]
        keys = {one.id: one.source_key for one in people}
        found: set[tuple[object, ...]] = {
            (one.source_key, one.given_name, one.mobile, one.pupil, one.staff_role, one.contact_role) for one in people
        }
        placed = db.query(Enrolment).filter_by(school_id=school, gone_at=None)
        found |= {(keys[one.person_id], one.source_key) for one in placed}
        related = db.query(Relation).filter_by(school_id=school, gone_at=None)
        return found | {(keys[one.pupil_id], keys[one.contact_id], one.words) for one in related}


def test_changes_since_a_token_lead_to_the_same_roster_as_everything(g2: G2) -> None:
    with sessions.begin() as db:
        school = factories.school(db).id
    first = collect(g2)
    take(school, read(first))
    assert not any(take(school, read(collect(g2))).values())

    g2.change("staff", "s7A", given_name="Theresa")
    g2.change("contacts", "c5", mobile="07700 900999")
    g2.change("pupils", "p4", given_name="Alexandra")
    g2.change("contacts", "c4")  # a pupil comes with all contacts
    g2.change("groups", "g7A", title="7 Ash", pupils=["p6", "p12"], left=["p18", "p24"])
    g2.remove("pupils", "p9")
    g2.remove("contacts", "c9")
    changed = collect(g2, first.token)
    batch = read(changed)
    assert not batch.is_full
    assert set(batch.people) == {"s7A", "c5", "p4", "c4"}
    assert "contact_role" not in batch.people["c5"], "it stays what it is"
    assert batch.gone == {"people": {"p9", "c9"}, "groups": set(), "enrolments": {"g7A/p18", "g7A/p24"}}
    done = take(school, batch)
    assert done["people"] == {"changed": 4, "gone": 2}
    assert done["groups"] == {"changed": 1}
    assert done["enrolments"]["gone"] == 3
    assert done["relations"] == {"gone": 1}
    assert not any(take(school, read(collect(g2, changed.token))).values())
    with sessions.begin() as db:
        other = factories.school(db).id
    take(other, read(collect(g2)))
    assert standing(school) == standing(other)


def test_a_teacher_who_leaves_stays_as_the_parent_who_she_is(g2: G2) -> None:
    with sessions.begin() as db:
        school = factories.school(db).id
    first = collect(g2)
    take(school, read(first))
    g2.remove("staff", "s7A")
    g2.change("groups", "g7A", left=["s7A"])
    g2.change("contacts", "s7A")
    changed = collect(g2, first.token)
    row = read(changed).people["s7A"]
    assert row["staff_role"] == ""
    take(school, read(changed))
    g2.change("contacts", "c5", mobile="07700 900998")
    assert take(school, read(collect(g2, changed.token)))["people"] == {"changed": 1}
    with sessions.begin(school=school) as db:
        held = {one.source_key: one for one in db.query(Person).filter_by(school_id=school)}
        assert (held["s7A"].staff_role, held["s7A"].contact_role) == ("", "parent")
        assert held["s7A"].gone_at is None


@pytest.mark.once
def test_a_token_that_is_too_old_gives_everything(g2: G2) -> None:
    old = collect(g2).token
    g2.forget()
    assert read(collect(g2, old)).is_full
    now = collect(g2).token
    assert not read(collect(g2, now)).is_full


@pytest.mark.once
def test_a_pupil_who_changed_without_a_contact_is_refused_lest_the_contact_is_lost(g2: G2) -> None:
    token = collect(g2).token
    g2.change("pupils", "p4", given_name="Alexandra")
    with pytest.raises(Faulty, match="taken in") as caught:
        read(collect(g2, token))
    assert (caught.value.faults[0].line, caught.value.faults[0].column) == (1, "pupils.contacts")
    g2.change("contacts", "c4")
    assert read(collect(g2, token)).people["p4"]["given_name"] == "Alexandra"


@pytest.mark.once
@pytest.mark.parametrize(
    ("path", "status", "body", "words"),
    [
        ("school", 403, b"", "web services switched off"),
        ("pupils", 503, b"", "not available"),
        ("pupils", 500, b"", "an error \\(500\\)"),
        ("staff", 302, b"", "an error \\(302\\)"),
        ("staff", 404, b"", "no web service"),
        ("groups", 200, b"<html>", "not understood"),
        ("groups", 200, b'{"records": [1]}', "not understood"),
        ("contacts", 200, b'{"records": [], "next": "1"}', "without an end"),
    ],
)
def test_a_service_that_is_of_no_use_says_why(g2: G2, path: str, status: int, body: bytes, words: str) -> None:
    g2.answers[path] = status, body
    with pytest.raises(Unusable, match=words):
        collect(g2)
    del g2.answers[path]
    assert read(collect(g2)).people


@pytest.mark.once
def test_a_wrong_password_and_another_schools_account_are_told_and_nothing_secret_is(g2: G2) -> None:
    with pytest.raises(Unusable, match="user ID or the password") as wrong:
        collect(g2, password="jan1-jan1")
    assert "jan1" not in str(wrong.value)
    g2.dfe_number = "888/3000"
    with pytest.raises(Unusable, match="another school"):
        collect(g2)
    g2.dfe_number = "888 2999"
    assert read(collect(g2)).people


@pytest.mark.once
def test_an_address_within_a_network_is_never_asked(g2: G2, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unusable, match="cannot be reached"):
        integris.collect(WebService("http://10.0.0.1/g2", USER, PASSWORD), DFE_NUMBER)
    monkeypatch.setattr(app_settings, "environment", "production")
    with pytest.raises(Unusable, match="https"):
        collect(g2)
    assert not g2.asked
    monkeypatch.undo()
    assert read(collect(g2)).people


GOOD: dict[str, Any] = {
    "source": "integris",
    "is_full": True,
    "pupils": [{"id": "p1", "given_name": "Ada", "family_name": "Lovelace", "contacts": [{"contact": "c1"}]}],
    "staff": [{"id": "s1", "given_name": "Tess", "family_name": "Teacher"}],
    "contacts": [{"id": "c1", "given_name": "Mary"}, {"id": "s1", "given_name": "Tess"}],
    "groups": [{"id": "g1", "title": "7A", "pupils": ["p1"], "teachers": ["s1"]}],
    "gone": {},
}


def document(**changed: Any) -> bytes:
    return json.dumps(GOOD | changed, separators=(",", ":")).encode()


@pytest.mark.once
@pytest.mark.parametrize(
    ("changed", "line", "column"),
    [
        ({"pupils": [{"id": "p1"}, {"id": "p1"}]}, 2, "pupils.id"),
        ({"pupils": [{"given_name": "Ada"}]}, 1, "pupils.id"),
        ({"pupils": [{"id": "p1", "given_name": "A\x00"}]}, 1, "pupils.given_name"),
        ({"staff": [{"id": "s1", "family_name": "x" * 2000}]}, 1, "staff.family_name"),
        ({"groups": [{"id": "g1", "title": "a"}, {"id": "g1", "title": "b"}]}, 2, "groups.id"),
        ({"groups": "none"}, 0, "groups"),
    ],
)
def test_a_record_that_cannot_be_is_told_with_its_list_and_place(changed: Any, line: int, column: str) -> None:
    with pytest.raises(Faulty) as caught:
        records.read("integris.json", document(**changed))
    assert (caught.value.faults[0].line, caught.value.faults[0].column) == (line, column)
    batch = records.read("integris.json", document())
    assert batch.people["s1"]["staff_role"]
    assert batch.people["s1"]["contact_role"] == "relative"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
@pytest.mark.once
def test_a_damaged_document_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    content = bytearray(document())
    start = data.draw(st.integers(0, len(content)))
    pieces = st.sampled_from([b'"p1"', b'"c1"', b"null", b"[]", b"{}", b"\\ud800", b"-1", b"1e999", b'"id":"c1",'])
    content[start : start + data.draw(st.integers(0, 12))] = data.draw(st.one_of(st.binary(max_size=8), pieces))
    with contextlib.suppress(Faulty):
        assert records.read("integris.json", bytes(content)).source == "integris"
