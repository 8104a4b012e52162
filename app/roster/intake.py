"""Taking batches in: whole or not at all, idempotent, and held when too many people would go.

An upload is put together elsewhere (an agent's, or a browser's); from `received` on it is here. Reading and checking
need no lock; comparing and writing are one write unit, so that readers see the roster before or after, never between.
"""

import threading
import uuid
from typing import Any

import structlog

from app import audit
from app.db import DatabaseAway, Session, sessions
from app.errors import NotFound, Problem
from app.models.base import ahead, now, today
from app.models.establishment import Establishment
from app.models.roster.batch import ACCEPTED, CANCELLED, HELD, RECEIVED, REFUSED, Batch, Chunk, ColumnMapping
from app.models.roster.head import Roster
from app.models.school import School
from app.notify import hand_over
from app.roster import batch_words, difference, quality, sources
from app.roster.difference import Difference
from app.roster.incoming import Faulty, Incoming
from app.roster.sources import NeedsMapping
from app.settings import settings

log = structlog.get_logger()

LEASE_SECONDS = 600
LOOK_SECONDS = 0.5
FAULTS_SHOWN = 50
READING, COMPARING = "reading", "comparing"


class Decided(Problem):
    """The batch is not held any more."""

    status = 409
    title = "This has been decided already"


def work() -> int:
    """Take in what waits; how many batches. Several workers may do so: a batch is one worker's at a time."""
    with sessions.read() as db:
        waiting = Batch.to_read(db)
    return sum(take_in(school_id, batch_id) for batch_id, school_id in waiting)


def run(stop: threading.Event) -> None:
    """Take batches in until stopped."""
    while not stop.is_set():
        try:
            done = work()
        except DatabaseAway as away:
            log.error("database away", error=type(away).__name__)
            done = 0
        if not done:
            stop.wait(LOOK_SECONDS)


def take_in(school_id: uuid.UUID, batch_id: uuid.UUID) -> bool:
    """Read one batch that waits and decide it; False when another worker has it, or it waits no more."""
    with sessions.begin(school=school_id) as db:
        batch = Batch.of_school(db, school_id, batch_id)
        if batch is None or not batch.take(db, ahead(LEASE_SECONDS), READING):
            return False
        name, content = batch.name, Chunk.whole(db, batch_id)
        mappings = ColumnMapping.of_school(db, school_id)
        same = Batch.last_accepted(db, school_id)
        # Of the same day, since a leaving date in the file may have passed.
        if same is not None and same.sha256 == batch.sha256 and same.decided_on == today():
            _repeat(db, batch, same)
            return True
    try:
        incoming = sources.read(name, content, mappings)
    except NeedsMapping as asks:
        _move(school_id, batch_id, HELD, held_for={"mapping": asks.question})
        return True
    except Faulty as faulty:
        _refuse(school_id, batch_id, faulty)
        return True
    except Exception as failed:
        # Whatever a file may hold, the school reads that it was not taken in, and we read why.
        log.error("a batch could not be read", batch=str(batch_id), exc_info=failed)
        _move(school_id, batch_id, REFUSED, faults=[{"file": name, "line": 0, "column": "", "reason": UNREADABLE}])
        return True
    _decide(school_id, batch_id, incoming)
    return True


UNREADABLE = "Gatehouse could not read this file. The support team has been told; send them the file’s name."


def _decide(school_id: uuid.UUID, batch_id: uuid.UUID, incoming: Incoming) -> None:
    report = quality.report(incoming)
    try:
        with sessions.begin(school=school_id) as db:
            batch = Batch.of_school(db, school_id, batch_id)
            if batch is None or batch.state != RECEIVED:
                return
            Roster.lock(db, school_id)  # so that what is compared stays true
            found = difference.compare(db, school_id, incoming, batch.answers)
            facts = {
                "source": incoming.source,
                "is_full": incoming.is_full,
                "counts": found.counts | {"left": incoming.left, "made_at": incoming.made_at},
                "quality": report,
                "taken_until": None,
            }
            held_for = {} if batch.confirmed else _doubtful(found) | _of_another_school(db, school_id, incoming)
            if held_for:
                batch.move(db, RECEIVED, HELD, held_for=held_for, **facts)
                return
            if not found.is_empty:
                difference.write(db, school_id, found, Roster.next_number(db, school_id))
            standing = Roster.of(db, school_id)
            if standing is None or standing.accepted_at is None:
                hand_over.first_data(db, school_id)
            Roster.arrived(db, school_id, incoming.source, found.people)
            number = Roster.number_of(db, school_id)
            batch.move(db, RECEIVED, ACCEPTED, decided_at=now(), number=number, **facts)
            Chunk.drop(db, batch_id)
            batch.supersede(db)
    except Faulty as faulty:
        _refuse(school_id, batch_id, faulty)
    else:
        log.info("batch taken in", batch=str(batch_id), school=str(school_id))


