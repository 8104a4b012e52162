"""How far a school has come with the account that its MIS needs."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, String, Text, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session, is_sqlite
from app.models.base import Base, now
from app.models.roster.head import Roster
from app.models.school import School

_insert = sqlite.insert if is_sqlite else postgresql.insert
_WON = {"synchronize_session": False}


class MisGuide(Base):
    """How far a school has come with the account that its MIS needs, step by step; its password sealed, write-only."""

    __tablename__ = "mis_guide"

    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"), primary_key=True)
    mis: Mapped[str] = mapped_column(String(20), default="integris")
    ticks: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, doc="{step: {at, by}}")
    leaving_date: Mapped[dt.date | None] = mapped_column(doc="On which the MIS ends the account")
    leaving_told_at: Mapped[dt.datetime | None]
    password_sealed: Mapped[str | None] = mapped_column(Text, doc="With the address that it is for")
    password_set_at: Mapped[dt.datetime | None]
    tested_at: Mapped[dt.datetime | None]
    test_result: Mapped[str] = mapped_column(Text, default="", doc="Why it did not work; empty when it did")
    asked_at: Mapped[dt.datetime | None] = mapped_column(doc="When the web service was last asked for the data")
    asked_result: Mapped[str] = mapped_column(
        Text, default="", server_default="", doc="Why nothing came; empty if it did"
    )

    @classmethod
    def of_school(cls, db: Session, school_id: uuid.UUID) -> Self | None:
        return db.get(cls, school_id)

    @classmethod
    def locked(cls, db: Session, school_id: uuid.UUID) -> Self:
        """A school's guide, begun when there is none, and kept as it is until this transaction ends."""
        made = _insert(cls).values(school_id=school_id, mis="integris", ticks={}, test_result="")
        db.execute(made.on_conflict_do_nothing())
        found = select(cls).where(cls.school_id == school_id).with_for_update()
        return db.scalars(found.execution_options(populate_existing=True)).one()

    def tick(self, step: str, by: uuid.UUID | None) -> None:
        """Note who did a step and when; None takes the tick away. Call it on a guide that is `locked`."""
        others = {name: told for name, told in self.ticks.items() if name != step}
        self.ticks = others | ({step: {"at": now().isoformat(), "by": str(by)}} if by else {})

    def seal_password(self, db: Session, sealed: str) -> None:
        """Keep a new password; what was tested before says nothing any more."""
        cls = MisGuide
        changed = {"password_sealed": sealed, "password_set_at": now(), "tested_at": None, "test_result": ""}
        db.execute(update(cls).where(cls.school_id == self.school_id).values(**changed))
        db.refresh(self)

    def tested(self, db: Session, sealed: str, result: str) -> None:
        """Note how a test went, unless the password was replaced meanwhile."""
        same_one = (MisGuide.school_id == self.school_id, MisGuide.password_sealed == sealed)
        db.execute(update(MisGuide).where(*same_one).values(tested_at=now(), test_result=result))

    @classmethod
    def claim_due(cls, db: Session, before: dt.datetime, statuses: Sequence[str]) -> Self | None:
        """Note that one is asked now, whose account works and who was not asked since then; what the caller won."""
        off = exists().where(Roster.school_id == cls.school_id, Roster.disabled_at.is_not(None))
        stands = exists().where(School.id == cls.school_id, School.status.in_(statuses))
        works = (cls.password_sealed.is_not(None), cls.tested_at.is_not(None), cls.test_result == "")
        due = (or_(cls.asked_at.is_(None), cls.asked_at < before), *works, stands, ~off)
        own = db.scalars(select(cls.school_id).where(*due).order_by(cls.asked_at.nulls_first()).limit(1)).first()
        if own is None:
            return None
        noted = update(cls).where(cls.school_id == own, *due).values(asked_at=now()).returning(cls.school_id)
        won = db.scalars(noted.execution_options(**_WON)).first()
        return db.get(cls, won, populate_existing=True) if won else None

    @classmethod
    def asked(cls, db: Session, school_id: uuid.UUID, result: str) -> None:
        """Note what came of it."""
        db.execute(update(cls).where(cls.school_id == school_id).values(asked_result=result))

    @classmethod
    def leave_soon(cls, db: Session, today: dt.date, until: dt.date, most: int) -> list[Self]:
        """Note that the accounts of some end in that time, and that their schools are told, once; what was won."""
        due = (cls.leaving_date >= today, cls.leaving_date <= until, cls.leaving_told_at.is_(None))
        ids = db.scalars(select(cls.school_id).where(*due).order_by(cls.school_id).limit(most)).all()
        noted = update(cls).where(cls.school_id.in_(ids), *due).values(leaving_told_at=now()).returning(cls.school_id)
        won = db.scalars(noted.execution_options(**_WON)).all()
        return list(db.scalars(select(cls).where(cls.school_id.in_(won)).execution_options(populate_existing=True)))
