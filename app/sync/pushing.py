"""Bringing a sync to an app by SCIM: what is to be told, and telling it, one thing after another, until it has arrived.

Each thing is looked up when it is sent, under the authorisation as it is then: what a school has taken back meanwhile
is not told. A worker that dies in between sends the same again, and what is there already is found and not made twice.
"""

import datetime as dt
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from app import ledger
from app.db import DatabaseAway, PoolExhausted, Session, sessions
from app.disclosure.pairwise import PERSON, Ids
from app.errors import NotFound
from app.models.app_user import PUPIL, AppGroup, AppUser
from app.models.authorisation import Authorisation
from app.models.base import ago, ahead, now
from app.models.establishment import Establishment
from app.models.partner import App
from app.models.school import School
from app.models.sync import GROUP, USER, Push, Sync, SyncChoices
from app.secrets import unseal
from app.sync import allowed, passwords, scim
from app.sync.scim import Away, Refused, Service

log = structlog.get_logger()

LEASE_SECONDS = 120  # longer than one try may take
POLL_SECONDS = 0.5
PASSWORD_DAYS = 30
FORGET_EVERY_SECONDS = 3600
IN_A_ROW = 50  # then another sync has its turn
PAUSES = (5, 30, 120, 600, 3600, 4 * 3600)
GIVE_UP = dt.timedelta(hours=72)
PURPOSE = "scim"
USER_IDS = "app user"  # the kind of ids of users who are nobody in the roster
ROUTES = {USER: "scim/users", GROUP: "scim/groups"}


def plan_pushes(
    db: Session,
    done: Sync,
    app: App,
    *,
    touched: Iterable[int],
    titles: Iterable[str],
    renamed: Mapping[str, str],
) -> None:
    """Note what an app is to be told of a sync; nothing where it has no SCIM service."""
    if not app.scim_url:
        return
    about: dict[str, Any] = {"sync_id": done.id, "school_id": done.school_id, "app_id": done.app_id}
    was = {after: before for before, after in renamed.items()}
    things: list[dict[str, Any]] = [{"kind": USER, "user_id": own} for own in sorted(touched)]
    things += [{"kind": GROUP, "title": title, "renamed_from": was.get(title, "")} for title in sorted(titles)]
    db.add_all(Push(position=place, **about, **thing) for place, thing in enumerate(things))
    db.flush()


def work(stop: threading.Event | None = None) -> int:
    """Push what is due; how many things arrived."""
    with sessions.read() as db:
        due = Push.due(db, 20)
    return sum(_push_some(sync_id, school_id, stop) for sync_id, school_id in due)


def run(stop: threading.Event) -> None:
    """Push until stopped, and forget first passwords in time."""
    looked = 0.0
    while not stop.is_set():
        try:
            done = work(stop)
            if not looked or time.monotonic() > looked + FORGET_EVERY_SECONDS:
                looked = time.monotonic()
                forget_passwords()
        except (DatabaseAway, PoolExhausted) as away:
            log.error("database away", error=type(away).__name__)
            done = 0
        if not done:
            stop.wait(POLL_SECONDS)


def forget_passwords() -> int:
    """Let first passwords that nobody printed, and no app took, in 30 days be gone; how many."""
    with sessions.read() as db:
        schools = SyncChoices.schools(db)
    gone = 0
    for school_id in schools:
        with sessions.begin(school=school_id) as db:
            gone += AppUser.forget_passwords(db, school_id, ago(PASSWORD_DAYS * 86_400))
    return gone


def _push_some(sync_id: uuid.UUID, school_id: uuid.UUID, stop: threading.Event | None) -> int:
    arrived = 0
    for _ in range(IN_A_ROW):
        if stop is not None and stop.is_set():
            break
        with sessions.begin(school=school_id) as db:
            push = Push.next_of(db, sync_id)
            if push is None or not push.take(db, ahead(LEASE_SECONDS)):
                break
        if not _push(push):
            break
        arrived += 1
    return arrived


def _push(push: Push) -> bool:
    """Send one thing that this worker has leased; whether what comes after it may go at once."""
    try:
        with sessions.read(school=push.school_id) as db:
            service, given = service_of(db, push.school_id, push.app_id)
            told = _user(db, push) if push.kind == USER else _group(db, push)
    except NotFound:
        return _failed(push, Refused(0, "The school does not share this with the app at present"))
    if told is None:
        return _arrived(push, None, None)
    try:
        found = told.send(service, push.tries)
    except (Refused, Away) as wrong:
        return _failed(push, wrong)
    ledger.record(
        school_id=push.school_id,
        app_id=push.app_id,
        authorisation_id=given.id,
        scopes=" ".join(sorted(given.scopes)),
        route=ROUTES[push.kind],
        people=told.people,
        address="",
    )
    return _arrived(push, told, found)


