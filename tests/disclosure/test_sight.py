"""Whom one app may see of one school."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from app.db import Session, sessions
from app.disclosure import records
from app.disclosure import sight as policy
from app.models.authorisation import Authorisation
from app.models.base import now, today
from app.models.roster import sight as rows
from app.models.roster.person import Person
from app.models.roster.sight import CONTACT, STAFF
from app.models.school import VERIFIED
from app.models.scope import SCOPES
from tests import factories
from tests.roster.small import SmallRoster

EVERYTHING = tuple(name for name, scope in SCOPES.items() if not scope.identity)


class World:
    """One verified school, one app that it authorised, and one more app of somebody else."""

    def __init__(self) -> None:
        with sessions.begin() as db:
            school = factories.school(db, status=VERIFIED)
            self.admin = factories.admin(db, school).id
            self.school = school.id
            self.app = factories.app(db, scopes=EVERYTHING)[0].id
            self.other_app = factories.app(db, scopes=EVERYTHING)[0].id

    def roster(self, build: Callable[[SmallRoster], Any]) -> Any:
        with sessions.begin(school=self.school) as db:
            return build(SmallRoster(db, self.school))

    def authorisation(self, scopes: list[str], years: list[str] | None = None) -> Authorisation:
        return Authorisation(school_id=self.school, app_id=self.app, scopes=scopes, years=years)

    def look(self, scopes: list[str], years: list[str] | None = None) -> "Look":
        with sessions.read(school=self.school) as db:
            sight = policy.sight(self.authorisation(scopes, years))
            return Look(db, sight, policy.standing(db, sight))


class Look:
    def __init__(self, db: Session, sight: policy.Sight, standing: policy.Standing) -> None:
        self.people = records.people(db, sight, standing, list(standing.people))
        self.names = {record["given_name"] for record in self.people if "given_name" in record}
        self.groups = {one["title"] for one in records.groups(db, sight, standing, list(standing.groups(db)))}
        places = records.enrolments(db, sight, standing, list(standing.enrolments(db)))
        self.places = {(one["person_id"], one["role"]) for one in places}
        self.contacts = records.contacts(db, sight, standing, standing.pupils)


@pytest.fixture
def world() -> World:
    return World()


def test_without_a_scope_for_people_nobody_is_seen(world: World) -> None:
    world.roster(lambda made: made.pupil("Ada"))

    look = world.look(["school", "groups"])

    assert (look.people, look.places) == ([], set())
    assert world.look(["school", "students"]).names == {"Ada"}


def test_each_kind_of_person_is_seen_by_scopes_of_its_own(world: World) -> None:
    def build(made: SmallRoster) -> None:
        ada = made.pupil("Ada")
        made.staff("Tess")
        made.contact("Mum", ada)

    world.roster(build)

    assert world.look(["students"]).names == {"Ada"}
    assert world.look(["staff"]).names == {"Tess"}
    assert world.look(["contacts"]).names == {"Mum"}
    assert world.look(["students", "staff", "contacts"]).names == {"Ada", "Tess", "Mum"}


def test_year_groups_leave_out_other_pupils_with_their_contacts_and_groups(world: World) -> None:
    def build(made: SmallRoster) -> None:
        ada, bob, cy = made.pupil("Ada", "7"), made.pupil("Bob", "8"), made.pupil("Cy", "")
        tess = made.staff("Tess")
        made.contact("AdasMum", ada)
        made.contact("BobsMum", bob)
        made.contact("Both", ada, bob)
        made.group("7A", ada, teachers=(tess,))
        made.group("8B", bob, cy, teachers=(tess,))
        made.group("Mixed", ada, bob)
        made.group("Empty", teachers=(tess,))

    world.roster(build)
    scopes = ["students", "contacts", "staff", "groups"]

    look = world.look(scopes, ["7"])

    assert look.names == {"Ada", "AdasMum", "Both", "Tess"}
    assert look.groups == {"7A", "Mixed", "Empty"}
    assert len(look.places) == 2
    assert world.look(scopes).names == {"Ada", "Bob", "Cy", "AdasMum", "BobsMum", "Both", "Tess"}
    assert world.look(scopes, []).names == {"Tess"}


def test_excluded_people_are_kept_from_the_app_or_from_every_app(world: World) -> None:
    def build(made: SmallRoster) -> None:
        ada, bob, cy = made.pupil("Ada"), made.pupil("Bob"), made.pupil("Cy")
        made.contact("AdasMum", ada)
        made.group("Only Ada", ada)
        made.group("All", ada, bob, cy)
        made.exclude(ada, world.admin)
        made.exclude(bob, world.admin, world.app)
        made.exclude(cy, world.admin, world.other_app)

    world.roster(build)

    look = world.look(["students", "contacts", "groups"])

    assert look.names == {"Cy"}
    assert look.groups == {"All"}
    assert len(look.places) == 1


def test_a_court_order_keeps_the_contact_from_that_pupil_only(world: World) -> None:
    def build(made: SmallRoster) -> tuple[int, int, int]:
        ada, bob = made.pupil("Ada"), made.pupil("Bob")
        dad = made.contact("Dad", ada, court_order=True)
        made.relation(bob, dad)
        made.contact("Barred", ada, court_order=True)
        return ada, bob, dad

    ada, bob, dad = world.roster(build)

    look = world.look(["students", "contacts"])

    assert look.names == {"Ada", "Bob", "Dad"}
    assert ada not in look.contacts
    assert [one["id"] for one in look.contacts[bob]] == [dad]


def test_whoever_left_is_not_seen_from_the_day_after(world: World) -> None:
    day = dt.timedelta(days=1)

    def build(made: SmallRoster) -> None:
        made.pupil("Gone", gone_at=now())
        made.pupil("Left", leaves_on=today() - day)
        made.pupil("Lastday", leaves_on=today())
        made.pupil("Starts", starts_on=today() + day)

    world.roster(build)

    assert world.look(["students"]).names == {"Lastday", "Starts"}


def test_a_teacher_whose_child_is_here_shows_as_each_only_what_that_opens(world: World) -> None:
    def build(made: SmallRoster) -> int:
        ada = made.pupil("Ada")
        return made.contact("Tess", ada, staff_role="teacher", email="tess@home.example", trn="1234567")

    tess = world.roster(build)

    def seen(*scopes: str) -> dict[str, Any]:
        return next((one for one in world.look(list(scopes)).people if one["id"] == tess), {})

    assert set(seen("staff")) & {"email", "trn"} == set()
    assert seen("staff")["kinds"] == STAFF
    assert seen("contacts", "contacts.contact")["email"] == "tess@home.example"
    assert "trn" not in seen("contacts", "contacts.contact", "staff")
    assert seen("contacts", "staff")["kinds"] == STAFF | CONTACT
    assert seen("staff.trn")["trn"] == "1234567"


@pytest.mark.parametrize("name", [name for name in EVERYTHING if name not in ("school", "groups")])
def test_a_scope_opens_exactly_its_fields(world: World, name: str) -> None:
    def build(made: SmallRoster) -> None:
        ada = made.pupil("Ada")
        made.staff("Tess")
        made.contact("Mum", ada)

    world.roster(build)
    scope = SCOPES[name]

    look = world.look([name])

    assert len(look.people) == 1
    opened = {*scope.fields} - {*records.OF_RELATIONS}
    assert set(look.people[0]) == {"id", "kinds", "changed_at"} | opened
    related = [set(one) for found in look.contacts.values() for one in found]
    expected = {"id", "changed_at"} | ({*scope.fields} & {*records.OF_RELATIONS})
    assert all(one == expected for one in related)
    assert bool(related) == (scope.record == "contacts")


def test_a_token_with_fewer_scopes_sees_less(world: World) -> None:
    world.roster(lambda made: made.pupil("Ada", upn="A123"))
    given = world.authorisation(["students", "students.upn"])

    with sessions.read(school=world.school) as db:
        narrow = policy.sight(given, ["students", "staff"])
        found = records.people(db, narrow, policy.standing(db, narrow), list(policy.standing(db, narrow).people))

    assert [set(one) & {"given_name", "upn"} for one in found] == [{"given_name"}]


def test_what_changes_is_seen_at_once(world: World) -> None:
    ada = world.roster(lambda made: made.pupil("Ada"))
    assert world.look(["students"]).names == {"Ada"}

    world.roster(lambda made: made.exclude(ada, world.admin))
    assert world.look(["students"]).names == set()

    world.roster(lambda made: made.pupil("Bob"))
    assert world.look(["students"]).names == {"Bob"}


def test_another_schools_rows_are_never_among_them(world: World) -> None:
    with sessions.begin() as db:
        elsewhere = factories.school(db, 100002, status=VERIFIED).id
    with sessions.begin(school=elsewhere) as db:
        foreign = SmallRoster(db, elsewhere).pupil("Foreign")
    own = world.roster(lambda made: made.pupil("Ada"))

    with sessions.read(school=world.school) as db:
        sight = policy.sight(world.authorisation(["students"]))
        standing = policy.standing(db, sight)
        assert records.people(db, sight, standing, [foreign]) == []
        assert rows.rows(db, Person, world.school, ("given_name",), [foreign, own]).keys() == {own}
        assert [one["given_name"] for one in records.people(db, sight, standing, [own])] == ["Ada"]


class TestTraces:
    """Of people whom an app could see, and cannot any more."""

    def departed(self, world: World, years: list[str] | None = None, since: dt.datetime | None = None) -> set[int]:
        with sessions.read(school=world.school) as db:
            given_at = since or now() - dt.timedelta(days=30)
            return {row[0] for row in rows.departed(db, world.school, world.app, years, given_at)}

    def test_leavers_and_excluded_people_leave_a_trace(self, world: World) -> None:
        long_ago = now() - dt.timedelta(days=20)

        def build(made: SmallRoster) -> list[int]:
            gone = made.pupil("Gone", gone_at=now())
            left = made.pupil("Left", leaves_on=today() - dt.timedelta(days=1), arrived_at=long_ago)
            hidden = made.pupil("Hidden")
            made.exclude(hidden, world.admin)
            made.pupil("Here")
            return [gone, left, hidden]

        expected = set(world.roster(build))

        assert self.departed(world) == expected

    def test_nobody_leaves_a_trace_whom_the_app_never_saw(self, world: World) -> None:
        def build(made: SmallRoster) -> int:
            before = made.pupil("Before", gone_at=now() - dt.timedelta(minutes=30))
            always = made.pupil("Always")
            made.exclude(always, world.admin, since=now() - dt.timedelta(days=1))
            elsewhere = made.pupil("Elsewhere")
            made.exclude(elsewhere, world.admin, world.other_app)
            made.pupil("Year9", "9", gone_at=now())
            return before

        before = world.roster(build)

        assert self.departed(world, ["7"], now() - dt.timedelta(minutes=10)) == set()
        assert self.departed(world, ["7"]) == {before}

    def test_moving_out_of_the_years_leaves_a_trace(self, world: World) -> None:
        def build(made: SmallRoster) -> tuple[int, int]:
            moved = made.pupil("Moved", "8", year_before="7", year_changed_at=now())
            kept = made.pupil("Kept", "8", year_before="6", year_changed_at=now())
            return moved, kept

        moved, _kept = world.roster(build)

        assert self.departed(world, ["7"]) == {moved}
        assert self.departed(world, ["7", "8"]) == set()
        assert self.departed(world) == set()
