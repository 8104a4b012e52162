"""Registering a school, step by step. Each function refuses unless the step before it is done."""

import uuid

from app import audit
from app.db import Session
from app.errors import Problem
from app.models.account import Account
from app.models.base import ago, new_id, now
from app.models.establishment import CLOSED, PROPOSED, Establishment
from app.models.school import SUSPENDED, UNVERIFIED, VERIFIED, Registration, School
from app.models.verification import Verification
from app.notify import messages
from app.registration import links, readback, working_days
from app.registration.details import DetailsForm
from app.secrets import digest, seal
from app.settings import settings
from app.signin import service as signin


class NoSuchSchool(Problem):
    status = 404
    title = "No school has that number"


class NotOpen(Problem):
    status = 409
    title = "That school is not open"


class Registered(Problem):
    status = 409
    title = "That school is registered already"


class TooSoon(Problem):
    status = 429
    title = "We sent a message to that address less than a minute ago"


def choose(db: Session, urn: int) -> Establishment:
    """The establishment, if it may be registered: known, open, and no Verified school speaks for it yet."""
    establishment = Establishment.by_urn(db, urn)
    if establishment is None:
        raise NoSuchSchool(hint="Search again and select it from the results.", field="urn")
    if establishment.status_code == CLOSED:
        raise NotOpen(title=f"{establishment.name} has closed", hint="Select the school that replaced it.", field="urn")
    if establishment.status_code == PROPOSED or not establishment.is_open:
        hint = "You can register it once it has opened."
        raise NotOpen(title=f"{establishment.name} has not opened yet", hint=hint, field="urn")
    if School.taken(db, [urn]).get(urn) in (VERIFIED, SUSPENDED):
        raise Registered(
            title=f"{establishment.name} is registered already", hint="Ask its admin for access.", field="urn"
        )
    return establishment


def start(db: Session, urn: int, form: DetailsForm) -> Registration:
    """Begin a registration and mail its link. Many may be pending for one establishment."""
    establishment = choose(db, urn)
    registration = Registration(urn=urn, name=form.name, email=form.email, mobile=form.mobile)
    db.add(registration)
    db.flush()
    _send(db, registration, establishment, form.email)
    return registration


def change(db: Session, registration: Registration, form: DetailsForm) -> bool:
    """Put other details into a registration under way. True if a new link was mailed, and so every older one is dead.

    The same address within a minute gets no second mail.
    """
    establishment = choose(db, registration.urn)
    if registration.is_complete:
        raise links.Used(registration)
    registration.name, registration.mobile = form.name, form.mobile
    db.flush()
    return _send(db, registration, establishment, form.email)


def send_again(db: Session, registration: Registration) -> None:
    """Mail a new link to the same address; the one before is dead. Raises TooSoon within a minute of the last."""
    establishment = choose(db, registration.urn)
    if registration.is_complete:
        raise links.Used(registration)
    if not _send(db, registration, establishment, registration.email):
        raise TooSoon(hint="Give it a minute, look in your junk folder, then try again.")


def _send(db: Session, registration: Registration, establishment: Establishment, email: str) -> bool:
    token = links.new(registration.id, email)
    if not registration.replace_link(db, digest(token), email, ago(settings.verification_resend_seconds)):
        return False
    link = links.address(token)
    messages.verification_link(db, name=registration.name, email=email, school_name=establishment.name, link=link)
    return True


def complete(db: Session, token: str, name: str, mobile: str) -> tuple[School, Account, str]:
    """Spend the link: make the school (Unverified), its Estab Admin and the onboarding case, all or nothing.

    Returns the school, the account and its first password, which exists nowhere else. Raises LinkProblem, or what
    `choose` raises when the establishment has changed since.
    """
    pending = links.read(db, token)
    establishment = choose(db, pending.urn)
    school_id = new_id()
    registration = Registration.complete(db, digest(token), school_id, links.oldest_sending())
    if registration is None:
        raise links.Used(pending)
    registration.name, registration.mobile = name, mobile
    school = School(id=school_id, urn=establishment.urn, name=establishment.name, status=UNVERIFIED)
    db.add(school)
    db.flush()
    wanted = (establishment.dfe_number or str(establishment.urn)).replace("/", "")
    account, password = signin.new_admin(
        db,
        school=school,
        name=name,
        email=registration.email,
        mobile=mobile,
        username=School.free_username(db, wanted),
    )
    due_at = working_days.due(now(), settings.verification_target_days)
    db.add(Verification(school_id=school.id, readback_sealed=seal(readback.new(), "readback"), due_at=due_at))
    audit.record(
        db, "school.registered", actor=account.id, school=school.id, subject=registration.id, urn=establishment.urn
    )
    messages.school_registered(db, account, school)
    return school, account, password


class NothingAsked(Problem):
    status = 409
    title = "There is no question to answer at the moment"


def answer(db: Session, case: Verification, by: uuid.UUID, text: str) -> None:
    """Answer what the onboarding team asked: their clock runs again, with the working days that it had left."""
    if case.waiting_since is None:
        raise NothingAsked(hint="Your answer may have arrived already.")
    due_at = working_days.moved(case.due_at, case.waiting_since, now())
    if not case.answered(db, text, due_at):
        raise NothingAsked(hint="Your answer may have arrived already.")
    audit.record(db, "case.answered", actor=by, school=case.school_id, subject=case.id)
