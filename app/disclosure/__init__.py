"""Who may see what of whom. Every record that leaves for a partner passes here, whichever way it leaves.

It takes what a school has agreed to, never a token. Fields go before anything is filtered, sorted or counted, so that a
hidden value cannot be found by asking about it.
"""

import uuid
from collections.abc import Collection
from typing import Any, Protocol

from app.models.establishment import Establishment
from app.models.school import School
from app.models.scope import ORGANISATION, SCOPES


class Given(Protocol):
    """A school's yes to one app: an authorisation, or as much of it as a token draws on."""

    @property
    def school_id(self) -> uuid.UUID: ...
    @property
    def app_id(self) -> uuid.UUID: ...
    @property
    def scopes(self) -> Collection[str]: ...
    @property
    def years(self) -> Collection[str] | None:
        """The NC years whose pupils it covers; None for every one."""


def visible(given: Given, record: str, within: Collection[str] | None = None) -> frozenset[str]:
    """The fields of one kind of record that an authorisation opens, or those of its scopes that are `within`."""
    scopes = [SCOPES[name] for name in given.scopes if name in SCOPES and (within is None or name in within)]
    return frozenset(field for scope in scopes if scope.record == record for field in scope.fields)


def organisation(
    given: Given,
    school: School,
    establishment: Establishment | None,
    within: Collection[str] | None = None,
) -> dict[str, Any]:
    """The school as the app may see it: exactly the fields of its scopes; empty without any. Raises ValueError for
    another school's record.

    None where the register has nothing to say; `establishment` is None where the register no longer lists the school.
    """
    if given.school_id != school.id or (establishment and establishment.urn != school.urn):
        raise ValueError("a record of another school")
    everything = {
        "name": establishment.name if establishment else school.name,
        "type": establishment and establishment.type_name,
        "phase": establishment and establishment.phase_name,
        "urn": str(school.urn),
        "dfe_number": establishment and establishment.dfe_number,
        "ukprn": establishment and establishment.ukprn,
        "address": establishment.address if establishment else [],
        "telephone": establishment and establishment.telephone,
        "website": establishment and establishment.website,
    }
    opened = visible(given, ORGANISATION, within)
    return {field: value for field, value in everything.items() if field in opened}
