"""What partners are told by Standard Webhooks: where to, what happened, and each delivery."""

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, Index, String, Text, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Session
from app.models.account import Account, Membership
from app.models.base import SWEPT_MOST, Base, new_id, now, rows_changed
from app.models.lease import Leased
from app.models.partner import App

ENDED = "The webhook was removed"


class Webhook(Base):
    """An address of one app that is told what happens. Two secrets sign while one replaces the other."""

    __tablename__ = "webhook"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"), index=True)
    url: Mapped[str] = mapped_column(Text)
    secret_sealed: Mapped[str] = mapped_column(Text, doc="`whsec_…`, sealed 'webhook'")
    before_sealed: Mapped[str | None] = mapped_column(Text, doc="The secret before it, which signs too until then")
    before_until: Mapped[dt.datetime | None]
    events: Mapped[list[str]] = mapped_column(JSON, doc="Types that it wants; empty: all")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    ended_at: Mapped[dt.datetime | None]

    @classmethod
    def live(cls, db: Session, app_id: uuid.UUID) -> list[Self]:
        """The webhooks of an app that have not ended, oldest first."""
        found = select(cls).where(cls.app_id == app_id, cls.ended_at.is_(None))
        return list(db.scalars(found.order_by(cls.created_at, cls.id)))

    @classmethod
    def of_app(cls, db: Session, webhook_id: uuid.UUID, app_id: uuid.UUID) -> Self | None:
        """A live webhook of this app; another app's is None, as if it were absent."""
        found = select(cls).where(cls.id == webhook_id, cls.app_id == app_id, cls.ended_at.is_(None))
        return db.scalars(found).first()

    @classmethod
    def with_app(cls, db: Session, webhook_id: uuid.UUID) -> tuple[Self, App]:
        """A webhook, ended or not, and its app."""
        row = db.execute(select(cls, App).join(App, App.id == cls.app_id).where(cls.id == webhook_id)).one()
        return row[0], row[1]

    def wants(self, kind: str) -> bool:
        return not self.events or kind in self.events

    def signs(self, at: dt.datetime) -> list[str]:
        """The sealed secrets that sign at that moment, the newest first."""
        before = self.before_sealed if self.before_until and at < self.before_until else None
        return [self.secret_sealed, *([before] if before else [])]

    def rotate(self, db: Session, sealed: str, until: dt.datetime) -> bool:
        """Sign with this secret from now on, and with the present one until then; False where another was faster."""
        changed = update(Webhook).where(
            Webhook.id == self.id, Webhook.secret_sealed == self.secret_sealed, Webhook.ended_at.is_(None)
        )
        values = {"secret_sealed": sealed, "before_sealed": Webhook.secret_sealed, "before_until": until}
        won = db.execute(changed.values(values).returning(Webhook.id)).scalar_one_or_none() is not None
        db.refresh(self)
        return won

    def end(self, db: Session) -> bool:
        """End it once, with whatever was still on its way there; False when it had ended already."""
        ended = update(Webhook).where(Webhook.id == self.id, Webhook.ended_at.is_(None)).values(ended_at=now())
        won = db.execute(ended.returning(Webhook.id)).scalar_one_or_none() is not None
        if won:
            Delivery.drop_all(db, self.id, ENDED)
        db.refresh(self)
        return won

    @classmethod
    def people(cls, db: Session, partner_id: uuid.UUID) -> list[Account]:
        """Who works for a partner and hears of what is wrong with its webhooks, oldest first."""
        found = select(Account).join(Membership, Membership.account_id == Account.id)
        live = (Membership.partner_id == partner_id, Membership.ended_at.is_(None), Account.ended_at.is_(None))
        return list(db.scalars(found.where(*live).order_by(Account.created_at)).unique())


class Notice(Base):
    """Something that happened which an app's partner may know: ids, names of schools and scopes, nothing of people."""

    __tablename__ = "notice"
    __table_args__ = (Index("notice_app_id_created_at_idx", "app_id", "created_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"))
    type: Mapped[str] = mapped_column(String(40), doc="Such as 'authorisation.granted'")
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    @classmethod
    def after(
        cls, db: Session, app_id: uuid.UUID, place: tuple[dt.datetime, uuid.UUID] | None, before: dt.datetime, most: int
    ) -> list[Self]:
        """An app's notices behind that place and older than `before`, oldest first.

        A younger one may still be followed by one that was noted earlier, in a transaction that takes longer.
        """
        found = select(cls).where(cls.app_id == app_id, cls.created_at < before)
        if place:
            at, number = place
            found = found.where(or_(cls.created_at > at, and_(cls.created_at == at, cls.id > number)))
        return list(db.scalars(found.order_by(cls.created_at, cls.id).limit(most)))

    @classmethod
    def forget(cls, db: Session, before: dt.datetime, most: int = SWEPT_MOST) -> int:
        """Delete notices from before then that are on their way nowhere, with their deliveries; how many notices."""
        waiting = select(Delivery.notice_id).where(Delivery.next_try_at.is_not(None))
        first_kept = uuid.UUID(
            bytes=int(before.timestamp() * 1000).to_bytes(6, "big") + bytes(10)
        )  # ids grow with time
        old = select(cls.id).where(cls.id < first_kept, cls.id.not_in(waiting)).order_by(cls.id).limit(most)
        ids = list(db.scalars(old.with_for_update(skip_locked=True)))
        db.execute(delete(Delivery).where(Delivery.notice_id.in_(ids)))
        return rows_changed(db, delete(cls).where(cls.id.in_(ids)))


