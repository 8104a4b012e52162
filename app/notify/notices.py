"""What an app's partner is told of, in the transaction that causes it: kept to be asked for, sent by webhook."""

import uuid
from typing import Any

from app.db import Session
from app.models.partner import App
from app.models.webhook import Delivery, Notice

TYPES = (
    *(f"invitation.{state}" for state in ("sent", "opened", "forwarded", "authorised", "declined", "expired")),
    *(f"authorisation.{what}" for what in ("granted", "changed", "renewed", "paused", "resumed")),
    *(f"authorisation.{what}" for what in ("revoked", "returned", "expired")),
    *("deletion.requested", "school.verified", "app.live", "webhook.test"),
)


def tell(db: Session, app_id: uuid.UUID, kind: str, data: dict[str, Any]) -> Notice:
    """Note it, and put one delivery on its way to each webhook of the app that wants it. Nothing of people in `data`.

    A suspended app is told later, when it asks; nothing is sent to it.

    Raises ValueError for a kind that is not in `TYPES`.
    """
    if kind not in TYPES:
        raise ValueError(f"no notice of {kind!r}")
    notice = Notice(app_id=app_id, type=kind, data=data)
    db.add(notice)
    db.flush()
    app = db.get(App, app_id)
    if app and not app.is_suspended:
        Delivery.put(db, notice)
    return notice
