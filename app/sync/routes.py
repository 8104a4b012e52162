"""`/school/sync`: the wizard, a page for each step, each of which can be come back to."""

import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotFound, Problem
from app.models.account import DECIDING, Account
from app.models.partner import App
from app.models.roster.head import Roster
from app.models.school import School
from app.models.sync import Push, Sync, SyncChoices
from app.signin.session import at_school
from app.sync import allowed, answering, existing, pushing, service, shown
from app.sync.choices import STEPS
from app.sync.scim import Away, Refused
from app.sync.service import NoData
from app.web.forms import Fault, Posted, PostedList, Uploaded
from app.web.forms import shown as shown_faults
from app.web.pages import page, see_other

router = APIRouter(prefix="/school/sync", include_in_schema=False)

NO_FILE = Fault("Choose a file first: the list of users that the app lets you export", "file")
NO_SERVICE = Fault("The app has told us no address at which its users can be read")


@router.get("")
def home(request: Request) -> Response:
    """The apps that can be given users, and what was last done with each."""
    with sessions.read() as db:
        _, school = at_school(request, db, *DECIDING)
        given = allowed.syncable(db, school.id)
        runs = {one.app_id: Sync.newest(db, school.id, one.app_id, 1) for one in given}
        has_data = Roster.number_of(db, school.id) > 0
    rows = [(one, runs[one.app_id][0] if runs[one.app_id] else None) for one in given]
    return page(request, "sync/home.html", school=school, rows=rows, has_data=has_data)


@router.get("/{app_id}")
def app(request: Request, app_id: uuid.UUID) -> Response:
    """Where the sync with one app stands: steps, runs, and its users."""
    with sessions.read() as db:
        _, school = at_school(request, db, *DECIDING)
        given = allowed.authorised(db, school.id, app_id)
        kept = SyncChoices.of(db, school.id, app_id)
        runs = Sync.newest(db, school.id, app_id)
        progress = Push.progress(db, [run.id for run in runs])
        by = Account.names(db, [run.finished_by for run in runs])
        has_data = Roster.number_of(db, school.id) > 0
    return page(
        request,
        "sync/app.html",
        given=given,
        done=kept.steps if kept else [],
        kept=kept,
        runs=[(run, progress.get(run.id), by.get(run.finished_by, "")) for run in runs],
        has_data=has_data,
        steps=shown.STEPS,
    )


@router.get("/{app_id}/existing")
def ask_existing(request: Request, app_id: uuid.UUID) -> Response:
    return _existing(request, app_id)


@router.post("/{app_id}/existing")
def upload(request: Request, app_id: uuid.UUID, sent: Uploaded) -> Response:
    """A CSV of the users that the app has."""
    with sessions.read() as db:
        _, school = at_school(request, db, *DECIDING)
        allowed.authorised(db, school.id, app_id)
    if not sent.content:
        return _existing(request, app_id, NO_FILE)
    try:
        listed = existing.from_csv(sent.content)
    except Problem as wrong:
        return _existing(request, app_id, *shown_faults(wrong))
    return _keep(request, app_id, existing.CSV, listed, {})


@router.post("/{app_id}/existing/scim")
def fetch(request: Request, app_id: uuid.UUID) -> Response:
    """Ask the app itself."""
    with sessions.read() as db:
        _, school = at_school(request, db, *DECIDING)
        allowed.authorised(db, school.id, app_id)
        try:
            of_app, _ = pushing.service_of(db, school.id, app_id)
        except NotFound:
            return _existing(request, app_id, NO_SERVICE)
    try:
        listed, groups = existing.from_scim(of_app)
    except (Refused, Away) as wrong:
        return _existing(request, app_id, Fault(f"{wrong}. Try again later, or upload a list instead"))
    return _keep(request, app_id, existing.SCIM, listed, groups)


def _keep(
    request: Request, app_id: uuid.UUID, how: str, listed: list[existing.Listed], groups: Mapping[str, str]
) -> Response:
    school_id = _school_of(request)
    with sessions.begin(school=school_id) as db:
        person, school = at_school(request, db, *DECIDING)
        allowed.authorised(db, school.id, app_id)
        existing.keep(db, school, app_id, person.account, found_by=how, listed=listed, groups=groups)
    return see_other(f"/school/sync/{app_id}/classes?found={len(listed)}")


def _existing(request: Request, app_id: uuid.UUID, *problems: Fault) -> Response:
    with sessions.read() as db:
        _, school = at_school(request, db, *DECIDING)
        given = allowed.authorised(db, school.id, app_id)
        kept = SyncChoices.of(db, school.id, app_id)
    status = 422 if problems else 200
    return page(request, "sync/existing.html", status, given=given, kept=kept, problems=list(problems))


@router.get("/{app_id}/{step}")
def ask(request: Request, app_id: uuid.UUID, step: str) -> Response:
    return _step(request, app_id, step)


