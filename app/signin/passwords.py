"""What makes a password good enough, and passwords that we make ourselves.

No rules about capitals or signs (NIST SP 800-63B): a minimum length, and nothing that an attacker tries first.
"""

import hashlib
import mmap
import secrets
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from app.errors import Problem
from app.models.account import Account
from app.secrets import hash_password, password_matches

SHORTEST, LONGEST = 8, 1024
LONG = 15  # from here on, one word and a number are not what is tried first (NIST SP 800-63B-4)
COMMON = Path(__file__).parent / "common_passwords.bin"
PREFIX_BYTES = 5  # of each digest: one in five million other passwords is taken for a common one
_SYMBOLS = "bcdfghjkmnpqrstvwxz23456789"  # no vowels, so no words; nothing that looks like something else


class NotGoodEnough(Problem):
    """The chosen password is too short, too common or too close to the person."""

    status = 422

    def __init__(self, title: str, hint: str = "", field: str = "new_password") -> None:
        super().__init__(hint, field, title)


def generated() -> str:
    """A first password such as `tqd-7kx-m3w-9hp-vr4-bn2`: 85 bits, easy to read out and to type."""
    return "-".join("".join(secrets.choice(_SYMBOLS) for _ in range(3)) for _ in range(6))


def hashed(password: str) -> str:
    """Argon2id of the password, however the keyboard composed its letters."""
    return hash_password(_composed(password))


def matching(accounts: Iterable[Account], password: str) -> Account | None:
    """The first of at most three accounts that the password opens. Always computes three hashes, whoever is known."""
    known = [*accounts][:3]
    stored = [account.password_hash for account in known] + [None] * (3 - len(known))
    typed = _composed(password)
    possible = 0 < len(typed) <= LONGEST
    matches = [password_matches(typed if possible else "", one) and possible for one in stored]
    return next((account for account, right in zip(known, matches, strict=False) if right), None)


def matches(account: Account, password: str) -> bool:
    """Whether this is the account's password."""
    typed = _composed(password)
    return 0 < len(typed) <= LONGEST and password_matches(typed, account.password_hash)


def chosen(sent: dict[str, str], about: Iterable[str], before: str) -> str:
    """The hash of the password in `new_password` and `new_password_again`, if it will do. Raises NotGoodEnough.

    `about`: names that belong to the person or the school; `before`: the hash of the password until now.
    """
    password = sent.get("new_password", "")
    check(password, about)
    if password != sent.get("new_password_again", ""):
        raise NotGoodEnough(title="The two passwords are not the same", field="new_password_again")
    if password_matches(_composed(password), before):
        raise NotGoodEnough(title="That is the password you have now", hint="Choose another one")
    return hashed(password)


def check(password: str, about: Iterable[str]) -> None:
    """Raise NotGoodEnough for what is too short, too common, or too close to the names in `about`."""
    length = len(_composed(password))
    if length < SHORTEST:
        raise NotGoodEnough(title=f"Use {SHORTEST} characters or more")
    if length > LONGEST:
        raise NotGoodEnough(title=f"Use {LONGEST} characters or fewer")
    if _is_common(password):
        hint = "Three or four words that do not belong together are better"
        raise NotGoodEnough(title="That password is one of those that attackers try first", hint=hint)
    if any(_is_mostly(password, name) for name in about):
        hint = "Choose one that nobody can guess from them"
        raise NotGoodEnough(title="That password is too close to your name, address or school", hint=hint)


def _is_common(password: str) -> bool:
    folded = _composed(password).casefold()
    trimmed = folded.strip("".join(mark for mark in set(folded) if not mark.isalnum()))
    word = trimmed.strip("0123456789")
    # `password123456`: attackers put digits around every word of their lists.
    is_numbered = trimmed != word and len(word) > 3 and len(folded) < LONG and _is_listed(word)
    return len(set(folded)) <= 2 or _is_listed(folded) or _is_listed(trimmed) or is_numbered


def _is_listed(folded: str) -> bool:
    """Whether the list of breached and common passwords holds this one."""
    return _holds(hashlib.sha256(folded.encode()).digest()[:PREFIX_BYTES])


def _holds(prefix: bytes) -> bool:
    listed = _common()
    places = range(len(listed) // PREFIX_BYTES)
    place = bisect_left(places, prefix, key=lambda at: listed[at * PREFIX_BYTES : (at + 1) * PREFIX_BYTES])
    return listed[place * PREFIX_BYTES : (place + 1) * PREFIX_BYTES] == prefix


@cache
def _common() -> mmap.mmap:
    """The list as it lies on the disk: the processes of a server share the pages that they look at."""
    with COMMON.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _is_mostly(password: str, name: str) -> bool:
    """Whether the password is a piece of the name, or the name with three characters or fewer around it."""
    word, folded = _letters(name), _letters(password)
    if len(word) < 4:
        return False
    return (len(folded) >= 4 and folded in word) or (word in folded and len(folded.replace(word, "")) <= 3)


def _letters(text: str) -> str:
    return "".join(mark for mark in _composed(text).casefold() if mark.isalnum())


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
