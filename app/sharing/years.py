"""Which year groups an authorisation is about, chosen where it is decided."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.disclosure import preview
from app.models.roster.person import YEARS
from app.models.scope import CONTACTS, GROUPS, SCOPES, STUDENTS
from app.web.forms import Fault

NONE_CHOSEN = Fault("Choose at least one year group", "years")
_ABOUT_PUPILS = (STUDENTS, CONTACTS, GROUPS)
_NAMES = {
    "E1": "Two-year-olds (E1)",
    "E2": "Two-year-olds (E2)",
    "N1": "Nursery 1",
    "N2": "Nursery 2",
    "R": "Reception",
}


class NoYear(Exception):
    """Something about pupils was chosen, and no year group."""


def words(year: str) -> str:
    """'7' as people say it."""
    return _NAMES.get(year) or ("No year group" if year == "X" else f"Year {year}")


def in_words(years: Collection[str] | None) -> str:
    if years is None:
        return "Every year group"
    return ", ".join(words(year) for year in YEARS if year in years)


def shown(school_id: uuid.UUID, scopes: Collection[str], before: Sequence[str] | None) -> dict[str, Any]:
    """For the page: `years`, pairs (year, words) to tick, and `ticked`, those of before; empty without pupils."""
    there = _there(school_id, scopes)
    ticked = [year for year in there if before is None or year in before]
    return {"years": [(year, words(year)) for year in there], "ticked": ticked}


def chosen(
    school_id: uuid.UUID, scopes: Collection[str], sent: Mapping[str, str], before: Sequence[str] | None
) -> list[str] | None:
    """What was ticked, as an authorisation keeps it: None for every year group. Raises NoYear.

    As before where the page had nothing to tick; a year group of before without pupils now stays as it is.
    """
    there = _there(school_id, scopes)
    kept = None if before is None else list(before)
    if not there or "years-shown" not in sent:
        return kept
    ticked = [year for year in there if sent.get(f"years-{year}") == "yes"]
    if not ticked:
        raise NoYear
    if len(ticked) == len(there):
        return None
    beyond = [year for year in kept or () if year not in there]
    return sorted({*ticked, *beyond}, key=YEARS.index)


def _there(school_id: uuid.UUID, scopes: Collection[str]) -> list[str]:
    if not any(SCOPES[scope].record in _ABOUT_PUPILS for scope in scopes if scope in SCOPES):
        return []
    return preview.years_of(school_id)
