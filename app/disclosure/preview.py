"""What an app would read of a school today, shown to the school before it decides: by the policy of the data API."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from app.db import sessions
from app.disclosure import records
from app.disclosure.sight import RECORDS, Sight, Standing, sight
from app.models.base import today
from app.models.roster import sight as rows
from app.models.roster.head import Roster
from app.models.roster.person import YEARS
from app.models.roster.sight import CONTACT, PUPIL, STAFF
from app.models.scope import GROUPS, SCOPES

SAMPLE = 3
COLUMNS = {
    **{"given_name": "First name", "family_name": "Surname", "year": "Year", "registration_group": "Group"},
    **{"title": "Title", "staff_role": "Role", "contact_role": "Role", "job_title": "Job", "email": "Email"},
    **{
        "mobile": "Mobile",
        "telephone": "Telephone",
        "upn": "UPN",
        "uln": "ULN",
        "admission_number": "Admission number",
    },
    **{"birth_date": "Date of birth", "sex": "Sex", "sen": "SEN", "fsm": "Free school meals", "ethnicity": "Ethnicity"},
    **{"trn": "TRN", "postcode": "Postcode", "address": "Address", "code": "Code", "kind": "Kind"},
}
_WORDS = {
    PUPIL: ("pupil", "pupils"),
    STAFF: ("member of staff", "members of staff"),
    CONTACT: ("contact", "contacts"),
}
_GROUPS = ("class or registration group", "classes and registration groups")


@dataclasses.dataclass(frozen=True)
class Preview:
    """What one scope opens today: how many, of what, and some of them, cell by cell."""

    count: int
    words: str
    columns: list[str]
    rows: list[list[str]]


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """A yes that nobody has given yet: see `disclosure.Given`."""

    school_id: uuid.UUID
    app_id: uuid.UUID
    scopes: Collection[str]
    years: Collection[str] | None


def of(
    school_id: uuid.UUID, app_id: uuid.UUID, scopes: Collection[str], years: Collection[str] | None = None
) -> Mapping[str, Preview]:
    """By scope, for those that are about people or groups; nothing where the school has no data yet."""
    given = _Wanted(school_id, app_id, scopes, years)
    with sessions.read(school=school_id) as db:
        roster = Roster.of(db, school_id)
        if roster is None or not roster.people:
            return {}
        standing = Standing(db, sight(given), roster.number, today())
        found = {}
        for scope in scopes:
            record = SCOPES[scope].record if scope in SCOPES else ""
            kind = next((bit for bit, named in RECORDS.items() if named == record), 0)
            narrow = sight(given, {scope})
            if kind:
                found[scope] = _people(db, narrow, standing, kind)
            elif record == GROUPS:
                ids = list(standing.groups(db))
                shown = records.groups(db, narrow, standing, ids[:SAMPLE])
                found[scope] = _shown(len(ids), _GROUPS, ("title", "kind", "code"), shown)
        return found


def years_of(school_id: uuid.UUID) -> list[str]:
    """The year groups in which a school has pupils, youngest first."""
    with sessions.read(school=school_id) as db:
        there = set(rows.years(db, school_id))
    return [year for year in YEARS if year in there]


def _people(db: Any, narrow: Sight, standing: Standing, kind: int) -> Preview:
    ids = standing.of_kind(kind)
    shown = records.people(db, narrow, standing, ids[:SAMPLE])
    opened = narrow.fields[RECORDS[kind]]
    return _shown(len(ids), _WORDS[kind], tuple(name for name in COLUMNS if name in opened), shown)


def _shown(count: int, words: tuple[str, str], names: Collection[str], found: list[records.Record]) -> Preview:
    cells = [[_cell(one.get(name)) for name in names] for one in found]
    return Preview(count, words[count != 1], [COLUMNS[name] for name in names], cells)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, dt.date):
        return f"{value.day} {value:%B %Y}"
    return str(value) if value else "–"
