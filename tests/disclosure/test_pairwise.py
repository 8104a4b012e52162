"""A partner's own ids of what is in a roster."""

import secrets
import uuid

import pytest

from app.disclosure.pairwise import GROUP, PERSON, Ids
from app.models.base import new_id

KEY, OTHER_KEY = b"one partner's key", b"another partner's key"
SCHOOL = new_id()
OWN = [0, 1, 2**63 - 1, *(secrets.randbits(63) for _ in range(50))]


def test_ids_come_back_as_what_they_stand_for_and_no_two_are_the_same() -> None:
    ids = Ids(KEY, PERSON, SCHOOL)

    shown = ids.shown(OWN)

    assert [ids.own(one) for one in shown] == OWN
    assert len(set(shown)) == len(OWN)
    assert ids.shown([]) == []
    assert Ids(KEY, PERSON, SCHOOL).shown(OWN) == shown


@pytest.mark.parametrize(
    "other",
    [Ids(OTHER_KEY, PERSON, SCHOOL), Ids(KEY, GROUP, SCHOOL), Ids(KEY, PERSON, new_id())],
    ids=["another partner", "another kind", "another school"],
)
def test_an_id_names_nothing_to_anybody_else(other: Ids) -> None:
    shown = Ids(KEY, PERSON, SCHOOL).shown(OWN)

    assert {other.own(one) for one in shown} == {None}
    assert not set(other.shown(OWN)) & set(shown)


@pytest.mark.parametrize(
    "made_up", ["", "zz", "0" * 32, "0" * 31, "ab" * 17, str(uuid.UUID(int=5)), "é" * 32, "' OR 1=1"]
)
def test_an_id_that_was_made_up_names_nothing(made_up: str) -> None:
    ids = Ids(KEY, PERSON, SCHOOL)
    good = ids.shown([7])[0]

    assert ids.own(made_up) is None
    assert ids.own(good.upper()) is None or good.upper() == good
    assert ids.own(f" {good}") is None
    assert ids.own(good) == 7
