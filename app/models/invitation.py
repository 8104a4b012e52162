"""A partner's e-mailed request that a school authorise its app."""

import datetime as dt
import uuid
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, Index, String, Text, func, or_, select, text, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Session, is_sqlite
from app.models.base import Base, new_id, now
from app.models.partner import App, Partner

SENT, OPENED, FORWARDED = "sent", "opened", "forwarded"
AUTHORISED, DECLINED, EXPIRED, CANCELLED = "authorised", "declined", "expired", "cancelled"
OPEN_STATES = (SENT, OPENED)
STATES = (SENT, OPENED, FORWARDED, AUTHORISED, DECLINED, EXPIRED, CANCELLED)
PAGE_ROWS = 25
AT_ONCE = 200  # that a chore deals with in one unit


class Invitation(Base):
    """It names a school, a contact there and scopes. Its link identifies it and authorises nobody.

    Whoever is not the right person forwards it: a new invitation, `parent_id` this one; `root_id` is the first of them.
    """

    __tablename__ = "invitation"
    __table_args__ = (
        Index(
            "invitation_reference_key",
            "app_id",
            "reference",
            unique=True,
            sqlite_where=text("reference IS NOT NULL"),
            postgresql_where=text("reference IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"), index=True)
    urn: Mapped[int] = mapped_column(index=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    contact_name: Mapped[str] = mapped_column(Text)
    contact_email: Mapped[str] = mapped_column(Text)
    technical_name: Mapped[str | None] = mapped_column(Text)
    technical_email: Mapped[str | None] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(String(100), doc="The partner's own; sending it twice is one")
    sent_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"), doc="None: through the API")
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invitation.id"))
    root_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invitation.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default=SENT, index=True)
    link_digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    opened_at: Mapped[dt.datetime | None]
    reminded_at: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    decided_at: Mapped[dt.datetime | None]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    school_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("school.id"), doc="Whose Admin decided")
    authorisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("authorisation.id"))
    finished_at: Mapped[dt.datetime | None] = mapped_column(doc="The code flow after it has been finished, once")

    app: Mapped[App] = relationship(lazy="joined", innerjoin=True)

    @property
    def is_open(self) -> bool:
        """Whether it still waits for an answer."""
        return self.state in OPEN_STATES and self.expires_at > now()

    @property
    def standing(self) -> str:
        """Its state, also where nobody has noted yet that it ran out."""
        return EXPIRED if self.state in OPEN_STATES and not self.is_open else self.state

    @classmethod
    def by_link(cls, db: Session, digest: bytes) -> Self | None:
        return db.scalars(select(cls).where(cls.link_digest == digest)).first()

    @classmethod
    def by_id(cls, db: Session, invitation_id: uuid.UUID) -> Self | None:
        return db.get(cls, invitation_id, populate_existing=True)

    @classmethod
    def of_app(cls, db: Session, invitation_id: uuid.UUID, app_id: uuid.UUID) -> Self | None:
        """One invitation of this app; another app's is None, as if it were absent."""
        return db.scalars(select(cls).where(cls.id == invitation_id, cls.app_id == app_id)).first()

    @classmethod
    def of_app_before(
        cls,
        db: Session,
        app_id: uuid.UUID,
        before: uuid.UUID | None,
        most: int,
        *,
        state: str = "",
        reference: str = "",
    ) -> list[Self]:
        """An app's invitations, newest first from behind `before`; only those in `state`, or with that reference."""
        found = select(cls).where(cls.app_id == app_id)
        if before:
            found = found.where(cls.id < before)
        if state:
            found = found.where(_standing(state))
        if reference:
            found = found.where(cls.reference == reference)
        return list(db.scalars(found.order_by(cls.id.desc()).limit(most)))

    @classmethod
    def of_partner(cls, db: Session, invitation_id: uuid.UUID, partner_id: uuid.UUID) -> Self | None:
        """One invitation of this partner's apps; another partner's is None, as if it were absent."""
        found = select(cls).join(App, App.id == cls.app_id)
        return db.scalars(found.where(cls.id == invitation_id, App.partner_id == partner_id)).first()

    @classmethod
    def listed(cls, db: Session, partner_id: uuid.UUID, state: str = "", page: int = 1) -> tuple[list[Self], int]:
        """One page of a partner's invitations, newest first, and how many there are; only those in `state` if given."""
        mine = [cls.app_id.in_(select(App.id).where(App.partner_id == partner_id))]
        if state:
            mine.append(_standing(state))
        total = db.scalar(select(func.count()).select_from(cls).where(*mine)) or 0
        page = max(1, min(page, -(-total // PAGE_ROWS)))
        found = select(cls).where(*mine).order_by(cls.created_at.desc(), cls.id.desc())
        return list(db.scalars(found.offset((page - 1) * PAGE_ROWS).limit(PAGE_ROWS))), total

    @classmethod
    def counts(cls, db: Session, partner_id: uuid.UUID) -> dict[str, int]:
        """How many of a partner's invitations are in each state."""
        mine = cls.app_id.in_(select(App.id).where(App.partner_id == partner_id))
        counted = {state: select(func.count()).select_from(cls).where(mine, _standing(state)) for state in STATES}
        return {state: db.scalar(count) or 0 for state, count in counted.items()}

    @classmethod
    def chain(cls, db: Session, invitation: Self) -> list[Self]:
        """It and all that it was forwarded from or to, the first one first."""
        root = invitation.root_id or invitation.id
        found = select(cls).where(or_(cls.id == root, cls.root_id == root))
        return list(db.scalars(found.order_by(cls.created_at, cls.id)))

    @classmethod
    def queue_up(cls, db: Session, partner_id: uuid.UUID) -> None:
        """Let the invitations of one partner be sent one after the other, so that what is counted is right."""
        if not is_sqlite:  # where one write unit at a time runs anyway
            db.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"invitations {partner_id}"))))

    @classmethod
    def with_reference(cls, db: Session, app_id: uuid.UUID, reference: str) -> Self | None:
        return db.scalars(select(cls).where(cls.app_id == app_id, cls.reference == reference)).first()

    @classmethod
    def open_to(cls, db: Session, app_id: uuid.UUID, urn: int, email: str) -> Self | None:
        """The one that this address still has to answer for this app and school."""
        found = select(cls).where(cls.app_id == app_id, cls.urn == urn, cls.contact_email == email)
        return db.scalars(found.where(cls.state.in_(OPEN_STATES), cls.expires_at > now())).first()

    @classmethod
    def sent_since(cls, db: Session, partner_id: uuid.UUID, moment: dt.datetime) -> int:
        """How many a partner has sent since then; what people at schools forward is not counted."""
        mine = cls.app_id.in_(select(App.id).where(App.partner_id == partner_id))
        counted = select(func.count()).select_from(cls).where(mine, cls.created_at > moment, cls.parent_id.is_(None))
        return db.scalar(counted) or 0

    def open(self, db: Session) -> bool:
        """Note that somebody has followed the link; True the first time."""
        return self._settle(db, Invitation.state == SENT, state=OPENED, opened_at=now())

    def settle(self, db: Session, state: str, by: uuid.UUID | None = None, school_id: uuid.UUID | None = None) -> bool:
        """Answer it, or take it back, once: False when it was settled before, or has run out."""
        still = Invitation.expires_at > now()
        return self._settle(db, still, state=state, decided_at=now(), decided_by=by, school_id=school_id)

    def renew_link(self, db: Session, digest: bytes, unless_after: dt.datetime | None) -> bool:
        """Remind: from now on the link is this one. False when it waits no more, or was reminded of before.

        `unless_after`: a reminder that is older than this does not count; None lets every one count.
        """
        reminded: Any = Invitation.reminded_at.is_(None)
        if unless_after:
            reminded = or_(reminded, Invitation.reminded_at < unless_after)
        return self._settle(db, Invitation.expires_at > now(), reminded, link_digest=digest, reminded_at=now())

    def finish(self, db: Session) -> bool:
        """Let the code flow after it go through without a second decision, once."""
        return self._change(db, Invitation.state == AUTHORISED, Invitation.finished_at.is_(None), finished_at=now())

    @classmethod
    def to_finish(
        cls, db: Session, app_id: uuid.UUID, school_id: uuid.UUID, by: uuid.UUID, since: dt.datetime
    ) -> Self | None:
        """The newest one that this person has authorised for this app and school since then and not finished."""
        found = select(cls).where(cls.app_id == app_id, cls.school_id == school_id, cls.decided_by == by)
        fresh = found.where(cls.state == AUTHORISED, cls.decided_at > since, cls.finished_at.is_(None))
        return db.scalars(fresh.order_by(cls.decided_at.desc(), cls.id.desc()).limit(1)).first()

    @classmethod
    def to_remind(cls, db: Session, before: dt.datetime) -> list[Self]:
        """Those of apps not suspended that have waited since before that moment, nobody having been reminded."""
        running = select(App.id).join(Partner, Partner.id == App.partner_id)
        running = running.where(App.suspended_at.is_(None), Partner.suspended_at.is_(None))
        waiting = (cls.state.in_(OPEN_STATES), cls.expires_at > now(), cls.reminded_at.is_(None))
        due = select(cls).where(*waiting, cls.created_at <= before, cls.app_id.in_(running))
        return list(db.scalars(due.order_by(cls.id).limit(AT_ONCE)))

    @classmethod
    def expire(cls, db: Session) -> list[Self]:
        """Let those end that have run out; the ones that did so just now."""
        over = select(cls.id).where(cls.state.in_(OPEN_STATES), cls.expires_at <= now()).order_by(cls.id).limit(AT_ONCE)
        ended = (
            update(cls)
            .where(cls.id.in_(db.scalars(over).all()), cls.state.in_(OPEN_STATES))
            .values(state=EXPIRED)
            .returning(cls.id)
        )
        ids = db.scalars(ended, execution_options={"synchronize_session": False}).all()
        found = select(cls).where(cls.id.in_(ids)).order_by(cls.id)
        return list(db.scalars(found.execution_options(populate_existing=True)))

    def _settle(self, db: Session, *conditions: Any, **values: Any) -> bool:
        return self._change(db, Invitation.state.in_(OPEN_STATES), *conditions, **values)

    def _change(self, db: Session, *conditions: Any, **values: Any) -> bool:
        changed = update(Invitation).where(Invitation.id == self.id, *conditions).values(**values)
        unsynchronised = {"synchronize_session": False}
        won = db.scalars(changed.returning(Invitation.id), execution_options=unsynchronised).one_or_none() is not None
        db.refresh(self)
        return won


def _standing(state: str) -> Any:
    if state == EXPIRED:
        return or_(Invitation.state == EXPIRED, Invitation.state.in_(OPEN_STATES) & (Invitation.expires_at <= now()))
    if state in OPEN_STATES:
        return (Invitation.state == state) & (Invitation.expires_at > now())
    return Invitation.state == state
