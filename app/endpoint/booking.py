"""Booking a time at which somebody of us helps to install the agent: one for a school, one school for a time."""

import uuid

from pydantic import BaseModel, Field, field_validator

from app.audit import record
from app.db import Session
from app.errors import Problem
from app.models.account import Account
from app.models.installation import Installation, Slot
from app.models.school import UNVERIFIED, VERIFIED, School
from app.notify import data_messages
from app.web.people import full_name
from app.web.telephone import british

TOGETHER = 50  # of which one write unit of the chore tells
LONGEST_PHONE = 40


class ContactForm(BaseModel):
    """Who will be at the server. A number may have an extension."""

    contact_name: str = Field(default="", validate_default=True)
    contact_phone: str = Field(default="", validate_default=True)

    @field_validator("contact_name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        return full_name(name, "their")

    @field_validator("contact_phone")
    @classmethod
    def _is_a_number(cls, typed: str) -> str:
        if not typed:
            raise ValueError("Enter the telephone number on which we reach them")
        if len(typed) > LONGEST_PHONE or british(typed) is None:
            raise ValueError("Enter a UK telephone number, such as 01632 960001 or 07700 900982")
        return typed


class Taken(Problem):
    """Somebody else was faster."""

    status = 409
    title = "That time is not free any more"

    def __init__(self) -> None:
        super().__init__("Choose another one.", "slot")


class Changed(Problem):
    """The page that was sent shows what is no longer so."""

    status = 409
    title = "Your school’s booking has changed meanwhile"

    def __init__(self) -> None:
        super().__init__("This is how it stands now: look, and choose again.")


def may_book(school: School) -> bool:
    return school.status in (UNVERIFIED, VERIFIED)


def book(db: Session, school: School, by: Account, slot_id: uuid.UUID, contact: ContactForm) -> Installation:
    """Book a free time. Raises Taken, or Changed when somebody of the school has booked one meanwhile."""
    slot = Slot.take(db, slot_id)
    if slot is None:
        raise Taken
    booking = Installation.book(db, slot, school.id, by=by.id, **contact.model_dump())
    if booking is None:
        raise Changed
    record(db, "installation.booked", actor=by.id, school=school.id, subject=booking.id)
    data_messages.installation_booked(db, school, booking, slot, by)
    return booking


def change(
    db: Session, school: School, by: Account, booking: Installation, *, to: uuid.UUID, contact: ContactForm
) -> None:
    """Move a booking to a free time, or keep its own, with this contact. Raises Taken or Changed.

    The time that it had is free again at once.
    """
    moves = to != booking.slot_id
    slot = Slot.take(db, to) if moves else db.get_one(Slot, to)
    if slot is None or (not moves and slot.is_past):
        raise Taken
    if not booking.change(db, slot, **contact.model_dump()):
        raise Changed
    action = "installation.moved" if moves else "installation.contact_changed"
    record(db, action, actor=by.id, school=school.id, subject=booking.id)
    data_messages.installation_booked(db, school, booking, slot, by)


def cancel(db: Session, school: School, by: Account, booking: Installation) -> None:
    """Give a time up. Raises Changed when it was given up before, or has been."""
    slot = db.get_one(Slot, booking.slot_id)
    if slot.is_past or not booking.cancel(db):
        raise Changed
    record(db, "installation.cancelled", actor=by.id, school=school.id, subject=booking.id)
    data_messages.installation_cancelled(db, school, booking, slot, by)


def remind(db: Session) -> int:
    """Write to schools whose time is within a day: once. Whoever booked within that day has just been told."""
    soon = Installation.remind(db, TOGETHER)
    for booking in soon:
        school = School.by_id(db, booking.school_id)
        if school and may_book(school):
            data_messages.installation_reminder(db, school, booking, db.get_one(Slot, booking.slot_id))
    return len(soon)
