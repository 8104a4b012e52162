"""changedRows of the Groupcall-style API: the exact difference since an app last read a list."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.db import sessions
from app.models.authorisation import Authorisation
from app.models.base import ahead, now
from app.models.roster.person import Person, Relation
from app.models.snapshot import Snapshot
from tests.roster.api import change
from tests.roster.groupcall import Old, joined, refusal
from tests.roster.test_oneroster_people import a_school, fill


@pytest.fixture
def old(client: TestClient) -> Old:
    made = joined(client)
    fill(made.reader, a_school)
    return made


def begins(of: Old, listing: str = "Students", beside: str = "") -> str:
    """The cursor of an app that has read the whole list."""
    return cursor(of.reads(listing, f"?changedRows=*{beside}"))


def cursor(told: dict[str, Any]) -> str:
    (found,) = told["__changedRows__"]
    assert set(found) == {"NextChangedRows", "NextUrl"}
    return str(found["NextChangedRows"])


def names(told: dict[str, Any], listing: str = "Students") -> set[str]:
    return {one.get("Forename") or one["Name"] for one in told[listing]}


def edits(of: Old, name: str, **columns: Any) -> None:
    fill(of.reader, lambda made: made.edit(Person, "given_name", name, **columns))


def test_it_begins_with_everybody_and_then_tells_what_is_different(old: Old) -> None:
    ids = old.ids("Students")
    first = old.reads("Students", "?changedRows=*")
    assert names(first) == {"Ada", "Bob"} and first["Students_deleted"] == []

    edits(old, "Ada", year="8", changed_at=now())
    edits(old, "Bob", gone_at=now())
    fill(old.reader, lambda made: made.pupil("Cy"))
    second = old.reads("Students", f"?changedRows={cursor(first)}")

    assert names(second) == {"Ada", "Cy"}
    assert second["Students_deleted"] == [{"Id": ids["Bob"]}]
    assert second["__pagination__"][0]["RowCount"] == 2
    third = old.reads("Students", f"?changedRows={cursor(second)}")
    assert third["Students"] == third["Students_deleted"] == []


def test_the_same_cursor_twice_tells_the_same(old: Old) -> None:
    start = begins(old)
    edits(old, "Ada", year="8", changed_at=now())

    once, again = (old.reads("Students", f"?changedRows={start}") for _ in range(2))

    assert once == again and names(once) == {"Ada"}


def test_what_changed_and_changed_back_is_no_change(old: Old) -> None:
    start = begins(old)
    at = old.rows("Students")[0]["LastUpdated"]
    edits(old, "Ada", family_name="Byron")
    edits(old, "Ada", family_name="Lovelace")

    told = old.reads("Students", f"?changedRows={start}")

    assert told["Students"] == [] and old.rows("Students")[0]["LastUpdated"] == at
    edits(old, "Ada", family_name="Byron")
    assert names(old.reads("Students", f"?changedRows={cursor(told)}")) == {"Ada"}


def test_a_change_of_what_the_list_does_not_show_is_none(client: TestClient) -> None:
    old = joined(client, scopes=("students",))
    fill(old.reader, a_school)
    start = begins(old)
    edits(old, "Ada", upn="B123456789012", email="new@school.example")
    fill(old.reader, lambda made: made.staff("New Teacher"))

    told = old.reads("Students", f"?changedRows={start}")

    assert told["Students"] == told["Students_deleted"] == []
    edits(old, "Ada", year="9")
    assert names(old.reads("Students", f"?changedRows={cursor(told)}")) == {"Ada"}


def test_whoever_may_no_longer_be_seen_is_told_as_deleted(client: TestClient, fresh: None) -> None:
    old = joined(client)
    made: dict[str, int] = fill(old.reader, a_school)
    ids, start = old.ids("Students"), begins(old)

    fill(old.reader, lambda roster: roster.exclude(made["bob"], old.reader.admin.id))
    told = old.reads("Students", f"?changedRows={start}")
    assert told["Students_deleted"] == [{"Id": ids["Bob"]}] and told["Students"] == []
    change(Authorisation, old.reader.authorisation.id, years=["8"])
    told = old.reads("Students", f"?changedRows={cursor(told)}")
    assert told["Students_deleted"] == [{"Id": ids["Ada"]}] and told["Students"] == []
    change(Authorisation, old.reader.authorisation.id, years=None)
    assert names(old.reads("Students", f"?changedRows={cursor(told)}")) == {"Ada"}


def test_a_contact_whom_a_court_order_keeps_away_is_told_as_deleted(client: TestClient) -> None:
    old = joined(client)
    fill(old.reader, a_school)
    contact, relation = old.rows("Contacts")[0]["Id"], old.rows("StudentContacts")[0]["Id"]
    contacts, relations = begins(old, "Contacts"), begins(old, "StudentContacts")

    fill(old.reader, lambda made: made.edit(Relation, "words", "Mother", court_order=True))

    told = old.reads("Contacts", f"?changedRows={contacts}")
    assert told["Contacts"] == [] and told["Contacts_deleted"] == [{"Id": contact}]
    told = old.reads("StudentContacts", f"?changedRows={relations}")
    assert told["StudentContacts_deleted"] == [{"Id": relation}]
    assert names(old.reads("Students", "?changedRows=*")) == {"Ada", "Bob"}


def test_a_scope_that_is_new_or_gone_changes_every_row(client: TestClient, fresh: None) -> None:
    old = joined(client)
    fill(old.reader, a_school)
    change(Authorisation, old.reader.authorisation.id, scopes=["students"])
    start = begins(old)

    change(Authorisation, old.reader.authorisation.id, scopes=["students", "students.contact"])
    told = old.reads("Students", f"?changedRows={start}")

    assert names(told) == {"Ada", "Bob"} and all("Email" in one for one in told["Students"])
    assert old.reads("Students", f"?changedRows={cursor(told)}")["Students"] == []


def test_pages_of_a_change_set_are_of_one_moment(client: TestClient) -> None:
    old = joined(client, scopes=("students",))
    fill(old.reader, lambda made: [made.pupil(f"Pupil{at}") for at in range(7)])

    def walked(query: str, between: bool = False) -> tuple[list[str], str]:
        seen: list[str] = []
        for at in range(10):
            told = old.reads("Students", query)
            seen += [one["Forename"] for one in told["Students"]]
            if between and at == 0:
                fill(old.reader, lambda made: made.pupil("Late"))
            if not told["__pagination__"][0]["NextPage"]:
                break
            query = told["__changedRows__"][0]["NextUrl"]
        return seen, cursor(told)

    seen, start = walked("?changedRows=*&pageSize=3", between=True)

    assert sorted(seen) == [f"Pupil{at}" for at in range(7)]
    seen, start = walked(f"?changedRows={start}&pageSize=3")
    assert seen == ["Late"]
    assert walked(f"?changedRows={start}&pageSize=3")[0] == []


def test_a_client_that_only_counts_pages_up_stays_with_its_first_page(client: TestClient) -> None:
    old = joined(client, scopes=("students",))
    fill(old.reader, lambda made: [made.pupil(f"Pupil{at}") for at in range(5)])

    first = old.reads("Students", "?changedRows=*&pageSize=3")
    fill(old.reader, lambda made: made.pupil("Late"))
    second = old.reads("Students", "?changedRows=*&pageSize=3&page=2")

    assert cursor(first) == cursor(second)
    assert sorted(names(first) | names(second)) == [f"Pupil{at}" for at in range(5)]
    assert names(old.reads("Students", f"?changedRows={cursor(second)}")) == {"Late"}


def test_a_group_comes_with_all_of_its_members_when_one_is_new(old: Old) -> None:
    beside = "&options=includeStudentMembers"
    start = begins(old, "Groups", beside)
    assert old.reads("Groups", f"?changedRows={start}{beside}")["Groups"] == []

    edits(old, "Ada", gone_at=now())
    told = old.reads("Groups", f"?changedRows={start}{beside}")

    assert names(told, "Groups") == {"7A/Ma"} and told["Groups_deleted"] == told["StudentMembers_deleted"] == []
    assert [one["StudentId"] for one in told["StudentMembers"]] == [old.ids("Students")["Bob"]]


def test_every_list_has_changes(old: Old) -> None:
    for listing in ("SchoolInfo", "Staff", "Contacts", "StudentContacts", "Groups", "YearGroups", "RegistrationGroups"):
        first = old.reads(listing, "?changedRows=*")
        assert first[listing] == old.rows(listing)
        assert old.reads(listing, f"?changedRows={cursor(first)}")[listing] == []


def test_a_cursor_of_something_else_says_how_to_begin_again(client: TestClient, old: Old) -> None:
    elsewhere = joined(client, 100002, app=old.reader.app)
    fill(elsewhere.reader, a_school)
    stranger = joined(client, school=old.reader.school)
    mine = begins(old)
    wrong = [begins(elsewhere), begins(stranger), begins(old, "Staff"), begins(old, beside="&select=Forename")]
    by_type = begins(old, "Groups", "&type=RegGrp")
    assert refusal(old.gets(f"School/{old.estab}/Groups?changedRows={by_type}")) == (400, "BadRequest")

    for query in (*wrong, mine[:-2], "0", "2026-01-01", "%00", "é"):
        answer = old.gets(f"School/{old.estab}/Students?changedRows={query}")
        assert refusal(answer) == (400, "BadRequest") and "changedRows=*" in answer.json()["ExceptionMessage"]
    assert old.reads("Students", f"?changedRows={mine}")["Students"] == []


def test_a_cursor_whose_snapshot_is_forgotten_says_how_to_begin_again(old: Old) -> None:
    start = begins(old)
    with sessions.begin() as db:
        assert Snapshot.forget(db, ahead(60)) == 1

    answer = old.gets(f"School/{old.estab}/Students?changedRows={start}")

    assert refusal(answer) == (400, "BadRequest") and "changedRows=*" in answer.json()["ExceptionMessage"]
    assert old.reads("Students", f"?changedRows={begins(old)}")["Students"] == []


def test_a_snapshot_holds_digests_and_nothing_of_anybody(old: Old) -> None:
    begins(old)
    with sessions.read() as db:
        (kept,) = db.query(Snapshot)

    assert set(kept.rows) == set(old.ids("Students").values())
    assert all(len(digest) == 16 for digest in kept.rows.values())


def test_a_list_that_is_read_again_and_again_keeps_one_snapshot(old: Old) -> None:
    start = begins(old)
    for _ in range(5):
        begins(old)
        start = cursor(old.reads("Students", f"?changedRows={start}"))
    fill(old.reader, lambda made: made.staff("New Teacher"))
    old.reads("Students", f"?changedRows={start}")

    with sessions.read() as db:
        assert db.query(Snapshot).count() == 1
    edits(old, "Ada", year="8")
    old.reads("Students", f"?changedRows={start}")
    with sessions.read() as db:
        assert db.query(Snapshot).count() == 2
