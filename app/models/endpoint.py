"""An installed agent on a school's server, and its request to become one (RFC 8628)."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection
from typing import Any, Self

from sqlalchemy import JSON, ColumnElement, ForeignKey, String, Text, and_, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session, is_sqlite, withdrawn
from app.models.base import Base, ahead, new_id, now
from app.models.school import UNVERIFIED, VERIFIED, School
from app.models.token import ACCESS, REFRESH, Token

MOST_MISSES = 10
COLLECTED_WITHIN = 300  # seconds from a yes to the agent's next poll, which comes after 5 or some more


class Endpoint(Base):
    """An agent that a school let in. Its key pair was made on the school's server and never leaves it."""

    __tablename__ = "endpoint"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), index=True)
    machine: Mapped[str] = mapped_column(Text, doc="What the server calls itself")
    address: Mapped[str] = mapped_column(Text, doc="The network address that asked to be enrolled")
    key_thumbprint: Mapped[str] = mapped_column(String(43), doc="RFC 7638, of the agent's public key")
    enrolled_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    enrolled_at: Mapped[dt.datetime] = mapped_column(default=now)
    ended_at: Mapped[dt.datetime | None]
    heard_at: Mapped[dt.datetime | None] = mapped_column(doc="Its last heartbeat or upload")
    version: Mapped[str] = mapped_column(String(40), default="", doc="Of the agent")
    reports: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, doc="What the last heartbeat said of itself")
    silent_told_at: Mapped[dt.datetime | None] = mapped_column(doc="The Admins were told that it is not heard any more")

    @classmethod
    def of_school(cls, db: Session, school_id: uuid.UUID) -> list[Self]:
        """Every agent that a school ever let in: those at work first, then the newest."""
        order = (cls.ended_at.is_not(None), cls.enrolled_at.desc(), cls.id)
        return list(db.scalars(select(cls).where(cls.school_id == school_id).order_by(*order)))

    @classmethod
    def at_school(cls, db: Session, endpoint_id: uuid.UUID, school_id: uuid.UUID) -> Self | None:
        """One of a school's; another's is None, as if it were absent."""
        return db.scalars(select(cls).where(cls.id == endpoint_id, cls.school_id == school_id)).first()

    @classmethod
    def hear(cls, db: Session, endpoint_id: uuid.UUID, **said: Any) -> None:
        """Note that it is there, and what it says of itself."""
        heard = update(cls).where(cls.id == endpoint_id).values(heard_at=now(), silent_told_at=None, **said)
        db.execute(heard, execution_options={"synchronize_session": False})

    @classmethod
    def fall_silent(cls, db: Session, before: dt.datetime, most: int) -> list[Self]:
        """Note that some have not been heard since then, and that the school is told, once; what the caller won."""
        last = func.coalesce(cls.heard_at, cls.enrolled_at)
        quiet = (cls.ended_at.is_(None), last < before, cls.silent_told_at.is_(None))
        ids = db.scalars(select(cls.id).where(*quiet).order_by(cls.id).limit(most)).all()
        noted = update(cls).where(cls.id.in_(ids), *quiet).values(silent_told_at=now()).returning(cls.id)
        won = db.scalars(noted.execution_options(synchronize_session=False)).all()
        return list(db.scalars(select(cls).where(cls.id.in_(won)).execution_options(populate_existing=True)))

    def end(self, db: Session) -> bool:
        """End it once, with its tokens; False when it had ended already."""
        ended = update(Endpoint).where(Endpoint.id == self.id, Endpoint.ended_at.is_(None)).values(ended_at=now())
        won = db.execute(ended.returning(Endpoint.id)).scalar_one_or_none() is not None
        if won:
            db.execute(
                update(Token).where(Token.endpoint_id == self.id, Token.ended_at.is_(None)).values(ended_at=now())
            )
            withdrawn(db)
        db.refresh(self)
        return won


@dataclasses.dataclass(frozen=True, slots=True)
class HeldEndpointToken:
    """An agent's token and what stands behind it. The field order is that of the query below."""

    digest: bytes
    endpoint_id: uuid.UUID
    school_id: uuid.UUID
    family: uuid.UUID
    key_thumbprint: str | None
    expires_at: dt.datetime
    ended_at: dt.datetime | None
    endpoint_ended_at: dt.datetime | None
    school_status: str

    @property
    def fault(self) -> str:
        """Why it opens nothing and leads to no other token: a sentence. Empty while it stands."""
        if self.endpoint_ended_at:
            return "The school has removed this agent."
        if self.school_status not in (UNVERIFIED, VERIFIED):
            return f"The school is {self.school_status}."
        if self.ended_at or self.expires_at <= now():
            return "The token has expired or was ended."
        return ""


def agents_access_tokens(db: Session, digests: Collection[bytes]) -> dict[bytes, HeldEndpointToken]:
    return _held(db, ACCESS, digests)


