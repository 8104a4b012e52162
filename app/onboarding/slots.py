"""Times at which the team helps schools to install the agent: publishing, withdrawing, and noting what was done."""

import datetime as dt
import uuid

from pydantic import BaseModel, Field, field_validator

from app.audit import record
from app.db import Session
from app.errors import NotFound, Problem
from app.models.base import now, today
from app.models.installation import Installation, Slot
from app.models.school import School
from app.notify import data_messages
from app.web.pages import LONDON

LENGTHS = (30, 45, 60, 90, 120)  # minutes
MOST_IN_A_ROW = 12
MOST_DAYS = 366
LONGEST_NOTE = 2000


class SlotsForm(BaseModel):
    """One time, or several one after the other on the same day, by the clock in London."""

    day: dt.date = Field(description="Choose a day, such as 2027-03-15")
    start: dt.time = Field(description="Enter when the first begins, such as 09:30")
    minutes: int = Field(description="Choose how long each takes")
    row: int = Field(1, description=f"Choose how many, from 1 to {MOST_IN_A_ROW}", ge=1, le=MOST_IN_A_ROW)

    @field_validator("day")
    @classmethod
    def _is_ahead(cls, day: dt.date) -> dt.date:
        if not today() <= day <= today() + dt.timedelta(days=MOST_DAYS):
            raise ValueError("Choose a day that is still to come, within a year")
        return day

    @field_validator("minutes")
    @classmethod
    def _is_offered(cls, minutes: int) -> int:
        if minutes not in LENGTHS:
            raise ValueError("Choose how long each takes")
        return minutes

    @property
    def starts(self) -> list[dt.datetime]:
        first = dt.datetime.combine(self.day, self.start.replace(second=0, microsecond=0, tzinfo=None), LONDON)
        return [first.astimezone(dt.UTC) + dt.timedelta(minutes=self.minutes * number) for number in range(self.row)]


class NoteForm(BaseModel):
    """What an operator says of an installation."""

    booking: str = ""
    note: str = Field("", description=f"Write {LONGEST_NOTE:,} characters or fewer", max_length=LONGEST_NOTE)


class Over(Problem):
    """Somebody has done so, or the school cancelled, meanwhile."""

    status = 409
    title = "That was changed meanwhile"

    def __init__(self) -> None:
        super().__init__("This is how it stands now.")


def publish(db: Session, form: SlotsForm, by: uuid.UUID) -> int:
    """Offer these times; how many are new. Raises Problem when one has passed or reaches into the next day."""
    if form.starts[0] <= now():
        raise Problem(title="That time has passed", hint="Choose one that is still to come.", field="start")
    end = form.starts[-1] + dt.timedelta(minutes=form.minutes)
    if end.astimezone(LONDON).date() != form.day:
        raise Problem(title="The last one would end on the next day", hint="Choose fewer.", field="row")
    made = Slot.publish(db, form.starts, form.minutes, by)
    for slot in made:
        record(db, "slot.published", actor=by, subject=slot.id)
    return len(made)


def withdraw(db: Session, slot_id: uuid.UUID, by: uuid.UUID) -> None:
    """Offer a time no longer. A school that has booked it is told, and chooses another. Raises Over."""
    slot = db.get(Slot, slot_id)
    if slot is None:
        raise NotFound
    if slot.is_past or not slot.withdraw(db):
        raise Over
    record(db, "slot.withdrawn", actor=by, subject=slot.id)
    booking = Installation.of_slot(db, slot.id)
    if booking and booking.cancel(db):
        school = db.get_one(School, booking.school_id)
        record(db, "installation.withdrawn", actor=by, school=school.id, subject=booking.id)
        data_messages.installation_cancelled(db, school, booking, slot)


def finish(db: Session, slot_id: uuid.UUID, by: uuid.UUID, booking_id: str, note: str) -> None:
    """Note that the booking which the page showed was carried out, once. Raises Over."""
    if db.get(Slot, slot_id) is None:
        raise NotFound
    booking = Installation.of_slot(db, slot_id)
    if booking is None or str(booking.id) != booking_id or not booking.finish(db, note):
        raise Over
    record(db, "installation.done", actor=by, school=booking.school_id, subject=booking.id)
