"""What is due at its time and not at anybody's request: reminders, ends, purges. The worker runs each once a minute.

Each takes a database session, does some of what is due by conditional changes (several workers may run), and says how
much; it is called again, in another write unit, until that is nothing.
"""

import datetime as dt
import time
import uuid
from collections.abc import Callable

import structlog

from app import ledger
from app.db import DatabaseAway, Session, sessions
from app.endpoint import booking, collecting, guide, hearing
from app.models.base import ago, now
from app.models.ledger import Read, Refusal
from app.models.passkey import Challenge
from app.models.roster.batch import Batch
from app.models.snapshot import Snapshot
from app.models.webhook import Notice
from app.notify import hand_over, webhooks
from app.notify.outbox import Beside
from app.onboarding import access_cases
from app.onboarding.register_changes import follow_the_register
from app.roster import intake
from app.settings import settings
from app.sharing import deletion, ending, invitations, pausing
from app.signin import contact
from app.sync import pushing

log = structlog.get_logger()

EVERY_SECONDS = 60.0
MOST_UNITS = 1000  # of one chore in one minute
DAYS_IN_MONTH = 30.44
REFUSALS_DAYS = 90
NOTICES_DAYS = 90
SNAPSHOTS_DAYS = 90
UPLOAD_DAYS = 7


def sum_up_the_ledger(db: Session) -> int:
    """Leave only sums of what was read longer ago than the ledger is kept."""
    return Read.roll_up(db, now() - dt.timedelta(days=settings.ledger_months * DAYS_IN_MONTH))


def forget_refusals(db: Session) -> int:
    """Nobody looks for the cause of an error that is three months old."""
    return Refusal.forget(db, ago(REFUSALS_DAYS * 86_400))


def forget_notices(db: Session) -> int:
    """A partner that has not asked for three months has missed more than what happened then."""
    return Notice.forget(db, ago(NOTICES_DAYS * 86_400))


def forget_snapshots(db: Session) -> int:
    """A client that has not asked what changed for three months reads the list anew."""
    return Snapshot.forget(db, ago(SNAPSHOTS_DAYS * 86_400))


def give_up_uploads(db: Session) -> int:
    """Nobody goes on with an upload that broke off a week ago."""
    return Batch.give_up(db, ago(UPLOAD_DAYS * 86_400))


CHORES: tuple[Callable[[Session], int], ...] = (
    deletion.remind,
    ending.remind,
    ending.expire,
    pausing.resume_in_time,
    follow_the_register,
    sum_up_the_ledger,
    forget_refusals,
    forget_notices,
    forget_snapshots,
    give_up_uploads,
    hearing.tell_of_silence,
    hearing.tell_of_late_data,
    booking.remind,
    guide.tell_of_leaving,
    Challenge.forget,
    invitations.send_reminders,
    invitations.expire,
    contact.take_effect,
    contact.forget,
)

EACH: tuple[tuple[Callable[[Session], list[uuid.UUID]], Callable[[Session, uuid.UUID], int]], ...] = (
    (access_cases.due, access_cases.complete_case),
)
"""What lists the ids of single pieces of work that are due, and what does one of them."""

BESIDE: tuple[Beside, ...] = (webhooks.run, hand_over.run, intake.run, collecting.run, pushing.run)
"""What the worker does all the time, each in a thread of its own."""


class Chores:
    """Runs what is due, at most once a minute; one that fails neither stops the others nor is forgotten."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY_SECONDS
        ledger.recover()
        for due, work in EACH:
            run_each(due, work)
        for chore in CHORES:
            run(chore)


def run(chore: Callable[[Session], int]) -> int:
    """One chore, a write unit at a time until nothing is left to do; how much it did."""
    total = 0
    for _ in range(MOST_UNITS):
        done = _unit(chore, _name(chore))
        total += done
        if not done:
            break
    return _told(_name(chore), total)


def run_each(due: Callable[[Session], list[uuid.UUID]], work: Callable[[Session, uuid.UUID], int]) -> int:
    """Every piece of work in a write unit of its own: one that fails keeps no other waiting. How much was done."""
    found: list[uuid.UUID] = []

    def look(db: Session) -> int:
        found.extend(due(db))
        return len(found)

    def work_on(key: uuid.UUID) -> int:
        return _unit(lambda db: work(db, key), _name(work), subject=str(key))

    _unit(look, _name(due))
    return _told(_name(work), sum(map(work_on, found)))


def _unit(work: Callable[[Session], int], name: str, **about: str) -> int:
    try:
        with sessions.begin() as db:
            return work(db)
    except DatabaseAway as away:
        log.error("database away", error=type(away).__name__)
    except Exception as failed:
        log.error("a chore failed", chore=name, **about, exc_info=failed)
    return 0


def _told(name: str, total: int) -> int:
    if total:
        log.info("chore done", chore=name, done=total)
    return total


def _name(chore: Callable[..., object]) -> str:
    return getattr(chore, "__name__", type(chore).__name__)
