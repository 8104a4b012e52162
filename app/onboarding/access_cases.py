"""A second step that was lost, an Admin who has left: proved by a call, decided by another, open to objections.

We ring the number in the register and no other; the asker's own proves nothing. The caller types the code that stands
on the asker's page. Five wrong codes end the case.
"""

import uuid

from app.audit import record
from app.db import Session, withdrawn
from app.errors import NotAllowed, NotFound
from app.models import people as known
from app.models.access_case import (
    LOST_SECOND_STEP,
    MOST_WRONG_CODES,
    NEW,
    AccessCall,
    AccessCase,
    forget_second_steps,
)
from app.models.account import ADMIN, Account, Membership
from app.models.account import Session as SignIn
from app.models.establishment import Establishment
from app.models.school import School
from app.models.verification import HEARD, WRONG_CODE
from app.notify import messages
from app.onboarding import numbers
from app.onboarding.calls import NotTheSchoolsNumber, WrongCode
from app.onboarding.cases import MovedOn
from app.onboarding.decisions import FourEyes, NotConfirmed
from app.registration.access_case import STOP
from app.secrets import digest, new_secret, same, unseal
from app.settings import settings
from app.sharing import people
from app.signin import welcome

FIVE_WRONG = "Five wrong codes were given. Ask again, and make sure that the school has the new code."
NOT_THERE = "The account, or the school, is not what it was when this was asked for."


def find(db: Session, case_id: uuid.UUID) -> tuple[AccessCase, School]:
    """A case and its school. Raises NotFound."""
    case = db.get(AccessCase, case_id)
    school = School.by_id(db, case.school_id) if case else None
    if case is None or school is None:
        raise NotFound
    return case, school


def check_apart(db: Session, case: AccessCase, by: Account) -> None:
    """Nobody works on a case about themselves, or about a school that they belong to. Raises NotAllowed."""
    concerns_them = case.account_id == by.id or case.email == by.email
    if concerns_them or known.membership_of(db, case.school_id, by.id):
        raise NotAllowed(hint="This case concerns you or your school. Another operator must do this.")


def number_to_ring(db: Session, case: AccessCase, school: School) -> str | None:
    """The register's number, as people write it; None where there is none, or where it is the asker's own."""
    establishment = Establishment.by_urn(db, school.urn)
    found = numbers.plain(establishment.telephone if establishment else None)
    account = db.get(Account, case.account_id) if case.account_id else None
    own = {numbers.plain(case.mobile), numbers.plain(account.mobile if account else None)}
    return None if found is None or found in own else numbers.readable(found)


def log_call(
    db: Session,
    case: AccessCase,
    school: School,
    by: Account,
    *,
    number: str,
    person: str,
    outcome: str,
    heard: str = "",
    notes: str = "",
) -> WrongCode | None:
    """Write down a call. A wrong code is returned, not raised, because it is written down and counted too."""
    check_apart(db, case, by)
    _check_number(number, number_to_ring(db, case, school))
    if case.state != NEW:
        raise MovedOn
    wrong = None
    if outcome == HEARD:
        if not is_right(heard, case.readback_sealed, "readback"):
            outcome, wrong = WRONG_CODE, count_wrong(db, case, school, "heard")
        elif not case.confirm(db, by.id):
            raise MovedOn
    number = numbers.readable(number)
    db.add(AccessCall(case_id=case.id, called_by=by.id, number=number, person=person, outcome=outcome, notes=notes))
    record(db, "access.called", actor=by.id, school=school.id, subject=case.id, outcome=outcome)
    return wrong


def is_right(heard: str, sealed: str, purpose: str) -> bool:
    """Whether what was typed is the code that was sealed for that purpose."""
    return same(_folded(heard), _folded(unseal(sealed, purpose)))


def count_wrong(db: Session, case: AccessCase, school: School, field: str) -> WrongCode:
    """One more wrong code, typed into that field; the fifth ends the case."""
    left = MOST_WRONG_CODES - case.count_wrong_code(db)
    if left > 0:
        tries = "1 try is" if left == 1 else f"{left} tries are"
        return WrongCode(f"Ask for it again, figure by figure. {tries} left.", field)
    if case.refuse(db, FIVE_WRONG):
        messages.access_case_ended(db, case, school)
    return WrongCode("It was the fifth wrong one, so the case has ended.")


