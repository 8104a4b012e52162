"""The scope catalogue: named kinds of data, in the words that a school reads. Scopes are code; wording is reviewed.

A scope joins with the source that carries it: nobody is asked for, or agrees to share, data that is not there.
Names of the identity scopes: OpenID Connect Core section 5.4.
"""

import dataclasses
from collections.abc import Iterable

ORGANISATION, ACCOUNT = "organisation", "account"
STUDENTS, CONTACTS, STAFF_MEMBERS, GROUPS = "students", "contacts", "staff", "groups"
OPENID, PROFILE, EMAIL = "openid", "profile", "email"


@dataclasses.dataclass(frozen=True)
class Scope:
    """A named kind of data: it opens `fields` of the records called `record`, and nothing else."""

    name: str
    title: str
    description: str
    record: str
    fields: tuple[str, ...]
    special: bool = False  # special-category data (UK GDPR Article 9)

    @property
    def identity(self) -> bool:
        """About the person who signs in, not about the school's people."""
        return self.record == ACCOUNT


_ALL = (
    Scope(
        "school",
        "Your school’s details",
        "Your school’s name, type, address, phone number, website and official numbers, as the national register of"
        " schools shows them. No information about any person.",
        ORGANISATION,
        ("name", "type", "phase", "urn", "dfe_number", "ukprn", "address", "telephone", "website"),
    ),
    Scope(
        "students",
        "Pupils’ names and groups",
        "Each pupil’s legal and preferred name, year group and registration group, the days on which they join and"
        " leave, and a code by which the app knows the pupil again. The code means nothing to any other company.",
        STUDENTS,
        (
            "given_name",
            "family_name",
            "middle_names",
            "preferred_given_name",
            "preferred_family_name",
            "year",
            "registration_group",
            "starts_on",
            "leaves_on",
        ),
    ),
    Scope(
        "students.contact",
        "Pupils’ email addresses",
        "The email address that each pupil has at your school.",
        STUDENTS,
        ("email",),
    ),
    Scope(
        "students.upn",
        "Pupils’ official numbers",
        "Each pupil’s UPN (unique pupil number), ULN (unique learner number) and admission number. They follow a pupil"
        " from school to school: share them only with an app that cannot work without them.",
        STUDENTS,
        ("upn", "former_upn", "uln", "admission_number"),
    ),
    Scope(
        "students.demographics",
        "Pupils’ dates of birth and sex",
        "Each pupil’s date of birth, and sex as your school’s census has it.",
        STUDENTS,
        ("birth_date", "sex"),
    ),
    Scope(
        "students.ethnicity",
        "Pupils’ ethnicity",
        "Each pupil’s ethnicity, as your school’s census has it.",
        STUDENTS,
        ("ethnicity",),
        special=True,
    ),
    Scope(
        "students.sen",
        "Pupils’ special educational needs",
        "Whether each pupil has no special educational needs, SEN support, or an education, health and care plan."
        " Nothing about the kind of need.",
        STUDENTS,
        ("sen",),
        special=True,
    ),
    Scope(
        "students.fsm",
        "Pupils’ free school meals",
        "Whether each pupil is eligible for free school meals now.",
        STUDENTS,
        ("fsm",),
    ),
    Scope(
        "contacts",
        "Parents’ and carers’ names",
        "The names of each pupil’s contacts, who they are to the pupil, in which order to call them, and who has"
        " parental responsibility. Nobody whom a court order keeps from the pupil is shared.",
        CONTACTS,
        ("title", "given_name", "family_name", "contact_role", "relation", "priority", "responsibility"),
    ),
    Scope(
        "contacts.contact",
        "Parents’ and carers’ contact details",
        "The email addresses, phone numbers and home addresses of each pupil’s contacts.",
        CONTACTS,
        ("email", "mobile", "telephone", "address", "postcode"),
    ),
    Scope(
        "staff",
        "Staff names and roles",
        "The title and name of everyone who works at your school, and their role and job title. With classes, which of"
        " them they teach.",
        STAFF_MEMBERS,
        (
            "title",
            "given_name",
            "family_name",
            "middle_names",
            "preferred_given_name",
            "preferred_family_name",
            "staff_role",
            "job_title",
            "staff_code",
            "starts_on",
            "leaves_on",
        ),
    ),
    Scope(
        "staff.contact",
        "Staff contact details",
        "The work email addresses and phone numbers of your staff.",
        STAFF_MEMBERS,
        ("email", "mobile", "telephone"),
    ),
    Scope(
        "staff.trn",
        "Teacher reference numbers",
        "The TRN of everyone at your school who has one.",
        STAFF_MEMBERS,
        ("trn",),
    ),
    Scope(
        "groups",
        "Classes and who is in them",
        "Your classes and registration groups, their subjects and terms, and which of the pupils and staff whom the app"
        " may see are in them.",
        GROUPS,
        ("title", "kind", "code", "location", "years", "subjects", "subject_codes", "members", "sessions", "courses"),
    ),
    Scope(
        OPENID,
        "Sign in with Gatehouse",
        "People at your school can sign in to the app with their Gatehouse account. The app gets a code that tells it"
        " when the same person comes back, but not who the person is.",
        ACCOUNT,
        ("sub",),
    ),
    Scope(
        PROFILE,
        "Name of the person who signs in",
        "The name on the Gatehouse account of whoever signs in to the app.",
        ACCOUNT,
        ("name",),
    ),
    Scope(
        EMAIL,
        "Email address of the person who signs in",
        "The email address on the Gatehouse account of whoever signs in to the app.",
        ACCOUNT,
        ("email", "email_verified"),
    ),
)

SCOPES: dict[str, Scope] = {scope.name: scope for scope in _ALL}


def only_identity(names: Iterable[str]) -> bool:
    """Whether all of these are about the person who signs in."""
    return all(name in SCOPES and SCOPES[name].identity for name in names)


# What an app may do for its own partner, with no school behind it: never part of the catalogue, never school data.
PARTNER_SCOPES = ("partner", "grant_management_query", "grant_management_revoke")

_ONEROSTER = "https://purl.imsglobal.org/spec/or/v1p2/scope/"
ONEROSTER: dict[str, tuple[str, ...]] = {
    f"{_ONEROSTER}roster-core.readonly": ("school", "students", "staff", "groups"),
    f"{_ONEROSTER}roster.readonly": ("school", "students", "staff", "contacts", "groups"),
    f"{_ONEROSTER}roster-demographics.readonly": ("students.demographics",),
}
"""OneRoster 1.2's own names of scopes: each stands for those of its set that an app has registered."""
