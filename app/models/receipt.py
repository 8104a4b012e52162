"""What a school can show later: receipts of its decisions, and requests to delete what was read."""

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, String, Text, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.account import Account, Membership
from app.models.authorisation import Authorisation
from app.models.base import Base, new_id, now
from app.models.partner import App
from app.models.school import School


class Receipt(Base):
    """One decision about one authorisation, as it was told: shaped like ISO/IEC TS 27560, signed, never changed."""

    __tablename__ = "receipt"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), index=True)
    authorisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("authorisation.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10), doc="As `sharing.changes`: 'granted', 'revoked', …")
    made_at: Mapped[dt.datetime] = mapped_column(default=now)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    jws: Mapped[str] = mapped_column(Text, doc="The content as a compact JWS (RFC 7515)")

    @classmethod
    def at_school(cls, db: Session, receipt_id: uuid.UUID, school_id: uuid.UUID) -> Self | None:
        """One receipt of this school; another school's is None, as if it were absent."""
        return db.scalars(select(cls).where(cls.id == receipt_id, cls.school_id == school_id)).first()

    @classmethod
    def of(cls, db: Session, authorisation_id: uuid.UUID) -> list[Self]:
        """The receipts of one authorisation, newest first."""
        found = select(cls).where(cls.authorisation_id == authorisation_id)
        return list(db.scalars(found.order_by(cls.made_at.desc(), cls.id.desc())))

    @classmethod
    def every(cls, db: Session) -> Iterator[Self]:
        """All receipts, oldest first, a thousand at a time in memory."""
        yield from db.scalars(select(cls).order_by(cls.id).execution_options(yield_per=1000))

    @classmethod
    def page(
        cls, db: Session, school_id: uuid.UUID, app_id: uuid.UUID | None, page: int, rows: int
    ) -> tuple[list[Self], int]:
        """One page (from 1) of a school's receipts, newest first, and how many there are; of one app when given."""
        found = select(cls).where(cls.school_id == school_id)
        if app_id:
            given = select(Authorisation.id).where(Authorisation.school_id == school_id, Authorisation.app_id == app_id)
            found = found.where(cls.authorisation_id.in_(given))
        total = db.scalars(select(func.count()).select_from(found.subquery())).one()
        shown = found.order_by(cls.made_at.desc(), cls.id.desc()).limit(rows).offset((page - 1) * rows)
        return list(db.scalars(shown)), total


class DeletionRequest(Base):
    """A school wants a partner to delete what it read under an ended authorisation, and the partner says it has."""

    __tablename__ = "deletion_request"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    authorisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("authorisation.id"), unique=True)
    asked_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    asked_at: Mapped[dt.datetime] = mapped_column(default=now)
    due_on: Mapped[dt.date]
    reminded_at: Mapped[dt.datetime | None]
    attested_at: Mapped[dt.datetime | None]
    attested_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"), doc="None: through the API")
    statement: Mapped[str | None] = mapped_column(Text, doc="What the partner says was deleted, and what it keeps")

    @classmethod
    def of(cls, db: Session, authorisation_id: uuid.UUID) -> Self | None:
        """The one request about an authorisation."""
        return db.scalars(select(cls).where(cls.authorisation_id == authorisation_id)).first()

    @classmethod
    def of_partner(
        cls, db: Session, partner_id: uuid.UUID, page: int, rows: int
    ) -> tuple[list[tuple[Self, Authorisation, School]], int]:
        """One page (from 1) of the requests to a partner, open ones first by due date, and how many there are."""
        mine = _mine(select(cls, Authorisation, School), partner_id)
        total = db.scalars(select(func.count()).select_from(mine.subquery())).one()
        order = (cls.attested_at.is_not(None), cls.due_on, cls.id)
        found = db.execute(mine.order_by(*order).limit(rows).offset((page - 1) * rows))
        return [(row[0], row[1], row[2]) for row in found], total

    @classmethod
    def of_app(
        cls, db: Session, app_id: uuid.UUID, before: uuid.UUID | None, most: int, request_id: uuid.UUID | None = None
    ) -> list[tuple[Self, Authorisation, School]]:
        """The requests to one app, newest first from behind `before`; the one with that id when given."""
        found = (
            select(cls, Authorisation, School)
            .join(Authorisation, Authorisation.id == cls.authorisation_id)
            .join(School, School.id == Authorisation.school_id)
            .where(Authorisation.app_id == app_id)
        )
        if before:
            found = found.where(cls.id < before)
        if request_id:
            found = found.where(cls.id == request_id)
        return [(row[0], row[1], row[2]) for row in db.execute(found.order_by(cls.id.desc()).limit(most))]

    @classmethod
    def to_partner(
        cls, db: Session, request_id: uuid.UUID, partner_id: uuid.UUID
    ) -> tuple[Self, Authorisation, School] | None:
        """One request to this partner, with what it is about; another partner's is None, as if it were absent."""
        row = db.execute(_mine(select(cls, Authorisation, School), partner_id).where(cls.id == request_id)).first()
        return (row[0], row[1], row[2]) if row else None

    @classmethod
    def remind(cls, db: Session, today: dt.date, most: int) -> list[tuple[Self, Authorisation, School]]:
        """Note that some of what is overdue has been reminded of, each once ever; what the caller won."""
        late = (cls.due_on < today, cls.reminded_at.is_(None), cls.attested_at.is_(None))
        ids = db.scalars(select(cls.id).where(*late).order_by(cls.id).limit(most)).all()
        noted = update(cls).where(cls.id.in_(ids), *late).values(reminded_at=now()).returning(cls.id)
        won = db.scalars(noted.execution_options(synchronize_session=False)).all()
        found = (
            select(cls, Authorisation, School)
            .join(Authorisation, Authorisation.id == cls.authorisation_id)
            .join(School, School.id == Authorisation.school_id)
            .where(cls.id.in_(won))
            .order_by(cls.id)
            .execution_options(populate_existing=True)
        )
        return [(row[0], row[1], row[2]) for row in db.execute(found)]

    def attest(self, db: Session, by: uuid.UUID | None, statement: str) -> bool:
        """Keep what the partner says, once; False when it said so before."""
        said = (
            update(DeletionRequest)
            .where(DeletionRequest.id == self.id, DeletionRequest.attested_at.is_(None))
            .values(attested_at=now(), attested_by=by, statement=statement)
            .returning(DeletionRequest.id)
        )
        won = db.execute(said).scalar_one_or_none() is not None
        db.refresh(self)
        return won


def partner_people(db: Session, partner_id: uuid.UUID) -> list[Account]:
    """The people who work for a partner, oldest first."""
    found = (
        select(Account)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.partner_id == partner_id, Membership.ended_at.is_(None), Account.ended_at.is_(None))
    )
    return list(db.scalars(found.order_by(Account.created_at, Account.id)))


def _mine(found: Any, partner_id: uuid.UUID) -> Any:
    return (
        found.join(Authorisation, Authorisation.id == DeletionRequest.authorisation_id)
        .join(App, App.id == Authorisation.app_id)
        .join(School, School.id == Authorisation.school_id)
        .where(App.partner_id == partner_id)
    )
