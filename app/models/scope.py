"""The scope catalogue: named kinds of data, in the words that a school reads. Scopes are code; wording is reviewed.

A scope joins with the source that carries it: nobody is asked for, or agrees to share, data that is not there.
Names of the identity scopes: OpenID Connect Core section 5.4.
"""

import dataclasses
from collections.abc import Iterable

ORGANISATION, ACCOUNT = "organisation", "account"
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
