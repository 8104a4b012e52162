"""What is wrong with a school's data, said to the school before its apps choke on it. Nothing here stops a batch."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from app.roster.identifiers import is_postcode, is_upn
from app.roster.incoming import Incoming, Row

NAMED = 100  # people of one problem who are kept by name


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing to look for: what it is called, what it leads to, and who is concerned."""

    code: str
    title: str
    effect: str


CHECKS = (
    Check("staff_without_email", "Staff without an email address", "They cannot be invited to sign in to apps."),
    Check("pupil_without_upn", "Pupils without a UPN", "They get a second account when your MIS changes."),
    Check("upn_wrong", "UPNs that are not valid", "Check them: the letter and the digits do not fit each other."),
    Check("upn_twice", "Pupils who share a UPN", "One of them has the wrong number, and may be taken for the other."),
    Check("pupil_without_group", "Pupils without a registration group", "They are in no class in your apps."),
    Check("year_unknown", "Pupils whose year group is not recognised", "Apps for one year group leave them out."),
    Check("email_twice", "People who share an email address", "Only one of them can sign in with it."),
    Check("postcode_wrong", "Postcodes that are not valid", "Letters go astray."),
    Check("name_missing", "People without a first name or surname", "Apps show a blank or a dot."),
)
_NO_NAME = {"", ".", "-", "unknown"}


def report(incoming: Incoming) -> list[dict[str, Any]]:
    """Rows of {code, title, effect, count, people}; people are {key, name, group}, the first NAMED of them."""
    found: dict[str, list[str]] = defaultdict(list)
    for code, key in _problems(incoming):
        found[code].append(key)
    return [
        {
            "code": check.code,
            "title": check.title,
            "effect": check.effect,
            "count": len(found[check.code]),
            "people": [_named(key, incoming.people[key]) for key in found[check.code][:NAMED]],
        }
        for check in CHECKS
        if found[check.code]
    ]


def _problems(incoming: Incoming) -> Iterator[tuple[str, str]]:
    for key, row in incoming.people.items():
        if row.get("staff_role") and not row.get("email"):
            yield "staff_without_email", key
        if row.get("pupil"):
            yield from ((code, key) for code in _of_pupil(row))
        if row.get("postcode") and not is_postcode(row["postcode"]):
            yield "postcode_wrong", key
        if {row.get("given_name", "").casefold(), row.get("family_name", "").casefold()} & _NO_NAME:
            yield "name_missing", key
    pupils = ((key, row.get("upn", "")) for key, row in incoming.people.items() if row.get("pupil"))
    yield from (("upn_twice", key) for key in _shared(pupils))
    # Parents often share one, and do not sign in with it.
    signing_in = (
        (key, row.get("email", "").casefold())
        for key, row in incoming.people.items()
        if row.get("pupil") or row.get("staff_role")
    )
    yield from (("email_twice", key) for key in _shared(signing_in))


def _of_pupil(row: Row) -> Iterator[str]:
    if not row.get("upn"):
        yield "pupil_without_upn"
    elif not is_upn(row["upn"]):
        yield "upn_wrong"
    if not row.get("registration_group"):
        yield "pupil_without_group"
    if not row.get("year"):
        yield "year_unknown"


def _shared(values: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The keys whose value, where they have one, is somebody else's too."""
    by_value: dict[str, list[str]] = defaultdict(list)
    for key, value in values:
        if value:
            by_value[value].append(key)
    for keys in by_value.values():
        if len(keys) > 1:
            yield from keys


def _named(key: str, row: Row) -> dict[str, str]:
    name = f"{row.get('given_name', '')} {row.get('family_name', '')}".strip()
    return {"key": key, "name": name, "group": row.get("registration_group", "")}
