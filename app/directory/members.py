"""Who follows whom, and who belongs to which group: the links and groups files beside the register."""

from dataclasses import dataclass
from typing import Any

from app.db import Session
from app.directory.columns import date
from app.directory.extract import NotTheRegister, Table
from app.errors import Problem
from app.models import register
from app.settings import settings


class Shrunk(Problem):
    status = 409
    title = "A file has far fewer rows than we have"


@dataclass
class Report:
    """How many rows were put in and taken out; a changed row is both."""

    added: int
    removed: int


def has_shrunk(rows: int, before: int) -> bool:
    """Whether so many rows are gone that the file is more likely cut off than right."""
    return rows * 100 <= before * (100 - settings.register_shrink_percent) if before else False


def links(db: Session, table: Table, force: bool) -> set[tuple[Any, ...]]:
    """Every link of the file, as `register.links` has them."""
    at = _places(table, ("URN", "LinkURN", "LinkType"), ("LinkName", "LinkEstablishedDate"))
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for row in table.rows():
        urn, link_urn, kind, name, since = (row[place].strip() if place is not None else "" for place in at)
        if _is_number(urn) and _is_number(link_urn) and kind:
            key = (int(urn), int(link_urn), kind)
            found.setdefault(key, (*key, name, date(since)))
    _refuse_shrunk(table, len(found), len(register.links(db)), force)
    return set(found.values())


def groups(db: Session, tables: list[Table], force: bool) -> set[tuple[Any, ...]]:
    """Every membership of the files, as `register.groups` has them.

    `alllinksdata` says who belongs to a group; `allgroupsdata` says more about groups, of known members too.
    """
    held = register.groups(db)
    named: dict[int, tuple[str, str, str]] = {}
    found: dict[tuple[int, int], tuple[Any, ...]] = {row[:2]: row for row in held}
    for table in tables:
        at = _places(table, ("Group UID", "Group Name"), ("Group Type", "Group Status", "URN", "Joined date"))
        members: dict[tuple[int, int], tuple[Any, ...]] = {}
        for row in table.rows():
            uid, *facts, urn, joined = (row[place].strip() if place is not None else "" for place in at)
            if _is_number(uid) and at[-2] is None:
                named[int(uid)] = (facts[0], facts[1], facts[2])
            elif _is_number(uid) and _is_number(urn):
                members[int(urn), int(uid)] = (int(urn), int(uid), *facts, date(joined))
        if at[-2] is not None:
            _refuse_shrunk(table, len(members), len(held), force)
            found = members
    return {(urn, uid, *named.get(uid, row[2:5]), row[5]) for (urn, uid), row in found.items()}


def _places(table: Table, needed: tuple[str, ...], useful: tuple[str, ...]) -> list[int | None]:
    if missing := [heading for heading in needed if heading not in table.header]:
        raise NotTheRegister(f"{table.name} has no column {', '.join(f'“{heading}”' for heading in missing)}.")
    return [table.header.index(heading) if heading in table.header else None for heading in needed + useful]


def _refuse_shrunk(table: Table, rows: int, before: int, force: bool) -> None:
    if not force and has_shrunk(rows, before):
        raise Shrunk(
            f"{table.name} has {rows:,} usable rows; we have {before:,}."
            " Check that it is whole. If it is, import it with --force."
        )


def _is_number(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < 10
