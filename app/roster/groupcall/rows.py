"""Rows of the Groupcall-style API: our records as its clients read them, field by field as the scopes open them.

Where clients of different age read a field under two names, it stands under both. A field that is opened and of which
nobody knows anything is null; one that is not opened is not there. Lists of ids are texts with commas.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from app.disclosure import organisation, visible
from app.disclosure.records import Record
from app.models.roster.group import HOMEROOM
from app.models.roster.person import TEACHER
from app.models.scope import ORGANISATION
from app.roster.groupcall.tokens import written
from app.roster.look import Look

Shape = dict[str, Any]
Names = Mapping[str, str]

_PERSON = {
    "LegalForename": "given_name",
    "LegalSurname": "family_name",
    "MiddleName": "middle_names",
    "Email": "email",
}
PUPIL: Names = _PERSON | {
    "WorkEmail": "email",
    "YearGroup": "year",
    "RegGroup": "registration_group",
    "EntryDate": "starts_on",
    "LeavingDate": "leaves_on",
    "UPN": "upn",
    "FormerUPN": "former_upn",
    "UniqueLearnerNumber": "uln",
    "AdmissionNumber": "admission_number",
    "AdmissionNo": "admission_number",
    "DateOfBirth": "birth_date",
    "DateofBirth": "birth_date",
    "Gender": "sex",
    "EthnicityCode": "ethnicity",
    "SENProvision": "sen",
    "FSMEligible": "fsm",
}
STAFF: Names = _PERSON | {
    "WorkEmail": "email",
    "Title": "title",
    "StaffCode": "staff_code",
    "Role": "staff_role",
    "Roles": "job_title",
    "EmploymentStart": "starts_on",
    "EmploymentEnd": "leaves_on",
    "MobilePhone": "mobile",
    "WorkPhone": "telephone",
    "TeacherNumber": "trn",
}
CONTACT: Names = _PERSON | {
    "HomeEmail": "email",
    "Title": "title",
    "Role": "contact_role",
    "MobilePhone": "mobile",
    "HomePhone": "telephone",
    "AddressBlock": "address",
    "PostCode": "postcode",
}
RELATION: Names = {"Relationship": "relation", "Priority": "priority", "ParResp": "responsibility"}
SCHOOL: Names = {
    "Name": "name",
    "EstablishmentType": "type",
    "Phase": "phase",
    "URN": "urn",
    "EstabId": "dfe_number",
    "UKPRN": "ukprn",
    "Address": "address",
    "Telephone": "telephone",
    "Web": "website",
}
REGISTRATION, TEACHING = "RegGrp", "TeachingGrp"
_YEAR_NAMES = {"R": "Reception", "X": "No year group", "N1": "Nursery 1", "N2": "Nursery 2"}


def _head(own: str) -> Shape:
    return {"Id": own, "ExternalId": own, "IdaasId": own}


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    return None if value == "" else value


def _named(record: Record, names: Names, opened: Collection[str]) -> Shape:
    return {name: _plain(record.get(field)) for name, field in names.items() if field in opened}


def people(own: Sequence[str], records: Sequence[Record], names: Names, opened: Collection[str]) -> list[Shape]:
    """People as one kind of theirs: `opened` are the fields of that kind, so that none of another gets in."""
    made = []
    for shown, record in zip(own, records, strict=True):
        row = _head(shown)
        if "given_name" in opened:
            preferred = "preferred_given_name" in opened
            forename = (record.get("preferred_given_name") if preferred else "") or record.get("given_name")
            surname = (record.get("preferred_family_name") if preferred else "") or record.get("family_name")
            display = " ".join(part for part in (forename, surname) if part)
            row |= {"Forename": _plain(forename), "Surname": _plain(surname), "DisplayName": _plain(display)}
        row |= _named(record, names, opened)
        if "staff_role" in opened and names is STAFF:
            row["IsTeacher"] = int(record.get("staff_role") == TEACHER)
        made.append(row | {"LastUpdated": written(record["changed_at"])})
    return made


def relation(pupil: str, contact: str, record: Record, opened: Collection[str]) -> Shape:
    """Who somebody is to a pupil."""
    row = _head(f"{pupil}-{contact}") | {"StudentId": pupil, "ContactId": contact}
    return row | _named(record, RELATION, opened) | {"LastUpdated": written(record["changed_at"])}


def group_type(record: Record) -> str:
    return REGISTRATION if record["kind"] == HOMEROOM else TEACHING


def group(own: str, record: Record) -> Shape:
    row = _head(own) | {
        "Type": group_type(record),
        "Code": _plain(record["code"]),
        "Name": record["title"],
        "Subject": _plain(", ".join(record["subjects"])),
        "YearGroup": _plain(", ".join(record["years"])),
        "Location": _plain(record["location"]),
    }
    return row | {"LastUpdated": written(record["changed_at"])}


def year_group(year: str, pupils: int) -> Shape:
    return _head(year) | {"Code": year, "Name": _YEAR_NAMES.get(year, f"Year {year}"), "NumStudents": pupils}


def school(look: Look) -> Shape:
    """The one school that a token is about, as the register has it."""
    fields = organisation(look.given, *look.register)
    if fields.get("dfe_number"):
        fields["dfe_number"] = fields["dfe_number"].replace("/", "")
    if "address" in fields:
        fields["address"] = "\n".join(fields["address"])
    return _head(look.org_id) | _named(fields, SCHOOL, visible(look.given, ORGANISATION))


def joined(ids: Iterable[str]) -> str:
    """Ids as this API lists them within a row."""
    return ",".join(ids)