@router.post("/{app_id}/{step}")
def save(request: Request, app_id: uuid.UUID, step: str, sent: PostedList) -> Response:
    """Keep what was chosen, and go on to the next step."""
    school_id = _school_of(request)
    if step not in STEPS or step == "summary":
        raise NotFound
    with sessions.begin(school=school_id) as db:
        person, school = at_school(request, db, *DECIDING)
        desk = service.look(db, school.id, app_id)
        changes, faults = answering.READ[step](db, desk, sent)
        if not faults:
            service.answer(db, school, app_id, person.account, step=step, changes=changes)
    if faults:
        return _step(request, app_id, step, 422, sent=sent, problems=faults)
    return see_other(f"/school/sync/{app_id}/{STEPS[STEPS.index(step) + 1]}")


@router.post("/{app_id}/summary/duplicates")
def resolve(request: Request, app_id: uuid.UUID, sent: PostedList) -> Response:
    """What somebody said of possible duplicates: all of them, or one by one."""
    school_id = _school_of(request)
    with sessions.begin(school=school_id) as db:
        person, school = at_school(request, db, *DECIDING)
        desk = service.look(db, school.id, app_id)
        same, different = dict(desk.answers.same), set(desk.answers.different)
        for duplicate in desk.plan.duplicates:
            told = "all" if "all" in sent else sent.get(f"person-{duplicate.person}", "")
            if told == "all":
                free = [own for own in duplicate.accounts if own not in same.values()]
                if free:
                    same[duplicate.person] = free[0]
                else:  # another of the same name was likelier
                    different |= {(duplicate.person, own) for own in duplicate.accounts}
            elif told == "new":
                different |= {(duplicate.person, own) for own in duplicate.accounts}
            elif told in map(str, duplicate.accounts):
                same[duplicate.person] = int(told)
        changes = {
            "same": {str(one): own for one, own in same.items()},
            "different": sorted([one, own] for one, own in different),
        }
        service.answer(db, school, app_id, person.account, step="summary", changes=changes)
    return see_other(f"/school/sync/{app_id}/summary?done=resolved")


@router.post("/{app_id}/summary/finish")
def finish(request: Request, app_id: uuid.UUID, sent: Posted) -> Response:
    """Do what the summary says."""
    school_id = _school_of(request)
    try:
        with sessions.begin(school=school_id) as db:
            person, school = at_school(request, db, *DECIDING)
            done = service.finish(db, school, app_id, person.account, sent.get("plan", ""))
    except service.Changed as wrong:
        return _step(request, app_id, "summary", wrong.status, problems=shown_faults(wrong))
    return see_other(f"/school/sync/{app_id}/runs/{done.id}")


@router.get("/{app_id}/runs/{sync_id}")
def run(request: Request, app_id: uuid.UUID, sync_id: uuid.UUID) -> Response:
    """What a run did, and how far its delivery is."""
    with sessions.read() as db:
        _, school = at_school(request, db, *DECIDING)
        done = _run_of(db, school, app_id, sync_id)
        progress = Push.progress(db, [done.id]).get(done.id)
        failed = Push.failed(db, done.id)
        app_ = db.get_one(App, app_id)
        by = Account.names(db, [done.finished_by])
    with sessions.read(school=school.id) as db:
        names = shown.names_of_users(db, school.id, app_id, [one.user_id for one in failed if one.user_id])
    return page(
        request,
        "sync/run.html",
        app=app_,
        run=done,
        lines=shown.lines_of(done.counts),
        progress=progress,
        failed=[(one, names.get(one.user_id or 0, one.title)) for one in failed],
        by=by.get(done.finished_by, ""),
        waits=bool(progress and progress.waiting),
    )


@router.post("/{app_id}/runs/{sync_id}/again")
def push_again(request: Request, app_id: uuid.UUID, sync_id: uuid.UUID) -> Response:
    """Let what the app refused be sent once more."""
    with sessions.begin() as db:
        _, school = at_school(request, db, *DECIDING)
        Push.again(db, _run_of(db, school, app_id, sync_id).id)
    return see_other(f"/school/sync/{app_id}/runs/{sync_id}")


def _run_of(db: Session, school: School, app_id: uuid.UUID, sync_id: uuid.UUID) -> Sync:
    found = Sync.at_school(db, sync_id, school.id)
    if found is None or found.app_id != app_id:
        raise NotFound
    return found


def _school_of(request: Request) -> uuid.UUID:
    with sessions.read() as db:
        return at_school(request, db, *DECIDING)[1].id


def _step(request: Request, app_id: uuid.UUID, step: str, status: int = 200, **context: Any) -> Response:
    school_id = _school_of(request)
    if step not in STEPS:
        raise NotFound
    with sessions.read(school=school_id) as db:
        _, school = at_school(request, db, *DECIDING)
        try:
            desk = service.look(db, school.id, app_id)
        except NoData:
            return see_other(f"/school/sync/{app_id}")
        context = shown.STEP[step](db, desk) | context
    place = STEPS.index(step)
    return page(
        request,
        f"sync/{step}.html",
        status,
        given=desk.given,
        answers=desk.answers,
        step=step,
        place=place,
        steps=shown.STEPS,
        back=f"/school/sync/{app_id}/{STEPS[place - 1] if place else 'existing'}",
        **context,
    )
