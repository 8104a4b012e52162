"""Deciding: whether a registration becomes the school, and what becomes of a school later. Two people, always."""

import uuid

from app.audit import record
from app.db import Session
from app.models.account import Account
from app.models.account import Session as SignIn
from app.models.authorisation import REVOKED, Authorisation
from app.models.establishment import Establishment
from app.models.school import CLOSED, REJECTED, SUSPENDED, UNVERIFIED, VERIFIED, School
from app.models.verification import CONFIRMED, Verification, lock_claims, verify
from app.notify import messages
from app.onboarding.cases import CannotBeDone, MovedOn

OVERTAKEN = "Another registration of this school was verified."


class FourEyes(CannotBeDone):
    status = 403
    title = "Somebody else must approve this case"

    def __init__(self) -> None:
        super().__init__("You heard the code from the school yourself. Another approver decides.")


class NotConfirmed(CannotBeDone):
    title = "The school has not confirmed this registration yet"


class Overtaken(CannotBeDone):
    title = "Another registration of this school is Verified already"


def approve(db: Session, case: Verification, school: School, by: uuid.UUID) -> None:
    """Make this registration the school, and reject the others: of two approvals at once, one wins."""
    claims = lock_claims(db, school.urn)
    _check_register(db, school)
    if School.verified(db, school.urn):
        raise Overtaken(hint="Reject this one, or find out from the school which of the two is right.")
    if not case.approve(db, by):
        if case.state != CONFIRMED:
            raise NotConfirmed(hint=f"Its state is {case.state}.") if case.is_open else MovedOn()
        raise FourEyes
    if not verify(db, school):
        raise Overtaken(hint="It was verified a moment ago. Reject this one, or find out which of the two is right.")
    record(db, "school.verified", actor=by, school=school.id, subject=case.id)
    messages.case_changed(db, school, "Approved")
    for other in claims:
        if other.id != school.id and other.status == UNVERIFIED:
            other_case = Verification.of_school(db, other.id)
            if other_case:
                other_case.reject(db, by, OVERTAKEN)
            _turn_away(db, other, other_case, by, OVERTAKEN)


def reject(db: Session, case: Verification, school: School, by: uuid.UUID, reason: str) -> None:
    """Turn a registration down, from any open state. The person may register again."""
    lock_claims(db, school.urn)
    if not case.reject(db, by, reason):
        raise MovedOn
    _turn_away(db, school, case, by, reason)


def suspend(db: Session, school: School, by: uuid.UUID, reason: str) -> None:
    """Stop every data call of a school until it is resumed; what it authorised is kept."""
    _move(db, school, SUSPENDED, by, reason)
    messages.case_changed(db, school, "Suspended", reason)


def resume(db: Session, school: School, by: uuid.UUID, reason: str) -> None:
    """End a suspension."""
    _move(db, school, VERIFIED, by, reason)
    messages.case_changed(db, school, "Resumed", reason)


def close(db: Session, school: School, by: uuid.UUID, reason: str) -> None:
    """End a school for good, with everything it authorised."""
    _move(db, school, CLOSED, by, reason)
    _end_rights(db, school, by)
    messages.case_changed(db, school, "Closed", reason)


def _move(db: Session, school: School, after: str, by: uuid.UUID, reason: str) -> None:
    action, *before = {
        SUSPENDED: ("school.suspended", VERIFIED),
        VERIFIED: ("school.resumed", SUSPENDED),
        CLOSED: ("school.closed", VERIFIED, SUSPENDED),
    }[after]
    if school.status not in before or not school.move(db, school.status, after, reason):
        raise CannotBeDone(title="The status of this school has changed", hint="See what it says now.")
    record(db, action, actor=by, school=school.id)


def _turn_away(db: Session, school: School, case: Verification | None, by: uuid.UUID, reason: str) -> None:
    if not school.move(db, UNVERIFIED, REJECTED, reason):
        raise MovedOn
    record(db, "school.rejected", actor=by, school=school.id, subject=case.id if case else None)
    messages.case_changed(db, school, "Rejected", reason)
    _end_rights(db, school, by)


def _end_rights(db: Session, school: School, by: uuid.UUID) -> None:
    """End what a registration could do: its authorisations with their tokens, and its people's sessions."""
    for authorisation in Authorisation.of_school(db, school.id):
        if authorisation.end(db, REVOKED, by):
            record(
                db,
                "authorisation.revoked",
                actor=by,
                school=school.id,
                subject=authorisation.id,
                app=str(authorisation.app_id),
                scopes=authorisation.scopes,
            )
    for account in Account.of_school(db, school.id):
        SignIn.end_all(db, account.id)


def _check_register(db: Session, school: School) -> None:
    establishment = Establishment.by_urn(db, school.urn)
    if establishment is None or not establishment.is_open:
        said = f"says: {establishment.status}" if establishment else "no longer has it"
        raise CannotBeDone(
            title="This school cannot be approved", hint=f"The register {said}. Reject the case, with the reason."
        )
