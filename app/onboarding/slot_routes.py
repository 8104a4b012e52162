"""`/onboarding/slots`: times at which the team helps schools to install the agent. Admins publish and withdraw them."""

import uuid
from collections.abc import Sequence

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.db import sessions
from app.errors import NotFound, Problem
from app.models.account import OPERATOR_ADMIN, Account
from app.models.base import today
from app.models.installation import offer, offers
from app.onboarding import slots
from app.onboarding.cases import TEAM
from app.signin.session import operator
from app.web.forms import Fault, Posted, shown, status_of
from app.web.pages import page, see_other

router = APIRouter(prefix="/onboarding/slots", include_in_schema=False)

MOST_SHOWN = 500
PUBLISHED = "published-"
DONE = {
    "withdrawn": "The time is withdrawn. A school that had booked it has been told",
    "done": "The installation is noted as done",
}


@router.get("")
def ask(request: Request, past: str = "", done: str = "") -> Response:
    """Times that are ahead, or whose outcome nobody has noted; with `past` the installations that were done."""
    return _shown(request, past=bool(past), notice=_notice(done))


@router.post("")
def publish(request: Request, sent: Posted) -> Response:
    """Offer one time, or several one after the other."""
    with sessions.read() as db:
        operator(request, db, OPERATOR_ADMIN)
    try:
        form = slots.SlotsForm.model_validate(sent)
        with sessions.begin() as db:
            made = slots.publish(db, form, operator(request, db, OPERATOR_ADMIN).account.id)
    except (ValidationError, Problem) as wrong:
        problems = shown(wrong, slots.SlotsForm)
        return _shown(request, 422, problems=problems, sent=sent)
    return see_other(f"/onboarding/slots?done={PUBLISHED}{made}")


@router.get("/{slot_id}")
def see(request: Request, slot_id: uuid.UUID) -> Response:
    """One time: who has booked it, and whom to ring."""
    return _one(request, slot_id)


@router.post("/{slot_id}/withdraw")
def withdraw(request: Request, slot_id: uuid.UUID) -> Response:
    """Offer a time no longer."""
    try:
        with sessions.begin() as db:
            slots.withdraw(db, slot_id, operator(request, db, OPERATOR_ADMIN).account.id)
    except slots.Over as wrong:
        return _one(request, slot_id, status_of(wrong), shown(wrong))
    return see_other("/onboarding/slots?done=withdrawn")


@router.post("/{slot_id}/done")
def finish(request: Request, slot_id: uuid.UUID, sent: Posted) -> Response:
    """Note that the installation was carried out."""
    try:
        with sessions.begin() as db:
            by = operator(request, db, *TEAM).account.id
            form = slots.NoteForm.model_validate(sent)
            slots.finish(db, slot_id, by, form.booking, form.note)
    except (ValidationError, slots.Over) as wrong:
        return _one(request, slot_id, status_of(wrong), shown(wrong, slots.NoteForm), sent)
    return see_other("/onboarding/slots?done=done")


def _one(
    request: Request,
    slot_id: uuid.UUID,
    status: int = 200,
    problems: Sequence[Fault] = (),
    sent: dict[str, str] | None = None,
) -> Response:
    with sessions.read() as db:
        person = operator(request, db, *TEAM)
        found = offer(db, slot_id)
        if found is None:
            raise NotFound
        booked_by = db.get(Account, found.booking.booked_by) if found.booking else None
        published_by = db.get(Account, found.slot.published_by)
    return page(
        request,
        "onboarding/slots_one.html",
        status,
        slot=found.slot,
        booking=found.booking,
        school=found.school,
        booked_by=booked_by,
        published_by=published_by,
        publishes=person.operator_role == OPERATOR_ADMIN,
        problems=list(problems),
        sent=sent or {},
    )


def _shown(
    request: Request,
    status: int = 200,
    *,
    past: bool = False,
    notice: str = "",
    problems: Sequence[Fault] = (),
    sent: dict[str, str] | None = None,
) -> Response:
    with sessions.read() as db:
        person = operator(request, db, *TEAM)
        rows = offers(db, MOST_SHOWN, done=past)
        by = Account.names(db, {row.slot.published_by for row in rows})
    return page(
        request,
        "onboarding/slots.html",
        status,
        rows=rows,
        names=by,
        past=past,
        publishes=person.operator_role == OPERATOR_ADMIN,
        lengths=slots.LENGTHS,
        most=slots.MOST_IN_A_ROW,
        today=today().isoformat(),
        notice=notice,
        problems=list(problems),
        sent=sent or {},
    )


def _notice(done: str) -> str:
    count = done.removeprefix(PUBLISHED)
    if done.startswith(PUBLISHED) and count.isascii() and count.isdigit() and len(count) < 3:
        number = int(count)
        return (
            f"{number} {'time is' if number == 1 else 'times are'} published" if number else "They were there already"
        )
    return DONE.get(done, "")
