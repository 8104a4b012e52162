"""Which columns of the register we read, by name, and how a value that a spreadsheet spoilt is put right."""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from app.directory.extract import NotTheRegister, Table
from app.models.establishment import STATUS_WORDS
from app.models.spelling import spelled

READING = "1"  # part of every digest: raise it when the same cells are to be read differently, and all are read anew

COLUMNS = {
    "urn": "URN",
    "la_code": "LA (code)",
    "la_name": "LA (name)",
    "establishment_number": "EstablishmentNumber",
    "name": "EstablishmentName",
    "type_code": "TypeOfEstablishment (code)",
    "type_name": "TypeOfEstablishment (name)",
    "type_group_code": "EstablishmentTypeGroup (code)",
    "status_code": "EstablishmentStatus (code)",
    "phase_name": "PhaseOfEducation (name)",
    "open_date": "OpenDate",
    "close_date": "CloseDate",
    "low_age": "StatutoryLowAge",
    "high_age": "StatutoryHighAge",
    "gender_name": "Gender (name)",
    "number_of_pupils": "NumberOfPupils",
    "street": "Street",
    "locality": "Locality",
    "address3": "Address3",
    "town": "Town",
    "county": "County (name)",
    "postcode": "Postcode",
    "website": "SchoolWebsite",
    "telephone": "TelephoneNum",
    "head_title": "HeadTitle (name)",
    "head_first_name": "HeadFirstName",
    "head_last_name": "HeadLastName",
    "head_job_title": "HeadPreferredJobTitle",
    "ukprn": "UKPRN",
    "trust_name": "Trusts (name)",
    "last_changed": "LastChangedDate",
}
NEEDED = (*list(COLUMNS)[:9], "locality", "town", "postcode")  # a file may lack others: what we have of them then stays
ALWAYS = ("la_code", "name", "type_code", "status_code")  # a row without one of these is no establishment


def code(width: int) -> Callable[[str], str | None]:
    """Numbers of a width that keep their leading zeros; None for what is no such number."""

    @lru_cache(10_000)
    def repaired(text: str) -> str | None:
        return text.zfill(width) if text.isdecimal() and text.isascii() and len(text) <= width else None

    return repaired


@lru_cache(50_000)
def date(text: str) -> str | None:
    """31-12-2024, 31/12/2024 or 2024-12-31 as ISO text; None for a day that never was."""
    found = _DAY.match(text)
    if not found:
        return None
    day, month, year = found.group(1, 2, 3) if found[1] else found.group(6, 5, 4)
    try:
        return dt.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


@lru_cache(10_000)
def whole(text: str) -> int | None:
    """A number of people or years; None for what is none or was rounded by a spreadsheet."""
    text = text.removesuffix(".0").replace(",", "")
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 8 else None


def telephone(text: str) -> str | None:
    """As written; a number that lost its first 0 gets it back. None for one that a spreadsheet rounded (2.07E+09)."""
    if text[:1] in "0+(":
        return text or None
    if _ROUNDED.fullmatch(text):
        return None
    return f"0{text}" if _WITHOUT_ZERO.fullmatch(text) else text


def website(text: str) -> str | None:
    """As written, `http:www.…` mended; None for an address of another kind."""
    if not text or text.startswith(("http://", "https://", "www.")):
        return text or None
    found = _SCHEME.match(text)
    if not found:
        return text
    return f"{found[1].lower()}://{text[found.end() :]}" if found[1].lower() in ("http", "https") else None


def postcode(text: str) -> str | None:
    """`yo78sr` as `YO7 8SR`; what has another shape only in capitals."""
    if not text or _WRITTEN_WELL.fullmatch(text):
        return text or None
    key = postcode_key(text)
    return f"{key[:-3]} {key[-3:]}" if _POSTCODE.fullmatch(key) else text.upper()


def postcode_key(text: str) -> str:
    """Capitals and digits only: what a postcode is looked up by."""
    key = text.replace(" ", "")
    return key if key.isalnum() and key.isascii() and key.isupper() else _OUTSIDE_POSTCODE.sub("", text.upper())


