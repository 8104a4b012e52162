"""Words that no child should have to sign in with.

A name is its owner's: what stands within a forename or a surname is let be (`ThomasS`, `Mustafa`). What is looked for
is a word at the start of a username that only joining the two makes (`SHitchens`, `FaG`), and a username that is one.
"""

import functools

from app.settings import ROOT


@functools.cache
def words() -> frozenset[str]:
    text = (ROOT / "app/sync/unfit_words.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def is_unfit(first: str, last: str) -> bool:
    """Whether a username of these two parts is an unfit word, or begins with one that reaches into the second."""
    joined = f"{first}{last}".casefold()
    return any(joined[:end] in words() for end in range(len(first) + 1, len(joined) + 1)) or joined in words()
