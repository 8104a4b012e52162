"""OneRoster 1.1 and 1.2 as CSV files (1EdTech OneRoster CSV Tables), bulk or delta, forgiving what does no harm.

Where the binding lacks what English schools need, these columns are read too: `metadata.upn`, `.uln`, `.ncYear`,
`.regGroup`, `.senProvision`, `.fsmEligible`, `.ethnicity`, `.admissionDate`, `.leavingDate`, `.trn`; a UPN may stand in
`userIds` too, as {UPN:…}.
"""

from collections.abc import Iterator, Mapping

from app.models.base import today
from app.models.roster.batch import ONEROSTER
from app.models.roster.group import GRADING_PERIOD, HOMEROOM, SCHEDULED, SCHOOL_YEAR, SEMESTER, TERM
from app.roster import identifiers as read
from app.roster.incoming import CONTACTS, GROUPS, PUPILS, STAFF, Fault, Faulty, Incoming, Row
from app.roster.sources import oneroster_people
from app.roster.sources.notes import Notes
from app.roster.sources.tables import Table, listed

MANIFEST = "manifest.csv"
BULK, DELTA, ABSENT = "bulk", "delta", "absent"
ACTIVE, GONE = "active", "tobedeleted"
NEEDED = {
    "academicSessions": ("sourcedId", "title", "type", "startDate", "endDate"),
    "orgs": ("sourcedId", "name", "type"),
    "courses": ("sourcedId", "title"),
    "classes": ("sourcedId", "title", "classType"),
    "users": ("sourcedId", "givenName", "familyName"),
    "roles": ("userSourcedId", "role"),
    "enrollments": ("sourcedId", "classSourcedId", "userSourcedId", "role"),
    "demographics": ("sourcedId",),
}
_SESSIONS = {one.casefold(): one for one in (SCHOOL_YEAR, TERM, SEMESTER, GRADING_PERIOD)}
_ENROLLED = ("student", "teacher", "proctor", "administrator")

Cells = Mapping[str, str]


def is_oneroster(files: Mapping[str, bytes]) -> bool:
    """A manifest, or the two files without which there is no roster."""
    names = {name.casefold() for name in files}
    return MANIFEST in names or {"users.csv", "enrollments.csv"} <= names


def incoming(files: Mapping[str, bytes]) -> Incoming:
    """One bundle. Raises Faulty."""
    return _Bundle(files).read()


