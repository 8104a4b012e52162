"""After the end of an authorisation: the school asks that what was read be deleted, the partner says what it did."""

import datetime as dt
import re
import uuid

from app.audit import record
from app.db import Session
from app.errors import NotAllowed, NotFound, Problem
from app.models.account import STOPPING
from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.receipt import DeletionRequest, partner_people
from app.models.school import School
from app.notify import messages, notices
from app.settings import settings
from app.signin.session import Person
from app.web.pages import LONDON

LONGEST = 2000  # characters of a statement
REMINDED_AT_ONCE = 100
ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")


class StillInForce(Problem):
    """Deletion comes after the end: an app that may read on would read it all again."""

    status = 409
    title = "This authorisation is still in force"


class AlreadyAttested(Problem):
    """What a partner has said once stands."""

    status = 409
    title = "You have said already that this is deleted"


class Unsaid(Problem):
    """A statement that says nothing, or too much."""

    status = 422
    title = "Say what you deleted"


def ask(db: Session, *, person: Person, school: School, authorisation_id: uuid.UUID) -> DeletionRequest:
    """Ask the partner to delete what was read. One for each authorisation: asked again, the first one stands.

    Raises NotAllowed, NotFound for another school's, or StillInForce.
    """
    if person.school_id != school.id or person.roles_at_school.isdisjoint(STOPPING):
        raise NotAllowed(hint="Only an Admin or the Data Protection Officer of your school can ask for deletion.")
    School.locked(db, school.id)  # two who ask at the same time queue here
    given = Authorisation.at_school(db, authorisation_id, school.id)
    if given is None:
        raise NotFound
    if given.is_active:
        raise StillInForce(hint="Revoke it first, then ask for deletion.")
    if standing := DeletionRequest.of(db, given.id):
        return standing
    due_on = today() + dt.timedelta(days=settings.deletion_days)
    request = DeletionRequest(authorisation_id=given.id, asked_by=person.account.id, due_on=due_on)
    db.add(request)
    db.flush()
    messages.deletion_requested(db, _addresses(db, given), school, given.app, request)
    facts = {
        "request_id": str(request.id),
        "grant_id": str(given.id),
        "school": {"urn": school.urn, "name": school.name, "status": school.status},
        "due_on": str(due_on),
    }
    notices.tell(db, given.app_id, "deletion.requested", facts)
    subject, due = request.id, str(due_on)
    by = person.account.id
    record(db, "deletion.requested", actor=by, school=school.id, subject=subject, app=str(given.app_id), due_on=due)
    return request


def attest(
    db: Session, partner_id: uuid.UUID, request_id: uuid.UUID, by: uuid.UUID | None, statement: str
) -> DeletionRequest:
    """Keep what the partner says it deleted, and tell the school; said once, it stands. `by` None: through the API.

    Raises NotFound for another partner's, Unsaid (field `statement`) or AlreadyAttested.
    """
    found = DeletionRequest.to_partner(db, request_id, partner_id)
    if found is None:
        raise NotFound
    words = statement.strip()
    if not words or len(words) > LONGEST:
        raise Unsaid(hint=f"Use 1 to {LONGEST:,} characters.", field="statement")
    request, given, school = found
    if not request.attest(db, by, words):
        raise AlreadyAttested(hint="What you said then stands, and the school sees it.")
    messages.deletion_attested(db, school, given, request)
    record(db, "deletion.attested", actor=by, school=school.id, subject=request.id, app=str(given.app_id))
    return request


def remind(db: Session) -> int:
    """Tell partner and school, once, of requests whose day has passed without an answer; how many there were."""
    late = DeletionRequest.remind(db, today(), REMINDED_AT_ONCE)
    for request, given, school in late:
        messages.deletion_requested(db, _addresses(db, given), school, given.app, request, overdue=True)
        messages.deletion_late(db, school, given, request)
    return len(late)


def state(request: DeletionRequest) -> str:
    """One word for a page: Done, Overdue or Asked."""
    if request.attested_at:
        return "Done"
    return "Overdue" if request.due_on < today() else "Asked"


def today() -> dt.date:
    return now().astimezone(LONDON).date()


def _addresses(db: Session, given: Authorisation) -> list[str]:
    """The partner's breach contact, where that is a mail address, and everybody who works for the partner."""
    partner = given.app.partner
    contact = (partner.breach_contact or "").strip().lower()
    known = [contact] if ADDRESS.fullmatch(contact) else []
    return list(dict.fromkeys([*known, *(account.email for account in partner_people(db, partner.id))]))
