"""Sending a school's file and letting it be taken in."""

import hashlib
import uuid

from app.db import sessions
from app.models.account import Account
from app.models.roster import changes
from app.models.roster.batch import CHUNK_BYTES, Batch
from app.models.school import VERIFIED, School
from app.roster import intake, uploads
from tests import factories


class Sender:
    """A school with an Admin who uploads."""

    def __init__(self, urn: int = 100001) -> None:
        with sessions.begin() as db:
            self.school: School = factories.school(db, urn, VERIFIED)
            self.admin: Account = factories.admin(db, self.school)

    def uploads(self, content: bytes, name: str = "school.zip") -> uuid.UUID:
        with sessions.begin() as db:
            digest = hashlib.sha256(content).digest()
            batch, _ = uploads.begin(
                db,
                school_id=self.school.id,
                name=name,
                account_id=self.admin.id,
                sha256=digest,
                size=len(content),
            )
            for position in range(uploads.chunks_of(batch)):
                uploads.put(db, batch, position, content[position * CHUNK_BYTES : (position + 1) * CHUNK_BYTES])
            assert uploads.complete(db, batch)
            return batch.id

    def sends(self, content: bytes, name: str = "school.zip") -> Batch:
        """Upload it, and let it be read; the batch as it is then."""
        own = self.uploads(content, name)
        intake.work()
        return self.batch(own)

    def batch(self, batch_id: uuid.UUID) -> Batch:
        with sessions.read() as db:
            return db.get_one(Batch, batch_id)

    def confirms(self, batch: Batch, answers: dict[str, str] | None = None) -> Batch:
        with sessions.begin() as db:
            intake.confirm(db, school_id=self.school.id, batch_id=batch.id, by=self.admin.id, answers=answers)
        intake.work()
        return self.batch(batch.id)

    def people(self) -> dict[str, int]:
        """{source key: our id} of those who are there."""
        with sessions.read(school=self.school.id) as db:
            return {row[1]: row[0] for row in changes.held(db, self.school.id, "people") if row[3] is None}
