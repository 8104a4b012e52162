"""A school as OneRoster's Org: which of our fields stands where, and under which id a partner knows it."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from app.disclosure import organisation, visible
from app.models.authorisation import Authorisation
from app.models.establishment import Establishment
from app.models.school import School
from app.models.scope import ORGANISATION

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


def known(authorisation: Authorisation, within: Collection[str]) -> frozenset[str]:
    """The names that this caller may filter, sort and select by."""
    opened = visible(authorisation, ORGANISATION, within)
    return frozenset([*ALWAYS, *(place for place, field in PLACES.items() if field in opened)])


def org(
    authorisation: Authorisation, school: School, establishment: Establishment | None, within: Collection[str]
) -> dict[str, Any]:
    """OneRoster 1.2 Org (information model, section "Org"), of the one school that the authorisation is about.

    `sourcedId` is the partner's own, the same for ever, and says nothing of the URN.
    """
    fields = organisation(authorisation, school, establishment, within)
    made: dict[str, Any] = {
        "sourcedId": authorisation.app.partner.pairwise("school", school.id),
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
    return latest.strftime("%Y-%m-%dT%H:%M:%S.") + f"{latest.microsecond // 1000:03}Z"