def agents_refresh_tokens(db: Session, digests: Collection[bytes]) -> dict[bytes, HeldEndpointToken]:
    return _held(db, REFRESH, digests)


def _held(db: Session, purpose: str, digests: Collection[bytes]) -> dict[bytes, HeldEndpointToken]:
    found = (
        select(
            Token.digest,
            Endpoint.id,
            School.id,
            Token.family,
            Token.key_thumbprint,
            Token.expires_at,
            Token.ended_at,
            Endpoint.ended_at,
            School.status,
        )
        .join(Endpoint, Endpoint.id == Token.endpoint_id)
        .join(School, School.id == Endpoint.school_id)
        .where(Token.digest.in_(digests), Token.purpose == purpose)
    )
    return {row[0]: HeldEndpointToken(*row) for row in db.connection().execute(found)}


class DeviceRequest(Base):
    """An agent that shows a code and waits for an Estab Admin to type it.

    The user code has two halves: the first finds the request, the second proves that it was read. A wrong second half
    is a miss, and ten misses end the request.
    """

    __tablename__ = "device_request"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    device_digest: Mapped[bytes] = mapped_column(unique=True, doc="Of the device code")
    first_half: Mapped[str] = mapped_column(String(4), index=True, doc="Of the user code")
    second_digest: Mapped[bytes] = mapped_column(doc="Of the whole user code")
    machine: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    jwk: Mapped[dict[str, Any]] = mapped_column(JSON, doc="The agent's public key")
    key_thumbprint: Mapped[str] = mapped_column(String(43))
    misses: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime]
    polled_at: Mapped[dt.datetime | None]
    poll_seconds: Mapped[int] = mapped_column(default=5, doc="Seconds between two polls; grows with slow_down")
    endpoint_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("endpoint.id"), doc="Set by a yes")
    ended_at: Mapped[dt.datetime | None] = mapped_column(doc="Set by a no, by ten misses, or when it was collected")

    @classmethod
    def queue(cls, db: Session) -> None:
        """Let whoever begins a request wait for each other until they commit: no two live ones share a first half."""
        if not is_sqlite:  # where one write unit at a time runs anyway
            db.execute(select(func.pg_advisory_xact_lock(func.hashtext("device request"))))

    @classmethod
    def waiting(cls, db: Session, first_half: str) -> Self | None:
        """The request that waits for an answer under this first half of a code."""
        return db.scalars(select(cls).where(cls.first_half == first_half, cls._waits())).first()

    @classmethod
    def waiting_by_id(cls, db: Session, request_id: uuid.UUID) -> Self | None:
        return db.scalars(select(cls).where(cls.id == request_id, cls._waits())).first()

    @classmethod
    def locked(cls, db: Session, device_digest: bytes) -> Self | None:
        """The request of a device code as it is now, kept so until this transaction ends."""
        found = select(cls).where(cls.device_digest == device_digest).with_for_update()
        return db.scalars(found.execution_options(populate_existing=True)).first()

    def miss(self, db: Session) -> None:
        """Count a wrong second half or password; the tenth ends the request."""
        cls = DeviceRequest
        missed = update(cls).where(cls.id == self.id, cls._waits()).values(misses=cls.misses + 1)
        db.execute(missed, execution_options={"synchronize_session": False})
        spent = update(cls).where(cls.id == self.id, cls.misses >= MOST_MISSES, cls._waits()).values(ended_at=now())
        db.execute(spent, execution_options={"synchronize_session": False})

    def approve(self, db: Session, endpoint: Endpoint) -> bool:
        """Answer yes, once: the endpoint is the agent's. False when it was answered, or ran out, meanwhile."""
        return self._answer(db, endpoint_id=endpoint.id, expires_at=ahead(COLLECTED_WITHIN))

    def refuse(self, db: Session) -> bool:
        """Answer no, once. False as above."""
        return self._answer(db, ended_at=now())

    def collect(self, db: Session) -> bool:
        """Hand the tokens out, once."""
        cls = DeviceRequest
        due = (cls.id == self.id, cls.endpoint_id.is_not(None), cls.ended_at.is_(None))
        collected = update(cls).where(*due).values(ended_at=now()).returning(cls.id)
        return db.execute(collected, execution_options={"synchronize_session": False}).scalar_one_or_none() is not None

    def _answer(self, db: Session, **values: Any) -> bool:
        cls = DeviceRequest
        answered = update(cls).where(cls.id == self.id, cls._waits()).values(**values).returning(cls.id)
        return db.execute(answered, execution_options={"synchronize_session": False}).scalar_one_or_none() is not None

    @classmethod
    def _waits(cls) -> ColumnElement[bool]:
        return and_(cls.expires_at > now(), cls.ended_at.is_(None), cls.endpoint_id.is_(None))