def service_of(db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> tuple[Service, Authorisation]:
    """An app's service for a school, and what it may be told by. Raises NotFound when it may be told nothing now."""
    given = allowed.deliverable(db, school_id, app_id)
    school, app = db.get_one(School, school_id), given.app
    if not app.scim_url or not app.scim_token_sealed:
        raise NotFound
    record = Establishment.by_urn(db, school.urn)
    number = (record.dfe_number or "").replace("/", "") if record else ""
    base = app.scim_url.replace("{urn}", str(school.urn)).replace("{dfe_number}", number)
    return Service(base, unseal(app.scim_token_sealed, PURPOSE)), given


class _Told:
    """One thing as the app is told it: how to find it there, to make it, and what to change of it."""

    def __init__(self, kind: str, outside_id: str, look: tuple[str, str], made: dict[str, Any]) -> None:
        self.kind, self.outside_id, self._look, self._made = kind, outside_id, look, made
        self.people = 1

    def send(self, service: Service, tries: int) -> str:
        """What the app calls it. Raises Refused or Away."""
        own = self.outside_id
        if not own and tries > 1:
            # The answer of the last try may have been lost.
            found = service.find(self.kind, *self._look)
            own = str(found["id"]) if found and found.get("id") else ""
        if own:
            changes = {name: value for name, value in self._made.items() if name not in ("schemas", "externalId")}
            service.patch(self.kind, own, changes)
            return own
        try:
            made = service.make(self.kind, self._made)
        except Refused as no:
            found = service.find(self.kind, *self._look) if no.status == 409 else None
            if found is None or not found.get("id"):
                raise
            self.outside_id = str(found["id"])
            return self.send(service, tries)
        if not made.get("id"):
            raise Refused(0, "The app made it, and did not say what it calls it")
        return str(made["id"])


def _user(db: Session, push: Push) -> _Told | None:
    found = AppUser.some(db, push.school_id, push.app_id, [push.user_id or 0])
    if not found:
        return None
    [user] = found
    made: dict[str, Any] = {
        "schemas": [scim.USER],
        "userName": user.username,
        "name": {"givenName": user.given_name, "familyName": user.family_name},
        "displayName": f"{user.given_name} {user.family_name}".strip(),
        "userType": "Pupil" if user.kind == PUPIL else "Staff",
        "active": not user.is_archived,
    }
    if user.email:
        made["emails"] = [{"value": user.email, "type": "work", "primary": True}]
    outside = external_id(db, push.school_id, push.app_id, user)
    if user.password_for_app:
        made["password"] = unseal(user.password_for_app, passwords.PURPOSE)
    return _Told("Users", user.outside_id, ("externalId", outside), made | {"externalId": outside})


def external_id(db: Session, school_id: uuid.UUID, app_id: uuid.UUID, user: AppUser) -> str:
    """What we call a user in the app: the id by which the partner knows the person, or else one of the user's own."""
    key = App.pairwise_key_of(db, app_id)
    if user.person_id is not None:
        return Ids(key, PERSON, school_id).shown([user.person_id])[0]
    return Ids(key, USER_IDS, school_id).shown([user.id])[0]


def _group(db: Session, push: Push) -> _Told | None:
    users = AppUser.of_app(db, push.school_id, push.app_id)
    members = [one for one in users if push.title in one.classes and not one.is_archived and one.outside_id]
    known = {group.title: group for group in AppGroup.of_app(db, push.school_id, push.app_id)}
    held = known.get(push.title) or known.get(push.renamed_from)
    made: dict[str, Any] = {
        "schemas": [scim.GROUP],
        "displayName": push.title,
        "members": [{"value": one.outside_id} for one in members],
    }
    told = _Told("Groups", held.outside_id if held else "", ("displayName", push.title), made)
    told.people = len(members)
    return told


def _arrived(push: Push, told: _Told | None, outside_id: str | None) -> bool:
    with sessions.begin(school=push.school_id) as db:
        push.mark_done(db)
        if outside_id is None:
            return True
        if push.kind == USER:
            for user in AppUser.some(db, push.school_id, push.app_id, [push.user_id or 0]):
                user.outside_id, user.password_for_app = outside_id, None
        else:
            title, before = push.title, push.renamed_from
            AppGroup.keep(db, push.school_id, push.app_id, title=title, outside_id=outside_id, before=before)
    return True


def _failed(push: Push, wrong: Refused | Away) -> bool:
    """Note a failure. What is refused is given up, and the next goes on; while an app is away everything waits."""
    is_away = isinstance(wrong, Away)
    wait = max(PAUSES[min(push.tries - 1, len(PAUSES) - 1)], (wrong.wait or 0) if isinstance(wrong, Away) else 0)
    again = is_away and now() + dt.timedelta(seconds=wait) < push.created_at + GIVE_UP
    with sessions.begin(school=push.school_id) as db:
        push.mark_failed(db, str(wrong), ahead(wait) if again else None)
    log.info("push failed", push=str(push.id), tries=push.tries, again=again)
    return not is_away
