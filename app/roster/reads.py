"""Noting that data was read: after the answer has gone, many together, and once a minute for one authorisation."""

import time
import uuid

import structlog

from app.batch import Batch
from app.db import DatabaseAway, Session, sessions
from app.models.authorisation import Authorisation

log = structlog.get_logger()

PAUSE = 60.0
_noted: dict[uuid.UUID, float] = {}


async def note(authorisation_id: uuid.UUID) -> None:
    """Let the school's pages say that this authorisation was used just now."""
    moment = time.monotonic()
    if moment - _noted.get(authorisation_id, -PAUSE) < PAUSE:
        return
    if len(_noted) > 10_000:
        _noted.clear()
    _noted[authorisation_id] = moment
    try:
        await _written(authorisation_id)
    except DatabaseAway as away:  # the answer has gone already; the next read notes it again
        _noted.pop(authorisation_id, None)
        log.warning("read not noted", error=type(away).__name__)


def _write(db: Session, authorisation_ids: list[uuid.UUID]) -> list[None]:
    Authorisation.mark_read(db, set(authorisation_ids))
    return [None] * len(authorisation_ids)


_written: Batch[uuid.UUID, None] = Batch(sessions.begin_group, _write)
