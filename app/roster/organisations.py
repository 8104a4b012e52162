"""A school as OneRoster's Org: which of our fields stands where, and under which id a partner knows it."""

import datetime as dt
from typing import Any

from app.disclosure import Given, organisation, visible
from app.models.establishment import Establishment
from app.models.school import School
from app.models.scope import ORGANISATION
from app.roster.look import Look
from app.roster.shapes import moment

# OneRoster's field → ours. What has no place in its Org stands in `metadata`, as it allows.
PLACES = {
    "name": "name",
    "identifier": "urn",
    "metadata.LAESTAB": "dfe_number",
    "metadata.UKPRN": "ukprn",
    "metadata.establishmentType": "type",
    "metadata.phase": "phase",
    "metadata.address": "address",
    "metadata.telephone": "telephone",
    "metadata.website": "website",
}
# Bookkeeping that says nothing about a school, and two links that we know of but never set: we serve one level.
ALWAYS = ("sourcedId", "status", "dateLastModified", "type", "metadata", "parent", "children")


def known(given: Given) -> frozenset[str]:
    """The names that this caller may filter, sort and select by."""
    opened = visible(given, ORGANISATION)
    return frozenset([*ALWAYS, *(place for place, field in PLACES.items() if field in opened)])


def org(look: Look, school: School, establishment: Establishment | None) -> dict[str, Any]:
    """OneRoster 1.2 Org (information model, section "Org"), of the one school that the authorisation is about.

    `sourcedId` is the partner's own, the same for ever, and says nothing of the URN.
    """
    fields = organisation(look.given, school, establishment)
    made: dict[str, Any] = {
        "sourcedId": look.org_id,
        "status": "active",
        "dateLastModified": _modified(school, establishment),
    }
    metadata = {}
    for place, field in PLACES.items():
        value = fields.get(field)
        if not value:
            continue
        if place.startswith("metadata."):
            metadata[place.removeprefix("metadata.")] = value.replace("/", "") if field == "dfe_number" else value
        else:
            made[place] = value
    return made | {"type": "school"} | ({"metadata": metadata} if metadata else {})


def _modified(school: School, establishment: Establishment | None) -> str:
    """The later of registering here and the register's last change."""
    changed = establishment.last_changed if establishment else None
    register = dt.datetime.combine(changed, dt.time(), dt.UTC) if changed else school.registered_at
    latest = max(register, school.registered_at)
    return moment(latest)
