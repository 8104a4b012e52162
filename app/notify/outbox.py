"""Messages leave in two steps: `enqueue` in the transaction that causes one, `deliver_due` in a worker after it.

A message is sent at least once. Its row's id is the idempotency key (the mail's Message-ID): the rare second copy,
after a worker died between sending and noting so, is recognisable as one. Several workers may run.
"""

import datetime as dt
import random
import signal
import threading
from collections.abc import Callable, Iterable, Sequence

import structlog

from app.db import DatabaseAway, Session, sessions
from app.models.base import ahead, now
from app.models.outbox import Message
from app.notify import development, smtp
from app.notify.content import Content, Undeliverable
from app.secrets import seal, unseal
from app.settings import settings

log = structlog.get_logger()

EMAIL, SMS = "email", "sms"
LEASE_SECONDS = 180  # longer than any one delivery may take
GIVE_UP = dt.timedelta(hours=72)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 10, 3 * 3600
POLL_SECONDS = 0.5


def enqueue(db: Session, channel: str, to: str, subject: str, text: str, *, links: Sequence[str] = ()) -> None:
    """Write a message into the caller's transaction: it leaves only if that commits. A text has no subject."""
    content = Content(to=to, subject=subject, text=text, links=list(links))
    db.add(Message(channel=channel, sealed=seal(content.as_json(), "outbox")))


def deliver_due(most: int = 100) -> int:
    """Send what is due now, and return how many were delivered. What fails is tried again later."""
    with sessions.read() as db:
        waiting = Message.due(db, most)
    delivered = 0
    for message in waiting:
        with sessions.begin() as db:
            taken = message.take(db, ahead(LEASE_SECONDS))
        if taken:
            delivered += _deliver(message)
    return delivered


def _deliver(message: Message) -> bool:
    try:
        _send(message)
    except Exception as failed:
        # Whatever went wrong, the message must neither be lost nor stop those behind it.
        error = f"{type(failed).__name__}: {failed}"
        final = isinstance(failed, Undeliverable) or now() - message.created_at > GIVE_UP
        again = None if final else ahead(pause(message.tries))
        with sessions.begin() as db:
            message.mark_failed(db, error, again)
        say = log.error if final else log.warning
        say("message not delivered", message=str(message.id), tries=message.tries, final=final, error=error)
        return False
    with sessions.begin() as db:
        message.mark_sent(db)
    return True


def _send(message: Message) -> None:
    content = Content.from_json(unseal(message.sealed or "", "outbox"))
    if message.channel == EMAIL and settings.smtp_url:
        smtp.send(settings.smtp_url.get_secret_value(), content, message.id)
    elif message.channel == SMS and settings.sms_url:
        from app.notify import sms  # noqa: PLC0415 - its library takes a tenth of a second to start

        sms.send(settings.sms_url.get_secret_value(), content, message.id)
    elif settings.is_production:
        raise Undeliverable(f"no way to send a message by {message.channel} is set up")
    else:
        development.keep(message.channel, content, message.id)


def pause(tries: int) -> float:
    """Seconds to wait after that many tries: doubling, at most three hours, and spread out."""
    longest: int = min(FIRST_PAUSE_SECONDS << min(tries, 20) - 1, LONGEST_PAUSE_SECONDS)
    return longest * random.uniform(0.5, 1)  # noqa: S311


Beside = Callable[[threading.Event], None]


def run(
    stop: threading.Event | None = None, also: Callable[[], object] = lambda: None, beside: Iterable[Beside] = ()
) -> None:
    """Deliver until `stop` is set; without one, until SIGTERM or SIGINT. A delivery under way is finished first.

    `also` is called between deliveries; each of `beside` runs in a thread of its own until `stop` is set.
    """
    if stop is None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    others = [threading.Thread(target=work, args=(stop,), name=work.__module__) for work in beside]
    for other in others:
        other.start()
    while not stop.is_set():
        also()
        try:
            delivered = deliver_due(most=20)
        except DatabaseAway as away:
            log.error("database away", error=type(away).__name__)
            delivered = 0
        if not delivered:
            stop.wait(POLL_SECONDS)
    for other in others:
        other.join()


def in_background(also: Callable[[], object] = lambda: None, beside: Iterable[Beside] = ()) -> Callable[[], None]:
    """Run a worker beside this program; the answer stops it and waits until it has."""
    stop = threading.Event()
    worker = threading.Thread(target=run, args=(stop, also, beside), name="outbox", daemon=True)
    worker.start()

    def end() -> None:
        stop.set()
        worker.join()

    return end
