"""The users and classes that an app has already: read by SCIM, sent by the partner, or uploaded as a CSV.

Whoever has a user there keeps it, with its name and password: that is why they are asked for before anything else.
"""

import csv
import dataclasses
import io
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.db import Session
from app.errors import Problem
from app.models.account import Account
from app.models.app_user import FOUND, PUPIL, STAFF, AppGroup, AppUser
from app.models.base import now
from app.models.roster.rostered import new_key
from app.models.school import School
from app.models.sync import SyncChoices
from app.roster import identifiers
from app.sync import usernames
from app.sync.scim import Resource, Service

SCIM, API, CSV = "scim", "api", "csv"
MOST = 50_000
LONGEST = 200
COLUMNS = {
    "id": ("id", "user id", "external id"),
    "username": ("username", "user name", "login", "login name"),
    "given_name": ("forename", "first name", "given name"),
    "family_name": ("surname", "last name", "family name"),
    "email": ("email", "email address", "work email"),
    "upn": ("upn",),
    "kind": ("type", "role", "kind", "user type"),
    "year": ("year", "year group"),
    "classes": ("class", "classes", "group", "groups"),
}
STAFF_WORDS = ("staff", "teacher", "admin", "administrator", "employee", "teaching")


class CannotRead(Problem):
    """The file is none that lists users."""

    status = 422
    title = "The file cannot be read"


@dataclasses.dataclass(frozen=True)
class Listed:
    """A user as the app lists them."""

    outside_id: str
    username: str
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    upn: str = ""
    kind: str = PUPIL
    year: str = ""
    classes: tuple[str, ...] = ()
    is_active: bool = True


def from_csv(content: bytes) -> list[Listed]:
    """The users of a CSV with headings. Raises CannotRead with line and reason."""
    text = _decoded(content)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    heading = [cell.strip().casefold() for cell in rows[0]] if rows else []
    at = {name: next((heading.index(one) for one in usual if one in heading), -1) for name, usual in COLUMNS.items()}
    if at["username"] < 0:
        raise CannotRead("Its first line must name the columns, and one of them must be Username.", "file")
    if len(rows) > MOST:
        raise CannotRead(f"It has more than {MOST:,} lines.", "file")
    found: dict[str, Listed] = {}
    for line, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        told = {name: row[place].strip()[:LONGEST] if 0 <= place < len(row) else "" for name, place in at.items()}
        if not told["username"]:
            raise CannotRead(f"Line {line} has no username.", "file")
        key = usernames.key(told["username"])
        if key in found:
            raise CannotRead(f"Line {line}: the username {told['username']} stands on an earlier line too.", "file")
        found[key] = Listed(
            outside_id=told["id"],
            username=told["username"],
            given_name=told["given_name"],
            family_name=told["family_name"],
            email=told["email"].lower(),
            upn=identifiers.upn(told["upn"]),
            kind=STAFF if told["kind"].casefold() in STAFF_WORDS else PUPIL,
            year=told["year"],
            classes=tuple(sorted({one.strip() for one in told["classes"].replace(";", ",").split(",") if one.strip()})),
        )
    return list(found.values())


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise CannotRead("It is no CSV: save the list of users as CSV (comma separated) and choose that file.", "file")


def from_scim(service: Service) -> tuple[list[Listed], dict[str, str]]:
    """The users of a SCIM service, and its groups: title → what the service calls it. Raises Refused or Away."""
    members: dict[str, set[str]] = {}
    groups: dict[str, str] = {}
    for group in service.every("Groups"):
        title = _text(group.get("displayName"))
        if not title:
            continue
        groups.setdefault(title, _text(group.get("id")))
        for one in group.get("members") or ():
            members.setdefault(_text(one.get("value")), set()).add(title)
    users = [_listed(one, members) for one in service.every("Users")]
    return [one for one in users if one.username], groups


def _listed(user: Resource, members: Mapping[str, set[str]]) -> Listed:
    name = user.get("name") or {}
    emails = [one for one in user.get("emails") or () if isinstance(one, dict)]
    first = next((one for one in emails if one.get("primary")), emails[0] if emails else {})
    own = _text(user.get("id"))
    return Listed(
        outside_id=own,
        username=_text(user.get("userName")),
        given_name=_text(name.get("givenName")),
        family_name=_text(name.get("familyName")),
        email=_text(first.get("value")).lower(),
        kind=STAFF if _text(user.get("userType")).casefold() in STAFF_WORDS else PUPIL,
        classes=tuple(sorted(members.get(own, ()))),
        is_active=user.get("active") is not False,
    )


def _text(told: Any) -> str:
    return str(told).strip()[:LONGEST] if told is not None else ""


def keep(
    db: Session,
    school: School,
    app_id: uuid.UUID,
    by: Account | None,
    *,
    found_by: str,
    listed: Sequence[Listed],
    groups: Mapping[str, str],
) -> None:
    """Note what the app has. A user that we know is brought up to date; its owner, name and password stay."""
    if by is not None:
        kept = SyncChoices.locked(db, school.id, app_id, by.id)
        kept.found_by, kept.found_at = found_by, now()
    known = AppUser.of_app(db, school.id, app_id)
    by_outside = {one.outside_id: one for one in known if one.outside_id}
    by_name = {one.username_key: one for one in known if one.username_key}
    rows: dict[str, dict[str, Any]] = {}
    for one in listed:
        user = by_outside.get(one.outside_id) if one.outside_id else None
        user = user or by_name.get(usernames.key(one.username))
        if user is None:
            row = _row(school.id, app_id, one)
            # Two that differ in capitals alone are one to us; the first stands for both.
            rows.setdefault(row["username_key"], row)
            continue
        user.outside_id = one.outside_id or user.outside_id
        if user.person_id is None:
            user.given_name, user.family_name = one.given_name, one.family_name
            user.email, user.upn = one.email or user.email, one.upn or user.upn
            user.classes = list(one.classes)
            user.archived_at = None if one.is_active else user.archived_at or now()
    AppUser.add_all(db, list(rows.values()))
    titles = {title: "" for one in listed for title in one.classes} | dict(groups)
    there = {group.title for group in AppGroup.of_app(db, school.id, app_id)}
    for title, outside_id in sorted(titles.items()):
        if title not in there:
            db.add(AppGroup(school_id=school.id, app_id=app_id, title=title, outside_id=outside_id))
        elif outside_id:
            AppGroup.keep(db, school.id, app_id, title=title, outside_id=outside_id)
    db.flush()


def _row(school_id: uuid.UUID, app_id: uuid.UUID, one: Listed) -> dict[str, Any]:
    return {
        "school_id": school_id,
        "id": new_key(),
        "app_id": app_id,
        "kind": one.kind,
        "origin": FOUND,
        "person_id": None,
        "outside_id": one.outside_id,
        "username": one.username,
        "username_key": usernames.key(one.username),
        "given_name": one.given_name,
        "family_name": one.family_name,
        "email": one.email,
        "upn": one.upn,
        "year": one.year,
        "classes": list(one.classes),
        "password_form": "",
        "password_digest": None,
        "password_sealed": None,
        "password_for_app": None,
        "password_at": None,
        "created_at": now(),
        "archived_at": None if one.is_active else now(),
    }


def unmatched(groups: Iterable[str], titles: Iterable[str]) -> list[str]:
    """Classes of the app whose names are none of the MIS's, letter for letter."""
    return sorted(set(groups) - set(titles), key=str.casefold)
