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
from app.onboarding.register_facts import snapshot

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


class StatusChanged(CannotBeDone):
    title = "The status of this school has changed"

    def __init__(self) -> None:
        super().__init__("See what it says now.")


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
    if establishment := Establishment.by_urn(db, school.urn):
        school.checked = snapshot(establishment)
    others = [claim for claim in claims if claim.id != school.id and claim.status == UNVERIFIED]
    ended = {other.id: _turn_away(db, other, by, OVERTAKEN) for other in others}
    record(db, "school.verified", actor=by, school=school.id, subject=case.id)
    messages.case_changed(db, school, "Approved")
    for other in others:
        _write_down(db, "school.rejected", other, by, ended[other.id])
        messages.case_changed(db, other, "Rejected", OVERTAKEN)


def reject(db: Session, case: Verification, school: School, by: uuid.UUID, reason: str) -> None:
    """Turn a registration down, from any open state. The person may register again."""
    lock_claims(db, school.urn)
    if not case.is_open or school.status != UNVERIFIED:
        raise MovedOn
    ended = _turn_away(db, school, by, reason)
    _write_down(db, "school.rejected", school, by, ended)
    messages.case_changed(db, school, "Rejected", reason)


def suspend(db: Session, school: School, by: uuid.UUID, reason: str) -> None:
    """Stop every data call of a school until it is resumed; what it authorised is kept."""
    _move(db, school, SUSPENDED, reason, VERIFIED)
    _write_down(db, "school.suspended", school, by)
    messages.case_changed(db, school, "Suspended", reason)


def resume(db: Session, school: School, by: uuid.UUID, reason: str) -> None:
    """End a suspension."""
    _move(db, school, VERIFIED, reason, SUSPENDED)
    _write_down(db, "school.resumed", school, by)
    messages.case_changed(db, school, "Resumed", reason)


def close(db: Session, school: School, by: uuid.UUID | None, reason: str) -> None:
    """End a school for good, with everything it authorised. Nobody (None) does when the register says so."""
    _move(db, school, CLOSED, reason, VERIFIED, SUSPENDED)
    _write_down(db, "school.closed", school, by, _end_rights(db, school, by))
    messages.case_changed(db, school, "Closed", reason)


def _move(db: Session, school: School, after: str, reason: str, *before: str) -> None:
    if school.status not in before or not school.move(db, school.status, after, reason):
        raise StatusChanged


def _turn_away(db: Session, school: School, by: uuid.UUID, reason: str) -> list[Authorisation]:
    """Reject one registration and its case; returns what ended with it."""
    case = Verification.of_school(db, school.id)
    if case and case.is_open and not case.reject(db, by, reason):
        raise MovedOn
    if not school.move(db, UNVERIFIED, REJECTED, reason):
        raise MovedOn
    return _end_rights(db, school, by)


def _end_rights(db: Session, school: School, by: uuid.UUID | None) -> list[Authorisation]:
    """End what a registration could do: its authorisations with their tokens, and its people's sessions."""
    for account in Account.of_school(db, school.id):
        SignIn.end_all(db, account.id)
    active = [authorisation for authorisation in Authorisation.of_school(db, school.id) if authorisation.is_active]
    active.sort(key=lambda authorisation: authorisation.id)
    return [authorisation for authorisation in active if authorisation.end(db, REVOKED, by)]


def _write_down(
    db: Session, action: str, school: School, by: uuid.UUID | None, ended: list[Authorisation] | None = None
) -> None:
    # After every change of rows: the end of the audit is locked last, by everyone, so that nobody waits in a ring.
    record(db, action, actor=by, school=school.id)
    for authorisation in ended or []:
        record(
            db,
            "authorisation.revoked",
            actor=by,
            school=school.id,
            subject=authorisation.id,
            app=str(authorisation.app_id),
            scopes=authorisation.scopes,
        )


def _check_register(db: Session, school: School) -> None:
    establishment = Establishment.by_urn(db, school.urn)
    if establishment is None or not establishment.is_open:
        said = f"says: {establishment.status}" if establishment else "no longer has it"
        raise CannotBeDone(
            title="This school cannot be approved", hint=f"The register {said}. Reject the case, with the reason."
        )
