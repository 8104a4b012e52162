"""The audit: append-only and hash-chained, of people's decisions. It is written in the decision's own transaction.

If the audit cannot be written, the decision does not happen. Details hold ids and codes, never a name or an address.
"""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Iterator
from typing import Any

from app.db import Session
from app.models import event
from app.models.base import now


def record(
    db: Session,
    action: str,
    *,
    actor: uuid.UUID | None,
    school: uuid.UUID | None = None,
    subject: uuid.UUID | None = None,
    **detail: str | int | bool | list[str] | None,
) -> None:
    """Append one decision, such as `record(db, "authorisation.granted", actor=…, school=…, subject=…, scopes=[…])`."""
    head = event.lock_head(db)
    row = event.Event(
        number=head.number + 1,
        happened_at=now(),
        action=action,
        actor_id=actor,
        school_id=school,
        subject_id=subject,
        detail=detail,
    )
    row.hash = _link(head.hash, row)
    db.add(row)
    head.number, head.hash = row.number, row.hash


def verify(db: Session, exported_head: tuple[int, str] | None = None) -> list[str]:
    """What is wrong with the chain, one sentence each; empty when whole.

    `exported_head` is a (number, hash in hex) that was kept outside the database. Without it, an end that was cut off
    together with the head's row cannot be told from an audit that is shorter.
    """
    faults, before, expected = [], b"", 1
    seen: dict[int, str] = {}
    for row in event.in_order(db):
        if isinstance(row, int):
            faults.append(f"Event {row} cannot be read")
            expected = row + 1
            continue
        if row.number != expected:
            faults.append(f"Event {expected} is missing")
        if row.hash != _link(before, row):
            faults.append(f"Event {row.number} was changed, or one before it")
        before, expected = row.hash, row.number + 1
        seen[row.number] = row.hash.hex()
    head = event.head(db)
    if head is None and expected > 1:
        faults.append("The row that says which event is the last is missing")
    if head and (head.number, head.hash) != (expected - 1, before):
        faults.append(f"The last event should be {head.number}, but is {expected - 1}")
    if exported_head and seen.get(exported_head[0]) != exported_head[1]:
        faults.append(f"Event {exported_head[0]} is not the one that was exported: the end was cut off or rewritten")
    return faults


def exported(db: Session) -> Iterator[dict[str, Any]]:
    """Every event as plain data, oldest first; the last one's `number` and `hash` are the head to keep elsewhere."""
    for row in event.in_order(db):
        if isinstance(row, int):
            yield {"number": row, "unreadable": True}
        else:
            yield {**_plain(row), "hash": row.hash.hex()}


def _link(before: bytes, row: event.Event) -> bytes:
    canonical = json.dumps(_plain(row), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(before + canonical.encode()).digest()


def _plain(row: event.Event) -> dict[str, Any]:
    return {
        "number": row.number,
        "happened_at": row.happened_at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "action": row.action,
        "actor": row.actor_id and str(row.actor_id),
        "school": row.school_id and str(row.school_id),
        "subject": row.subject_id and str(row.subject_id),
        "detail": row.detail,
    }
