"""A booking as a calendar file: RFC 5545, and RFC 5546 for what the methods mean."""

import datetime as dt
from email.utils import parseaddr
from urllib.parse import urlsplit

from app.models.account import Account
from app.models.base import now
from app.models.installation import Installation, Slot
from app.models.school import School
from app.settings import settings
from app.web.telephone import phone

LINE_BYTES = 75  # RFC 5545 section 3.1, without the line's end


def calendar(booking: Installation, slot: Slot, school: School, reader: Account) -> bytes:
    """The entry for one reader: METHOD:REQUEST while it stands, CANCEL when it was cancelled; the same UID for ever.

    A later file has a higher SEQUENCE, so that calendars replace what they have.
    """
    is_off = booking.cancelled_at is not None
    support = settings.support_email or parseaddr(settings.mail_from)[1]
    about = (
        f"Somebody of our team rings {booking.contact_name} on {phone(booking.contact_phone)}.",
        "Be at the server, with an account that may install programs.",
        f"To change or cancel: {settings.issuer}/school/endpoint/booking",
    )
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Gatehouse//Installation//EN",
        f"METHOD:{'CANCEL' if is_off else 'REQUEST'}",
        "BEGIN:VEVENT",
        f"UID:{booking.id}@{urlsplit(settings.issuer).hostname}",
        f"SEQUENCE:{booking.sequence}",
        f"DTSTAMP:{_moment(now())}",
        f"DTSTART:{_moment(slot.starts_at)}",
        f"DTEND:{_moment(slot.ends_at)}",
        f"STATUS:{'CANCELLED' if is_off else 'CONFIRMED'}",
        f"SUMMARY:{_text(f'Install the Gatehouse agent at {school.name}')}",
        "DESCRIPTION:" + _text("\n".join(about)),
        f"ORGANIZER;CN=Gatehouse:mailto:{support}",
        f"ATTENDEE;PARTSTAT=ACCEPTED;RSVP=FALSE:mailto:{reader.email}",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return b"".join(_folded(line) + b"\r\n" for line in lines)


def _moment(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """Section 3.3.11: what has a meaning is escaped; other control characters may not be there at all."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return "".join(mark for mark in escaped if mark.isprintable())


def _folded(line: str) -> bytes:
    """Section 3.1: a long line goes on after a line break and a blank, never within a character."""
    parts, rest = [], line.encode()
    while len(rest) > LINE_BYTES:
        end = LINE_BYTES
        while rest[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(rest[:end])
        rest = b" " + rest[end:]
    return b"\r\n".join([*parts, rest])
