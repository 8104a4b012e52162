"""The people of a partner: who gets in, and whose access ends. Each change queues at the partner."""

import uuid

from app.audit import record
from app.db import Session
from app.errors import NotFound, Problem
from app.models import people
from app.models.account import PARTNER_USER, Account
from app.models.account import Session as SignIn
from app.models.contact import Welcome
from app.models.partner import Partner
from app.notify import messages
from app.signin import welcome


class HereAlready(Problem):
    status = 409
    title = "Somebody with this email address is here already"


class IsSuspended(Problem):
    status = 409
    title = "The partner is suspended"

    def __init__(self) -> None:
        super().__init__("Nobody is let in for it. Resume it first.")


def find(db: Session, partner: Partner, account_id: uuid.UUID) -> Account:
    """Somebody who has access for the partner. Raises NotFound for everybody else."""
    found = next((one.account for one in people.of_partner(db, partner.id) if one.account.id == account_id), None)
    if found is None:
        raise NotFound
    return found


def waiting(db: Session, partner: Partner, welcome_id: uuid.UUID) -> Welcome:
    """Somebody's link that was not followed or withdrawn. Raises NotFound, for another partner's too."""
    found = next((one for one in Welcome.open_for(db, partner.id) if one.id == welcome_id), None)
    if found is None:
        raise NotFound
    return found


def invite(db: Session, partner: Partner, by: Account, *, name: str, email: str) -> Welcome:
    """Mail somebody the link that lets them in for the partner. Raises IsSuspended or HereAlready."""
    _lock_active(db, partner)
    if any(one.account.email == email for one in people.of_partner(db, partner.id)):
        raise HereAlready("They have access.", "email")
    for sent in Welcome.open_for(db, partner.id):
        if sent.email == email and sent.is_open:
            raise HereAlready("They have been sent a link. Send it again, or withdraw it first.", "email")
        if sent.email == email:
            sent.withdraw(db)
    return welcome.send(db, name=name, email=email, role=PARTNER_USER, partner=partner, sent_by=by)


def send_again(db: Session, partner: Partner, by: Account, welcome_id: uuid.UUID) -> None:
    """Mail a new link; the one before stops working. Raises IsSuspended, NotFound or DeadLink."""
    _lock_active(db, partner)
    welcome.send_again(db, waiting(db, partner, welcome_id), by)


def withdraw(db: Session, partner: Partner, by: Account, welcome_id: uuid.UUID) -> None:
    """Let the link that somebody was sent do nothing any more. Raises NotFound, or DeadLink when it was followed."""
    Partner.locked(db, partner.id)
    found = waiting(db, partner, welcome_id)
    if not found.withdraw(db):
        raise welcome.DeadLink
    record(db, "person.withdrawn", actor=by.id, subject=found.id, partner=str(partner.id))


def end_access(db: Session, partner: Partner, by: Account, account_id: uuid.UUID) -> None:
    """End somebody's access for the partner, their sessions and the links that they were sent. Raises NotFound."""
    Partner.locked(db, partner.id)
    account = find(db, partner, account_id)
    if not people.end_at_partner(db, partner.id, account):
        raise NotFound
    SignIn.end_all(db, account.id)
    messages.account_changed(db, account, f"your access to {partner.name} has ended")
    record(db, "person.removed", actor=by.id, subject=account.id, partner=str(partner.id))


def _lock_active(db: Session, partner: Partner) -> None:
    held = Partner.locked(db, partner.id)
    if held is None or held.suspended_at:
        raise IsSuspended
