"""A school's Integris asked for its data every day, where the school has set up the account and tested it.

What comes is a batch like any other: taken in whole or not at all, and held when many would be gone.
"""

import hashlib
import threading
import uuid

import structlog

from app.db import DatabaseAway, sessions
from app.endpoint.guide import service_of
from app.errors import Problem
from app.models.base import ago
from app.models.establishment import Establishment
from app.models.mis_guide import MisGuide
from app.models.roster.batch import CHUNK_BYTES, RECEIVING
from app.models.school import UNVERIFIED, VERIFIED, School
from app.roster import uploads
from app.roster.sources.integris import Unusable, collect

log = structlog.get_logger()

EVERY_SECONDS = 20 * 3600  # once a day, whenever the last one was
LOOK_SECONDS = 60.0
NAME = "Integris web service"


def run(stop: threading.Event) -> None:
    """Ask whoever is due, until stopped."""
    while not stop.is_set():
        try:
            done = work()
        except DatabaseAway as away:
            log.error("database away", error=type(away).__name__)
            done = 0
        if not done:
            stop.wait(LOOK_SECONDS)


def work() -> int:
    """Ask one school's system; how many were asked. Several workers may do so: a school is due to one of them."""
    with sessions.begin() as db:
        claimed = MisGuide.claim_due(db, ago(EVERY_SECONDS), (UNVERIFIED, VERIFIED))
        if claimed is None:
            return 0
        school = db.get_one(School, claimed.school_id)
        establishment = Establishment.by_urn(db, school.urn)
    try:
        if establishment is None or establishment.dfe_number is None or not claimed.password_sealed:
            raise Unusable("The register gives no DfE number for your school, by which we know its data.")
        service = service_of(claimed.password_sealed, establishment.establishment_number)
        content = collect(service, establishment.dfe_number.replace("/", "")).content
        _send(school.id, content)
        result = ""
    except (Unusable, Problem) as wrong:
        result = str(wrong)
    except Exception as failed:
        log.error("a school's system could not be asked", school=str(school.id), exc_info=failed)
        result = "Gatehouse could not read what Integris sent. The support team has been told."
    with sessions.begin() as db:
        MisGuide.asked(db, claimed.school_id, result)
    return 1


def _send(school_id: uuid.UUID, content: bytes) -> None:
    """As an upload, all of it at once."""
    with sessions.begin() as db:
        told = hashlib.sha256(content).digest()
        batch, _ = uploads.begin(db, school_id=school_id, name=NAME, sha256=told, size=len(content))
        if batch.state == RECEIVING:
            for position in range(uploads.chunks_of(batch)):
                uploads.put(db, batch, position, content[position * CHUNK_BYTES : (position + 1) * CHUNK_BYTES])
            uploads.complete(db, batch)