_UKPRN = re.compile("[0-9]{8}").fullmatch
_DAY = re.compile(r"(?:([0-9]{1,2})[-/]([0-9]{1,2})[-/]([0-9]{4})|([0-9]{4})-([0-9]{2})-([0-9]{2}))(?: [0-9:]+)?$")
_ROUNDED = re.compile(r"[0-9.]+E\+[0-9]+", re.I)
_WITHOUT_ZERO = re.compile(r"[1-35789][0-9]{2}(?: ?[0-9]){6,7}")
_SCHEME = re.compile(r"([a-z]+):/*", re.I)
_WRITTEN_WELL = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}")
_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}")
_OUTSIDE_POSTCODE = re.compile(r"[^A-Z0-9]")


REPAIRS: dict[str, Callable[[str], Any]] = {
    "la_code": code(3),
    "la_name": str,
    "establishment_number": code(4),
    "type_code": code(2),
    "type_name": str,
    "type_group_code": lambda text: text[:2],
    "status_code": lambda text: text if text in STATUS_WORDS else None,
    "open_date": date,
    "close_date": date,
    "low_age": whole,
    "high_age": whole,
    "number_of_pupils": whole,
    "postcode": postcode,
    "website": website,
    "telephone": telephone,
    "ukprn": lambda text: text if _UKPRN(text) else None,
    "last_changed": date,
}


class Binding:
    """The columns of one file. `cells` takes from a row those that we read, the URN first; `columns` names those of
    the rows that `rows` makes of them."""

    def __init__(self, table: Table) -> None:
        if missing := [COLUMNS[name] for name in NEEDED if COLUMNS[name] not in table.header]:
            raise NotTheRegister(f"{table.name} has no column {_listed(missing)}. {_guess(table.header)}")
        self._present = [name for name, heading in COLUMNS.items() if heading in table.header]
        self.columns = (*self._present, "postcode_key", "name_key", "place_key", "digest")
        self.cells: Callable[[list[str]], tuple[str, ...]] = itemgetter(
            *(table.header.index(COLUMNS[name]) for name in self._present)
        )

    def rows(
        self, records: Sequence[tuple[int, bytes, tuple[str, ...]]]
    ) -> tuple[list[tuple[Any, ...]], dict[int, str]]:
        """Rows of the directory from URN, digest and cells each; and of those that cannot be one, why, by URN.

        Column by column, because that takes half the time of row by row.
        """
        urns, digests, cells = zip(*records, strict=True)
        found: dict[str, Sequence[Any]] = {}
        for name, column in zip(self._present, zip(*cells, strict=True), strict=True):
            repair = REPAIRS.get(name)
            clean = _clean(column)
            found[name] = list(map(repair, clean)) if repair else [cell or None for cell in clean]
        found |= {
            "urn": urns,
            "postcode_key": [postcode_key(text) if text else None for text in found["postcode"]],
            "name_key": [spelled(name or "") for name in found["name"]],
            "place_key": [
                f"{_plain(locality)} {_plain(town)}".strip()
                for locality, town in zip(found["locality"], found["town"], strict=True)
            ],
            "digest": digests,
        }
        rows = list(zip(*(found[name] for name in self.columns), strict=True))
        unusable = {
            urn: f"{COLUMNS[name]} is blank or unreadable"
            for name in ALWAYS
            if not all(found[name])
            for urn, value in zip(urns, found[name], strict=True)
            if not value
        }
        return [row for row in rows if row[0] not in unusable] if unusable else rows, unusable


@lru_cache(50_000)
def _plain(place: str | None) -> str:
    return spelled(place or "")


def _clean(column: tuple[str, ...]) -> Sequence[str]:
    """Without blanks around, and with one blank for anything that is not to be printed."""
    if "".join(column).isprintable():
        return list(map(str.strip, column))
    return [
        " ".join("".join(letter if letter.isprintable() else " " for letter in cell).split())
        if not cell.isprintable()
        else cell.strip()
        for cell in column
    ]


def _listed(headings: list[str]) -> str:
    more = f" and {len(headings) - 4} more" if len(headings) > 4 else ""
    return ", ".join(f"“{heading}”" for heading in headings[:4]) + more


def _guess(header: list[str]) -> str:
    if "LinkURN" in header:
        return "It is a links file: give it with --links, beside the register."
    if "Group UID" in header:
        return "It is a groups file: give it with --groups, beside the register."
    return "Give the file of all establishments, edubasealldata, with its heading."
