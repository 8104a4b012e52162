"""`/school/endpoint/booking`: a time at which somebody of us helps to install the agent."""

import dataclasses
import itertools
import uuid
from collections.abc import Sequence

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.db import Session, sessions
from app.endpoint import booking
from app.endpoint.booking_calendar import calendar
from app.errors import NotFound, Problem
from app.models.account import TECHNICAL, Account
from app.models.base import local_day
from app.models.installation import Installation, Slot
from app.models.school import School
from app.signin.session import at_school
from app.web.forms import Fault, Posted, shown, status_of
from app.web.pages import page, see_other
from app.web.telephone import phone

router = APIRouter(prefix="/school/endpoint", include_in_schema=False)

MOST_SHOWN = 120  # free times on one page
NO_TIME = Fault("Choose a time", "slot")
DONE = {
    "booked": "The time is booked. We have written to every Admin and IT of your school",
    "changed": "Saved. We have written to every Admin and IT of your school",
    "cancelled": "The time is cancelled. We have written to every Admin and IT of your school",
}


@dataclasses.dataclass(frozen=True)
class Stands:
    """Where the booking of a school stands: none, one ahead or just past, or the last one done or cancelled."""

    school: School
    last: Installation | None
    slot: Slot | None

    @property
    def booking(self) -> Installation | None:
        """The one that can be changed."""
        is_open = self.last and not (self.last.cancelled_at or self.last.done_at)
        return self.last if is_open else None

    @property
    def is_past(self) -> bool:
        """Its time has come, and nobody has noted yet how it went."""
        return bool(self.booking and self.slot and self.slot.is_past)


@router.get("/booking")
def ask(request: Request, done: str = "") -> Response:
    """The booked time and the free ones."""
    return _shown(request, notice=DONE.get(done, ""))


@router.post("/booking")
def save(request: Request, sent: Posted) -> Response:
    """Book a time, or change the booking that the page showed."""
    slot_id = _id(sent.get("slot", ""))
    problems = [] if slot_id else [NO_TIME]
    try:
        contact = booking.ContactForm.model_validate(sent)
    except ValidationError as wrong:
        return _shown(request, 422, [*problems, *shown(wrong)], sent)
    if slot_id is None:
        return _shown(request, 422, problems, sent)
    try:
        with sessions.begin() as db:
            person, school = at_school(request, db, *TECHNICAL)
            before = Installation.standing(db, school.id)
            if _id(sent.get("booking", "")) != (before.id if before else None):
                raise booking.Changed
            if not booking.may_book(school):
                raise Problem(title=f"Your school is {school.status}", hint="No time can be booked. Ask us why.")
            if before:
                booking.change(db, school, person.account, before, to=slot_id, contact=contact)
            else:
                booking.book(db, school, person.account, slot_id, contact)
    except Problem as wrong:
        return _shown(request, status_of(wrong), shown(wrong), sent)
    return see_other(f"/school/endpoint/booking?done={'changed' if before else 'booked'}")


@router.post("/booking/cancel")
def cancel(request: Request, sent: Posted) -> Response:
    """Give the booked time up."""
    try:
        with sessions.begin() as db:
            person, school = at_school(request, db, *TECHNICAL)
            before = Installation.standing(db, school.id)
            if before is None or str(before.id) != sent.get("booking"):
                raise booking.Changed
            booking.cancel(db, school, person.account, before)
    except Problem as wrong:
        return _shown(request, status_of(wrong), shown(wrong))
    return see_other("/school/endpoint/booking?done=cancelled")


@router.get("/booking.ics")
def download(request: Request, of: str = "") -> Response:
    """One booking of the school, the newest when none is named, for a calendar program."""
    with sessions.read() as db:
        person, school = at_school(request, db, *TECHNICAL)
        chosen = _id(of)
        found = Installation.at_school(db, chosen, school.id) if chosen else Installation.newest(db, school.id)
        if found is None or (of and chosen is None):
            raise NotFound
        content = calendar(found, db.get_one(Slot, found.slot_id), school, person.account)
        method = "CANCEL" if found.cancelled_at else "REQUEST"
    headers = {"Content-Disposition": 'attachment; filename="gatehouse.ics"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type=f"text/calendar; charset=utf-8; method={method}")


def _shown(
    request: Request,
    status: int = 200,
    problems: Sequence[Fault] = (),
    sent: dict[str, str] | None = None,
    notice: str = "",
) -> Response:
    with sessions.read() as db:
        person, school = at_school(request, db, *TECHNICAL)
        stands = _stands(db, school)
        free = Slot.free(db, MOST_SHOWN)
        booked_by = Account.names(db, [stands.last.booked_by]) if stands.last else {}
    kept, may_book = stands.booking, booking.may_book(school)
    has_form = may_book and bool(free or (kept and not stands.is_past))
    return page(
        request,
        "endpoint/booking.html",
        status,
        school=school,
        stands=stands,
        may_book=may_book,
        has_form=has_form,
        days=by_day(free),
        booked_by=booked_by.get(stands.last.booked_by, "") if stands.last else "",
        contact=(kept.contact_name, kept.contact_phone)
        if kept
        else (person.account.name, phone(person.account.mobile)),
        problems=[fault if has_form else Fault(fault.text) for fault in problems],
        sent=sent or {},
        notice=notice,
    )


def _stands(db: Session, school: School) -> Stands:
    last = Installation.standing(db, school.id) or Installation.newest(db, school.id)
    return Stands(school, last, db.get_one(Slot, last.slot_id) if last else None)


def by_day(free: Sequence[Slot]) -> list[list[Slot]]:
    """Times by the day that it is at schools; of several that are alike, one."""
    alike = {(slot.starts_at, slot.minutes): slot for slot in reversed(free)}
    ordered = [slot for slot in free if slot is alike[slot.starts_at, slot.minutes]]
    return [list(slots) for _, slots in itertools.groupby(ordered, lambda slot: local_day(slot.starts_at))]


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
