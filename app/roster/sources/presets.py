"""What the columns of spreadsheets mean: those of the systems that English schools use, and those that a person maps.

The headings of SIMS, Bromcom, ScholarPack and Integris are from memory of their usual reports, Arbor's from a published
test of a real export; any other report is mapped once by hand.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from app.roster.incoming import CONTACTS, PUPILS, STAFF
from app.roster.sources.tables import plain


@dataclasses.dataclass(frozen=True)
class Field:
    """One thing that a column can mean: our name of it, its words on the page, and headings that usually mean it."""

    name: str
    title: str
    usual: tuple[str, ...]
    needed: bool = False


_NAMES = (
    Field(
        "given_name", "First name", ("Legal Forename", "Legal First Name", "Forename", "First Name", "Given Name"), True
    ),
    Field("family_name", "Surname", ("Legal Surname", "Legal Last Name", "Surname", "Last Name", "Family Name"), True),
)
_PREFERRED = (
    Field("middle_names", "Middle names", ("Middle Name(s)", "Middle Names", "Middle Name")),
    Field("preferred_given_name", "Preferred first name", ("Preferred Forename", "Preferred First Name", "Known As")),
    Field("preferred_family_name", "Preferred surname", ("Preferred Surname", "Preferred Last Name")),
)
_PERSONAL = (
    Field("sex", "Sex", ("Sex", "Gender", "Legal Sex")),
    Field("birth_date", "Date of birth", ("DOB", "Date of Birth", "Birth Date", "DateOfBirth")),
)
_DAYS = (
    Field("starts_on", "Starts on", ("Admission Date", "Start Date", "Date of Admission", "Employment Start Date")),
    Field("leaves_on", "Leaves on", ("Leaving Date", "Date of Leaving", "End Date", "Employment End Date")),
)
_REACHED = (
    Field("mobile", "Mobile", ("Mobile", "Mobile Number", "Mobile Phone", "Telephone Mobile")),
    Field("telephone", "Telephone", ("Home Phone", "Telephone", "Phone", "Home Telephone", "Main Telephone")),
    Field("address", "Address", ("Address", "Full Address", "Home Address")),
    Field("postcode", "Postcode", ("Postcode", "Post Code")),
)
_EMAILS = ("Email", "Email Address", "Primary Email", "Work Email", "E-mail", "School Email")
_ADMISSION = (
    "Adno",
    "Adm No",
    "Admission Number",
    "Admission No",
    "StudentID",
    "Arbor Student ID",
    "Student ID",
    "Pupil ID",
)

FIELDS: Mapping[str, tuple[Field, ...]] = {
    PUPILS: (
        *_NAMES,
        *_PREFERRED,
        Field("source_id", "Unique number in your MIS", ("Globally Unique Student ID", "External ID")),
        Field("admission_number", "Admission number", _ADMISSION),
        Field("upn", "UPN", ("UPN", "Unique Pupil Number")),
        Field("former_upn", "Former UPN", ("Former UPN",)),
        Field("uln", "ULN", ("ULN", "Unique Learner Number")),
        Field(
            "year",
            "Year group",
            ("Year Group", "Year", "NC Year", "Year group(s) this academic year", "NC Year(s) for today", "YearGroup"),
        ),
        Field(
            "registration_group",
            "Registration group",
            (
                *("Reg Group", "Registration Group", "Registration form(s) for today", "Tutor Group", "TutorGroup"),
                *("Form", "Class", "Registration Form"),
            ),
        ),
        *_PERSONAL,
        Field("email", "Email address", _EMAILS),
        *_REACHED,
        Field("sen", "SEN provision", ("SEN Status", "SEN status", "SEN Provision", "SEN")),
        Field("fsm", "Free school meals", ("Eligible for FSM", "FSM", "FSM Eligible", "Free School Meals")),
        Field("ethnicity", "Ethnicity (census code)", ("Ethnicity Code", "Ethnicity")),
        *_DAYS,
    ),
    STAFF: (
        *_NAMES,
        *_PREFERRED,
        Field("staff_code", "Staff code", ("Staff Code", "Arbor Staff ID", "Staff ID", "Initials", "StaffID")),
        Field("title", "Title", ("Title",)),
        Field("job_title", "Role", ("Role", "Job Title", "Post", "Position"), True),
        Field("email", "Email address", _EMAILS),
        Field("trn", "Teacher reference number", ("TRN", "Teacher Number", "Teacher Reference Number")),
        Field("sex", "Sex", ("Sex", "Gender", "Legal Sex")),
        *_DAYS,
    ),
    CONTACTS: (
        *_NAMES,
        Field("pupil_number", "The pupil’s number", ("Globally Unique Student ID", *_ADMISSION)),
        Field("pupil_upn", "The pupil’s UPN", ("UPN", "Pupil UPN")),
        Field("title", "Title", ("Title",)),
        Field("words", "Relation to the pupil", ("Relationship", "Relation", "Relationship to Student"), True),
        Field("priority", "Priority", ("Priority", "Contact Priority", "Order")),
        Field("responsibility", "Parental responsibility", ("Parental Responsibility", "Has Parental Responsibility")),
        Field("court_order", "Court order", ("Court Order", "Has Court Order")),
        Field("email", "Email address", _EMAILS),
        *_REACHED,
    ),
}


@dataclasses.dataclass(frozen=True)
class Preset:
    """A report of one system: the headings by which it is known (`marks`); its columns mean what they usually do."""

    system: str
    kind: str
    marks: tuple[str, ...]


PRESETS = (
    Preset("SIMS", PUPILS, ("Adno", "Legal Surname", "Legal Forename", "Reg Group")),
    Preset("Arbor", PUPILS, ("Arbor Student ID", "Legal First Name", "Legal Last Name")),
    Preset("Bromcom", PUPILS, ("StudentID", "FirstName", "LastName", "TutorGroup")),
    Preset("Integris", PUPILS, ("Adm No", "Surname", "Forename", "Form")),
    Preset("ScholarPack", PUPILS, ("UPN", "Forename", "Surname", "Class")),
    Preset("Staff list", STAFF, ("Staff Code", "Forename", "Surname", "Role")),
    Preset("Arbor", STAFF, ("Arbor Staff ID", "Legal First Name", "Legal Last Name", "Job Title")),
    Preset("Contact list", CONTACTS, ("Relationship", "Forename", "Surname", "Priority", "Adno")),
    Preset("Contact list", CONTACTS, ("Relationship", "Forename", "Surname", "UPN")),
)


def preset_of(columns: Sequence[str]) -> Preset | None:
    """The report that these headings belong to: the one with most marks, all of which are there."""
    there = {plain(column) for column in columns}
    fitting = [preset for preset in PRESETS if there.issuperset(map(plain, preset.marks))]
    return max(fitting, key=lambda preset: (preset.kind == CONTACTS, len(preset.marks)), default=None)


def guessed(kind: str, columns: Sequence[str]) -> dict[str, str]:
    """{our field: their column} by usual headings, each column once; what is usual first counts first."""
    by_plain = {plain(column): column for column in columns}
    found: dict[str, str] = {}
    for field in FIELDS[kind]:
        for usual in field.usual:
            column = by_plain.get(plain(usual))
            if column is not None and column not in found.values():
                found[field.name] = column
                break
    return found


def likely_kind(name: str, columns: Sequence[str]) -> str:
    """Of whom a file speaks that no preset knows: by its name, else by what its columns fit best."""
    for kind, words in (
        (CONTACTS, ("contact", "parent")),
        (STAFF, ("staff", "teacher")),
        (PUPILS, ("pupil", "student")),
    ):
        if any(word in name.casefold() for word in words):
            return kind
    return max((PUPILS, STAFF, CONTACTS), key=lambda kind: len(guessed(kind, columns)))
