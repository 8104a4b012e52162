"""The secret of a school, handed to an app's authorisation callback: a posted form, signed like a webhook.

A new one is made each time that the school decides, and when its first data has arrived; the one before it ends when
the callback has taken the new one. Only its digest is kept, and the form, sealed, for as long as it is on its way.
Source of the form's fields: spec/data.md 8, as Groupcall-style clients read them.
"""

import datetime as dt
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import orjson
import structlog

from app import fetch
from app.db import DatabaseAway, PoolExhausted, Session, sessions
from app.models.authorisation import Authorisation
from app.models.base import ahead, now
from app.models.establishment import Establishment
from app.models.partner import FAPI2, App
from app.models.school import School
from app.models.school_secret import HandOver, SchoolSecret, receiving
from app.models.webhook import Webhook
from app.notify import messages
from app.notify.outbox import GIVE_UP, pause
from app.notify.webhooks import LEASE_SECONDS, LONGEST_PAUSE_SECONDS, POLL_SECONDS, signature
from app.secrets import digest, new_secret, seal, unseal

log = structlog.get_logger()

PREFIX = "gh_sk"
THREADS = 8
NO_MORE = "The authorisation has ended, or the app takes no secrets any more"
REPLACED = "A newer secret took its place"


def takes_secrets(app: App) -> bool:
    """Whether an operator let this app use the Groupcall-style API. Never one of profile fapi2 (protocol.md 71)."""
    return app.groupcall_at is not None and app.profile != FAPI2


def hand_over(db: Session, school: School, authorisation: Authorisation) -> None:
    """Make a new secret and put it on its way, where the app takes secrets. What was on its way before is dropped."""
    app = authorisation.app
    if not (takes_secrets(app) and app.authorisation_uri and app.management_sealed):
        return
    for lost in HandOver.waiting_secrets(db, authorisation.id):
        SchoolSecret.end(db, lost)
    HandOver.drop(db, authorisation.id, REPLACED)
    secret = new_secret(PREFIX)
    db.add(SchoolSecret(digest=digest(secret), authorisation_id=authorisation.id))
    fields = _fields(db, school, authorisation) | {"schoolSecret": secret}
    sealed = seal(orjson.dumps(fields).decode(), "hand over")
    made = HandOver(authorisation_id=authorisation.id, app_id=app.id, secret_digest=digest(secret), sealed=sealed)
    db.add(made)
    db.flush()


def first_data(db: Session, school_id: uuid.UUID) -> None:
    """The first data of a school has arrived: every app that it lets in and that takes secrets is told once more."""
    _hand_over_all(db, receiving(db, school_id=school_id))


def again(db: Session, app: App) -> int:
    """Hand over a new secret of every school that lets this app in; how many."""
    return _hand_over_all(db, receiving(db, app_id=app.id))


def _hand_over_all(db: Session, authorisations: list[Authorisation]) -> int:
    for given in authorisations:
        hand_over(db, db.get_one(School, given.school_id), given)
    return len(authorisations)


def _fields(db: Session, school: School, authorisation: Authorisation) -> dict[str, str]:
    app, granter = authorisation.app, authorisation.granter
    establishment = Establishment.by_urn(db, school.urn)
    number = establishment.dfe_number if establishment else None
    return {
        "schoolId": number.replace("/", "") if number else str(school.urn),
        "schoolEmail": "" if granter.ended_at else granter.email,
        "schoolName": school.name,
        "templateScopes": ",".join(app.asks),
        "scopes": ",".join(authorisation.scopes),
        "thirdParty": "Gatehouse",
        "partnerId": app.client_id,
    }


def deliver_due(stop: threading.Event | None = None) -> int:
    """Send what is due now; how many arrived."""
    with sessions.read() as db:
        waiting = HandOver.due(db, THREADS)
    if not waiting or (stop and stop.is_set()):
        return 0
    with ThreadPoolExecutor(len(waiting), thread_name_prefix="hand over") as threads:
        return sum(threads.map(_deliver, waiting))


def _deliver(waiting: HandOver) -> bool:
    """Whether it arrived. What comes between sending and noting is a second copy, never a lost one."""
    with sessions.begin() as db:
        if not waiting.take(db, ahead(LEASE_SECONDS)):
            return False
        given = db.get_one(Authorisation, waiting.authorisation_id)
        app = given.app
        if not given.is_active or not takes_secrets(app) or not app.authorisation_uri or not app.management_sealed:
            SchoolSecret.end(db, waiting.secret_digest)
            HandOver.drop(db, given.id, NO_MORE)
            return False
        if app.is_suspended:
            _failed(db, waiting, app, None, "The app is suspended")
            return False
    try:
        status, error = _send(waiting, app)
    except Exception as failed:
        # Whatever went wrong, it must neither be lost nor stop those behind it.
        log.error("unexpected failure", hand_over=str(waiting.id), exc_info=failed)
        status, error = None, "Something went wrong at our end"
    with sessions.begin() as db:
        if status and 200 <= status < 300:
            if waiting.mark_delivered(db, status):
                SchoolSecret.end_others(db, given.id, but=waiting.secret_digest)
            return True
        _failed(db, waiting, app, status, error)
    log.warning("secret not handed over", hand_over=str(waiting.id), tries=waiting.tries)
    return False


def _send(waiting: HandOver, app: App) -> tuple[int | None, str]:
    """The status that answered (None: none did), and what was wrong with it."""
    body = urlencode(orjson.loads(unseal(waiting.sealed or "", "hand over"))).encode()
    moment, name = int(now().timestamp()), str(waiting.id)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "User-Agent": "Gatehouse-Webhooks/1",
        "webhook-id": name,
        "webhook-timestamp": str(moment),
        "webhook-signature": signature(unseal(app.management_sealed or "", "management"), name, moment, body),
    }
    try:
        answer = fetch.send("POST", app.authorisation_uri or "", headers=headers, content=body, most=0)
    except (fetch.Refused, fetch.Failed) as failed:
        return None, str(failed)
    return answer.status, f"Answered {answer.status}, not 2xx"


def _failed(db: Session, waiting: HandOver, app: App, status: int | None, error: str) -> None:
    if now() - waiting.created_at <= GIVE_UP:
        again_at: dt.datetime = ahead(min(pause(waiting.tries), LONGEST_PAUSE_SECONDS))
        waiting.mark_failed(db, error, again_at, last_status=status)
        return
    waiting.mark_failed(db, error, None, last_status=status, sealed=None)
    SchoolSecret.end(db, waiting.secret_digest)
    messages.secret_not_taken(db, app, Webhook.people(db, app.partner_id), app.authorisation_uri or "")


def run(stop: threading.Event) -> None:
    """Deliver until `stop` is set. What is under way then is finished first."""
    while not stop.is_set():
        try:
            delivered = deliver_due(stop)
        except (DatabaseAway, PoolExhausted) as away:
            log.error("database away", error=type(away).__name__)
            delivered = 0
        if not delivered:
            stop.wait(POLL_SECONDS)
