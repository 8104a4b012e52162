"""Accounts: making them, and changing what they sign in with."""

from typing import Any

from app import audit
from app.db import Session
from app.errors import Problem
from app.models.account import ADMIN, Account, Membership, SecondStep
from app.models.account import Session as SignIn
from app.models.base import ahead, now
from app.models.school import School
from app.notify import messages
from app.settings import settings
from app.signin import passwords
from app.signin.session import Going, Person, go_on


class OtherRole(Problem):
    """This address is an operator's already, with another role."""

    status = 409
    title = "That operator has another role"


class TooLate(Problem):
    """Another request changed the account, or ended the session, at the same moment."""

    status = 409
    title = "Something else changed your account at the same moment"


def new_admin(db: Session, *, school: School, name: str, email: str, mobile: str, username: str) -> tuple[Account, str]:
    """The Estab Admin of a registration, and the generated password: shown once, to be changed, good for 72 hours."""
    account, password = _with_first_password(db, name=name, email=email, mobile=mobile, username=username)
    db.add(Membership(account_id=account.id, school_id=school.id, role=ADMIN))
    db.flush()
    return account, password


def add_operator(db: Session, *, email: str, name: str, role: str) -> tuple[Account, str | None]:
    """An operator of the onboarding team, and the generated password; None when there is nothing to do.

    An operator whose first password ran out unused gets another. Raises OtherRole.
    """
    found = Account.operator_of(db, email)
    if found is None:
        account, password = _with_first_password(db, name=name, email=email)
        db.add(Membership(account_id=account.id, role=role))
        db.flush()
        audit.record(db, "operator.added", actor=None, subject=account.id, role=role)
        return account, password
    account, membership = found
    if membership.role != role:
        raise OtherRole(hint=f"{account.email} is there as {membership.role}.")
    if not account.first_password_ran_out:
        return account, None
    password = passwords.generated()
    account.password_hash = passwords.hashed(password)
    account.password_expires_at = ahead(settings.first_password_seconds)
    db.flush()
    return account, password


def _with_first_password(
    db: Session, *, name: str, email: str, mobile: str | None = None, username: str | None = None
) -> tuple[Account, str]:
    password = passwords.generated()
    account = Account(
        username=username and username.lower(),
        name=name,
        email=email.lower(),
        mobile=mobile,
        password_hash=passwords.hashed(password),
        password_must_change=True,
        password_expires_at=ahead(settings.first_password_seconds),
    )
    db.add(account)
    db.flush()
    return account, password


def names_about(db: Session, account: Account) -> list[str]:
    """What a password of this account must not be: everything that others know of the person and the school."""
    schools = [School.by_id(db, held.school_id) for held in Membership.of(db, account.id) if held.school_id]
    names = [school.name for school in schools if school]
    return [account.name, account.email, account.email.partition("@")[0], account.username or "", "Gatehouse", *names]


def change_password(db: Session, person: Person, before: str, hashed: str) -> Going:
    """Put the new password in the place of `before`, end every other session and renew this one. Raises TooLate."""
    if not person.account.set_password(db, before, hashed):
        raise TooLate(hint="Sign in, and look whether your password is what you want it to be.")
    going = renewed(db, person, proved_at=now())
    audit.record(db, "account.password_changed", actor=person.account.id, school=person.school_id)
    messages.account_changed(db, person.account, "your password was changed")
    return going


def set_authenticator(db: Session, person: Person, sealed: str, time_step: int) -> Going:
    """Let the authenticator with this seed, whose `time_step` is used up, be the only one. Raises TooLate.

    Every other session ends.
    """
    before = SecondStep.of(db, person.account.id)
    SecondStep.replace(db, person.account.id, sealed, time_step)
    going = renewed(db, person, "otp", seed_sealed=None)
    audit.record(
        db,
        "account.second_step_added",
        actor=person.account.id,
        school=person.school_id,
        kind="totp",
        replaced=before is not None,
    )
    what = "your authenticator app was replaced" if before else "an authenticator app was set up to sign in with"
    messages.account_changed(db, person.account, what)
    return going


def renewed(db: Session, person: Person, *methods: str, **values: Any) -> Going:
    """The person's session under a new id, at its next step, as the account's only one."""
    going = go_on(db, person, *methods, **values)
    if going is None:
        raise TooLate(hint="Sign in, then try again.")
    SignIn.end_all(db, person.account.id, but=going.person.session.digest)
    return going
