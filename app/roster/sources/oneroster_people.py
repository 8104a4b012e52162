"""The people of a OneRoster bundle: users, their roles, who belongs to whom, and what is known of each."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from app.models.roster.group import HOMEROOM
from app.roster import identifiers as read
from app.roster.incoming import Incoming, Row
from app.roster.sources.notes import Notes
from app.roster.sources.tables import listed

Cells = Mapping[str, str]
Rows = Callable[[str], Iterator[tuple[str, int, Cells]]]

PUPIL, CONTACT, STAFF = "student", ("parent", "guardian", "relative"), "staff"
_STAFF_ROLES = {
    **dict.fromkeys(("teacher",), "teacher"),
    **dict.fromkeys(("aide", "counselor", "proctor"), "aide"),
    "principal": "principal",
    **dict.fromkeys(("administrator", "siteadministrator", "systemadministrator"), "siteAdministrator"),
    "districtadministrator": "siteAdministrator",
}
_UPN_IN_IDS = re.compile(r"\{\s*upn\s*:\s*([^}]+)\}", re.IGNORECASE)
_NO_ROLE: Row = {"pupil": False, "staff_role": "", "contact_role": ""}


class People:
    """`left` are those who are listed and have left: they are not in the roster, and nothing speaks of them."""

    def __init__(self, rows: Rows, made: Incoming, notes: Notes, on: dt.date) -> None:
        self._rows, self._made, self._notes, self._on = rows, made, notes, on
        self._roles: dict[str, Row] = defaultdict(dict)
        self._days: dict[str, tuple[dt.date | None, dt.date | None]] = {}
        self._over: set[str] = set()
        self._agents: list[tuple[str, int, str, str]] = []
        self._has_groups = False
        self.left: set[str] = set()

    def read(self, has_roles: bool) -> None:
        if has_roles:
            self._read_roles()
        for file, line, row in self._rows("users"):
            key = row["sourcedId"]
            if row.get("status", "").casefold() == "tobedeleted":
                self._made.gone.setdefault("people", set()).add(key)
                continue
            if not has_roles:
                self._add_role(file, line, key, row.get("role", ""))
            self._add(file, line, key, row)
        self._read_demographics()
        self._relate()

    def _read_roles(self) -> None:
        for file, line, row in self._rows("roles"):
            key = row["userSourcedId"]
            starts, ends = read.date(row.get("beginDate", "")), read.date(row.get("endDate", ""))
            if row.get("status", "").casefold() == "tobedeleted" or (ends and ends < self._on):
                self._over.add(key)
                continue
            self._add_role(file, line, key, row["role"])
            if row["role"].casefold() == PUPIL or key not in self._days:
                self._days[key] = starts, ends

    def _add_role(self, file: str, line: int, key: str, told: str) -> None:
        role = told.casefold()
        if role == PUPIL:
            self._roles[key]["pupil"] = True
        elif role in CONTACT:
            self._roles[key]["contact_role"] = role
        elif role in _STAFF_ROLES:
            # Somebody who teaches and does something else besides is a teacher.
            if self._roles[key].get("staff_role") != "teacher":
                self._roles[key]["staff_role"] = _STAFF_ROLES[role]
        else:
            self._notes.forgive(file, line, "role", "A role that rosters do not have: left out")

    def _add(self, file: str, line: int, key: str, row: Cells) -> None:
        leaves = read.date(row.get("metadata.leavingDate", ""))
        starts, ends = self._days.get(key, (None, None))
        roles = self._roles.get(key)
        if (leaves and leaves < self._on) or (not roles and key in self._over):
            self.left.add(key)
            self._made.left += 1
            return
        if not roles and self._made.is_full:
            self._notes.forgive(file, line, "role", "A user without a role: left out")
            return
        made = self._about(row)
        if roles:
            made |= _NO_ROLE | roles
            made |= self._of_pupil(row) if roles.get("pupil") else {}
            made["starts_on"] = read.date(row.get("metadata.admissionDate", "")) or _ahead(starts, self._on)
            made["leaves_on"] = leaves or ends
        if "metadata.trn" in row and (roles or {}).get("staff_role"):
            made["trn"] = read.trn(row["metadata.trn"])
        self._made.people[key] = made
        for agent in listed(row.get("agentSourcedIds", "")):
            self._agents.append((file, line, key, agent))

    @staticmethod
    def _about(row: Cells) -> Row:
        """Of anybody: only what has a column."""
        columns = {
            "given_name": "givenName",
            "family_name": "familyName",
            "middle_names": "middleName",
            "preferred_given_name": "preferredGivenName",
            "preferred_family_name": "preferredFamilyName",
            "email": "email",
            "mobile": "sms",
            "telephone": "phone",
        }
        return {ours: row[theirs] for ours, theirs in columns.items() if theirs in row}

    def _of_pupil(self, row: Cells) -> Row:
        told = row.get("metadata.ncYear") or next(iter(listed(row.get("grades", ""))), "")
        number = row.get("metadata.upn", "") or "".join(_UPN_IN_IDS.findall(row.get("userIds", ""))[:1])
        made: Row = {"year": read.year(told), "year_as_sent": told, "upn": read.upn(number)}
        if "identifier" in row:
            made["admission_number"] = row["identifier"]
        for ours, theirs, way in (
            ("registration_group", "metadata.regGroup", read.text),
            ("uln", "metadata.uln", read.uln),
            ("sen", "metadata.senProvision", read.sen),
            ("fsm", "metadata.fsmEligible", read.yes),
            ("ethnicity", "metadata.ethnicity", read.text),
        ):
            if theirs in row:
                made[ours] = way(row[theirs])
        return made

    def _read_demographics(self) -> None:
        for file, line, row in self._rows("demographics"):
            key = row["sourcedId"]
            if row.get("status", "").casefold() == "tobedeleted" or key in self.left:
                continue
            if key not in self._made.people:
                if self._made.is_full:
                    self._notes.forgive(file, line, "sourcedId", "A user who is not there: left out")
                    continue
                self._made.people[key] = {}
            born = read.date(row.get("birthDate", ""))
            if row.get("birthDate") and born is None:
                self._notes.forgive(file, line, "birthDate", "A date that is not understood: left empty")
            self._made.people[key] |= {"birth_date": born, "sex": read.sex(row.get("sex", ""))}

    def _relate(self) -> None:
        """Who are the contacts of whom, in the order in which a pupil names them."""
        priority: dict[str, int] = defaultdict(int)
        for file, line, key, agent in self._agents:
            one, other = self._made.people[key], self._made.people.get(agent)
            if agent in self.left:
                continue
            if other is None and self._made.is_full:
                self._notes.forgive(file, line, "agentSourcedIds", "A user who is not there: left out")
                continue
            if not one.get("pupil"):  # some systems name the pupils of a parent, not the parents of a pupil
                if other and other.get("pupil"):
                    self._made.relations.setdefault((agent, key), {"words": "", "priority": None})
                continue
            if other is not None and not other.get("contact_role"):
                other["contact_role"] = "relative"
            priority[key] += 1
            self._made.relations[key, agent] = {"words": "", "priority": priority[key]}

    def place_in_groups(self) -> None:
        """A pupil's registration group, where no column gives it: the homeroom class."""
        if any("registration_group" in row for row in self._made.people.values()):
            return
        for enrolment in self._made.enrolments.values():
            group = self._made.groups.get(enrolment["group"])
            person = self._made.people.get(enrolment["person"])
            if group and person and person.get("pupil") and group["kind"] == HOMEROOM:
                person.setdefault("registration_group", group["title"])


def _ahead(day: dt.date | None, on: dt.date) -> dt.date | None:
    """The first day of somebody who is still to come; a role's first day says nothing of one who is there."""
    return day if day and day > on else None
