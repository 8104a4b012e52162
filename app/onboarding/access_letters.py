"""A letter to the head about an access case, where no number in the register can be rung: as for a registration.

A letter stands in the log of calls, with its code sealed in place of notes. The newest one counts, and whoever printed
it has seen its code, so is not the one to hear it.
"""

from collections.abc import Sequence

from app.audit import record
from app.db import Session
from app.models.access_case import MOST_WRONG_CODES, NEW, AccessCall, AccessCase
from app.models.account import Account
from app.models.establishment import Establishment
from app.models.school import School
from app.models.verification import HEARD, WRONG_CODE, WRONG_NUMBER
from app.onboarding.access_cases import check_apart, count_wrong, is_right, number_to_ring
from app.onboarding.calls import NoLetter, WrongCode
from app.onboarding.cases import CannotBeDone, MovedOn
from app.registration import readback
from app.registration.access_case import LETTER_SENT
from app.secrets import seal


def is_needed(calls: Sequence[AccessCall], number: str | None) -> bool:
    """Whether only a letter reaches the school: no number to ring, or the number turned out to be another's."""
    return number is None or any(call.outcome == WRONG_NUMBER for call in calls)


def newest(calls: Sequence[AccessCall]) -> AccessCall | None:
    """The letter whose code counts, of the calls of one case, newest first."""
    return next((call for call in calls if call.outcome == LETTER_SENT), None)


def send(db: Session, case: AccessCase, school: School, by: Account) -> str:
    """Make the code of a letter to the head, at the register's address; returned once, to be printed.

    The letter before it is dead.
    """
    check_apart(db, case, by)
    if case.state != NEW or case.wrong_codes >= MOST_WRONG_CODES:
        raise MovedOn
    establishment = Establishment.by_urn(db, school.urn)
    if establishment is None or not establishment.address:
        raise NoLetter(hint="The register gives no address for this school.")
    if not is_needed(AccessCall.of(db, case.id), number_to_ring(db, case, school)):
        raise NoLetter(hint="Ring the number in the register. A letter is for a missing or wrong number.")
    code = readback.new()
    sealed = seal(code, "letter")
    db.add(AccessCall(case_id=case.id, called_by=by.id, number="", person="", outcome=LETTER_SENT, notes=sealed))
    record(db, "access.letter_sent", actor=by.id, school=school.id, subject=case.id, kind=case.kind)
    return code


def hear(
    db: Session, case: AccessCase, school: School, by: Account, *, person: str, heard: str, notes: str = ""
) -> WrongCode | None:
    """The school rang us and read out the letter's code. A wrong code is returned, as by `access_cases.log_call`."""
    check_apart(db, case, by)
    letter = newest(AccessCall.of(db, case.id))
    if letter is None:
        raise CannotBeDone(hint="No letter is on its way.")
    if letter.called_by == by.id:
        raise CannotBeDone(
            title="You printed this letter, so you have seen its code",
            hint="Let another operator take the school’s call.",
        )
    if case.state != NEW:
        raise MovedOn
    wrong, outcome = None, HEARD
    if not is_right(heard, letter.notes, "letter"):
        outcome, wrong = WRONG_CODE, count_wrong(db, case, school, "letter_heard")
    elif not case.confirm(db, by.id):
        raise MovedOn
    db.add(AccessCall(case_id=case.id, called_by=by.id, number="", person=person, outcome=outcome, notes=notes))
    record(db, "access.called", actor=by.id, school=school.id, subject=case.id, outcome=outcome, letter=True)
    return wrong
