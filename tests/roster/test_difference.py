"""A batch against the roster that is there: added, changed, gone, and what stays."""

import datetime as dt
from typing import Any

import pytest

from app.db import sessions
from app.models.roster import changes
from app.models.roster.exclusion import Exclusion
from app.models.roster.head import Roster
from app.models.roster.person import Person
from app.roster import difference
from app.roster.difference import Difference
from app.roster.incoming import CONTACTS, COVERED, GROUPS, PUPILS, STAFF, Faulty, Incoming
from tests import factories

Row = dict[str, Any]
BORN = dt.date(2014, 12, 10)


def pupil(name: str, **columns: Any) -> Row:
    given, _, family = name.partition(" ")
    return {"pupil": True, "given_name": given, "family_name": family or "Pupil", "year": "7"} | columns


def whole() -> Incoming:
    """Two pupils, a teacher, a mother of both, a class and its course and term."""
    batch = Incoming("oneroster", frozenset(COVERED))
    batch.people = {
        "p1": pupil("Ada Lovelace", upn="A1", birth_date=BORN),
        "p2": pupil("Bob Smith", upn="B2"),
        "t1": {"staff_role": "teacher", "given_name": "Tess", "family_name": "Teacher"},
        "c1": {"contact_role": "parent", "given_name": "Mary", "family_name": "Lovelace"},
    }
    batch.relations = {("p1", "c1"): {"words": "Mother", "priority": 1}, ("p2", "c1"): {"words": "Aunt"}}
    days = {"starts_on": dt.date(2026, 9, 1), "ends_on": dt.date(2027, 7, 21)}
    batch.sessions = {
        "term": {"title": "Autumn", "kind": "term", "school_year": 2027, "parent": "year"} | days,
        "year": {"title": "2026", "kind": "schoolYear", "school_year": 2027, "parent": None} | days,
    }
    batch.courses = {"ma": {"title": "Mathematics", "session": "year"}}
    batch.groups = {"7a": {"title": "7A/Ma", "course": "ma", "sessions": ["term"], "subjects": ["Mathematics"]}}
    batch.enrolments = {
        "e1": {"group": "7a", "person": "p1", "role": "student"},
        "e2": {"group": "7a", "person": "p2", "role": "student"},
        "e3": {"group": "7a", "person": "t1", "role": "teacher", "is_primary": True},
    }
    return batch


class School:
    def __init__(self) -> None:
        with sessions.begin() as db:
            made = factories.school(db)
            self.id, self.admin = made.id, factories.admin(db, made).id

    def takes(self, batch: Incoming, **answers: Any) -> Difference:
        with sessions.begin(school=self.id) as db:
            Roster.lock(db, self.id)
            found = difference.compare(db, self.id, batch, answers)
            if not found.is_empty:
                difference.write(db, self.id, found, Roster.next_number(db, self.id))
            return found

    def people(self) -> dict[str, Person]:
        """Those who are there, by source key."""
        with sessions.read(school=self.id) as db:
            return {one.source_key: one for one in db.query(Person).filter_by(school_id=self.id, gone_at=None)}

    def count(self, table: str) -> int:
        with sessions.read(school=self.id) as db:
            rows = changes.held_relations(db, self.id) if table == "relations" else changes.held(db, self.id, table)
            return sum(row[2 if table == "relations" else 3] is None for row in rows)

    def counts(self) -> dict[str, int]:
        return {name: self.count(name) for name in changes.TABLES}


@pytest.fixture
def school() -> School:
    return School()


FULL = {"people": 4, "relations": 2, "sessions": 2, "courses": 1, "groups": 1, "enrolments": 3}


def told(found: Difference, name: str) -> tuple[int, int, int, int]:
    counts = found.counts[name]
    return counts["added"], counts["changed"], counts["gone"], counts["unchanged"]


def test_a_first_batch_is_there_whole_and_a_second_changes_nothing(school: School) -> None:
    first = school.takes(whole())
    assert {name: table["added"] for name, table in first.counts.items()} == FULL == school.counts()
    assert first.people == 4

    second = school.takes(whole())

    assert second.is_empty
    assert {name: table["unchanged"] for name, table in second.counts.items()} == FULL


def test_only_what_differs_is_written(school: School) -> None:
    school.takes(whole())
    before = school.people()
    batch = whole()
    batch.people["p1"]["family_name"] = "King"
    batch.relations["p1", "c1"]["priority"] = 2
    batch.enrolments["e1"]["ends_on"] = dt.date(2026, 12, 1)

    found = school.takes(batch)

    assert told(found, "people") == (0, 1, 0, 3)
    assert told(found, "relations") == (0, 1, 0, 1)
    assert told(found, "enrolments") == (0, 1, 0, 2)
    after = school.people()
    assert after["p1"].family_name == "King"
    assert {key: one.id for key, one in after.items()} == {key: one.id for key, one in before.items()}
    assert after["p1"].number == before["p1"].number + 1
    assert after["p2"].number == before["p2"].number


def test_whoever_is_not_in_a_full_batch_has_left_with_all_that_is_theirs_and_may_return(school: School) -> None:
    school.takes(whole())
    before = school.people()
    batch = whole()
    del batch.people["p2"], batch.enrolments["e2"], batch.relations["p2", "c1"]

    found = school.takes(batch)

    assert told(found, "people") == (0, 0, 1, 3)
    assert (found.before, found.leaving) == (
        {PUPILS: 2, STAFF: 1, CONTACTS: 1},
        {PUPILS: 1, STAFF: 0, CONTACTS: 0},
    )
    assert school.counts() == FULL | {"people": 3, "relations": 1, "enrolments": 2}
    back = school.takes(whole())
    assert told(back, "people") == (1, 0, 0, 3)
    assert school.counts() == FULL
    assert school.people()["p2"].id == before["p2"].id