def _doubtful(found: Difference) -> dict[str, Any]:
    """Why somebody at the school must look first; empty when nothing is unusual."""
    held_for: dict[str, Any] = {}
    gone = {
        kind: {"gone": found.leaving[kind], "of": before}
        for kind, before in found.before.items()
        if _too_many(found.leaving[kind], before)
    }
    if gone:
        held_for["gone"] = gone
    if found.doubts:
        held_for["doubts"] = [
            {
                "key": doubt.key,
                "who": batch_words.person(doubt.person),
                "candidates": [str(one) for one in doubt.candidates],
            }
            for doubt in found.doubts
        ]
    return held_for


def _of_another_school(db: Session, school_id: uuid.UUID, incoming: Incoming) -> dict[str, str]:
    """That another school's system wrote it, unless an Admin has taken in such a file before: {made_at}, or nothing."""
    if not incoming.made_at:
        return {}
    own = Establishment.by_urn(db, db.get_one(School, school_id).urn)
    before = Batch.last_accepted(db, school_id, incoming.source)
    known = {(own.dfe_number or "").replace("/", "") if own else "", before.counts.get("made_at") if before else ""}
    return {} if incoming.made_at in known else {"made_at": incoming.made_at}


FEW = 5  # of a handful of people one is a large share: that alone is nothing unusual


def _too_many(gone: int, before: int) -> bool:
    return (gone > FEW and gone * 100 > before * settings.hold_percent) or 0 < before == gone


def _repeat(db: Session, batch: Batch, same: Batch) -> None:
    """The very file that was taken in last: nothing changes, and the data is fresh."""
    counts: dict[str, Any] = {
        name: {
            "added": 0,
            "changed": 0,
            "gone": 0,
            "unchanged": table["added"] + table["changed"] + table["unchanged"],
        }
        for name, table in same.counts.items()
        if isinstance(table, dict)
    }
    counts["made_at"] = same.counts.get("made_at", "")
    facts = {"source": same.source, "is_full": same.is_full, "quality": same.quality, "number": same.number}
    batch.move(db, RECEIVED, ACCEPTED, decided_at=now(), taken_until=None, counts=counts, **facts)
    Chunk.drop(db, batch.id)
    roster = Roster.of(db, batch.school_id)
    Roster.arrived(db, batch.school_id, same.source, roster.people if roster else 0)
    batch.supersede(db)


def _refuse(school_id: uuid.UUID, batch_id: uuid.UUID, faulty: Faulty) -> None:
    faults = [
        {"file": fault.file, "line": fault.line, "column": fault.column, "reason": fault.reason}
        for fault in faulty.faults[:FAULTS_SHOWN]
    ]
    _move(school_id, batch_id, REFUSED, faults=faults)


def _move(school_id: uuid.UUID, batch_id: uuid.UUID, after: str, **facts: Any) -> None:
    with sessions.begin(school=school_id) as db:
        batch = Batch.of_school(db, school_id, batch_id)
        if batch is None:
            return
        decided = {"decided_at": now()} if after == REFUSED else {}
        if batch.move(db, RECEIVED, after, taken_until=None, **decided, **facts) and after == REFUSED:
            Chunk.drop(db, batch_id)


def confirm(
    db: Session, *, school_id: uuid.UUID, batch_id: uuid.UUID, by: uuid.UUID, answers: dict[str, str] | None = None
) -> Batch:
    """An Admin has looked at a held batch: take it in, with these answers to its doubts. Raises NotFound or Decided."""
    batch = _held(db, school_id, batch_id)
    told = {"answers": answers or {}, "confirmed": True, "decided_by": by, "held_for": {}}
    if not batch.move(db, HELD, RECEIVED, received_at=now(), **told):
        raise Decided(hint="Somebody else has decided it, or a newer batch has taken its place.")
    audit.record(db, "batch.confirmed", actor=by, school=school_id, subject=batch_id)
    return batch


def again(db: Session, *, school_id: uuid.UUID, batch_id: uuid.UUID, by: uuid.UUID) -> Batch:
    """Somebody has said what the columns of a held batch mean: read it anew. Raises NotFound or Decided."""
    batch = _held(db, school_id, batch_id)
    if not batch.move(db, HELD, RECEIVED, received_at=now(), held_for={}):
        raise Decided(hint="Somebody else has decided it, or a newer batch has taken its place.")
    audit.record(db, "batch.mapped", actor=by, school=school_id, subject=batch_id)
    return batch


def cancel(db: Session, *, school_id: uuid.UUID, batch_id: uuid.UUID, by: uuid.UUID) -> Batch:
    """An Admin has looked at a held batch: leave the roster as it is. Raises NotFound or Decided."""
    batch = _held(db, school_id, batch_id)
    if not batch.move(db, HELD, CANCELLED, decided_at=now(), decided_by=by):
        raise Decided(hint="Somebody else has decided it, or a newer batch has taken its place.")
    Chunk.drop(db, batch_id)
    audit.record(db, "batch.cancelled", actor=by, school=school_id, subject=batch_id)
    return batch


def _held(db: Session, school_id: uuid.UUID, batch_id: uuid.UUID) -> Batch:
    batch = Batch.of_school(db, school_id, batch_id)
    if batch is None:
        raise NotFound
    return batch
