"""What Gatehouse writes to a school about its agents, its data and their installation; see `messages.py`."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from app.db import Session
from app.models.account import ADMIN, IT, Account
from app.models.endpoint import Endpoint
from app.models.installation import Installation, Slot
from app.models.school import School
from app.notify.wording import mail
from app.settings import settings


def endpoint_approved(db: Session, school: School, endpoint: Endpoint, by: Account) -> None:
    """To every Admin and IT: an agent was let in. The machine chose its own name."""
    _tell(db, school, "endpoint_approved", endpoint=endpoint, by=by)


def endpoint_removed(db: Session, school: School, endpoint: Endpoint, by: Account | None) -> None:
    """To every Admin and IT: an agent was let go, by somebody or (None) by the agent itself."""
    _tell(db, school, "endpoint_removed", endpoint=endpoint, by=by)


def endpoint_silent(db: Session, school: School, endpoint: Endpoint) -> None:
    """To every Admin and IT: an agent has not been heard for a day."""
    _tell(db, school, "endpoint_silent", endpoint=endpoint)


def data_late(db: Session, school: School, accepted_at: Any) -> None:
    """To every Admin and IT: the data is older than the school means it to be."""
    _tell(db, school, "data_late", accepted_at=accepted_at)


def installation_booked(db: Session, school: School, booking: Installation, slot: Slot, by: Account) -> None:
    """To every Admin and IT: when somebody of us helps, and where the calendar entry is; again after each change."""
    _tell_of_booking(db, school, "installation_booked", booking, slot, by=by)


def installation_cancelled(
    db: Session, school: School, booking: Installation, slot: Slot, by: Account | None = None
) -> None:
    """To every Admin and IT: the time is given up, by somebody of the school or (None) by us."""
    _tell_of_booking(db, school, "installation_cancelled", booking, slot, by=by)


def installation_reminder(db: Session, school: School, booking: Installation, slot: Slot) -> None:
    """To every Admin and IT: it is within a day."""
    _tell_of_booking(db, school, "installation_reminder", booking, slot)


def account_leaving(db: Session, school: School, user_id: str, on: dt.date) -> None:
    """To every Admin and IT: Integris ends the account that data comes by."""
    _tell(db, school, "account_leaving", path="/school/endpoint/integris", user_id=user_id, on=on)


def _tell_of_booking(
    db: Session, school: School, template: str, booking: Installation, slot: Slot, **facts: Any
) -> None:
    calendar = f"{settings.issuer}/school/endpoint/booking.ics?of={booking.id}"
    path = "/school/endpoint/booking"
    _tell(db, school, template, [calendar], path, booking=booking, slot=slot, calendar=calendar, **facts)


def _tell(
    db: Session,
    school: School,
    template: str,
    more_links: Sequence[str] = (),
    path: str = "/school/endpoint",
    **facts: Any,
) -> None:
    link = f"{settings.issuer}{path}"
    told = Account.of_school(db, school.id, ADMIN) + Account.of_school(db, school.id, IT)
    for account in {account.email: account for account in told}.values():
        links = [link, *more_links]
        mail(db, template, account.email, links, account=account, school=school, link=link, **facts)
