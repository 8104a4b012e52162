"""The scope catalogue: named kinds of data, in the words that a school reads. Scopes are code; wording is reviewed.

A scope joins with the source that carries it: nobody is asked for, or agrees to share, data that is not there.
Names of the identity scopes: OpenID Connect Core section 5.4.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Scope:
    """A named kind of data. `fields` are the exact fields that it opens, and no others."""

    name: str
    title: str
    description: str
    fields: tuple[str, ...]
    special: bool = False  # special-category data (UK GDPR Article 9)
    identity: bool = False  # about the person who signs in, not about the school's people


_ALL = (
    Scope(
        "school",
        "Your school’s details",
        "Your school’s name, type, address, phone number, website and official numbers, as the national register of"
        " schools shows them. No information about any person.",
        ("name", "type", "phase", "urn", "dfe_number", "ukprn", "address", "telephone", "website"),
    ),
    Scope(
        "openid",
        "Sign in with Gatehouse",
        "People at your school can sign in to the app with their Gatehouse account. The app gets a code that tells it"
        " when the same person comes back, but not who the person is.",
        ("sub",),
        identity=True,
    ),
    Scope(
        "profile",
        "Name of the person who signs in",
        "The name on the Gatehouse account of whoever signs in to the app.",
        ("name",),
        identity=True,
    ),
    Scope(
        "email",
        "Email address of the person who signs in",
        "The email address on the Gatehouse account of whoever signs in to the app.",
        ("email", "email_verified"),
        identity=True,
    ),
)

SCOPES: dict[str, Scope] = {scope.name: scope for scope in _ALL}
