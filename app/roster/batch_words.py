"""What became of a batch, in words: for the school's page, and for the agent that sent it."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from app.models.roster.batch import ACCEPTED, CANCELLED, HELD, RECEIVED, RECEIVING, REFUSED, Batch
from app.roster.incoming import CONTACTS, GROUPS, PUPILS, STAFF

STATES = {
    RECEIVING: "Arriving",
    RECEIVED: "Being read",
    ACCEPTED: "Taken in",
    HELD: "Waits for you",
    REFUSED: "Not taken in",
    CANCELLED: "Left out",
}
TABLES = {
    "people": "People",
    "groups": "Groups",
    "enrolments": "Places in groups",
    "relations": "Contacts of pupils",
    "sessions": "Terms and years",
    "courses": "Courses",
}
SOURCES = {
    "oneroster": "OneRoster",
    "spreadsheet": "Spreadsheet",
    "ctf": "Common Transfer File",
    "integris": "Integris",
}
KINDS = {PUPILS: "pupils", STAFF: "members of staff", CONTACTS: "contacts", GROUPS: "groups"}


def rows(batch: Batch) -> list[tuple[str, dict[str, int]]]:
    """What it changed, or would change: (our word, {added, changed, gone, unchanged}) of each table it speaks of."""
    shown = [(word, batch.counts[table]) for table, word in TABLES.items() if isinstance(batch.counts.get(table), dict)]
    return [(word, counts) for word, counts in shown if any(counts.values())]


def summary(batch: Batch) -> str:
    """A line: how many people came, changed and went."""
    counts = batch.counts.get("people")
    if not isinstance(counts, Mapping):
        return ""
    told = [f"{counts[what]:,} {word}" for what, word in _CHANGES.items() if counts.get(what)]
    return ", ".join(told) or "Nothing has changed"


_CHANGES = {"added": "new", "changed": "changed", "gone": "gone"}


def held(batch: Batch) -> list[str]:
    """Why it waits for somebody at the school, a sentence each."""
    said = []
    if number := batch.held_for.get("made_at"):
        said.append(f"It was written at another school, {number[:3]}/{number[3:]}. Is it about your pupils?")
    said += [
        f"{gone['gone']:,} of {gone['of']:,} {KINDS.get(kind, kind)} would be gone."
        for kind, gone in batch.held_for.get("gone", {}).items()
    ]
    if doubts := batch.held_for.get("doubts"):
        count = len(doubts)
        said.append(f"{count:,} {'person' if count == 1 else 'people'} may be somebody we know already.")
    if "mapping" in batch.held_for:
        said.append("We do not know yet what its columns mean.")
    return said


def person(row: Mapping[str, Any]) -> str:
    """Somebody as a school knows them: name, year and group or role, date of birth."""
    name = f"{row.get('given_name') or ''} {row.get('family_name') or ''}".strip() or "Without a name"
    about = [f"year {row['year']}" if row.get("year") else "", row.get("registration_group") or ""]
    about += ["staff" if row.get("staff_role") else "", "contact" if row.get("contact_role") else ""]
    born = row.get("birth_date")
    about.append(f"born {born.day} {born:%B %Y}" if isinstance(born, dt.date) else "")
    told = ", ".join(part for part in about if part)
    return f"{name} ({told})" if told else name


def for_agent(batch: Batch) -> dict[str, Any]:
    """As `/agent/v1` tells it. It names nobody."""
    return {
        "id": str(batch.id),
        "name": batch.name,
        "state": batch.state,
        "begun_at": batch.begun_at.isoformat(),
        "decided_at": batch.decided_at.isoformat() if batch.decided_at else None,
        "counts": batch.counts,
        "faults": batch.faults,
        "held": held(batch),
    }
