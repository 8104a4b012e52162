"""What somebody typed into the search for a school, and what it may have meant. Knows no database."""

import re
import unicodedata
from typing import NamedTuple

from app.directory.columns import postcode_key

LONGEST = 200


class Postcode(NamedTuple):
    """The whole or the beginning of one. `length` is that of the keys meant, without the blank; None for any."""

    key: str
    length: int | None = None

    @property
    def shown(self) -> str:
        whole = self.length == len(self.key)
        return f"postcode {self.key[:-3]} {self.key[-3:]}" if whole else f"postcodes that start with {self.key}"

    @property
    def range(self) -> tuple[str, str]:
        """The lowest key, and the first that is too high. The letters of an area are followed by a digit."""
        if self.key.isalpha():
            return f"{self.key}0", f"{self.key}:"
        return self.key, self.key[:-1] + chr(ord(self.key[-1]) + 1)


class DfeNumber(NamedTuple):
    la_code: str
    number: str

    @property
    def shown(self) -> str:
        return f"LA/DfE number {self.la_code}/{self.number}"


class Urn(NamedTuple):
    urn: int

    @property
    def shown(self) -> str:
        return f"URN {self.urn}"


class Name(NamedTuple):
    text: str

    @property
    def shown(self) -> str:
        return f"“{self.text}”"


Meaning = Postcode | DfeNumber | Urn | Name
CHOICES: dict[type[Meaning], str] = {Postcode: "postcode", DfeNumber: "dfe", Urn: "urn", Name: "name"}

_LABEL = re.compile(r"(?:school )?(?:urn|(?:la/)?dfe|laestab|postcode)(?: number| no\.?)? *[:#]? +", re.I)
_BETWEEN_DIGITS = re.compile(r"[\s/\\.,_–—-]+")
_WHOLE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}")
_DISTRICT = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?")
_PART = re.compile(r"[A-Z]{1,2}(?:[0-9][A-Z0-9]?(?:[0-9][A-Z]{0,2})?)?")
_INSIDE = re.compile(r"\b[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}\b", re.I)
_TO_LETTERS, _TO_DIGITS = str.maketrans("01", "OI"), str.maketrans("OIL", "011")


def tidy(q: str) -> str:
    """One line of printable text, without a label such as "URN:" in front."""
    text = unicodedata.normalize("NFKC", q[:LONGEST])
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return _LABEL.sub("", text, count=1) if _LABEL.match(text) else text


def meanings(by: str, text: str) -> list[Meaning]:
    """Everything that a tidy text may mean, likeliest first; a name is always among it, unless nothing was typed."""
    if not text:
        return []
    digits = _BETWEEN_DIGITS.sub("", text)
    if digits.isascii() and digits.isdecimal():
        return [*_numbers(by, digits), Name(text)]
    whole = list(map(_whole, _readings(postcode_key(text))))
    if not whole and (found := _INSIDE.search(text)):
        whole = [_whole(postcode_key(found[0]))]
    part = _parts(postcode_key(text))
    if by == "name":
        return [*whole, Name(text), *(meaning for meaning in part if not meaning.key.isalpha())]
    return [*whole, *part, Name(text)]


def _numbers(by: str, digits: str) -> list[Meaning]:
    if len(digits) == 7:
        return [DfeNumber(digits[:3], digits[3:])]
    return [Urn(int(digits))] if len(digits) in (5, 6) or (by == "urn" and len(digits) < 10) else []


def _whole(key: str) -> Postcode:
    return Postcode(key, len(key))


def _parts(key: str) -> list[Postcode]:
    """The beginning of a postcode. `M1` means its own district first, and only then M11, M12 and so on."""
    if not _PART.fullmatch(key):
        return []
    if not _DISTRICT.fullmatch(key):
        return [Postcode(key)]
    mended = [Postcode(found, len(found) + 3) for found in _mended(key) if found != key]
    return [Postcode(key, len(key) + 3), Postcode(key), *mended]


def _readings(key: str) -> list[str]:
    """A whole postcode as typed, and as it reads with O for 0 and 1 for I put right: `Y078SR` is YO7 8SR."""
    if not 5 <= len(key) <= 7:
        return []
    inward = key[-3].translate(_TO_DIGITS) + key[-2:].translate(_TO_LETTERS)
    found = [key, *(outward + inward for outward in _mended(key[:-3]))]
    return [reading for reading in dict.fromkeys(found) if _WHOLE.fullmatch(reading)]


def _mended(outward: str) -> list[str]:
    found = [outward[:area].translate(_TO_LETTERS) + outward[area:].translate(_TO_DIGITS) for area in (1, 2)]
    return [reading for reading in found if _DISTRICT.fullmatch(reading)]