class Delivery(Leased, Base):
    """One notice on its way to one webhook."""

    __tablename__ = "delivery"

    webhook_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("webhook.id"), index=True)
    notice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notice.id"), index=True)
    delivered_at: Mapped[dt.datetime | None]
    last_status: Mapped[int | None]

    @classmethod
    def put(cls, db: Session, notice: Notice) -> None:
        """One on its way to each live webhook of the notice's app that wants it."""
        rows = [
            {"webhook_id": webhook.id, "notice_id": notice.id}
            for webhook in Webhook.live(db, notice.app_id)
            if webhook.wants(notice.type)
        ]
        if rows:
            db.execute(insert(cls), rows)

    @classmethod
    def webhooks_due(cls, db: Session, but: Collection[uuid.UUID], most: int) -> list[uuid.UUID]:
        """Webhooks that something waits for now, but for these, longest waiting first."""
        found = select(cls.webhook_id).where(cls.next_try_at <= now(), cls.webhook_id.not_in(but))
        return list(db.scalars(found.group_by(cls.webhook_id).order_by(func.min(cls.next_try_at)).limit(most)))

    @classmethod
    def next_due(cls, db: Session, webhook_id: uuid.UUID) -> tuple[Self, Notice] | None:
        """What should go to this webhook now, in the order in which it happened, with what it is about."""
        found = select(cls, Notice).join(Notice, Notice.id == cls.notice_id)
        found = found.where(cls.webhook_id == webhook_id, cls.next_try_at <= now())
        row = db.execute(found.order_by(cls.next_try_at, cls.id).limit(1)).first()
        return (row[0], row[1]) if row else None

    @classmethod
    def page(
        cls, db: Session, webhook_id: uuid.UUID, before: uuid.UUID | None, most: int, *, dead: bool = False
    ) -> list[tuple[Self, Notice]]:
        """A webhook's deliveries, newest first, from behind `before`; only dead letters if `dead`."""
        found = select(cls, Notice).join(Notice, Notice.id == cls.notice_id).where(cls.webhook_id == webhook_id)
        if before:
            found = found.where(cls.id < before)
        if dead:
            found = found.where(cls.failed_at.is_not(None))
        return [(row[0], row[1]) for row in db.execute(found.order_by(cls.id.desc()).limit(most))]

    @classmethod
    def counts(cls, db: Session, webhook_id: uuid.UUID) -> tuple[int, int]:
        """How many wait, and how many are dead letters."""
        mine = select(func.count(cls.next_try_at), func.count(cls.failed_at)).where(cls.webhook_id == webhook_id)
        waiting, dead = db.execute(mine).one()
        return waiting, dead

    @classmethod
    def of_webhook(cls, db: Session, delivery_id: uuid.UUID, webhook_id: uuid.UUID) -> Self | None:
        """One delivery to this webhook; another's is None, as if it were absent."""
        return db.scalars(select(cls).where(cls.id == delivery_id, cls.webhook_id == webhook_id)).first()

    @classmethod
    def last_delivered(cls, db: Session, webhook_id: uuid.UUID) -> dt.datetime | None:
        return db.scalar(select(func.max(cls.delivered_at)).where(cls.webhook_id == webhook_id))

    @classmethod
    def drop_all(cls, db: Session, webhook_id: uuid.UUID, error: str) -> int:
        """Let nothing that waits for this webhook be tried again."""
        waiting = update(cls).where(cls.webhook_id == webhook_id, cls.next_try_at.is_not(None))
        return rows_changed(db, waiting.values(next_try_at=None, failed_at=now(), last_error=error))

    @classmethod
    def hold(cls, db: Session, webhook_id: uuid.UUID, until: dt.datetime) -> None:
        """Let what is due for a webhook that cannot be reached wait until then; what is being sent stays leased."""
        due = update(cls).where(cls.webhook_id == webhook_id, cls.next_try_at <= now())
        db.execute(due.values(next_try_at=until), execution_options={"synchronize_session": False})

    @classmethod
    def replay(cls, db: Session, webhook_id: uuid.UUID, delivery_id: uuid.UUID | None = None) -> int:
        """Let a delivery that arrived or was given up go again, or else every dead letter; how many those were.

        It is as young as on its first day.
        """
        again = update(cls).where(cls.webhook_id == webhook_id, cls.next_try_at.is_(None))
        again = again.where(cls.id == delivery_id) if delivery_id else again.where(cls.failed_at.is_not(None))
        fresh = {"next_try_at": now(), "created_at": now(), "tries": 0, "failed_at": None, "delivered_at": None}
        return rows_changed(db, again.values(fresh))

    @property
    def state(self) -> str:
        """One word for a page: Delivered, Failed (a dead letter), Trying again or Waiting."""
        if self.delivered_at:
            return "Delivered"
        return "Failed" if self.failed_at else "Trying again" if self.last_error else "Waiting"

    def mark_delivered(self, db: Session, status: int) -> None:
        done = update(Delivery).where(Delivery.id == self.id, Delivery.delivered_at.is_(None))
        values = {"next_try_at": None, "failed_at": None, "last_error": None, "last_status": status}
        db.execute(done.values(delivered_at=now(), **values))
