"""Reports of a school's system as CSV: pupils, staff and contacts, each in a file of its own.

A report that a preset knows, or whose columns the school has mapped before, is read at once; any other asks first.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from app.models.base import today
from app.models.roster.batch import SPREADSHEET
from app.models.roster.group import HOMEROOM, STUDENT
from app.models.roster.person import ADMINISTRATOR, YEARS
from app.roster import identifiers as read_as
from app.roster.incoming import CONTACTS, GROUPS, PUPILS, STAFF, Incoming, Row
from app.roster.sources.notes import Notes
from app.roster.sources.presets import FIELDS, guessed, likely_kind, preset_of
from app.roster.sources.tables import Table, plain

Mappings = Mapping[str, Mapping[str, str]]
Cells = dict[str, str]
SAMPLE_ROWS = 3

_AS: Mapping[str, Callable[[str], Any]] = {
    "upn": read_as.upn,
    "former_upn": read_as.upn,
    "uln": read_as.uln,
    "trn": read_as.trn,
    "sex": read_as.sex,
    "sen": read_as.sen,
    "fsm": read_as.yes,
    "postcode": read_as.postcode,
    "birth_date": read_as.date,
    "starts_on": read_as.date,
    "leaves_on": read_as.date,
}
_DATES = {"birth_date": "Date of birth", "starts_on": "Starts on", "leaves_on": "Leaves on"}
_OF_RELATION = ("words", "priority", "responsibility", "court_order", "pupil_number", "pupil_upn")


class NeedsMapping(Exception):
    """Nobody has said yet what the columns mean. `question` holds {file, kind, columns, rows, guesses}: JSON."""

    def __init__(self, question: dict[str, Any]) -> None:
        super().__init__(f"columns of {question['file']}")
        self.question = question


def read(files: Mapping[str, bytes], mappings: Mappings) -> Incoming:
    """Every file of one upload. Raises Faulty, TooBig or NeedsMapping."""
    notes = Notes()
    tables = [Table(name, content, notes, is_strict=False) for name, content in sorted(files.items())]
    meant = [(table, *_meaning(table, mappings)) for table in tables]
    made = _Sheets(notes)
    for kind in (PUPILS, STAFF, CONTACTS):
        for table, own, columns in meant:
            if own == kind:
                made.add(kind, table, columns)
    notes.check()
    made.incoming.covers = frozenset(made.covers)
    made.incoming.forgiven = notes.forgiven
    return made.incoming


def _meaning(table: Table, mappings: Mappings) -> tuple[str, dict[str, str]]:
    """(kind, {our field: their column}). Raises NeedsMapping."""
    if preset := preset_of(table.columns):
        return preset.kind, guessed(preset.kind, table.columns)
    there = {plain(column) for column in table.columns}
    for kind, columns in mappings.items():
        if kind in FIELDS and columns and there.issuperset(map(plain, columns.values())):
            return kind, dict(columns)
    kind = likely_kind(table.file, table.columns)
    rows = [cells for _, (_, cells) in zip(range(SAMPLE_ROWS), table.rows(), strict=False)]
    question = {"file": table.file, "columns": table.columns, "rows": rows, "kind": kind}
    raise NeedsMapping(question | {"guesses": {each: guessed(each, table.columns) for each in FIELDS}})


class _Sheets:
    """Rows of several files, put together as people, relations and registration groups."""

    def __init__(self, notes: Notes) -> None:
        self.incoming = Incoming(SPREADSHEET, frozenset())
        self.covers: set[str] = set()
        self._notes = notes
        self._on = today()
        self._by_number: dict[str, str] = {}
        self._by_upn: dict[str, str] = {}
        self._left: set[str] = set()
        self._staff: dict[tuple[str, str], str] = {}

    def add(self, kind: str, table: Table, columns: Mapping[str, str]) -> None:
        self.covers.add(kind)
        places = {plain(column): place for place, column in enumerate(table.columns)}
        where = {field: places[plain(column)] for field, column in columns.items()}
        for line, cells in table.rows():
            row = {field: cells[place] for field, place in where.items()}
            if not row.get("given_name") and not row.get("family_name"):
                self._notes.forgive(table.file, line, columns.get("family_name", ""), "A row without a name: left out")
                continue
            {PUPILS: self._pupil, STAFF: self._member_of_staff, CONTACTS: self._contact}[kind](
                table, line, row, columns
            )

    def _pupil(self, table: Table, line: int, told: Cells, columns: Mapping[str, str]) -> None:
        row = self._read(table, line, told, columns)
        numbers = [told[name] for name in ("source_id", "admission_number") if told.get(name)]
        upn = row.get("upn", "")
        own = next(iter(numbers), "") or (upn if upn not in self._by_upn else "") or _named(row, row.get("birth_date"))
        key = f"p:{_number(own)}"
        if key in self.incoming.people or key in self._left:
            column = columns.get("source_id") or columns.get("admission_number") or columns.get("family_name", "")
            self._notes.fault(table.file, line, column, "An earlier row has the same number or name. Which is right?")
            return
        for number in numbers:
            self._by_number[_number(number)] = key
        if upn:
            self._by_upn.setdefault(upn, key)
        if self._has_left(key, row):
            return
        row["pupil"] = True
        if "year" in told:
            row |= {"year": read_as.year(told["year"]), "year_as_sent": told["year"]}
        if "registration_group" in told:
            self.covers.add(GROUPS)
            row["registration_group"] = group = _group(told["registration_group"])
            if group:
                self._place(key, group, row.get("year", ""))
        row.pop("source_id", None)
        self.incoming.people[key] = row

    def _member_of_staff(self, table: Table, line: int, told: Cells, columns: Mapping[str, str]) -> None:
        row = self._read(table, line, told, columns)
        key = f"s:{told.get('staff_code') or told.get('email', '').casefold() or _named(row, None)}"
        if key in self.incoming.people or key in self._left:
            column = columns.get("staff_code") or columns.get("family_name", "")
            self._notes.fault(table.file, line, column, "An earlier row has the same code or name. Which is right?")
            return
        if self._has_left(key, row):
            return
        row["staff_role"] = read_as.staff_role(told.get("job_title", "")) or ADMINISTRATOR
        self.incoming.people[key] = row
        if row.get("email"):
            self._staff[_named(row, None), row["email"].casefold()] = key

    def _contact(self, table: Table, line: int, told: Cells, columns: Mapping[str, str]) -> None:
        number, upn = told.get("pupil_number", ""), read_as.upn(told.get("pupil_upn", ""))
        pupil = self._by_number.get(_number(number)) or self._by_upn.get(upn)
        if pupil is None and (self._by_number or self._by_upn):
            column = columns.get("pupil_number") or columns.get("pupil_upn") or ""
            self._notes.forgive(table.file, line, column, "A pupil who is not there: left out")
            return
        pupil = pupil or f"p:{_number(number or upn)}"
        if pupil in self._left:
            return
        row = self._read(
            table, line, {name: value for name, value in told.items() if name not in _OF_RELATION}, columns
        )
        reached = row.get("email", "").casefold() or row.get("mobile") or row.get("telephone") or pupil
        # A member of staff whose child is a pupil is one person.
        key = self._staff.get((_named(row, None), reached)) or f"c:{_named(row, None)}|{reached}"
        self.incoming.people.setdefault(key, row)["contact_role"] = read_as.contact_role(told.get("words", ""))
        priority = told.get("priority", "")
        self.incoming.relations[pupil, key] = {
            "words": told.get("words", "")[:40],
            "priority": int(priority) if priority.isascii() and priority.isdigit() and len(priority) < 4 else None,
            "responsibility": read_as.yes(told.get("responsibility", "")),
            "court_order": bool(read_as.yes(told.get("court_order", ""))),
        }

    def _read(self, table: Table, line: int, told: Cells, columns: Mapping[str, str]) -> Row:
        row = {name: _AS[name](value) if name in _AS else value for name, value in told.items()}
        for name in _DATES.keys() & told.keys():
            if told[name] and row[name] is None:
                self._notes.forgive(table.file, line, columns[name], "A date that is not understood: left empty")
        for name in ("given_name", "family_name"):
            if row.get(f"preferred_{name}") == row.get(name, ""):
                row[f"preferred_{name}"] = ""
        return row

    def _has_left(self, key: str, row: Row) -> bool:
        leaves: dt.date | None = row.get("leaves_on")
        if leaves is None or leaves >= self._on:
            return False
        self._left.add(key)
        self.incoming.left += 1
        return True

    def _place(self, pupil: str, title: str, year: str) -> None:
        key = f"r:{title}"
        group = self.incoming.groups.setdefault(
            key,
            {
                "title": title,
                "kind": HOMEROOM,
                "code": "",
                "location": "",
                "years": [],
                "subjects": [],
                "subject_codes": [],
                "course": None,
                "sessions": [],
            },
        )
        if year and year not in group["years"]:
            group["years"] = sorted([*group["years"], year], key=YEARS.index)
        place = {"group": key, "person": pupil, "role": STUDENT, "is_primary": None, "begins_on": None, "ends_on": None}
        self.incoming.enrolments[f"{key}/{pupil}"] = place


def _named(row: Row, born: dt.date | None) -> str:
    """Somebody by name, where a report has no number."""
    return "|".join((row.get("family_name", ""), row.get("given_name", ""), str(born or ""))).casefold()


def _group(told: str) -> str:
    """A registration group by its name: Arbor writes 'Year 6: Ash', or several with commas."""
    return told.split(", ", maxsplit=1)[0].rpartition(": ")[2].strip()


def _number(told: str) -> str:
    """One report writes 004001, another 4001."""
    return told.lstrip("0")
