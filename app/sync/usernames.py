"""Usernames: made of a person's name by the form that the school chose, each one once, the same on every run.

A name is folded to the letters a to z and keeps its capitals: it is shown as `JohnS` and compared without case.
"""

import dataclasses
import itertools
from collections.abc import Callable, Collection, Iterable

from anyascii import anyascii

from app.sync.unfit import is_unfit

LONGEST = 20  # letters, before a number
FALLBACK = "Pupil"


@dataclasses.dataclass(frozen=True)
class Form:
    """A way to make a username: `parts` gives what comes of the forename, and what of the surname."""

    key: str
    title: str
    parts: Callable[[str, str], tuple[str, str]]

    def of(self, given: str, family: str) -> str:
        """The username of somebody whom nobody shares a name with; empty when no letter is left."""
        return "".join(self._letters(given, family))[:LONGEST]

    def _letters(self, given: str, family: str) -> tuple[str, str]:
        return self.parts(letters(given), letters(family))


FORENAME_INITIAL, INITIAL_SURNAME, FULL_NAME, INITIALS = "forename-initial", "initial-surname", "full-name", "initials"
FORMS = {
    form.key: form
    for form in (
        Form(FORENAME_INITIAL, "Forename and first letter of surname", lambda given, family: (given, family[:1])),
        Form(INITIAL_SURNAME, "First letter of forename and surname", lambda given, family: (given[:1], family)),
        Form(FULL_NAME, "Forename and surname", lambda given, family: (given, family)),
        Form(INITIALS, "Initials", lambda given, family: (given[:1], family[:1])),
    )
}


def letters(name: str) -> str:
    """The letters of a name in ASCII, each word with a capital: `Mary-Ann` is `MaryAnn`, `JOSHUA` is `Joshua`."""
    words = "".join(one if one.isalpha() or one == "'" else " " for one in anyascii(name)).replace("'", "").split()
    plain = name.upper() == name or name.lower() == name
    return "".join(word.capitalize() if plain else word[0].upper() + word[1:] for word in words)


def key(username: str) -> str:
    """How usernames are compared."""
    return username.casefold()


def base(form: Form, given: str, family: str) -> str:
    """The name without a number. Where joining the two parts makes an unfit word, another form is taken.

    Whoever has no letter at all in either name, or no form that is fit, is called by `FALLBACK`.
    """
    for each in (form, *(one for one in FORMS.values() if one is not form)):
        first, last = each.parts(letters(given), letters(family))
        if (made := f"{first}{last}"[:LONGEST]) and not is_unfit(first, last):
            return made
    return FALLBACK


def assign(bases: Iterable[str], taken: Collection[str]) -> list[str]:
    """A free username for each base, in their order: the base itself, or with the first number from 2 that is free.

    `taken` are the keys that somebody has, or had. The fallback always has a number, of four digits.
    """
    used, found = set(taken), []
    following: dict[str, int] = {}
    for wanted in bases:
        candidates = _candidates(wanted, following.get(key(wanted), 0))
        for number, name in candidates:
            if key(name) not in used:
                used.add(key(name))
                following[key(wanted)] = number + 1
                found.append(name)
                break
    return found


def _candidates(wanted: str, start: int) -> Iterable[tuple[int, str]]:
    if wanted == FALLBACK:
        return ((number, f"{FALLBACK}{number:04}") for number in itertools.count(max(start, 1)))
    return ((number, f"{wanted}{number}" if number > 1 else wanted) for number in itertools.count(max(start, 1)))
