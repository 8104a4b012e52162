"""The demo's schools have people, so that whoever tries an app has something to read."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app import samples
from app.db import sessions
from app.directory import gias
from app.models.roster import changes
from app.models.roster.head import Roster
from app.models.school import UNVERIFIED, VERIFIED, School
from app.roster import difference, quality
from app.samples import rosters
from app.settings import ROOT, settings
from tests.roster.api import reader


@pytest.fixture
def seeded() -> list[School]:
    gias.import_files(ROOT / "seed/edubase_sample.csv", links=Path(ROOT / "seed/edubase_sample_links.csv"))
    with sessions.begin() as db:
        samples.seed(db)
    samples.seed_rosters()
    with sessions.read() as db:
        return [db.get_one(School, samples._id(key)) for key in ("oak", "elm", "ash")]


def people(school: School) -> int:
    with sessions.read(school=school.id) as db:
        return len(changes.held(db, school.id, "people"))


def test_both_verified_schools_have_a_roster_and_seeding_again_adds_nothing(seeded: list[School]) -> None:
    oak, elm, ash = seeded
    assert (oak.status, elm.status, ash.status) == (VERIFIED, VERIFIED, UNVERIFIED)
    before = [people(school) for school in seeded]
    assert before[0] > 250 and before[1] > 250 and before[2] == 0

    samples.seed_rosters()

    assert [people(school) for school in seeded] == before


@pytest.mark.parametrize(("first_year", "years", "pupils"), [(7, 5, 120), (0, 7, 168)])
def test_what_is_invented_is_whole_and_always_the_same(first_year: int, years: int, pupils: int) -> None:
    made = rosters.invented(first_year, years)
    assert made == rosters.invented(first_year, years)
    assert sum(bool(row.get("pupil")) for row in made.people.values()) == pupils
    assert {place["person"] for place in made.enrolments.values()} <= made.people.keys()
    codes = {problem["code"] for problem in quality.report(made)}
    assert not codes & {
        "upn_wrong",
        "upn_twice",
        "pupil_without_upn",
        "year_unknown",
        "pupil_without_group",
        "name_missing",
    }


def test_an_app_reads_what_its_scopes_open_of_a_demo_school(server: ASGIApp) -> None:
    of = reader(TestClient(server, base_url=settings.issuer), scopes=("school", "students", "groups"))
    with sessions.begin(school=of.school.id) as db:
        found = difference.compare(db, of.school.id, rosters.invented(7, 1), {})
        difference.write(db, of.school.id, found, Roster.next_number(db, of.school.id))
    answer = of.reads("/students?limit=100")
    assert answer.status_code == 200, answer.text
    students = answer.json()["users"]
    assert len(students) == 24 and {tuple(one["grades"]) for one in students} == {("7",)}
    assert {one["classType"] for one in of.reads("/classes").json()["classes"]} == {"homeroom", "scheduled"}