def approve(db: Session, case: AccessCase, school: School, by: Account, who_left: uuid.UUID | None) -> None:
    """Open the window in which everybody concerned may stop it. `who_left` names the Admin, where that is the case."""
    check_apart(db, case, by)
    about = case.account_id if case.kind == LOST_SECOND_STEP else who_left
    if about and known.membership_of(db, school.id, about) is None:
        raise MovedOn(NOT_THERE)
    secret = new_secret("gh_as")
    if not case.approve(db, by.id, about, digest(secret)):
        if case.is_open and case.confirmed_by == by.id:
            raise FourEyes
        raise NotConfirmed(hint=f"Its state is {case.state}.") if case.state == NEW else MovedOn()
    messages.access_case_approved(db, case, school, f"{settings.issuer}{STOP}?link={secret}")
    record(db, "access.approved", actor=by.id, school=school.id, subject=case.id, kind=case.kind)


def refuse(db: Session, case: AccessCase, school: School, by: Account, reason: str) -> None:
    """End it undone."""
    check_apart(db, case, by)
    if not case.refuse(db, reason):
        raise MovedOn
    messages.access_case_ended(db, case, school)
    record(db, "access.refused", actor=by.id, school=school.id, subject=case.id, kind=case.kind)


def due(db: Session) -> list[uuid.UUID]:
    """The cases whose objection window has ended, longest ago first."""
    return [case.id for case in AccessCase.over(db)]


def complete_case(db: Session, case_id: uuid.UUID) -> bool:
    """Do what nobody objected to in time; a case that was stopped at that moment stays stopped.

    One case in a unit, because its school is locked before the audit is.
    """
    case, school = find(db, case_id)
    School.locked(db, school.id)
    if case.kind == LOST_SECOND_STEP and not _vouched_for(db, case, school):
        if done := case.refuse(db, NOT_THERE):
            messages.access_case_ended(db, case, school)
            record(db, "access.refused", actor=None, school=school.id, subject=case.id, kind=case.kind)
        return done
    if not case.complete(db):
        return False
    messages.access_case_ended(db, case, school)
    work = _take_off if case.kind == LOST_SECOND_STEP else _replace
    work(db, case, school)
    record(db, "access.done", actor=None, school=school.id, subject=case.id, kind=case.kind)
    return True


def _vouched_for(db: Session, case: AccessCase, school: School) -> bool:
    """Whether the account is the school's still, and nobody's but schools': those vouch for no operator or partner."""
    homes = [held.school_id for held in Membership.of(db, case.account_id)] if case.account_id else []
    return school.id in homes and None not in homes


def _take_off(db: Session, case: AccessCase, school: School) -> None:
    if case.account_id is None:
        return
    forget_second_steps(db, case.account_id)
    SignIn.end_all(db, case.account_id)
    withdrawn(db)
    for other in AccessCase.others_of(db, case):  # or it would take off what is set up next
        if other.kind == LOST_SECOND_STEP:
            other.refuse(db, f"Another request about the same account at {school.name} was carried out.")


def _replace(db: Session, case: AccessCase, school: School) -> None:
    about = db.get(Account, case.account_id) if case.account_id else None
    held = known.membership_of(db, school.id, about.id) if about else None
    if about and held:
        people.end_access(db, school, about, held, by=None, even_the_last=True)
    welcome.send(db, name=case.name, email=case.email, role=ADMIN, school=school, sent_by=None)


def _check_number(number: str, usable: str | None) -> None:
    if usable is None:
        raise NotTheSchoolsNumber(
            "The register has no number for this school, or it is the asker’s own. Send a letter.", "number"
        )
    if numbers.plain(number) != numbers.plain(usable):
        raise NotTheSchoolsNumber(f"For this school it is {usable}.", "number")


def _folded(code: str) -> str:
    """Case, blanks and hyphens do not matter."""
    return "".join(mark for mark in code if mark.isalnum()).casefold()
