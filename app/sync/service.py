"""One school and one app in the wizard: what there is, what was chosen, the plan of it, and Finish."""

import dataclasses
import hashlib
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from app.audit import record
from app.db import Session
from app.errors import Problem
from app.models.account import Account
from app.models.app_user import PUPIL, SYNC, AppUser
from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.roster.head import Roster
from app.models.roster.rostered import new_key
from app.models.school import School
from app.models.sync import Sync, SyncChoices
from app.secrets import seal
from app.sync import allowed, passwords, people, plan, pushing, usernames
from app.sync.choices import Answers
from app.sync.facts import Held, Plan, Somebody


class NoData(Problem):
    status = 409
    title = "There is no data of your school yet"


class Changed(Problem):
    """Something is different from what the summary showed."""

    status = 409
    title = "The summary has changed"

    def __init__(self) -> None:
        super().__init__("New data came, or somebody else changed something. Look at it again, then press Finish.")


@dataclasses.dataclass(frozen=True)
class Desk:
    """What lies before whoever syncs: read at one moment, so that all of it fits together."""

    given: Authorisation
    answers: Answers
    choices: SyncChoices | None
    people: dict[int, Somebody]
    users: dict[int, AppUser]

    @property
    def plan(self) -> Plan:
        held = [as_held(one, self.answers.renamed) for one in self.users.values() if one.username_key]
        return plan.make(self.people.values(), held, self.answers.for_plan())


def look(db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> Desk:
    """Within a session of this school. Raises NotFound, or NoData while the school has no roster."""
    given = allowed.authorised(db, school_id, app_id)
    if not Roster.number_of(db, school_id):
        raise NoData(hint="Send your school’s data first: install the agent, or upload a file on the page Your data.")
    kept = SyncChoices.of(db, school_id, app_id)
    answers = Answers.read(kept.answers if kept else {})
    there = {one.id: one for one in people.seen(db, given, answers)}
    return Desk(given, answers, kept, there, {one.id: one for one in AppUser.of_app(db, school_id, app_id)})


def as_held(user: AppUser, renamed: Mapping[str, str]) -> Held:
    return Held(
        id=user.id,
        kind=user.kind,
        username=user.username,
        given=user.given_name,
        family=user.family_name,
        email=user.email,
        upn=user.upn,
        year=user.year,
        classes=tuple(sorted({renamed.get(title, title) for title in user.classes})),
        person=user.person_id,
        is_archived=user.is_archived,
    )


def answer(
    db: Session, school: School, app_id: uuid.UUID, by: Account, *, step: str, changes: Mapping[str, Any]
) -> SyncChoices:
    """Keep what was chosen in one step, beside what was chosen before. Raises NotFound."""
    allowed.authorised(db, school.id, app_id)
    kept = SyncChoices.locked(db, school.id, app_id, by.id)
    kept.answers = Answers.read(kept.answers | dict(changes)).kept()
    kept.steps = sorted({*kept.steps, step})
    kept.changed_by, kept.changed_at = by.id, now()
    db.flush()
    return kept


def answers_of(db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> Answers:
    kept = SyncChoices.of(db, school_id, app_id)
    return Answers.read(kept.answers if kept else {})


def push(
    db: Session, school: School, app_id: uuid.UUID, by: Account, touched: Collection[int], *, more: Collection[str] = ()
) -> None:
    """Let the app know of users that were changed beside a sync, and their classes, and `more` classes.

    Nothing happens where the app has no SCIM service, or nobody was changed.
    """
    given = allowed.authorised(db, school.id, app_id)
    if not given.app.scim_url or not (touched or more):
        return
    users = AppUser.some(db, school.id, app_id, touched)
    done = Sync(school_id=school.id, app_id=app_id, finished_by=by.id, counts={}, plan_digest="")
    db.add(done)
    db.flush()
    titles = {title for user in users for title in user.classes} | set(more)
    pushing.plan_pushes(db, done, given.app, touched=touched, titles=titles, renamed={})


def digest_of(made: Plan) -> str:
    """By which the summary and Finish know that they speak of the same."""
    return hashlib.sha256(made.bytes).hexdigest()


def finish(db: Session, school: School, app_id: uuid.UUID, by: Account, told: str) -> Sync:
    """Do what the plan says, once, and let it be delivered. Raises NotFound, NoData or Changed."""
    allowed.authorised(db, school.id, app_id)
    SyncChoices.locked(db, school.id, app_id, by.id)
    AppUser.free_names(db, school.id, app_id)
    desk = look(db, school.id, app_id)
    made = desk.plan
    if digest_of(made) != told:
        raise Changed
    titles = {title for change in made.changed for title in desk.users[change.account].classes}
    titles |= {title for own in made.leaving for title in desk.users[own].classes}
    for own, person in made.linked:
        desk.users[own].person_id = person
    for change in made.changed:
        _change(desk.users[change.account], desk.people[change.person])
    for own in made.leaving:
        desk.users[own].archived_at = now()
    db.flush()
    created = _create(db, school.id, app_id, desk.answers, made)
    counts = dict(plan.counts(made, desk.people))
    done = Sync(school_id=school.id, app_id=app_id, finished_by=by.id, counts=counts, plan_digest=told)
    db.add(done)
    db.flush()
    titles |= {title for change in made.changed for title in desk.users[change.account].classes}
    titles |= {title for new in made.new for title in new.classes}
    touched = [*created, *(change.account for change in made.changed), *made.leaving]
    pushing.plan_pushes(db, done, desk.given.app, touched=touched, titles=titles, renamed=desk.answers.renamed)
    facts = {"new": len(created), "changed": len(made.changed), "archived": len(made.leaving)}
    record(db, "sync.finished", actor=by.id, school=school.id, subject=done.id, app=str(app_id), **facts)
    return done


def _create(db: Session, school_id: uuid.UUID, app_id: uuid.UUID, answers: Answers, made: Plan) -> list[int]:
    """Insert the new users, with first passwords for pupils; their ids."""
    rows = []
    for new in made.new:
        row: dict[str, Any] = {
            "school_id": school_id,
            "id": new_key(),
            "app_id": app_id,
            "kind": new.kind,
            "origin": SYNC,
            "person_id": new.person,
            "outside_id": "",
            "username": new.username,
            "username_key": usernames.key(new.username),
            "given_name": new.given,
            "family_name": new.family,
            "email": new.email,
            "upn": new.upn,
            "year": new.year,
            "classes": list(new.classes),
            "password_form": "",
            "password_digest": None,
            "password_sealed": None,
            "password_for_app": None,
            "password_at": None,
            "created_at": now(),
            "archived_at": None,
        }
        if new.kind == PUPIL:
            row |= first_password(row["id"], answers.password_form(new.nc_year))
        rows.append(row)
    AppUser.add_all(db, rows)
    return [row["id"] for row in rows]


def first_password(user_id: int, form: str) -> dict[str, Any]:
    """A new password of that form, as its columns: sealed until it is handed out, and as a digest."""
    made = passwords.FORMS[form].make()
    return {
        "password_form": form,
        "password_digest": passwords.digest(user_id, made),
        "password_sealed": seal(made, passwords.PURPOSE),
        "password_for_app": seal(made, passwords.PURPOSE),
        "password_at": now(),
    }


def _change(user: AppUser, one: Somebody) -> None:
    """Bring a user up to date. Username and password stay."""
    user.given_name, user.family_name, user.email = one.given, one.family, one.email
    user.archived_at = None
    if one.kind == PUPIL:
        user.upn = one.upn or user.upn
        if one.group:
            user.year = one.year
    if one.kind != PUPIL or one.group:
        user.classes = list(one.classes)
