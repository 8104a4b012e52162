"""What an app asks for now, beside what a school agreed to before: told apart word by word, before anybody decides."""

import dataclasses
import difflib
import hashlib
import re

from app.models.authorisation import Authorisation
from app.models.partner import AppScope
from app.models.scope import SCOPES
from app.sharing.service import Line, agreed, line_of

KEPT, ADDED, REMOVED = "", "ins", "del"


@dataclasses.dataclass(frozen=True)
class Row:
    """One scope as the app asks for it now. `words` are (mark, text) of its purpose where that reads differently now.

    `fresh`: not agreed to, and asked for since the school last decided. `was_required` is None where nothing was
    agreed to.
    """

    line: Line
    fresh: bool
    before: str
    words: list[tuple[str, str]]
    was_required: bool | None

    @property
    def reworded(self) -> bool:
        return bool(self.words)

    @property
    def other_need(self) -> bool:
        """Required now and optional before, or the other way round."""
        return self.was_required is not None and self.was_required != self.line.required


@dataclasses.dataclass(frozen=True)
class Difference:
    """`rows`: what is asked for now; `gone`: what was agreed to and is asked for no more."""

    rows: list[Row]
    gone: list[Line]
    fingerprint: str

    @property
    def asks_more(self) -> list[Row]:
        return [row for row in self.rows if row.fresh]

    @property
    def needs_more(self) -> list[Row]:
        """Those without which the app says that it cannot do."""
        return [row for row in self.asks_more if row.line.required]

    @property
    def is_any(self) -> bool:
        """Whether the school would now agree to something else than it did, whatever it ticks."""
        return bool(self.gone or [row for row in self.rows if row.fresh or row.reworded or row.other_need])


def between(given: Authorisation) -> Difference:
    """What has changed since the school decided about this app."""
    before = {line.scope: line for line in agreed(given)}
    asked = [wanted for wanted in given.app.scopes if wanted.scope in SCOPES]
    rows = [_row(given, wanted, before.get(wanted.scope)) for wanted in asked]
    gone = [line for line in before.values() if line.scope not in given.app.asks]
    return Difference(rows, gone, _fingerprint(given, rows, gone))


def is_undecided(given: Authorisation) -> bool:
    """Whether the app has changed what it asks for since the school last decided about it."""
    found = between(given)
    if not found.is_any:
        return False
    return any(wanted.changed_at > given.decided_at for wanted in given.app.scopes)


def words(before: str, after: str) -> list[tuple[str, str]]:
    """Both texts as one, each piece marked as kept, added or removed; empty when they read alike."""
    old, new = re.findall(r"\s*\S+", before), re.findall(r"\s*\S+", after)
    if old == new:
        return []
    marked: list[tuple[str, str]] = []
    for what, start, end, first, last in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            marked.append((KEPT, "".join(old[start:end])))
            continue
        pieces = ((REMOVED, "".join(old[start:end])), (ADDED, "".join(new[first:last])))
        marked += [(mark, text) for mark, text in pieces if text]
    return marked


def _row(given: Authorisation, wanted: AppScope, before: Line | None) -> Row:
    line = line_of(wanted, given.scopes)
    changed = words(before.purpose, wanted.purpose) if before else []
    fresh = before is None and wanted.changed_at > given.decided_at
    return Row(line, fresh, before.purpose if before else "", changed, before.required if before else None)


def _fingerprint(given: Authorisation, rows: list[Row], gone: list[Line]) -> str:
    """What the page shows, in short: a school agrees to exactly what it has read."""
    read = [given.id, sorted(given.scopes), given.expires_at.isoformat()]
    lines = [(row.line, row.before) for row in rows]
    read += [(one.scope, one.description, one.purpose, one.required, one.grounds, was) for one, was in lines]
    read += [(line.scope, line.purpose) for line in gone]
    return hashlib.sha256(repr(read).encode()).hexdigest()
