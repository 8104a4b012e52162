"""First passwords: each form as schools know it, and what is kept of one."""

import re

import pytest

from app.settings import ROOT
from app.sync import passwords

pytestmark = pytest.mark.once

SHAPES = {
    "two-pictures": r"\d{2}",
    "four-pictures": r"\d{4}",
    "animal": r"[A-Z][a-z]+[1-9]\d",
    "colour": r"[A-Z][a-z]+[1-9]\d",
    "thing": r"[A-Z][a-z]+[1-9]\d",
    "five-letters": r"[a-z]{5}[1-9]\d{2}",
    "six-letters": r"[a-z]{6}[1-9]\d{3}",
}


@pytest.mark.parametrize("form", sorted(passwords.FORMS))
def test_a_password_has_the_shape_of_its_form_and_so_has_the_example(form: str) -> None:
    made = {passwords.FORMS[form].make() for _ in range(50)}
    assert all(re.fullmatch(SHAPES[form], one) for one in made)
    assert len(made) > 10, "it is made at random"
    assert re.fullmatch(SHAPES[form], passwords.FORMS[form].example)


def test_what_is_kept_opens_for_the_password_of_its_user_alone() -> None:
    kept = passwords.digest(1, "stroll1666")
    assert "stroll1666" not in kept and kept != passwords.digest(1, "stroll1666")
    assert not passwords.matches(1, "stroll1667", kept)
    assert not passwords.matches(2, "stroll1666", kept)
    assert not passwords.matches(1, "stroll1666", None)
    assert passwords.matches(1, "stroll1666", kept)


def test_every_digit_has_a_picture_of_its_own() -> None:
    found = sorted(path.stem for path in (ROOT / "app/sync/pictures").glob("*.svg"))
    assert found == sorted(passwords.PICTURES) and len(set(passwords.PICTURES)) == 10
