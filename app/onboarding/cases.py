"""Working on a case: who has it, what is noted, when to call next, what the school is asked."""

import datetime as dt
import uuid

from app.audit import record
from app.db import Session
from app.errors import NotFound, Problem
from app.models.account import APPROVER, CALLER, OPERATOR_ADMIN, Account
from app.models.school import School
from app.models.verification import MOST_WRONG_CODES, WAITING, Note, Verification
from app.notify import messages
from app.registration import readback, service
from app.secrets import seal

TEAM = (CALLER, APPROVER, OPERATOR_ADMIN)
DECIDERS = (APPROVER, OPERATOR_ADMIN)


class CannotBeDone(Problem):
    """What an operator asked for does not fit the case as it is; the case page shows it above the form."""

    status = 409
    title = "That cannot be done now"


class MovedOn(CannotBeDone):
    title = "This case has moved on"

    def __init__(self, hint: str = "Somebody changed it while you were looking. See what it says now.") -> None:
        super().__init__(hint)


class TakenByAnother(CannotBeDone):
    title = "Somebody else has taken this case"


def find(db: Session, case_id: uuid.UUID) -> tuple[Verification, School]:
    """A case and its school. Raises NotFound."""
    case = Verification.by_id(db, case_id)
    school = School.by_id(db, case.school_id) if case else None
    if case is None or school is None:
        raise NotFound
    return case, school


def take(db: Session, case: Verification, by: uuid.UUID) -> None:
    """Make the case one operator's, so that nobody else rings the school meanwhile."""
    before = case.taken_by
    if not case.take(db, by):
        if not case.is_open:
            raise MovedOn
        holder = Account.names(db, [case.taken_by]).get(case.taken_by or by, "Another operator")
        raise TakenByAnother(hint=f"{holder} has it. Ask them to release it first.")
    if before != by:
        record(db, "case.taken", actor=by, school=case.school_id, subject=case.id)


def release(db: Session, case: Verification, by: Account, role: str) -> None:
    """Let somebody else take the case. An approver or admin may also release what another has taken."""
    if case.taken_by not in (None, by.id) and role not in DECIDERS:
        raise TakenByAnother(hint="Ask them, or an approver, to release it.")
    if case.release(db):
        record(db, "case.released", actor=by.id, school=case.school_id, subject=case.id)


def note(db: Session, case: Verification, by: uuid.UUID, text: str) -> None:
    """Keep a remark for the team; the school never sees it."""
    db.add(Note(verification_id=case.id, written_by=by, text=text))


def plan(db: Session, case: Verification, next_call_at: dt.datetime | None) -> None:
    """Say when the school is called next; None forgets it."""
    if not case.plan(db, next_call_at):
        raise MovedOn


def ask(db: Session, case: Verification, school: School, by: uuid.UUID, question: str) -> None:
    """Ask the school for more. Our time stops until it answers on its registration page."""
    if not case.ask(db, question):
        raise MovedOn
    record(db, "case.asked", actor=by, school=school.id, subject=case.id)
    messages.case_changed(db, school, WAITING, question)


def write_down_answer(db: Session, case: Verification, by: uuid.UUID, answer: str) -> None:
    """The school answered the team instead of writing on its registration page."""
    service.answer(db, case, by, answer)


def replace_code(db: Session, case: Verification, school: School, by: uuid.UUID) -> None:
    """After five wrong codes: a new one for the registrant's page. The old one, and any letter's, stays dead."""
    if case.wrong_codes < MOST_WRONG_CODES:
        raise CannotBeDone(hint="The code that the registrant has still works.")
    if not case.replace_code(db, seal(readback.new(), "readback")):
        raise MovedOn
    note(db, case, by, "Made a new code. It is on the registrant’s page.")
    record(db, "case.code_replaced", actor=by, school=school.id, subject=case.id)
    messages.case_changed(db, school, "New code")
