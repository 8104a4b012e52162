"""Usernames: the four forms, folding, what is shared, what is unfit, and nobody's taken twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sync import usernames
from app.sync.usernames import FORENAME_INITIAL, FORMS, FULL_NAME, INITIAL_SURNAME, INITIALS, assign, base, key

pytestmark = pytest.mark.once

NAMES = st.text(max_size=30)


@pytest.mark.parametrize(
    ("form", "made"),
    [(FORENAME_INITIAL, "LilyL"), (INITIAL_SURNAME, "LLloyd"), (FULL_NAME, "LilyLloyd"), (INITIALS, "LL")],
)
def test_each_form_makes_what_schools_know_it_for(form: str, made: str) -> None:
    assert base(FORMS[form], "Lily", "Lloyd") == made


@pytest.mark.parametrize(
    ("given", "family", "made"),
    [
        ("JOSHUA", "MCDONALD", "JoshuaM"),
        ("lily", "van der berg", "LilyV"),
        ("Zoë", "Brontë", "ZoeB"),
        ("Łukasz", "Wójcik", "LukaszW"),
        ("Jean-Luc", "D’Arcy", "JeanLucD"),
        ("Siân", "Llŷr-Jones", "SianL"),
        ("Ed", "O'Brien", "EdO"),
        ("Kaur", ".", "Kaur"),
        ("=1+1", "Formula", "F"),
        ("李", "王小明", "LiW"),
        ("Maximiliana Wilhelmina", "Stone", "MaximilianaWilhelmin"),
    ],
)
def test_names_are_folded_to_letters_and_keep_their_capitals(given: str, family: str, made: str) -> None:
    assert base(FORMS[FORENAME_INITIAL], given, family) == made


def test_of_one_name_the_later_get_the_first_free_number_whatever_the_capitals() -> None:
    assert assign(["JohnS", "johns", "JohnS"], taken={"johns2"}) == ["JohnS", "johns3", "JohnS4"]


def test_whoever_has_no_letter_left_is_a_numbered_pupil() -> None:
    assert base(FORMS[FORENAME_INITIAL], "123", "!") == usernames.FALLBACK
    assert assign([usernames.FALLBACK] * 2, taken={"pupil0001"}) == ["Pupil0002", "Pupil0003"]


@pytest.mark.parametrize(("given", "family"), [("Fa", "Green"), ("Shi", "Thompson"), ("Dick", "")])
def test_a_word_that_joining_makes_is_not_given_to_a_child(given: str, family: str) -> None:
    made = base(FORMS[FORENAME_INITIAL], given, family)
    assert made.casefold() not in ("fag", "shit", "dick")

    assert base(FORMS[FORENAME_INITIAL], "Thomas", "Smith") == "ThomasS", "what stands in a name is its owner's"
    assert base(FORMS[INITIAL_SURNAME], "Stephen", "Hitchens") != "SHitchens"


@given(st.lists(st.tuples(NAMES, NAMES), max_size=40), st.sampled_from(sorted(FORMS)), st.sets(st.sampled_from("abc")))
def test_no_two_share_a_name_and_every_name_is_plain(people: list[tuple[str, str]], form: str, taken: set[str]) -> None:
    made = assign([base(FORMS[form], *one) for one in people], taken)
    keys = {key(name) for name in made}
    assert len(made) == len(people) == len(keys)
    assert keys.isdisjoint(taken)
    assert all(name.isascii() and name.isalnum() and name[0].isalpha() for name in made)
