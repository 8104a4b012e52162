"""Whether a school's agents are heard and its data keeps coming; the school is told before its users notice."""

import uuid
from typing import Any

from app.audit import record
from app.db import Session
from app.models.account import Account
from app.models.base import ago, now
from app.models.endpoint import Endpoint
from app.models.roster.head import Roster
from app.models.school import UNVERIFIED, VERIFIED, School
from app.notify import data_messages

INTERVAL_SECONDS = 300  # between two heartbeats of an agent
SILENT_SECONDS = 86_400
TOGETHER = 50  # of which one write unit of a chore tells
WORKING, FAILING, DISABLED, SILENT, REMOVED, NEW = "Working", "Failing", "Switched off", "Silent", "Removed", "New"


def clock() -> str:
    """The time here, in ISO 8601 and UTC, for an agent whose clock is wrong."""
    return now().isoformat(timespec="seconds")


def heard(db: Session, endpoint_id: uuid.UUID, version: str = "", reports: dict[str, Any] | None = None) -> None:
    """An agent has called; with a heartbeat, what it says of itself."""
    said = {"version": version, "reports": reports} if reports is not None else {}
    Endpoint.hear(db, endpoint_id, **said)


def state(endpoint: Endpoint) -> str:
    """How an agent does, in a word. Switched off on purpose is neither failing nor silent."""
    if endpoint.ended_at:
        return REMOVED
    if endpoint.heard_at is None:
        return NEW
    said = endpoint.reports.get("state")
    if said == "disabled":
        return DISABLED
    if endpoint.heard_at < ago(SILENT_SECONDS):
        return SILENT
    return FAILING if said == "failing" else WORKING


def end(db: Session, endpoint: Endpoint, by: uuid.UUID | None) -> bool:
    """Let an agent go, once; `by` is None when it says so itself. The school's Admins are told."""
    if not endpoint.end(db):
        return False
    school = School.by_id(db, endpoint.school_id)
    if school:
        data_messages.endpoint_removed(db, school, endpoint, db.get(Account, by) if by else None)
    record(db, "endpoint.removed", actor=by, school=endpoint.school_id, subject=endpoint.id)
    return True


def tell_of_silence(db: Session) -> int:
    """Write to schools whose agent has not been heard for a day, unless it said that it is switched off: once."""
    quiet = Endpoint.fall_silent(db, ago(SILENT_SECONDS), TOGETHER)
    for endpoint in quiet:
        school = _standing(db, endpoint.school_id)
        if school and endpoint.reports.get("state") != "disabled":
            data_messages.endpoint_silent(db, school, endpoint)
    return len(quiet)


def tell_of_late_data(db: Session) -> int:
    """Write to schools whose data is older than they mean it to be: once until it comes again."""
    late = Roster.grow_late(db, TOGETHER)
    for roster in late:
        if school := _standing(db, roster.school_id):
            data_messages.data_late(db, school, roster.accepted_at)
    return len(late)


def _standing(db: Session, school_id: uuid.UUID) -> School | None:
    school = School.by_id(db, school_id)
    return school if school and school.status in (UNVERIFIED, VERIFIED) else None
