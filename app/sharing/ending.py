"""The end of an authorisation: told of 30 and 7 days before, moved by renewing, and noted when it comes."""

import datetime as dt
import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotFound
from app.models.account import DECIDING
from app.models.authorisation import EXPIRED, Authorisation
from app.models.school import School
from app.notify import messages
from app.sharing.changes import tell
from app.sharing.service import check_both_may, end_date, still_wanted
from app.signin.session import Person, at_school
from app.web.forms import Posted
from app.web.pages import see_other

router = APIRouter(prefix="/school/apps", include_in_schema=False)

REMINDERS = (7, 30)  # days before the end, the last one first: who is late gets that alone
TOGETHER = 50  # authorisations that one write unit of a chore changes


def renew(
    db: Session, *, person: Person, school: School, authorisation_id: uuid.UUID, before: dt.datetime
) -> Authorisation:
    """Twelve more months for the same scopes, if the end still is `before`. Raises NotFound or CannotShare."""
    given = Authorisation.at_school(db, authorisation_id, school.id)
    if given is None:
        raise NotFound
    check_both_may(school, given.app)
    if given.renew(db, before, until := end_date()):
        still_wanted(db, school, given, person)
        ends = until.isoformat(timespec="seconds")
        tell(db, school, given, "renewed", by=person.account.id, until=ends, before=given.scopes)
    return given


def remind(db: Session) -> int:
    """Write to schools whose authorisations end within 30 or 7 days: once for each."""
    done = 0
    for days in REMINDERS:
        for given in Authorisation.to_remind(db, days, TOGETHER):
            school = School.by_id(db, given.school_id)
            if school and given.remind(db, days):
                messages.authorisation_ending(db, school, given, days)
                done += 1
    return done


def expire(db: Session) -> int:
    """End what is over by its date, and tell of it; it has opened nothing since."""
    done = 0
    for given in Authorisation.to_end(db, TOGETHER):
        school = School.by_id(db, given.school_id)
        if school and given.end(db, EXPIRED, None):
            tell(db, school, given, "expired", by=None)
            done += 1
    return done


@router.post("/{authorisation_id}/renew")
def submit(request: Request, authorisation_id: uuid.UUID, sent: Posted) -> Response:
    """Renew. Pressed twice, it is done once: the page sends the end that it showed."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *DECIDING)
        before = _moment(sent.get("ends", ""))
        given = renew(db, person=person, school=school, authorisation_id=authorisation_id, before=before)
    return see_other(f"/school/apps/{given.id}?done=renewed")


def _moment(typed: str) -> dt.datetime:
    """What the page sent; what it cannot have sent is the end of nothing."""
    try:
        return dt.datetime.fromisoformat(typed).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return dt.datetime.min.replace(tzinfo=dt.UTC)
