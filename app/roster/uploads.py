"""Uploads: content that arrives in chunks, from an agent or a browser, until it is whole and intake may read it.

Each step may be repeated: an upload that broke off anywhere goes on where it stopped.
"""

import hashlib
import uuid

from app.db import Session
from app.errors import NotFound, Problem
from app.models.base import now
from app.models.roster.batch import CHUNK_BYTES, RECEIVED, RECEIVING, Batch, Chunk

MOST_BYTES = 64 * 1024 * 1024  # a school of 3,000 pupils is a few megabytes, zipped or not
MOST_OPEN = 5  # uploads of one school that are under way or wait to be read
LONGEST_NAME = 200


class TooLarge(Problem):
    """More than a school's data ever is."""

    status = 413
    title = "The file is too large"


class TooManyOpen(Problem):
    """Others of this school are not read yet."""

    status = 409
    title = "Other uploads of your school are still being read"


class NotReceiving(Problem):
    """The upload is complete, or was given up."""

    status = 409
    title = "This upload takes nothing more"


class WrongChunk(Problem):
    """A part that does not fit its place."""

    status = 400
    title = "That part does not fit"


class Missing(Problem):
    """Not all of it has arrived. `positions` are those still to send."""

    status = 409
    title = "Parts of the file are missing"

    def __init__(self, positions: list[int]) -> None:
        super().__init__("Send them, then complete the upload again.")
        self.positions = positions


def begin(
    db: Session,
    *,
    school_id: uuid.UUID,
    name: str,
    sha256: bytes,
    size: int,
    endpoint_id: uuid.UUID | None = None,
    account_id: uuid.UUID | None = None,
) -> tuple[Batch, bool]:
    """The upload of this content, and whether it is a new one. Raises TooLarge or TooManyOpen.

    The same content of the same sender that was begun before, and is not decided, goes on as what it was.
    """
    if size > MOST_BYTES:
        raise TooLarge(hint=f"At most {MOST_BYTES // 1024**2} MB are read. Export fewer columns, or zip the file.")
    for batch in Batch.open_of(db, school_id):
        if (batch.sha256, batch.size, batch.endpoint_id) == (sha256, size, endpoint_id):
            return batch, False
    if len(Batch.open_of(db, school_id)) >= MOST_OPEN:
        raise TooManyOpen(hint="Try again in some minutes.")
    made = Batch(
        school_id=school_id,
        name=name[-LONGEST_NAME:],
        sha256=sha256,
        size=size,
        endpoint_id=endpoint_id,
        account_id=account_id,
    )
    db.add(made)
    db.flush()
    return made, True


def chunks_of(batch: Batch) -> int:
    """In how many parts it is sent; nothing is sent as one empty part."""
    return max(1, -(-batch.size // CHUNK_BYTES))


def put(db: Session, batch: Batch, position: int, content: bytes) -> None:
    """Keep one part, in place of what was there. Raises NotFound, WrongChunk or NotReceiving."""
    count = chunks_of(batch)
    if not 0 <= position < count:
        raise NotFound
    wanted = batch.size - position * CHUNK_BYTES if position == count - 1 else CHUNK_BYTES
    if len(content) != wanted:
        raise WrongChunk(hint=f"Part {position} is {wanted} bytes long, and {len(content)} arrived.")
    if not batch.move(db, RECEIVING, RECEIVING):
        raise NotReceiving(hint="Ask what has become of it.")
    Chunk.put(db, batch.id, position, content)


def complete(db: Session, batch: Batch) -> bool:
    """Let intake read it. Raises Missing or NotReceiving.

    False when what arrived is not what was announced: nothing of it is kept, and it is sent anew from the beginning.
    """
    if not batch.move(db, RECEIVING, RECEIVING):
        if batch.state == RECEIVED:
            return True
        raise NotReceiving(hint="Ask what has become of it.")
    there = set(Chunk.positions(db, batch.id))
    if lacking := [position for position in range(chunks_of(batch)) if position not in there]:
        raise Missing(lacking)
    summed = hashlib.sha256()
    for part in Chunk.each(db, batch.id):
        summed.update(part)
    if summed.digest() != batch.sha256:
        Chunk.drop(db, batch.id)
        return False
    return batch.move(db, RECEIVING, RECEIVED, received_at=now())
