"""The plan: whose an account is, who gets one, who leaves, what changes; and that the same always gives the same."""

import dataclasses
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.roster.person import AIDE, TEACHER
from app.sync import plan
from app.sync.facts import NO_EMAIL, NO_GROUP, PUPIL, STAFF, Choices, Held, Somebody
from app.sync.plan import make

pytestmark = pytest.mark.once

CHOICES = Choices()


def pupil(own: int, given: str = "John", family: str = "Smith", **more: object) -> Somebody:
    usual = {"upn": f"A{own:012}", "year": "Year 6", "nc_year": "6", "group": "6A", "classes": ("6A",)}
    return Somebody(id=own, kind=PUPIL, given=given, family=family, **(usual | more))  # type: ignore[arg-type]


def teacher(own: int, given: str = "Jane", family: str = "Smith", **more: object) -> Somebody:
    usual = {"email": f"t{own}@school.example", "role": TEACHER}
    return Somebody(id=own, kind=STAFF, given=given, family=family, **(usual | more))  # type: ignore[arg-type]


def account(own: int, of: Somebody, username: str = "JohnS", *, linked: bool = True, **more: object) -> Held:
    usual: dict[str, object] = {
        "email": of.email,
        "upn": of.upn,
        "year": of.year,
        "classes": of.classes,
        "person": of.id if linked else None,
    }
    usual |= {"given": of.given, "family": of.family}
    return Held(id=own, kind=of.kind, username=username, **(usual | more))  # type: ignore[arg-type]


def test_a_school_that_syncs_first_gives_everybody_a_user() -> None:
    made = make([pupil(2), pupil(1), teacher(3)], [], CHOICES)
    assert [(new.person, new.username) for new in made.new] == [(1, "JohnS"), (2, "JohnS2"), (3, "JSmith")]
    assert not (made.changed or made.leaving or made.refused or made.duplicates)


def test_whoever_has_a_user_keeps_the_name_and_a_move_is_told() -> None:
    john = pupil(1, classes=("6B",), group="6B")
    made = make([john, pupil(2)], [account(7, john, "Johnny", classes=("6A",))], CHOICES)
    [change] = made.changed
    assert (change.account, change.fields, change.moves) == (7, {"classes": (("6A",), ("6B",))}, True)
    assert [new.username for new in made.new] == ["JohnS"]


def test_a_second_run_has_nothing_to_do() -> None:
    people = [pupil(1), teacher(2)]
    made = make(people, [account(7, people[0]), account(8, people[1], "JSmith")], CHOICES)
    assert made.is_empty and made.unchanged == (7, 8)


def test_a_leaver_is_archived_and_the_name_is_not_free() -> None:
    gone = pupil(1)
    made = make([pupil(2)], [account(7, gone)], CHOICES)
    assert made.leaving == (7,)
    assert [new.username for new in made.new] == ["JohnS2"]

    again = make([pupil(2)], [account(7, gone, is_archived=True)], CHOICES)
    assert again.leaving == () and again.new[0].username == "JohnS2"


def test_who_comes_back_gets_the_same_user_back() -> None:
    john = pupil(1)
    [change] = make([john], [account(7, john, is_archived=True)], CHOICES).changed
    assert (change.account, change.returns, change.fields) == (7, True, {})


def test_a_user_of_the_app_is_known_by_upn_and_staff_by_email() -> None:
    john, jane = pupil(1), teacher(2)
    found = [
        account(7, john, "jsmith99", linked=False, given="Jon"),
        account(8, jane, "smithj", linked=False, family="Jones"),
    ]
    made = make([john, jane], found, CHOICES)
    assert made.linked == ((7, 1), (8, 2)) and not made.new
    assert {change.account for change in made.changed} == {7, 8}


def test_the_same_name_alone_is_asked_about_and_the_answer_is_remembered() -> None:
    john = pupil(1)
    found = account(7, john, "jsmith99", linked=False, upn="")
    made = make([john], [found], CHOICES)
    assert [(one.person, one.accounts, one.reason) for one in made.duplicates] == [(1, (7,), "name")]
    assert not made.new and not made.leaving

    same = make([john], [found], Choices(same={1: 7}))
    assert same.linked == ((7, 1),) and not same.duplicates and not same.new
    other = make([john], [found], Choices(different=frozenset({(1, 7)})))
    assert [new.username for new in other.new] == ["JohnS"] and not other.duplicates


