"""The people of a school: who has which role, one more, another role, and an end to it.

Every change queues at the school, and is judged by the roles at that moment: of two Admins who remove each other at
once one stays, and so does one of the last two who both leave.
"""

import uuid

from app.audit import record
from app.db import Session
from app.errors import NotAllowed, NotFound, Problem
from app.models import people
from app.models.account import ADMIN, DPO, IT, READ_ONLY, Account, Membership
from app.models.account import Session as SignIn
from app.models.contact import Welcome
from app.models.school import School
from app.notify import messages
from app.signin import welcome
from app.signin.session import Person

ROLES = {
    ADMIN: "Decides about data sharing and about who has access",
    DPO: "Sees what is shared and read, and may pause or stop it",
    IT: "Looks after the agent on the school’s server",
    READ_ONLY: "Sees what is shared and read, and changes nothing",
}
ADMIN_LEFT = "admin left"


class LastAdmin(Problem):
    status = 409
    title = "Your school would be without an Admin"

    def __init__(self) -> None:
        super().__init__("Give somebody else the role Admin first.")


class HereAlready(Problem):
    status = 409
    title = "Somebody with this email address is here already"


def lock(db: Session, person: Person, school: School) -> None:
    """Let no other change of people happen until this one is done. Raises NotAllowed for who is no Admin by now."""
    School.locked(db, school.id)
    mine = people.membership_of(db, school.id, person.account.id)
    if mine is None or mine.role != ADMIN:
        raise NotAllowed(hint="You are no Admin of this school any more.")


def find(db: Session, school: School, account_id: uuid.UUID) -> tuple[Account, Membership]:
    """Somebody at the school. Raises NotFound for everybody else."""
    held = people.membership_of(db, school.id, account_id)
    account = db.get(Account, account_id) if held else None
    if account is None or held is None or account.ended_at:
        raise NotFound
    return account, held


def invite(db: Session, person: Person, school: School, *, name: str, email: str, role: str) -> Welcome:
    """Mail somebody a link that gives them the role. Raises HereAlready."""
    lock(db, person, school)
    if any(account.email == email for account in Account.of_school(db, school.id)):
        raise HereAlready("Change their role on the page about them.", "email")
    for waiting in Welcome.open_at(db, school.id):
        if waiting.email == email and waiting.is_open:
            raise HereAlready("They have been sent a link. Send it again, or withdraw it first.", "email")
        if waiting.email == email:
            waiting.withdraw(db)
    return welcome.send(db, name=name, email=email, role=role, school=school, sent_by=person.account)


def withdraw(db: Session, person: Person, school: School, waiting: Welcome) -> None:
    """Let the link that somebody was sent do nothing any more. Raises DeadLink when it has been followed."""
    lock(db, person, school)
    if not waiting.withdraw(db):
        raise welcome.DeadLink
    messages.people_changed(db, school, "withdrawn", waiting, by=person.account)
    record(db, "person.withdrawn", actor=person.account.id, school=school.id, subject=waiting.id)


def change_role(db: Session, person: Person, school: School, account_id: uuid.UUID, role: str) -> bool:
    """Give somebody another role; False when it is theirs already. Links that they sent as an Admin die with it.

    Raises LastAdmin.
    """
    lock(db, person, school)
    account, held = find(db, school, account_id)
    before = held.role
    if before == role:
        return False
    if not people.change_role(db, held, role):
        raise LastAdmin
    if before == ADMIN:
        Welcome.end_of(db, school.id, account.id, account.email)
    if account.id != person.account.id:
        SignIn.end_all(db, account.id)  # a session keeps no id across a change of role
    messages.people_changed(db, school, "role", account, role=role, by=person.account)
    record(
        db,
        "person.role_changed",
        actor=person.account.id,
        school=school.id,
        subject=account.id,
        before=before,
        role=role,
    )
    return True


def remove(db: Session, person: Person, school: School, account_id: uuid.UUID) -> None:
    """End somebody's access to the school. Raises LastAdmin."""
    lock(db, person, school)
    account, held = find(db, school, account_id)
    if not end_access(db, school, account, held, by=person.account):
        raise LastAdmin


def end_access(
    db: Session,
    school: School,
    account: Account,
    held: Membership,
    *,
    by: Account | None,
    even_the_last: bool = False,
) -> bool:
    """End a membership, the person's sessions and their links; False for the last Admin, unless another comes at once.

    What they have authorised is the school's: it goes on, flagged for an Admin to say again that it is wanted. The
    caller has locked the school.
    """
    if not people.end(db, held, even_the_last=even_the_last):
        return False
    Welcome.end_of(db, school.id, account.id, account.email)
    SignIn.end_all(db, account.id)
    people.reconfirm(db, school.id, account.id, ADMIN_LEFT)
    messages.people_changed(db, school, "removed", account, by=by)
    record(db, "person.removed", actor=by.id if by else None, school=school.id, subject=account.id, role=held.role)
    return True
