"""What is different in a list since an app last read it: `changedRows` of the Groupcall-style API (ADR 24).

With `*` a client begins: it gets the whole list, and a cursor. With the cursor it gets the rows that are new or
different and the ids of those that are gone, and the next cursor. A cursor names a snapshot, the ids and digests that
the app was given, so what is said is the exact difference whatever has happened meanwhile: a batch, an exclusion, a
court order, somebody's last day, another scope. A cursor is signed, and of one list of one app at one school.
"""

import dataclasses
import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

import orjson

from app import __version__
from app.models.snapshot import Snapshot
from app.roster.groupcall.errors import BAD_REQUEST, Refused
from app.roster.groupcall.lists import Key, Listing
from app.roster.groupcall.rows import Shape
from app.roster.groupcall.sent import Asked
from app.roster.look import Look
from app.secrets import sign, signed

BEGIN = "*"
CURSOR_SECONDS = 10 * 365 * 86_400  # the snapshot ends before
LOST = "This changedRows is not known for this list, or too old. Begin again with changedRows=*."
Beside = dict[str, dict[Key, list[Shape]]]


@dataclasses.dataclass
class Read:
    """Rows of a list with those of the tables beside it."""

    keys: list[Key]
    rows: list[Shape]
    beside: Beside


@dataclasses.dataclass(frozen=True)
class Changes:
    """One page of a change set. `kept` is the snapshot to keep before this leaves."""

    page: Read
    total: int
    gone: list[str]
    next_cursor: str
    next_query: str
    kept: Snapshot | None


def read(look: Look, of: Listing, keys: Sequence[Key], asked: Asked) -> Read:
    """These rows of a list, those that are there, with the fields that are asked for."""
    options = of.asked(asked.options)
    shown = of.rows(look, keys, options)
    there = list(keys) if len(shown) == len(keys) else [key for key in keys if of.rows(look, [key], options)]
    rows = [_only(row, asked) for row in shown]
    return Read(there, rows, of.beside(look, there, options))


def _only(row: Shape, asked: Asked) -> Shape:
    """The row with nothing but the selected fields, and its id."""
    if not asked.select:
        return row
    return {name: value for name, value in row.items() if name == "Id" or name in asked.select}


def changes(look: Look, of: Listing, asked: Asked) -> Changes:
    """The page of a change set that is asked for. Raises Refused for a cursor that is not one of this list."""
    listing, given = _listing(of, asked), look.given
    purpose = f"changed rows {given.app_id} {given.school_id} {listing}"
    before_id, target_id = _named(asked.changed, purpose)

    def kept(snapshot_id: uuid.UUID) -> Snapshot:
        found = Snapshot.of_list(look.db, snapshot_id, given.school_id, given.app_id, listing)
        if found is None:
            raise Refused(400, BAD_REQUEST, LOST)
        return found

    before = kept(before_id) if before_id else None
    whole: Read | None = None
    if target_id:
        target: Snapshot | None = kept(target_id)
    elif asked.page > 1:
        # Clients that only count pages up stay with the snapshot that their first page made.
        target = Snapshot.newest_after(look.db, given.school_id, given.app_id, listing, before_id)
    else:
        target = None
    is_first = target is None
    if target is None:
        target, whole = _now(look, of, asked, listing, before)
    had, has = before.rows if before else {}, target.rows
    changed = [own for own, digest in has.items() if had.get(own) != digest]
    start = (asked.page - 1) * asked.size
    following = sign({"from": str(target.id)}, purpose)
    more = start + asked.size < len(changed)
    pinned = sign({"from": str(before_id) if before_id else None, "to": str(target.id)}, purpose)
    return Changes(
        _page(look, of, asked, changed[start : start + asked.size], whole),
        len(changed),
        [own for own in had if own not in has] if asked.page == 1 else [],
        following,
        f"?changedRows={pinned if more else following}&page={asked.page + 1 if more else 1}{asked.beside}",
        target if is_first else None,
    )


def _listing(of: Listing, asked: Asked) -> str:
    """The list and how it is asked for, which decide what its rows are."""
    told = f"{sorted(of.asked(asked.options))} {sorted(asked.select)} {asked.group_type.lower()}"
    return f"{of.name} {hashlib.blake2b(told.encode(), digest_size=12).hexdigest()}"


def _named(cursor: str, purpose: str) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    """The snapshot that the client has, and the one whose pages it is reading. Raises Refused."""
    if cursor == BEGIN:
        return None, None
    told = signed(cursor, purpose, CURSOR_SECONDS)
    if told is None:
        raise Refused(400, BAD_REQUEST, LOST)
    before, target = told["from"], told.get("to")
    return uuid.UUID(before) if before else None, uuid.UUID(target) if target else None


def _now(look: Look, of: Listing, asked: Asked, listing: str, before: Snapshot | None) -> tuple[Snapshot, Read | None]:
    """The list as it is, as a snapshot: the one before where nothing is different, else a new one and what is in it."""
    seen_as = _seen_as(look)
    if before and of.of_roster and before.seen_as == seen_as:
        return before, None
    whole = read(look, of, of.keys(look), asked)
    key = look.org_id.encode()
    rows = {}
    for own, row in zip(whole.keys, whole.rows, strict=True):
        told: list[Any] = [row, *(rows_of.get(own, []) for rows_of in whole.beside.values())]
        rows[row["Id"]] = hashlib.blake2b(orjson.dumps(told), key=key, digest_size=8).hexdigest()
    if before and before.rows == rows:
        before.seen_as = seen_as
        return before, None
    made = Snapshot.made(
        school_id=look.given.school_id,
        app_id=look.given.app_id,
        listing=listing,
        before=before.id if before else None,
        seen_as=seen_as,
        rows=rows,
    )
    return made, whole


def _seen_as(look: Look) -> bytes:
    """What a list of the roster depends on: the same, the same list."""
    sight, standing = look.sight, look.standing
    opened = [(record, sorted(fields)) for record, fields in sight.opened]
    facts = (__version__, look.org_id, standing.number, standing.day, opened, sight.years)
    return hashlib.blake2b(f"{facts}".encode(), digest_size=16).digest()


def _page(look: Look, of: Listing, asked: Asked, ids: list[str], whole: Read | None) -> Read:
    """The rows of these ids that are still there: what has gone since the snapshot is told by the next one."""
    if whole is not None:
        wanted = set(ids)
        here = [at for at, row in enumerate(whole.rows) if row["Id"] in wanted]
        return Read([whole.keys[at] for at in here], [whole.rows[at] for at in here], whole.beside)
    there = set(of.keys(look)) if ids else set()
    keys = [key for key in (of.own(look, own) for own in ids) if key in there]
    return read(look, of, keys, asked)