def test_two_with_one_upn_are_told_apart_by_nobody_but_the_school() -> None:
    one, other = pupil(1, upn="X"), pupil(2, "Ann", upn="X")
    made = make([one, other], [account(7, one, linked=False)], CHOICES)
    assert [duplicate.reason for duplicate in made.duplicates] == ["upn", "upn"]
    assert not made.linked and not made.new and not made.leaving


def test_another_upn_says_that_it_is_somebody_else() -> None:
    made = make([pupil(1, upn="X")], [account(7, pupil(9, upn="Y"), linked=False)], CHOICES)
    assert not made.duplicates and made.leaving == (7,) and len(made.new) == 1


def test_what_is_missing_is_a_reason_beside_the_name_and_stops_nobody_else() -> None:
    made = make([pupil(1, group="", classes=()), teacher(2, email=""), pupil(3)], [], CHOICES)
    assert [(one.person, one.reason) for one in made.refused] == [(1, NO_GROUP), (2, NO_EMAIL)]
    assert [new.person for new in made.new] == [3]


def test_a_pupil_with_a_user_who_lost_the_registration_group_stays_where_they_are() -> None:
    john = pupil(1)
    made = make([dataclasses.replace(john, group="", classes=())], [account(7, john)], CHOICES)
    assert made.unchanged == (7,) and made.refused[0].account == 7


def test_only_teachers_get_a_user_unless_the_school_wants_more() -> None:
    people = [teacher(1), teacher(2, "Ada", role=AIDE)]
    assert [new.person for new in make(people, [], CHOICES).new] == [1]
    assert [new.person for new in make(people, [], Choices(only_teachers=False)).new] == [1, 2]
    assert not make(people, [], Choices(staff=False)).new


def test_the_apps_own_people_are_let_be() -> None:
    admin = Held(7, STAFF, "root", "App", "Admin", email="admin@partner.example")
    made = make([teacher(1)], [admin], CHOICES)
    assert not made.leaving and not made.changed


NAMES = st.sampled_from(["John", "Ann", "Zoë", "李", "", "O'Neil"])
PEOPLE = st.lists(
    st.builds(
        lambda own, given, family, upn, group, kind: (
            pupil(own, given, family, upn=upn, group=group, classes=(group,) if group else ())
            if kind
            else teacher(own, given, family)
        ),
        st.integers(1, 30),
        NAMES,
        NAMES,
        st.sampled_from(["", "X", "Y"]),
        st.sampled_from(["", "6A", "6B"]),
        st.booleans(),
    ),
    max_size=20,
    unique_by=lambda one: one.id,
)


@given(PEOPLE, PEOPLE, st.randoms())
def test_no_two_users_share_a_name_existing_ones_never_change_and_order_means_nothing(
    before: list[Somebody], after: list[Somebody], chance: random.Random
) -> None:
    first = make(before, [], CHOICES)
    of = {one.id: one for one in before}
    held = [account(100 + place, of[new.person], new.username) for place, new in enumerate(first.new)]
    made = make(after, held, CHOICES)

    shuffled = [sorted(those, key=lambda _: chance.random()) for those in (after, held)]
    assert make(shuffled[0], shuffled[1], CHOICES).bytes == made.bytes  # type: ignore[arg-type]
    names = [one.username.casefold() for one in held] + [one.username.casefold() for one in made.new]
    assert len(names) == len(set(names))
    assert {change.account for change in made.changed} <= {one.id for one in held}
    assert not any({"username", "password"} & change.fields.keys() for change in made.changed)
    told = [*made.leaving, *made.unchanged, *(change.account for change in made.changed)]
    assert len(told) == len(set(told))


def test_counts_of_the_summary_are_those_of_the_plan() -> None:
    john = pupil(1, classes=("6B",), group="6B")
    people = [john, pupil(2), teacher(3), pupil(4, group="")]
    made = make(people, [account(7, john, classes=("6A",)), account(8, pupil(9))], CHOICES)
    found = plan.counts(made, {one.id: one for one in people})
    assert (found["new pupil"], found["new staff"], found["moving pupil"]) == (1, 1, 1)
    assert (found["leaving"], found["refused"], found["duplicates"]) == (1, 1, 0)
