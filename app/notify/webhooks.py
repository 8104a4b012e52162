"""Webhooks by the Standard Webhooks specification 1.0: notices leave signed, at least once, each webhook on its own.

The notice's id is `webhook-id`, the same however often it is sent: an idempotency key. A webhook gets one at a time
from each worker, in the order in which things happened as far as failures let it; one that hangs delays no other, and
no mail. Only a status of 2xx counts as delivered; 410 ends the webhook; anything else is tried again for 72 hours.
"""

import base64
import datetime as dt
import hashlib
import hmac
import secrets
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import orjson
import structlog

from app import fetch
from app.audit import record
from app.db import DatabaseAway, PoolExhausted, Session, sessions
from app.errors import Problem
from app.models.base import ahead, now
from app.models.spent_id import SpentId
from app.models.webhook import Delivery, Notice, Webhook
from app.notify import messages
from app.notify.notices import TYPES
from app.notify.outbox import GIVE_UP, pause
from app.secrets import digest, seal, unseal

log = structlog.get_logger()

LEASE_SECONDS = 60  # longer than one try may take
LONGEST_PAUSE_SECONDS = 3600.0
IN_A_ROW = 20  # then another webhook has its turn
THREADS = 16
POLL_SECONDS = 0.5
BEFORE_SECONDS = 86_400  # the secret that was replaced signs for that long
TELL_AFTER = dt.timedelta(days=1)
MOST = 10  # webhooks of one app
AWAY = (429, 502, 503, 504)  # the whole target is, not this delivery alone
SUSPENDED = "The app is suspended"


def new_secret() -> str:
    """256 bits in the form of the specification: `whsec_` and base 64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


class Unknown(Problem):
    """A type of notice that there is not."""

    status = 422
    title = "There is no notice of that type"


class TooMany(Problem):
    status = 409
    title = f"An app has at most {MOST} webhooks"


def add(
    db: Session, app_id: uuid.UUID, url: str, events: Sequence[str], by: uuid.UUID | None = None
) -> tuple[Webhook, str]:
    """A webhook whose address was checked, and the secret that is shown this once. Raises Unknown or TooMany."""
    if len(Webhook.live(db, app_id)) >= MOST:
        raise TooMany("Remove one that you no longer need.")
    secret = new_secret()
    webhook = Webhook(app_id=app_id, url=url, events=_known(events), secret_sealed=seal(secret, "webhook"))
    db.add(webhook)
    db.flush()
    _record(db, webhook, "added", by)
    return webhook, secret


def change(db: Session, webhook: Webhook, url: str, events: Sequence[str], by: uuid.UUID | None = None) -> None:
    """Let it be told at that address, which was checked, of those types. Raises Unknown."""
    webhook.url, webhook.events = url, _known(events)
    db.flush()
    _record(db, webhook, "changed", by)


def rotate(db: Session, webhook: Webhook, by: uuid.UUID | None = None) -> str | None:
    """A new secret, shown this once; the one before signs beside it for a day. None when another was faster."""
    secret = new_secret()
    if not webhook.rotate(db, seal(secret, "webhook"), ahead(BEFORE_SECONDS)):
        return None
    _record(db, webhook, "rotated", by)
    return secret


def remove(db: Session, webhook: Webhook, by: uuid.UUID | None = None) -> None:
    """End it, with whatever was on its way there."""
    if webhook.end(db):
        _record(db, webhook, "removed", by)


def send_test(db: Session, webhook: Webhook) -> Notice:
    """Put a notice on its way to this webhook alone, whatever types it wants."""
    notice = Notice(app_id=webhook.app_id, type="webhook.test", data={"webhook_id": str(webhook.id)})
    db.add(notice)
    db.flush()
    db.add(Delivery(webhook_id=webhook.id, notice_id=notice.id))
    db.flush()
    return notice


def _known(events: Sequence[str]) -> list[str]:
    if any(name not in TYPES for name in events):
        raise Unknown(f"Choose among: {', '.join(TYPES)}.", "events")
    return [name for name in TYPES if name in events]


def _record(db: Session, webhook: Webhook, what: str, by: uuid.UUID | None) -> None:
    record(db, f"webhook.{what}", actor=by, subject=webhook.id, app=str(webhook.app_id))


def signature(secret: str, message_id: str, at: int, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 over id, time and body, in base 64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.digest(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(made).decode()}"


def payload(notice: Notice) -> dict[str, object]:
    """What a partner is told, here and when it asks."""
    at = notice.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": notice.type, "timestamp": at, "data": notice.data}


def deliver_due() -> int:
    """Send what is due now, one webhook after another, and return how many arrived."""
    with sessions.read() as db:
        waiting = Delivery.webhooks_due(db, (), 1000)
    return sum(deliver_to(webhook_id) for webhook_id in waiting)


def deliver_to(webhook_id: uuid.UUID, stop: threading.Event | None = None) -> int:
    """Send what is due for one webhook, until a try fails or it is another's turn; how many arrived."""
    delivered = 0
    while delivered < IN_A_ROW and not (stop and stop.is_set()):
        with sessions.read() as db:
            found = Delivery.next_due(db, webhook_id)
        if found is None or not _taken(*found):
            break
        delivered += 1
    return delivered


