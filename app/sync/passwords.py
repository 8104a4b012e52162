"""First passwords, by the form that the school chose for a year group. Made at random when the sync is finished.

A picture PIN is digits: each stands for one of the ten pictures of `app/sync/pictures`, and is printed as that.
"""

import dataclasses
import secrets
from collections.abc import Callable
from functools import cache

from app import secrets as secrets_of
from app.secrets import same, seal, unseal
from app.settings import ROOT

PICTURES = ("apple", "ball", "cat", "duck", "egg", "fish", "house", "moon", "star", "tree")
"""What the digits 0 to 9 stand for."""


@dataclasses.dataclass(frozen=True)
class Form:
    """A way to make a first password. `pictures`: it is digits that are printed as pictures."""

    key: str
    title: str
    example: str
    make: Callable[[], str]
    pictures: bool = False


def _digits(count: int) -> str:
    return "".join(str(secrets.randbelow(10)) for _ in range(count))


def _word(kind: str, digits: int) -> Callable[[], str]:
    # No number begins with 0, which children take for an O.
    return lambda: f"{secrets.choice(words(kind))}{secrets.randbelow(9) + 1}{_digits(digits - 1)}"


@cache
def words(kind: str) -> tuple[str, ...]:
    """Of `app/sync/words`: short ones that every child can read."""
    return tuple((ROOT / f"app/sync/words/{kind}.txt").read_text(encoding="utf-8").split())


TWO_PICTURES, FOUR_PICTURES = "two-pictures", "four-pictures"
FORMS = {
    form.key: form
    for form in (
        Form(TWO_PICTURES, "Two Digit Picture Pin", "46", lambda: _digits(2), pictures=True),
        Form(FOUR_PICTURES, "Picture Pin", "1256", lambda: _digits(4), pictures=True),
        Form("animal", "An animal and two digits", "Dog33", _word("animals", 2)),
        Form("colour", "A colour and two digits", "Red54", _word("colours", 2)),
        Form("thing", "A thing and two digits", "Home45", _word("things", 2)),
        Form("five-letters", "A five-letter word and three digits", "level654", _word("five-letters", 3)),
        Form("six-letters", "A six-letter word and four digits", "stroll1666", _word("six-letters", 4)),
    )
}
EARLY = ("E1", "E2", "N1", "N2", "R")


def usual(year: str) -> str:
    """The form that we propose for an NC year: pictures for young children, words that are harder to guess after."""
    if year in EARLY:
        return TWO_PICTURES
    if year in ("1", "2"):
        return FOUR_PICTURES
    return "five-letters" if year in ("3", "4", "5", "6") else "six-letters"


PURPOSE = "first password"


def digest(user_id: int, password: str) -> str:
    """What is kept of a password that was handed out: a digest, bound to its user and sealed, since a few digits could
    be guessed from a plain one."""
    return seal(_plain(user_id, password), PURPOSE)


def matches(user_id: int, password: str, kept: str | None) -> bool:
    """Whether it is the password of that user."""
    return kept is not None and same(unseal(kept, PURPOSE), _plain(user_id, password))


def _plain(user_id: int, password: str) -> str:
    return secrets_of.digest(f"{user_id}:{password}").hex()
