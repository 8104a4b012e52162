"""What a Connector collected, as one Incoming. The same school's spreadsheets say the same."""

import datetime as dt
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationError

from app.models.base import today
from app.models.roster.batch import INTEGRIS
from app.models.roster.group import HOMEROOM, SCHEDULED, STUDENT, TEACHES
from app.models.roster.person import ADMINISTRATOR, CONTACT_ROLES, YEARS
from app.roster import identifiers as read_as
from app.roster.incoming import COVERED, Fault, Faulty, Incoming, Row
from app.roster.sources.notes import MOST_FAULTS, Notes

MOST_RECORDS = 100_000  # of one list
START = b'{"source":"integris"'


def _clean(told: str) -> str:
    found = read_as.text(told)
    if not found.isprintable() and any(unicodedata.category(mark) in ("Cc", "Cs") for mark in found):
        raise ValueError("it holds a control sign")
    return found


Words = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_clean)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[!-~]+$")]


class Someone(BaseModel):
    """What every list says of a person. What a system does not know it leaves out; dates are as in reports."""

    id: Id
    title: Words = ""
    given_name: Words = ""
    family_name: Words = ""
    middle_names: Words = ""
    preferred_given_name: Words = ""
    preferred_family_name: Words = ""
    sex: Words = ""
    email: Words = ""
    mobile: Words = ""
    telephone: Words = ""
    address: list[Words] = Field(default_factory=list, max_length=10)  # lines
    postcode: Words = ""
    starts_on: Words = ""
    leaves_on: Words = ""


class ContactOf(BaseModel):
    """Who somebody is to a pupil: `contact` is an id of the contacts."""

    contact: Id
    relationship: Words = ""
    priority: int | None = Field(default=None, ge=0, le=999)
    responsibility: bool | None = None
    court_order: bool = False


class Pupil(Someone):
    birth_date: Words = ""
    year: Words = ""
    registration_group: Words = ""
    admission_number: Words = ""
    upn: Words = ""
    former_upn: Words = ""
    uln: Words = ""
    sen: Words = ""
    fsm: bool | None = None
    ethnicity: Words = ""
    contacts: list[ContactOf] = Field(default_factory=list, max_length=100)


class Member(Someone):
    """Of the staff."""

    staff_code: Words = ""
    job_title: Words = ""
    trn: Words = ""


class Contact(Someone):
    pass


class Group(BaseModel):
    """A class, or a registration group. `left` are those who are not in it any more, in what changed since a token."""

    id: Id
    title: Words
    is_registration: bool = False
    code: Words = ""
    location: Words = ""
    years: list[Words] = Field(default_factory=list, max_length=20)
    subjects: list[Words] = Field(default_factory=list, max_length=20)
    pupils: list[Id] = Field(default_factory=list, max_length=5000)
    teachers: list[Id] = Field(default_factory=list, max_length=100)
    left: list[Id] = Field(default_factory=list, max_length=5000)


class Gone(BaseModel):
    pupils: list[Id] = Field(default_factory=list)
    staff: list[Id] = Field(default_factory=list)
    contacts: list[Id] = Field(default_factory=list)
    groups: list[Id] = Field(default_factory=list)


class Records(BaseModel):
    """The content of a batch, as `integris.collect` makes it."""

    is_full: bool
    pupils: list[Pupil] = Field(max_length=MOST_RECORDS)
    staff: list[Member] = Field(max_length=MOST_RECORDS)
    contacts: list[Contact] = Field(max_length=MOST_RECORDS)
    groups: list[Group] = Field(max_length=MOST_RECORDS)
    gone: Gone


_AS: dict[str, Any] = {
    **dict.fromkeys(("birth_date", "starts_on", "leaves_on"), read_as.date),
    **{"sex": read_as.sex, "upn": read_as.upn, "former_upn": read_as.upn, "uln": read_as.uln, "trn": read_as.trn},
    **{"sen": read_as.sen, "postcode": read_as.postcode, "address": "\n".join},
    "ethnicity": lambda told: told[:10],
}
_APART = {"id", "contacts", "year"}
_NOT_OF: Row = {"pupil": False, "staff_role": "", "contact_role": ""}
_KIND = {"pupils": "pupil", "staff": "staff_role", "contacts": "contact_role"}


def is_collected(content: bytes) -> bool:
    return content.startswith(START)


def read(name: str, content: bytes) -> Incoming:
    """What was collected. Raises Faulty or TooBig; the line of a fault is the record's place in its list, from 1."""
    try:
        records = Records.model_validate_json(content)
    except ValidationError as wrong:
        raise Faulty(*_faults(name, wrong)) from None
    return _Reading(name, records).incoming


def _faults(name: str, wrong: ValidationError) -> Iterator[Fault]:
    for error in wrong.errors(include_url=False, include_input=False)[:MOST_FAULTS]:
        place = [part for part in error["loc"] if isinstance(part, str)]
        number = next((part + 1 for part in error["loc"] if isinstance(part, int)), 0)
        yield Fault(name, number, ".".join(place), f"Not as it should be: {error['msg']}.")


