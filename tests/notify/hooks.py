"""Webhooks of made apps, and what became of their deliveries: what the tests of webhooks share."""

from typing import Any

from app.db import sessions
from app.models.base import now
from app.models.outbox import Message
from app.models.partner import App
from app.models.webhook import Delivery, Notice, Webhook
from app.notify import notices, webhooks
from app.notify.content import Content
from app.secrets import unseal
from tests import factories
from tests.notify.hook_server import Hook


def added(hook: Hook, app: App | None = None, events: tuple[str, ...] = ()) -> tuple[App, Webhook, str]:
    with sessions.begin() as db:
        app = app or factories.app(db)[0]
        webhook, secret = webhooks.add(db, app.id, hook.url, list(events))
    return app, webhook, secret


def told(app: App, kind: str = "authorisation.granted", **data: Any) -> Notice:
    with sessions.begin() as db:
        return notices.tell(db, app.id, kind, data)


def only_delivery() -> Delivery:
    with sessions.read() as db:
        (one,) = db.query(Delivery).all()
        return one


def due_again(**columns: Any) -> None:
    """Time passes: whatever waits is due."""
    with sessions.begin() as db:
        for row in db.query(Delivery).filter(Delivery.next_try_at.is_not(None)):
            for name, value in ({"next_try_at": now()} | columns).items():
                setattr(row, name, value)


def mails() -> list[Content]:
    with sessions.read() as db:
        return [Content.from_json(unseal(row.sealed or "", "outbox")) for row in db.query(Message)]
