"""The Groupcall-style API for partners who have a client of it. Tests compare this with what the API does."""

from dataclasses import dataclass

ADDRESSES = (
    ("POST /api/oauth/GetToken", "A token for a school’s secret"),
    ("POST /idaas/sts/STS/GetToken", "The same, at its older address"),
    ("GET /api/v1/TokenDetails", "Whose token it is, until when, and its scopes"),
    ("GET /api/v1/Scopes", "Those scopes in words"),
    ("GET /api/v1/Logs", "Your own calls about this school, newest first: as many as take says, 100 without it"),
    ("GET /api/v1/Usage", "How many calls you made about this school, by month"),
    ("GET /api/v1/School/{estab}/{list}", "A list, a page of it, or what changed in it"),
    ("GET /api/v1/School/{estab}/{list}/{id}", "One row of a list"),
    ("POST /api/Manage/SchoolRegister", "Invite schools"),
)


@dataclass(frozen=True)
class Listed:
    """A list: the scopes of which a token needs one (`and`: one of each), and the options that it knows."""

    name: str
    scopes: str
    options: tuple[str, ...] = ()


LISTS = (
    Listed("SchoolInfo", "school"),
    Listed("Students", "any of students", ("includeGroupIds", "includeContactIds")),
    Listed("Staff", "any of staff", ("includeGroupIds",)),
    Listed("Contacts", "any of contacts", ("includeStudentIds",)),
    Listed("StudentContacts", "any of contacts and any of students"),
    Listed("Groups", "groups", ("includeMembersIds", "includeStaffMembers", "includeStudentMembers")),
    Listed("YearGroups", "any of students"),
    Listed("RegistrationGroups", "groups", ("includeMembersIds", "includeStaffMembers", "includeStudentMembers")),
)

_NAMES = ("Forename", "Surname", "DisplayName", "LegalForename", "LegalSurname")
FIELDS = {
    "school": ("Name", "EstablishmentType", "Phase", "URN", "EstabId", "UKPRN", "Address", "Telephone", "Web"),
    "students": (*_NAMES, "MiddleName", "YearGroup", "RegGroup", "EntryDate", "LeavingDate"),
    "students.contact": ("Email", "WorkEmail"),
    "students.upn": ("UPN", "FormerUPN", "UniqueLearnerNumber", "AdmissionNumber", "AdmissionNo"),
    "students.demographics": ("DateOfBirth", "DateofBirth", "Gender"),
    "students.ethnicity": ("EthnicityCode",),
    "students.sen": ("SENProvision",),
    "students.fsm": ("FSMEligible",),
    "contacts": (*_NAMES, "Title", "Role", "Relationship", "Priority", "ParResp"),
    "contacts.contact": ("Email", "HomeEmail", "MobilePhone", "HomePhone", "AddressBlock", "PostCode"),
    "staff": (
        *(*_NAMES, "MiddleName", "Title", "StaffCode"),
        *("Role", "Roles", "IsTeacher", "EmploymentStart", "EmploymentEnd"),
    ),
    "staff.contact": ("Email", "WorkEmail", "MobilePhone", "WorkPhone"),
    "staff.trn": ("TeacherNumber",),
    "groups": ("Type", "Code", "Name", "Subject", "YearGroup", "Location"),
}
"""Scope → the names of what it opens. Id, ExternalId, IdaasId and LastUpdated are in every row of a person or group."""

KINDS = {
    "Unauthorised": (401, "The secret, the token or the signature is not right, or has ended."),
    "NotAuthorised": (403, "The authorisation does not stand, or does not cover this. The message says which."),
    "SchoolUnverified": (403, "We have not verified the school yet. Try again every few hours."),
    "AuthorisationPaused": (403, "The school’s authorisation is currently paused. Keep the secret; try once a day."),
    "BadRequest": (400, "A parameter or the body cannot be read, or is too large (413). The message says which."),
    "NotFound": (404, "There is no such row, list or school, or it is not one that this token may read."),
    "TooManyRequests": (429, "Wait for as many seconds as Retry-After says."),
    "Unavailable": (503, "Nothing was changed. Send the same call again."),
    "ServerError": (500, "Something went wrong at our end. Send us the X-Request-Id."),
}
"""Every ExceptionType, with its status and what to make of it."""
