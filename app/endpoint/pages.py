"""`/school/endpoint`: where a school's data comes from, whether it keeps coming, and its agents."""

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.audit import record
from app.db import Session, sessions
from app.endpoint import hearing, wheel
from app.errors import NotFound
from app.models.account import ADMIN, EVERYBODY, SENDING, Account
from app.models.base import now
from app.models.endpoint import Endpoint
from app.models.roster.batch import HELD, Batch
from app.models.roster.head import Roster
from app.roster import batch_words
from app.settings import settings
from app.signin.reauth import proven_lately
from app.signin.session import at_school
from app.web.forms import Posted
from app.web.pages import page, see_other

router = APIRouter(include_in_schema=False)

EXPECTED = {24: "Every day", 96: "On school days", 168: "Every week", 24 * 200: "Now and then: do not remind us"}
DONE = {
    "removed": "The agent was removed",
    "expected": "Saved: we write to you when data is later than that",
    "off": "Noted: your school sends no data on purpose. We do not remind you",
    "on": "Noted: we write to you again when data is late",
}


@router.get("/school/endpoint")
def home(request: Request, done: str = "") -> Response:
    """When data last came, what waits, agents, and a way to upload a file."""
    with sessions.read() as db:
        person, school = at_school(request, db, *EVERYBODY)
        roster = Roster.of(db, school.id)
        agents = Endpoint.of_school(db, school.id)
        batches = Batch.newest(db, school.id)
        switched_by = Account.names(db, [roster.disabled_by]) if roster else {}
    return page(
        request,
        "endpoint/home.html",
        school=school,
        roster=roster,
        is_late=bool(roster and roster.late_at and roster.late_at < now()),
        switched_by=switched_by.get(roster.disabled_by, "") if roster and roster.disabled_by else "",
        agents=[(agent, hearing.state(agent)) for agent in agents],
        batches=[(batch, batch_words.summary(batch)) for batch in batches],
        waits=[batch for batch in batches if batch.state == HELD],
        states=batch_words.STATES,
        sources=batch_words.SOURCES,
        expected=EXPECTED,
        sends=not person.roles_at_school.isdisjoint(SENDING),
        decides=ADMIN in person.roles_at_school,
        notice=DONE.get(done, ""),
    )


@router.get("/school/endpoint/install")
def install(request: Request) -> Response:
    """How a technician puts the agent on a server."""
    with sessions.read() as db:
        _, school = at_school(request, db, *EVERYBODY)
    return page(
        request,
        "endpoint/install.html",
        school=school,
        issuer=settings.issuer,
        address=wheel.address(),
        file_name=wheel.file_name(),
        checksum=wheel.checksum(),
    )


@router.post("/school/endpoint/expected")
def expect(request: Request, sent: Posted) -> Response:
    """How often the school means to send its data."""
    told = sent.get("every_hours", "")
    with sessions.begin() as db:
        _, school = at_school(request, db, *SENDING)
        if told in map(str, EXPECTED):
            Roster.expect(db, school.id, int(told))
    return see_other("/school/endpoint?done=expected")


@router.post("/school/endpoint/off")
def switch_off(request: Request) -> Response:
    """'We switched this off on purpose': nothing is late, and the support team knows why."""
    return _switch(request, off=True)


@router.post("/school/endpoint/on")
def switch_on(request: Request) -> Response:
    """The school means to send data again."""
    return _switch(request, off=False)


def _switch(request: Request, *, off: bool) -> Response:
    with sessions.begin() as db:
        person, school = at_school(request, db, *SENDING)
        if Roster.switch(db, school.id, person.account.id if off else None):
            action = "data.switched_off" if off else "data.switched_on"
            record(db, action, actor=person.account.id, school=school.id, subject=school.id)
    return see_other(f"/school/endpoint?done={'off' if off else 'on'}")


@router.get("/school/endpoint/agents/{endpoint_id}/remove")
def ask_remove(request: Request, endpoint_id: uuid.UUID) -> Response:
    """Whether an agent is to be let go."""
    with sessions.read() as db:
        person, school = at_school(request, db, *SENDING)
        endpoint = _own(db, endpoint_id, school.id)
    return proven_lately(request, person) or page(request, "endpoint/remove.html", endpoint=endpoint)


@router.post("/school/endpoint/agents/{endpoint_id}/remove")
def remove(request: Request, endpoint_id: uuid.UUID) -> Response:
    """Let an agent go; its tokens end at once."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *SENDING)
        if first := proven_lately(request, person, f"/school/endpoint/agents/{endpoint_id}/remove"):
            return first
        hearing.end(db, _own(db, endpoint_id, school.id), person.account.id)
    return see_other("/school/endpoint?done=removed")


def _own(db: Session, endpoint_id: uuid.UUID, school_id: uuid.UUID) -> Endpoint:
    endpoint = Endpoint.at_school(db, endpoint_id, school_id)
    if endpoint is None or endpoint.ended_at:
        raise NotFound
    return endpoint