def _taken(delivery: Delivery, notice: Notice) -> bool:
    """Whether it arrived. What comes between sending and noting is a second copy, never a lost one."""
    with sessions.begin() as db:
        if not delivery.take(db, ahead(LEASE_SECONDS)):
            return False
        webhook, app = Webhook.with_app(db, delivery.webhook_id)
        if webhook.ended_at or app.is_suspended:
            Delivery.drop_all(db, webhook.id, "The webhook was removed" if webhook.ended_at else SUSPENDED)
            return False
    try:
        status, error = _send(webhook, notice)
    except Exception as failed:
        # Whatever went wrong, the delivery must neither be lost nor stop those behind it.
        log.error("unexpected failure", webhook=str(webhook.id), exc_info=failed)
        status, error = None, "Something went wrong at our end"
    if status and 200 <= status < 300:
        with sessions.begin() as db:
            delivery.mark_delivered(db, status)
        return True
    with sessions.begin() as db:
        _failed(db, delivery, status, error)
    log.warning("webhook not delivered", webhook=str(webhook.id), delivery=str(delivery.id), tries=delivery.tries)
    return False


def _send(webhook: Webhook, notice: Notice) -> tuple[int | None, str]:
    """The status that answered (None: none did), and what was wrong with it."""
    at = now()
    body, moment, name = orjson.dumps(payload(notice)), int(at.timestamp()), str(notice.id)
    signed = [signature(unseal(sealed, "webhook"), name, moment, body) for sealed in webhook.signs(at)]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Gatehouse-Webhooks/1",
        "webhook-id": name,
        "webhook-timestamp": str(moment),
        "webhook-signature": " ".join(signed),
    }
    try:
        answer = fetch.send("POST", webhook.url, headers=headers, content=body, most=0)
    except (fetch.Refused, fetch.Failed) as failed:
        return None, str(failed)
    return answer.status, f"Answered {answer.status}, not 2xx"


def _failed(db: Session, delivery: Delivery, status: int | None, error: str) -> None:
    webhook, app = Webhook.with_app(db, delivery.webhook_id)
    if status == 410:
        delivery.mark_failed(db, error, None, last_status=status)
        if webhook.end(db):
            messages.webhook_stopped(db, app, Webhook.people(db, app.partner_id), webhook.url, gone=True)
        return
    age = now() - delivery.created_at
    again = None if age > GIVE_UP else ahead(min(pause(delivery.tries), LONGEST_PAUSE_SECONDS))
    delivery.mark_failed(db, error, again, last_status=status)
    if again and (status is None or status in AWAY):
        Delivery.hold(db, webhook.id, again)
    if age > TELL_AFTER and _first_of_outage(db, webhook):
        messages.webhook_stopped(db, app, Webhook.people(db, app.partner_id), webhook.url, gone=False)


def _first_of_outage(db: Session, webhook: Webhook) -> bool:
    """Whether this outage, known by the last delivery before it, is told of for the first time in a month."""
    mark = digest(f"{webhook.id} {Delivery.last_delivered(db, webhook.id)}")
    return bool(SpentId.spend(db, "webhook", {mark: ahead(30 * 86_400)}))


def run(stop: threading.Event) -> None:
    """Deliver until `stop` is set. What is under way then is finished first."""
    busy: dict[uuid.UUID, Future[int]] = {}
    with ThreadPoolExecutor(THREADS, thread_name_prefix="webhook") as threads:
        while not stop.is_set():
            for webhook_id in [known for known, running in busy.items() if running.done()]:
                _note(busy.pop(webhook_id))
            free = THREADS - len(busy)
            try:
                with sessions.read() as db:
                    waiting = Delivery.webhooks_due(db, list(busy), free) if free else []
            except (DatabaseAway, PoolExhausted) as away:
                log.error("database away", error=type(away).__name__)
                waiting = []
            for webhook_id in waiting:
                busy[webhook_id] = threads.submit(deliver_to, webhook_id, stop)
            stop.wait(POLL_SECONDS if not waiting else 0.05)


def _note(done: Future[int]) -> None:
    if failed := done.exception():
        log.error("webhooks were not delivered", error=type(failed).__name__)
