"""Reaching the school: by the number in the register, or by a letter to the address in the register.

A call confirms only when the caller types the code that stands on the registrant's page and nowhere else. Whoever
printed a letter has seen its code, and so is not the one to hear it. Five wrong codes kill the codes of a case.
"""

import datetime as dt
import re
import uuid

from app.audit import record
from app.db import Session
from app.models.account import ADMIN, Account
from app.models.base import now
from app.models.establishment import Establishment
from app.models.school import School
from app.models.verification import CALLED, HEARD, MOST_WRONG_CODES, NEW, WRONG_CODE, WRONG_NUMBER, Call, Verification
from app.notify import messages
from app.onboarding import cases, numbers
from app.registration import readback
from app.secrets import same, seal, unseal


class NotTheSchoolsNumber(cases.CannotBeDone):
    status = 422
    title = "Ring the number in the register, and no other"


class WrongCode(cases.CannotBeDone):
    status = 422
    title = "That is not the code"


class CodeIsDead(cases.CannotBeDone):
    title = "The code is dead after five wrong ones"

    def __init__(self) -> None:
        super().__init__("An approver must make a new code before anything can be confirmed.", "heard")


class NoLetter(cases.CannotBeDone):
    title = "No letter can be sent"


def registrant(db: Session, school: School) -> Account | None:
    """Who registered the school: the first of its Estab Admins."""
    return next(iter(Account.of_school(db, school.id, ADMIN)), None)


def number_to_ring(establishment: Establishment | None, claimant: Account | None) -> str | None:
    """The register's number, as people write it; None where ringing it is impossible or would prove nothing."""
    telephone = establishment.telephone if establishment else None
    found = numbers.plain(telephone)
    if found is None or (claimant and found == numbers.plain(claimant.mobile)):
        return None
    return numbers.readable(telephone)


def needs_letter(db: Session, case: Verification, number: str | None) -> bool:
    """Whether only a letter reaches the school: no number to ring, or the number turned out to be another's."""
    return number is None or any(call.outcome == WRONG_NUMBER for call in Call.of(db, case.id))


def log_call(
    db: Session,
    case: Verification,
    school: School,
    by: uuid.UUID,
    *,
    number: str,
    person: str,
    outcome: str,
    heard: str = "",
    notes: str = "",
    next_call_at: dt.datetime | None = None,
) -> WrongCode | None:
    """Write down a call. A wrong code is returned, not raised, because it is written down and counted too."""
    establishment, claimant = Establishment.by_urn(db, school.urn), registrant(db, school)
    _check_number(number, establishment, claimant)
    if case.state not in (NEW, CALLED):
        raise cases.MovedOn
    cases.take(db, case, by)
    call = Call(
        verification_id=case.id,
        called_by=by,
        number=numbers.readable(number),
        person=person,
        outcome=outcome,
        notes=notes,
    )
    if outcome == HEARD:
        if wrong := _hear(db, case, call, heard):
            return wrong
    elif not case.called(db):
        raise cases.MovedOn
    db.add(call)
    if outcome != HEARD:
        cases.plan(db, case, next_call_at)
    record(db, "case.called", actor=by, school=school.id, subject=case.id, outcome=outcome)
    messages.case_changed(db, school, "Confirmed" if outcome == HEARD else "Called")
    return None


def send_letter(db: Session, case: Verification, school: School, by: uuid.UUID) -> str:
    """Make the code of a letter to the head, at the register's address; returned once, to be printed.

    The letter before it is dead. The case is released: another operator must hear the code.
    """
    establishment = Establishment.by_urn(db, school.urn)
    if establishment is None or not establishment.address:
        raise NoLetter(hint="The register gives no address for this school.")
    if not needs_letter(db, case, number_to_ring(establishment, registrant(db, school))):
        raise NoLetter(hint="Ring the number in the register. A letter is for a missing or wrong number.")
    if case.taken_by not in (None, by):
        raise cases.TakenByAnother(hint="Ask them to release it first.")
    code = readback.new()
    if case.is_code_dead:
        raise CodeIsDead
    if not case.send_letter(db, seal(code, "letter"), by):
        raise cases.MovedOn
    cases.note(db, case, by, "Printed a letter to the head, to the address in the register.")
    record(db, "case.letter_sent", actor=by, school=school.id, subject=case.id)
    messages.case_changed(db, school, "Letter sent")
    return code


def hear_letter(
    db: Session, case: Verification, school: School, by: uuid.UUID, *, person: str, heard: str, notes: str = ""
) -> WrongCode | None:
    """The school rang us and read out the letter's code. A wrong code is returned, as by `log_call`."""
    if case.letter_sealed is None:
        raise cases.CannotBeDone(hint="No letter is on its way.")
    if case.letter_by == by:
        raise cases.CannotBeDone(
            title="You printed this letter, so you have seen its code",
            hint="Let another operator take the school’s call.",
        )
    call = Call(verification_id=case.id, called_by=by, number="", person=person, outcome=HEARD, notes=notes)
    if wrong := _hear(db, case, call, heard):
        return wrong
    db.add(call)
    record(db, "case.called", actor=by, school=school.id, subject=case.id, outcome=HEARD, letter=True)
    messages.case_changed(db, school, "Confirmed")
    return None


def _check_number(number: str, establishment: Establishment | None, claimant: Account | None) -> None:
    """The call must go to the register's number. The registrant's own proves nothing."""
    dialled, usable = numbers.plain(number), number_to_ring(establishment, claimant)
    if claimant and dialled and dialled == numbers.plain(claimant.mobile):
        raise NotTheSchoolsNumber("That is the registrant’s own mobile.", "number")
    if usable is None:
        raise NotTheSchoolsNumber("The register has no number for this school. Send a letter instead.", "number")
    if dialled != numbers.plain(usable):
        raise NotTheSchoolsNumber(f"For this school it is {usable}.", "number")


def _hear(db: Session, case: Verification, call: Call, heard: str) -> WrongCode | None:
    """Confirm the case if the code is right; else count it, log the call as that, and note when it was one too many.

    A call without a number is the school's own, with the code of our letter.
    """
    if case.is_code_dead:
        raise CodeIsDead
    by, letter = call.called_by, not call.number
    sealed, purpose = (case.letter_sealed, "letter") if letter else (case.readback_sealed, "readback")
    if sealed and same(_folded(heard), _folded(unseal(sealed, purpose))):
        if not case.confirm(db, by):
            raise cases.MovedOn
        return None
    left = MOST_WRONG_CODES - case.count_wrong_code(db)
    call.outcome = WRONG_CODE
    db.add(call)
    how = {"letter": True} if letter else {}
    record(db, "case.called", actor=by, school=case.school_id, subject=case.id, outcome=WRONG_CODE, **how)
    field = "letter_heard" if letter else "heard"
    if left > 0:
        tries = "1 try is" if left == 1 else f"{left} tries are"
        return WrongCode(f"Ask for it again, figure by figure. {tries} left.", field)
    cases.note(db, case, by, f"Five wrong codes were typed, the last at {now():%H:%M} UTC. The code is dead.")
    return WrongCode("It was the fifth wrong one, so the code is dead. An approver must make a new one.", field)


def _folded(code: str) -> str:
    """Case, blanks and hyphens do not matter."""
    return re.sub(r"[\s\-\u2010-\u2015]", "", code).casefold()
