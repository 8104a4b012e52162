"""Stopping for a while: pausing one app, and freezing everything. What is paused opens no data and loses no token."""

import datetime as dt
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import Response

from app.audit import record
from app.db import Session, sessions
from app.errors import NotFound, Problem
from app.models.account import DECIDING, STOPPING
from app.models.authorisation import Authorisation
from app.models.base import today
from app.models.school import School
from app.notify import messages
from app.sharing.changes import tell, tell_partner
from app.signin.session import Person, at_school
from app.web.forms import Posted, shown
from app.web.pages import page, see_other

router = APIRouter(prefix="/school", include_in_schema=False)

TOGETHER = 50  # authorisations that one write unit of a chore changes
LONGEST_DAYS = 366  # no authorisation lasts longer without being renewed
NeededReason = Annotated[str, Field(min_length=1, max_length=1000, description="Say why, in at most 1,000 characters")]


class PauseForm(BaseModel):
    reason: NeededReason


class FreezeForm(BaseModel):
    reason: NeededReason


class NotPaused(Problem):
    """Nothing there can be paused."""

    status = 409
    title = "This app was not paused"


class NotADay(Problem):
    """What was typed is no day on which a pause can end."""

    status = 422
    title = "Choose a day after today, and within a year"


def pause(
    db: Session, *, person: Person, school: School, authorisation_id: uuid.UUID, reason: str, resumes_on: dt.date | None
) -> Authorisation:
    """Stop data calls of one app until that day, or until it is resumed. Raises NotFound, or NotPaused when it is."""
    given = _found(db, authorisation_id, school)
    if not given.pause(db, person.account.id, reason, resumes_on):
        raise NotPaused(hint="It is paused already." if given.is_active else "It reads nothing any more.")
    tell(db, school, given, "paused", by=person.account.id, until=resumes_on.isoformat() if resumes_on else None)
    return given


def resume(db: Session, *, person: Person, school: School, authorisation_id: uuid.UUID) -> Authorisation:
    """Let a paused app read again; an Admin who does so says that it is still wanted. Raises NotFound."""
    given = _found(db, authorisation_id, school)
    if given.is_active and given.resume(db):
        given.confirm(db)
        tell(db, school, given, "resumed", by=person.account.id)
    return given


def resume_in_time(db: Session) -> int:
    """Tell of pauses whose day has come; data calls have been answered since its midnight."""
    done = 0
    for given in Authorisation.to_resume(db, TOGETHER):
        school = School.by_id(db, given.school_id)
        if school and given.resume(db):
            tell(db, school, given, "resumed", by=None)
            done += 1
    return done


def freeze(db: Session, *, person: Person, school: School, reason: str) -> bool:
    """Stop the data calls of every app at once; False when everything is frozen already."""
    if not school.freeze(db, person.account.id, reason):
        return False
    _tell_all(db, school, "paused", person, reason)
    return True


def unfreeze(db: Session, *, person: Person, school: School) -> bool:
    """Let every app read again what it may, those that are paused excepted; False when nothing is frozen."""
    if not school.unfreeze(db):
        return False
    _tell_all(db, school, "resumed", person)
    return True


def _tell_all(db: Session, school: School, kind: str, person: Person, reason: str = "") -> None:
    """One mail to each Admin and the DPO, one notice to each app, one record: nothing about any one app has changed."""
    running = [given for given in Authorisation.of_school(db, school.id) if given.is_active and not given.is_paused]
    messages.school_frozen(db, school, person.account, frozen=kind == "paused", reason=reason, apps=len(running))
    for given in sorted(running, key=lambda given: given.id):
        tell_partner(db, school, given, kind)
    action = "school.frozen" if kind == "paused" else "school.unfrozen"
    record(db, action, actor=person.account.id, school=school.id, subject=school.id, apps=len(running))


def _found(db: Session, authorisation_id: uuid.UUID, school: School) -> Authorisation:
    given = Authorisation.at_school(db, authorisation_id, school.id)
    if given is None:
        raise NotFound
    return given


@router.get("/apps/{authorisation_id}/pause")
def ask_pause(request: Request, authorisation_id: uuid.UUID) -> Response:
    """Say what pausing does, and ask why and until when."""
    with sessions.read() as db:
        _, school = at_school(request, db, *STOPPING)
        given = _found(db, authorisation_id, school)
    if not given.is_active or given.is_paused:
        return see_other(f"/school/apps/{given.id}")
    return _pause_page(request, given, school)


@router.post("/apps/{authorisation_id}/pause")
def submit_pause(request: Request, authorisation_id: uuid.UUID, sent: Posted) -> Response:
    """Pause. Pressed twice, it is done once."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *STOPPING)
        given = _found(db, authorisation_id, school)
        try:
            reason = PauseForm.model_validate(sent).reason
            until = _day(sent.get("resumes_on", ""))
            pause(db, person=person, school=school, authorisation_id=given.id, reason=reason, resumes_on=until)
        except NotPaused:
            return see_other(f"/school/apps/{given.id}")
        except (NotADay, ValidationError) as wrong:
            return _pause_page(request, given, school, 422, sent=sent, problems=shown(wrong, PauseForm))
    return see_other(f"/school/apps/{authorisation_id}?done=paused")


@router.post("/apps/{authorisation_id}/resume")
def submit_resume(request: Request, authorisation_id: uuid.UUID) -> Response:
    """Resume. Pressed twice, it is done once."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *DECIDING)
        given = resume(db, person=person, school=school, authorisation_id=authorisation_id)
    return see_other(f"/school/apps/{given.id}?done=resumed")


@router.get("/freeze")
def ask_freeze(request: Request) -> Response:
    """Say what freezing does, and ask why."""
    with sessions.read() as db:
        _, school = at_school(request, db, *STOPPING)
    return see_other("/school") if school.frozen_at else page(request, "sharing/freeze.html", school=school)


@router.post("/freeze")
def submit_freeze(request: Request, sent: Posted) -> Response:
    """Freeze everything. Pressed twice, it is done once."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *STOPPING)
        try:
            reason = FreezeForm.model_validate(sent).reason
        except ValidationError as wrong:
            faults = shown(wrong, FreezeForm)
            return page(request, "sharing/freeze.html", 422, school=school, sent=sent, problems=faults)
        freeze(db, person=person, school=school, reason=reason)
    return see_other("/school?done=frozen")


@router.post("/unfreeze")
def submit_unfreeze(request: Request) -> Response:
    """Let apps read again. Pressed twice, it is done once."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *DECIDING)
        unfreeze(db, person=person, school=school)
    return see_other("/school?done=unfrozen")


def _day(typed: str) -> dt.date | None:
    """The day that was typed, if any. Raises NotADay."""
    if not typed:
        return None
    try:
        chosen = dt.date.fromisoformat(typed)
    except ValueError:
        raise NotADay(hint="Write it as 2026-09-01.", field="resumes_on") from None
    if not today() < chosen <= today() + dt.timedelta(days=LONGEST_DAYS):
        raise NotADay(field="resumes_on")
    return chosen


def _pause_page(request: Request, given: Authorisation, school: School, status: int = 200, **context: Any) -> Response:
    tomorrow = (today() + dt.timedelta(days=1)).isoformat()
    return page(request, "sharing/pause.html", status, given=given, school=school, tomorrow=tomorrow, **context)