def test_a_source_that_says_nothing_of_staff_lets_staff_be(school: School) -> None:
    school.takes(whole())
    batch = Incoming("spreadsheet", frozenset({PUPILS}))
    batch.people = {"p1": pupil("Ada Lovelace", upn="A1", birth_date=BORN)}

    found = school.takes(batch)

    assert set(school.people()) == {"p1", "t1", "c1"}
    assert told(found, "groups") == (0, 0, 0, 1)
    assert school.count("enrolments") == 2  # that of the pupil who left is gone with him


def test_a_delta_changes_what_it_names_and_nothing_else(school: School) -> None:
    school.takes(whole())
    batch = Incoming("oneroster", frozenset(COVERED), is_full=False)
    batch.people = {"p3": pupil("Cy Jones"), "p1": pupil("Ada King", upn="A1", birth_date=BORN)}
    batch.relations = {("p1", "c1"): {"words": "Mother", "priority": 1}}
    batch.enrolments = {"e4": {"group": "7a", "person": "p3", "role": "student"}}
    batch.gone = {"people": {"p2"}, "enrolments": {"e3", "unknown"}}

    found = school.takes(batch)

    assert set(school.people()) == {"p1", "p3", "t1", "c1"}
    assert told(found, "people")[:3] == (1, 1, 1)
    assert school.count("enrolments") == 2
    assert school.count("relations") == 1
    assert school.takes(batch).is_empty


def test_people_keep_their_ids_and_exclusions_when_the_system_changes(school: School) -> None:
    school.takes(whole())
    before = {one.given_name: one.id for one in school.people().values()}
    with sessions.begin(school=school.id) as db:
        made = {"school_id": school.id, "person_id": before["Ada"], "reason": "protected", "made_by": school.admin}
        db.add(Exclusion(**made))
    batch = Incoming("spreadsheet", frozenset({PUPILS, STAFF, CONTACTS}))
    batch.people = {
        "adno/1": pupil("Ada King", upn="A1"),
        "adno/2": pupil("Bob Smith", upn="B2"),
        "staff/TT": {"staff_role": "teacher", "given_name": "Tess", "family_name": "Teacher", "trn": "1234567"},
        "adno/3": pupil("New Pupil", upn="C3"),
    }

    found = school.takes(batch, **{"staff/TT": str(before["Tess"])})

    after = {one.given_name: one.id for one in school.people().values()}
    assert {after[name] == before[name] for name in ("Ada", "Bob", "Tess")} == {True}
    assert told(found, "people") == (1, 3, 1, 0)
    with sessions.read(school=school.id) as db:
        assert [one.person_id for one in Exclusion.standing(db, school.id)] == [before["Ada"]]


def test_whoever_may_be_somebody_known_is_asked_about(school: School) -> None:
    school.takes(whole())
    batch = Incoming("spreadsheet", frozenset({STAFF}))
    batch.people = {"staff/TT": {"staff_role": "teacher", "given_name": "Tess", "family_name": "Teacher"}}

    with sessions.begin(school=school.id) as db:
        doubts = difference.compare(db, school.id, batch, {}).doubts
        tess = next(one.id for one in db.query(Person).filter_by(source_key="t1"))
        answered = difference.compare(db, school.id, batch, {"staff/TT": "new"})

    assert [(doubt.key, doubt.candidates) for doubt in doubts] == [("staff/TT", (tess,))]
    assert (answered.doubts, told(answered, "people")[0]) == ([], 1)


def test_an_answer_cannot_name_somebody_who_is_not_in_question(school: School) -> None:
    school.takes(whole())
    ada = school.people()["p1"].id
    batch = whole()
    batch.people["p9"] = pupil("Stranger")

    school.takes(batch, p9=str(ada))

    assert school.people()["p9"].id != ada
    assert school.people()["p1"].id == ada


def test_a_pupil_who_moves_up_leaves_the_year_before_behind(school: School) -> None:
    school.takes(whole())
    batch = whole()
    batch.people["p1"]["year"] = "8"

    school.takes(batch)

    ada = school.people()["p1"]
    assert (ada.year, ada.year_before) == ("8", "7")
    assert ada.year_changed_at


@pytest.mark.parametrize(
    ("where", "row"),
    [
        ("enrolments", {"group": "nowhere", "person": "p1", "role": "student"}),
        ("enrolments", {"group": "7a", "person": "nobody", "role": "student"}),
        ("groups", {"title": "X", "course": "nothing", "sessions": []}),
        ("groups", {"title": "X", "course": "ma", "sessions": ["never"]}),
    ],
)
def test_what_names_nothing_is_told_and_nothing_is_stored(school: School, where: str, row: Row) -> None:
    batch = whole()
    getattr(batch, where)["wrong"] = row

    with pytest.raises(Faulty) as refused:
        school.takes(batch)

    assert "neither in these files nor" in refused.value.faults[0].reason
    assert set(school.counts().values()) == {0}
    school.takes(whole())
    assert school.counts() == FULL


def test_groups_go_with_a_full_batch_that_covers_them(school: School) -> None:
    school.takes(whole())
    batch = whole()
    batch.groups, batch.courses, batch.enrolments = {}, {}, {}

    found = school.takes(batch)

    assert school.counts() == FULL | {"groups": 0, "courses": 0, "enrolments": 0}
    assert told(found, "groups") == (0, 0, 1, 0)
    assert GROUPS in batch.covers
