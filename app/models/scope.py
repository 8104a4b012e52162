"""The scope catalogue: named kinds of data, in the words that a school reads. Scopes are code; wording is reviewed.

Source of names: the data chapter of the product's specification; identity scopes: OpenID Connect Core section 5.4.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Scope:
    """A named kind of data. `fields` are the exact fields that it opens, and no others."""

    name: str
    title: str
    description: str
    fields: tuple[str, ...] = ()
    special: bool = False  # special-category data (UK GDPR Article 9)
    identity: bool = False  # about the person who signs in, not about the school's people


_ALL = (
    Scope(
        "school",
        "Your school’s details",
        "The name, address, phone number and official numbers of your school, as the national register shows them.",
        ("name", "type", "identifier", "address", "telephone", "website", "urn", "dfe_number", "ukprn", "phase"),
    ),
    Scope("openid", "Who you are", "That the same person signs in again, without your name.", ("sub",), identity=True),
    Scope("profile", "Your name", "The name on your Gatehouse account.", ("name",), identity=True),
    Scope("email", "Your email address", "The email address of your Gatehouse account.", ("email",), identity=True),
)

SCOPES: dict[str, Scope] = {scope.name: scope for scope in _ALL}