class _Reading:
    """People by their ids: one who is in two lists is one person."""

    def __init__(self, name: str, records: Records) -> None:
        self._name = name
        self._notes = Notes()
        self._on = today()
        self._full = records.is_full
        self._left: dict[str, set[str]] = {kind: set() for kind in _KIND}
        self.incoming = Incoming(INTEGRIS, frozenset(COVERED), records.is_full)
        if not records.is_full:
            self.incoming.gone = {"people": set(), "groups": set(records.gone.groups), "enrolments": set()}
        self._pupils(records.pupils)
        self._staff(records.staff)
        self._contacts(records.contacts)
        self._relations(records.pupils)
        self._groups(records.groups)
        if not records.is_full:
            self._keep_roles(records.contacts)
            self._end(records.gone)
        self._notes.check()
        self.incoming.forgiven = self._notes.forgiven

    def _pupils(self, pupils: list[Pupil]) -> None:
        for number, pupil in enumerate(pupils, 1):
            told: Row = {"pupil": True}
            if "year" in pupil.model_fields_set:
                told |= {"year": read_as.year(pupil.year), "year_as_sent": pupil.year}
            self._add("pupils", number, pupil, told)

    def _staff(self, staff: list[Member]) -> None:
        for number, member in enumerate(staff, 1):
            role = read_as.staff_role(member.job_title) or ADMINISTRATOR
            self._add("staff", number, member, {"staff_role": role})

    def _contacts(self, contacts: list[Contact]) -> None:
        for number, contact in enumerate(contacts, 1):
            self._add("contacts", number, contact, {"contact_role": CONTACT_ROLES[-1]})

    def _add(self, kind: str, number: int, someone: Someone, own: Row) -> None:
        """A person of this list. Who is in an earlier list too is told there, and keeps what is told there."""
        row: Row = dict(_NOT_OF) if self._full else {}
        for column in someone.model_fields_set - _APART:
            told = getattr(someone, column)
            row[column] = _AS[column](told) if column in _AS else told
            if isinstance(told, str) and told and row[column] is None:
                self._notes.forgive(self._name, number, f"{kind}.{column}", "A date that is not understood: left empty")
        for name in ("given_name", "family_name"):
            if row.get(f"preferred_{name}") == row.get(name, ""):
                row[f"preferred_{name}"] = ""
        leaves: dt.date | None = row.get("leaves_on")
        if leaves is not None and leaves < self._on:
            self._left[kind].add(someone.id)
            self.incoming.left += 1
            return
        known = self.incoming.people.setdefault(someone.id, row)
        if known.get(_KIND[kind]):
            self._notes.fault(self._name, number, f"{kind}.id", "An earlier record of this list has the same id.")
        known |= own

    def _relations(self, pupils: list[Pupil]) -> None:
        people = self.incoming.people
        for number, pupil in enumerate(pupils, 1):
            if pupil.id not in people:
                continue
            for one in pupil.contacts:
                contact = people.get(one.contact, {})
                if not contact.get("contact_role"):
                    self._missing_contact(number, one.contact)
                    continue
                roles = (contact["contact_role"], read_as.contact_role(one.relationship))
                contact["contact_role"] = min(roles, key=CONTACT_ROLES.index)
                self.incoming.relations[pupil.id, one.contact] = {
                    "words": one.relationship[:40],
                    "priority": one.priority,
                    "responsibility": one.responsibility,
                    "court_order": one.court_order,
                }

    def _missing_contact(self, number: int, contact: str) -> None:
        if self._full:
            self._unknown(number, "pupils.contacts", contact)
        elif contact not in self._left["contacts"]:
            # Left out, it would seem that this contact is none any more.
            reason = f"{contact} is not among the contacts: a pupil who changed comes with all of them."
            self._notes.fault(self._name, number, "pupils.contacts", reason)

    def _keep_roles(self, contacts: list[Contact]) -> None:
        """A contact who changed without any pupil stays to them what they are."""
        related = {contact for _, contact in self.incoming.relations}
        for contact in contacts:
            if contact.id in self.incoming.people and contact.id not in related:
                self.incoming.people[contact.id].pop("contact_role", None)

    def _end(self, gone: Gone) -> None:
        """Whoever is in a list no more; one who is in another stays, without what the first made of them."""
        people = self.incoming.people
        for kind, column in _KIND.items():
            ended = self._left[kind] | set(getattr(gone, kind))
            for person in ended & people.keys():
                people[person].setdefault(column, _NOT_OF[column])
            self.incoming.gone["people"] |= ended - people.keys()

    def _groups(self, groups: list[Group]) -> None:
        for number, group in enumerate(groups, 1):
            if group.id in self.incoming.groups:
                self._notes.fault(self._name, number, "groups.id", "An earlier record of this list has the same id.")
            years = {year for told in group.years if (year := read_as.year(told))}
            self.incoming.groups[group.id] = {
                "title": group.title,
                "kind": HOMEROOM if group.is_registration else SCHEDULED,
                "code": group.code,
                "location": group.location,
                "years": sorted(years, key=YEARS.index),
                "subjects": group.subjects,
                "subject_codes": [],
                "course": None,
                "sessions": [],
            }
            for role, members in ((STUDENT, group.pupils), (TEACHES, group.teachers)):
                for person in members:
                    self._place(number, group.id, person, role)
            if not self._full:
                ended = {f"{group.id}/{person}" for person in group.left}
                self.incoming.gone["enrolments"] |= ended - self.incoming.enrolments.keys()

    def _place(self, number: int, group: str, person: str, role: str) -> None:
        if person in self._left["pupils" if role == STUDENT else "staff"]:
            return
        if self._full and person not in self.incoming.people:
            self._unknown(number, "groups", person)
            return
        place = {"group": group, "person": person, "role": role, "is_primary": None, "begins_on": None, "ends_on": None}
        self.incoming.enrolments[f"{group}/{person}"] = place

    def _unknown(self, number: int, column: str, person: str) -> None:
        if not any(person in left for left in self._left.values()):
            self._notes.forgive(self._name, number, column, "Somebody who is in no list: left out")