class _Bundle:
    """The files of a bundle, read one after another into an Incoming."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.notes = Notes()
        self.files = {name.casefold(): (name, content) for name, content in files.items()}
        self.is_full = self._is_bulk()
        self.made = Incoming(ONEROSTER, frozenset(), self.is_full)
        self.sent: set[str] = set()

    def read(self) -> Incoming:
        self._check_schools()
        self._sessions()
        self._courses()
        people = oneroster_people.People(self.rows, self.made, self.notes, today())
        people.read(self._has("roles"))
        self._groups()
        self._enrolments(people)
        people.place_in_groups()
        self.notes.check()
        covers = {GROUPS} if {"classes", "enrollments"} <= self.sent else set()
        kinds = {"pupil": PUPILS, "staff_role": STAFF, "contact_role": CONTACTS}
        for row in self.made.people.values():
            covers |= {kind for column, kind in kinds.items() if row.get(column)}
        self.made.covers = frozenset(covers)
        self.made.forgiven = self.notes.forgiven
        return self.made

    def _has(self, table: str) -> bool:
        return f"{table.casefold()}.csv" in self.files

    def _is_bulk(self) -> bool:
        """What the manifest says of the files that are there: all bulk, or all delta."""
        if MANIFEST not in self.files:
            self.notes.forgive(MANIFEST, 0, "", "It is missing: taken as a bulk export of OneRoster")
            return True
        name, content = self.files[MANIFEST]
        table = Table(name, content, self.notes)
        told = {cells[0].casefold(): cells[1].casefold() for _, cells in table.rows() if len(cells) > 1}
        modes = {}
        for wanted in NEEDED:
            mode = told.get(f"file.{wanted.casefold()}", ABSENT)
            if mode in (BULK, DELTA) and not self._has(wanted):
                self._lacks(wanted, mode)
            elif mode == ABSENT and self._has(wanted):
                self.notes.forgive(name, 0, f"file.{wanted}", "It is called absent, and is there: read all the same")
            elif self._has(wanted):
                modes[wanted] = mode
        if len(set(modes.values())) > 1:
            reason = "Some files are bulk and others are delta. Export them all alike."
            raise Faulty(Fault(name, 0, "", reason))
        self.notes.check()
        return DELTA not in modes.values()

    def _lacks(self, table: str, mode: str) -> None:
        file = f"{table}.csv"
        if mode == BULK and table in ("users", "classes", "enrollments"):
            self.notes.fault(MANIFEST, 0, f"file.{table}", f"{file} is not in the ZIP. Export again with all files.")
        else:
            self.notes.forgive(MANIFEST, 0, f"file.{table}", f"{file} is not in the ZIP: read without it")

    def rows(self, table: str) -> Iterator[tuple[str, int, Cells]]:
        """(file, line, cells by the binding's name of their column) of a table; none when it is not there."""
        if not self._has(table):
            return
        self.sent.add(table)
        name, content = self.files[f"{table.casefold()}.csv"]
        found = Table(name, content, self.notes)
        known = {column.casefold(): column for column in (*NEEDED[table], *_OPTIONAL)}
        columns = [known.get(column.casefold(), column) for column in found.columns]
        if changed := [old for old, new in zip(found.columns, columns, strict=True) if old != new]:
            self.notes.forgive(name, 1, changed[0], "The heading has other capitals than OneRoster’s")
        for lacking in (column for column in NEEDED[table] if column not in columns):
            self.notes.fault(name, 1, lacking, "This column is missing.")
        self.notes.check()
        seen: set[str] = set()
        for line, cells in found.rows():
            row = dict(zip(columns, cells, strict=True))
            key = row.get("sourcedId", "")
            if "sourcedId" in NEEDED[table]:
                if not key:
                    self.notes.fault(name, line, "sourcedId", "It is empty.")
                    continue
                if key in seen:
                    self.notes.fault(name, line, "sourcedId", f"{_shown(key)} stands in an earlier line too.")
                    continue
                seen.add(key)
            yield name, line, row

    def _standing(self, table: str, ours: str) -> Iterator[tuple[str, int, str, Cells]]:
        """(file, line, key, cells) of rows that stand; those that a delta deletes are noted as gone."""
        for file, line, row in self.rows(table):
            if is_gone(row):
                self.made.gone.setdefault(ours, set()).add(row["sourcedId"])
            else:
                yield file, line, row["sourcedId"], row

    def _check_schools(self) -> None:
        schools = [row for _, _, row in self.rows("orgs") if row["type"].casefold() == "school" and not is_gone(row)]
        if len(schools) > 1:
            reason = f"This export holds {len(schools)} schools. Export one school at a time."
            raise Faulty(Fault("orgs.csv", 0, "", reason))

    def _sessions(self) -> None:
        for file, line, key, row in self._standing("academicSessions", "sessions"):
            kind = _SESSIONS.get(row["type"].casefold())
            starts, ends = read.date(row["startDate"]), read.date(row["endDate"])
            for column, value in (("type", kind), ("startDate", starts), ("endDate", ends)):
                if value is None:
                    self.notes.fault(file, line, column, f"{_shown(row[column])} is not understood.")
            if kind and starts and ends:
                told = row.get("schoolYear", "")
                school_year = int(told) if told.isascii() and told.isdigit() and len(told) == 4 else ends.year
                self.made.sessions[key] = {
                    "title": row["title"] or told or str(school_year),
                    "kind": kind,
                    "starts_on": starts,
                    "ends_on": ends,
                    "school_year": school_year,
                    "parent": row.get("parentSourcedId") or None,
                }
        for key, session in self.made.sessions.items():
            if self.is_full and session["parent"] and session["parent"] not in self.made.sessions:
                reason = "It names a session that is not there: read without it"
                self.notes.forgive("academicSessions.csv", 0, "parentSourcedId", reason)
                self.made.sessions[key]["parent"] = None

    def _courses(self) -> None:
        for file, line, key, row in self._standing("courses", "courses"):
            session = row.get("schoolYearSourcedId") or None
            self.made.courses[key] = {
                "title": self._titled(file, line, row),
                "code": row.get("courseCode", ""),
                "session": self._known(file, line, "schoolYearSourcedId", session, self.made.sessions),
            } | taught(row)

    def _groups(self) -> None:
        for file, line, key, row in self._standing("classes", "groups"):
            course = row.get("courseSourcedId") or None
            terms = [
                known
                for told in listed(row.get("termSourcedIds", ""))
                if (known := self._known(file, line, "termSourcedIds", told, self.made.sessions))
            ]
            self.made.groups[key] = {
                "title": self._titled(file, line, row),
                "kind": HOMEROOM if row["classType"].casefold() == HOMEROOM else SCHEDULED,
                "code": row.get("classCode", ""),
                "location": row.get("location", ""),
                "course": self._known(file, line, "courseSourcedId", course, self.made.courses),
                "sessions": terms,
            } | taught(row)

    def _titled(self, file: str, line: int, row: Cells) -> str:
        if not row["title"]:
            self.notes.forgive(file, line, "title", "It is empty: called by its sourcedId")
        return row["title"] or row["sourcedId"]

    def _known(self, file: str, line: int, column: str, key: str | None, there: Mapping[str, Row]) -> str | None:
        """The key, unless a bulk names what it does not hold. What a delta names may be there from before."""
        if key and self.is_full and key not in there:
            self.notes.forgive(file, line, column, "It names what is not there: read without it")
            return None
        return key

    def _enrolments(self, people: "oneroster_people.People") -> None:
        for file, line, key, row in self._standing("enrollments", "enrolments"):
            group, person, role = row["classSourcedId"], row["userSourcedId"], row["role"].casefold()
            if role not in _ENROLLED:
                self.notes.forgive(file, line, "role", "A role that rosters do not have: left out")
                continue
            if self.is_full and group not in self.made.groups:
                self.notes.forgive(file, line, "classSourcedId", "A class that is not there: left out")
                continue
            if person in people.left:
                continue
            if self.is_full and person not in self.made.people:
                self.notes.forgive(file, line, "userSourcedId", "A user who is not there: left out")
                continue
            self.made.enrolments[key] = {
                "group": group,
                "person": person,
                "role": role,
                "is_primary": read.yes(row.get("primary", "")),
                "begins_on": read.date(row.get("beginDate", "")),
                "ends_on": read.date(row.get("endDate", "")),
            }


_OPTIONAL = (
    *("status", "dateLastModified", "schoolYear", "parentSourcedId", "schoolYearSourcedId", "courseCode", "grades"),
    *("subjects", "subjectCodes", "courseSourcedId", "classCode", "location", "termSourcedIds", "primary", "beginDate"),
    *("endDate", "email", "sms", "phone", "middleName", "identifier", "userIds", "agentSourcedIds", "birthDate", "sex"),
    *("preferredGivenName", "preferredFamilyName", "roleType", "username", "enabledUser", "orgSourcedIds", "role"),
    *("metadata.upn", "metadata.uln", "metadata.ncYear", "metadata.regGroup", "metadata.senProvision", "metadata.trn"),
    *("metadata.fsmEligible", "metadata.ethnicity", "metadata.admissionDate", "metadata.leavingDate"),
)


def is_gone(row: Cells) -> bool:
    """Whether a delta deletes the row."""
    return row.get("status", "").casefold() == GONE


def taught(row: Cells) -> Row:
    """Years and subjects of a course or class."""
    years = [year for told in listed(row.get("grades", "")) if (year := read.year(told))]
    return {
        "years": years,
        "subjects": list(listed(row.get("subjects", ""))),
        "subject_codes": list(listed(row.get("subjectCodes", ""))),
    }


def _shown(value: str) -> str:
    return f"‘{value[:40]}’" if value else "An empty cell"
