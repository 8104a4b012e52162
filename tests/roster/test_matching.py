"""Who is who when a school's system changes: recognised, asked about, or new; never two children for one."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.roster.matching import folded, match, returned

pytestmark = pytest.mark.once

BORN = dt.date(2014, 12, 10)


def pupil(name: str = "Ada Lovelace", **columns: Any) -> dict[str, Any]:
    given, _, family = name.partition(" ")
    return {"pupil": True, "given_name": given, "family_name": family, "birth_date": BORN} | columns


def staff(name: str = "Tess Teacher", **columns: Any) -> dict[str, Any]:
    given, _, family = name.partition(" ")
    return {"staff_role": "teacher", "given_name": given, "family_name": family} | columns


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (pupil("Ada King", upn="A1"), pupil(upn="A1", birth_date=None)),
        (pupil("Ada King", upn="B2", former_upn="A1"), pupil(upn="A1")),
        (pupil("Ada King", uln="9276308686"), pupil(uln="9276308686")),
        (staff("Tess Married", trn="1234567"), staff(trn="1234567")),
        (pupil("ADA LOVELACE"), pupil("Ada Lovelace", upn="A1")),
        (pupil("Siân O’Brien"), pupil("Sian O'Brien")),
        (staff(email="Tess@School.example"), staff(email="tess@school.example")),
        ({"contact_role": "parent"} | staff(mobile="07700900001"), staff(mobile="07700900001")),
    ],
    ids=["UPN", "former UPN", "ULN", "TRN", "case", "accents", "e-mail", "mobile"],
)
def test_the_same_person_is_recognised(new: dict[str, Any], old: dict[str, Any]) -> None:
    assert match({"k": new}, {7: old}) == ({"k": 7}, [])


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (pupil(upn="A1"), pupil(upn="B2")),
        (pupil(), pupil("Ada Lovelace", birth_date=dt.date(2015, 1, 1))),
        (pupil(), staff("Ada Lovelace")),
        (staff(trn="1234567"), staff(trn="7654321")),
        (pupil("Ada Lovelace"), pupil("Bob Smith")),
    ],
    ids=["another UPN", "another birthday", "a teacher", "another TRN", "another name"],
)
def test_what_contradicts_is_nobody_known_and_no_question(new: dict[str, Any], old: dict[str, Any]) -> None:
    assert match({"k": new}, {7: old}) == ({}, [])


def test_two_of_one_name_and_birthday_are_told_apart_by_their_group_or_asked_about() -> None:
    old = {1: pupil(registration_group="7A"), 2: pupil(registration_group="7B")}

    assert match({"a": pupil(registration_group="7B"), "b": pupil(registration_group="7A")}, old)[0] == {"a": 2, "b": 1}

    found, doubts = match({"a": pupil(), "b": pupil()}, old)
    assert found == {}
    assert {(doubt.key, doubt.candidates) for doubt in doubts} == {("a", (1, 2)), ("b", (1, 2))}


def test_two_who_share_a_upn_by_mistake_are_not_taken_for_each_other() -> None:
    old = {1: pupil("Ada Lovelace", upn="A1"), 2: pupil("Bob Smith", upn="A1")}

    found, doubts = match({"a": pupil("Ada Lovelace", upn="A1"), "b": pupil("Bob Smith", upn="A1")}, old)

    assert (found, doubts) == ({"a": 1, "b": 2}, [])


def test_staff_of_one_name_are_asked_about_and_contacts_are_not() -> None:
    assert [doubt.candidates for doubt in match({"k": staff()}, {7: staff(email="old@school.example")})[1]] == [(7,)]
    contact = {"contact_role": "parent", "given_name": "Mary", "family_name": "Lovelace"}
    assert match({"k": contact}, {7: contact}) == ({}, [])


def test_somebody_comes_back_by_upn_alone() -> None:
    assert returned({"k": pupil(upn="A1")}, {7: pupil(upn="A1")}) == {"k": 7}
    assert returned({"k": pupil()}, {7: pupil()}) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Siân O’Brien-Ng", "sianobrienng"), ("Łukasz", "lukasz"), ("  ", ""), (".", ""), ("X Æ", "xae"), ("李", "li")],
)
def test_names_are_compared_without_accents_case_and_marks(text: str, expected: str) -> None:
    assert folded(text) == expected


_VALUES = st.sampled_from(["", "A1", "B2"])
_PEOPLE = st.builds(
    lambda name, upn, group, born: pupil(name, upn=upn, registration_group=group, birth_date=born),
    st.sampled_from(["Ada Lovelace", "Bob Smith"]),
    _VALUES,
    st.sampled_from(["", "7A"]),
    st.sampled_from([None, BORN, dt.date(2015, 1, 1)]),
)


@given(st.lists(_PEOPLE, max_size=5), st.lists(_PEOPLE, max_size=5))
def test_nobody_is_two_people_and_no_number_is_ever_contradicted(new: list[Any], old: list[Any]) -> None:
    theirs, ours = {f"k{at}": person for at, person in enumerate(new)}, dict(enumerate(old))

    found, doubts = match(theirs, ours)

    assert len(set(found.values())) == len(found)
    assert not {doubt.key for doubt in doubts} & set(found)
    for key, own in found.items():
        assert not (theirs[key]["upn"] and ours[own]["upn"] and theirs[key]["upn"] != ours[own]["upn"])
    assert all(set(doubt.candidates).isdisjoint(found.values()) for doubt in doubts)
