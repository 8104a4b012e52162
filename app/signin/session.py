"""Who is signed in. The browser holds a 256-bit secret, the database its digest and what is still to do.

The id is new at each step, so that an id from before a step is worth nothing after it. A session ends, server-side,
when it was idle, 12 hours after it began, or when somebody ends it.
"""

import dataclasses
import uuid
from collections.abc import Iterable
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response

from app.db import DatabaseAway, PoolExhausted, reads_only, sessions
from app.db import Session as Database
from app.errors import NotAllowed, NotFound, SignInNeeded
from app.models.account import (
    ADMIN,
    CHANGE_PASSWORD,
    CODE,
    DONE,
    ENROL,
    Account,
    Membership,
    SecondStep,
    Session,
)
from app.models.base import ago, ahead, now
from app.models.partner import Partner
from app.models.passkey import Passkey
from app.models.school import School
from app.secrets import digest, new_secret, well_formed
from app.settings import settings
from app.signin import menu
from app.web import cookies
from app.web.throttle import network

log = structlog.get_logger()

SECOND = frozenset(("otp", "hwk"))  # RFC 8176 amr values of a code and of a passkey
STEP_PATHS = {CODE: "/sign-in/code", CHANGE_PASSWORD: "/account/first-password", ENROL: "/account/authenticator"}


@dataclasses.dataclass(frozen=True)
class Person:
    """An account in a session, with the roles that it holds now."""

    account: Account
    session: Session
    memberships: list[Membership]

    @property
    def operator_role(self) -> str | None:
        """Caller, approver or admin of the onboarding team; None for everybody else."""
        return next((held.role for held in self.memberships if held.is_operator), None)

    @property
    def school_id(self) -> uuid.UUID | None:
        """The school that the person works for now: the one chosen, else the first."""
        ids = [held.school_id for held in self.memberships if held.school_id]
        return self.session.school_id if self.session.school_id in ids else next(iter(ids), None)

    @property
    def roles_at_school(self) -> set[str]:
        """What the person is at the school that they work for now."""
        return {held.role for held in self.memberships if held.school_id and held.school_id == self.school_id}

    @property
    def partner_id(self) -> uuid.UUID | None:
        """The partner that the person works for."""
        return next((held.partner_id for held in self.memberships if held.partner_id), None)

    @property
    def home(self) -> str:
        """The first page of somebody with these roles."""
        return self.entries[0][1]

    @property
    def entries(self) -> list[tuple[str, str]]:
        """(words, path) of the main menu."""
        at_partner = self.partner_id is not None
        return menu.entries(self.roles_at_school, at_partner=at_partner, operator_role=self.operator_role)


@dataclasses.dataclass(frozen=True)
class Shown:
    """What the layout says of the person: `navigation` holds {text, href, current}."""

    name: str
    school_name: str
    navigation: list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Going:
    """Somebody one step further on: `secret` is what their browser must be given now."""

    person: Person
    secret: str


def opened(request: Request, db: Database) -> Person | None:
    """The person whose session this is, whatever step of signing in they are at."""
    secret = request.cookies.get(cookies.name(), "")
    session = Session.live(db, digest(secret)) if well_formed(secret, "gh_ss") else None
    account = db.get(Account, session.account_id) if session else None
    if session is None or account is None or account.ended_at is not None:
        return None
    person = Person(account, session, Membership.of(db, account.id))
    idle = settings.operator_idle_seconds if person.operator_role else settings.session_idle_seconds
    if session.seen_at <= ago(idle):
        return None
    _note(db, session)
    return person


def visitor(request: Request, db: Database) -> Person | None:
    """The person who is fully signed in, if there is one."""
    person = opened(request, db)
    if person is None or person.session.step != DONE:
        return None
    _show(request, db, person)
    return person


def known(request: Request) -> None:
    """Let a page that is for everybody say who is signed in. With the database away it says nothing of them."""
    if cookies.name() not in request.cookies or hasattr(request.state, "person"):
        return
    try:
        with sessions.read() as db:
            visitor(request, db)
    except (DatabaseAway, PoolExhausted):
        log.warning("could not look up who is signed in")


def signed_in(request: Request, db: Database) -> Person:
    """The person who is fully signed in. Raises SignInNeeded with the step that is open."""
    person = opened(request, db)
    if person is None or person.session.step != DONE:
        raise SignInNeeded(step_path(person) if person else "/sign-in")
    _show(request, db, person)
    return person


def at_school(request: Request, db: Database, *roles: str) -> tuple[Person, School]:
    """Somebody who has one of the roles (Admin when none is named) at the school that they work for now."""
    person = signed_in(request, db)
    school = School.by_id(db, person.school_id) if person.school_id else None
    if school is None or person.roles_at_school.isdisjoint(roles or (ADMIN,)):
        raise NotAllowed(hint="Ask the Estab Admin of your school to do it, or to give you that role.")
    return person, school


def at_partner(request: Request, db: Database) -> tuple[Person, Partner]:
    """Somebody who works for a partner that is not suspended."""
    person = signed_in(request, db)
    partner = db.get(Partner, person.partner_id) if person.partner_id else None
    if partner and partner.suspended_at:
        raise NotAllowed(hint=f"{partner.name} is suspended, and nothing of it works until we resume it. Ask us why.")
    if partner is None:
        raise NotAllowed(hint="This page is for people of a partner. Ask us if you should be one.")
    return person, partner


def operator(request: Request, db: Database, *roles: str) -> Person:
    """A member of the onboarding team who has one of the roles; any of them when none is named."""
    person = signed_in(request, db)
    if person.operator_role is None or (roles and person.operator_role not in roles):
        raise NotAllowed(hint="This page is for the onboarding team, or for another role in it.")
    return person


def recently(person: Person, seconds: int) -> bool:
    """Whether the person typed their password in this session that short a while ago; else see `/account/confirm`."""
    return person.session.proved_at > ago(seconds)


def choose_school(db: Database, person: Person, school_id: uuid.UUID) -> None:
    """Work for another of one's schools from now on. Raises NotFound for a school that is not one's own."""
    if school_id not in {held.school_id for held in person.memberships}:
        raise NotFound
    person.session.school_id = school_id
    db.flush()


def start(
    request: Request, db: Database, account: Account, next_path: str | None, methods: tuple[str, ...] = ("pwd",)
) -> Going | None:
    """Open a session for somebody who proved by `methods` who they are; what this browser had before ends.

    None when the account ended, or got another password, after it was read.
    """
    current = db.get(Account, account.id)
    if current is None or current.ended_at is not None or current.password_hash != account.password_hash:
        return None
    if before := opened(request, db):
        before.session.end(db)
    secret, moment = new_secret("gh_ss"), now()
    session = Session(
        digest=digest(secret),
        account_id=current.id,
        step=next_step(db, current, methods),
        signed_in_at=moment,
        proved_at=moment,
        expires_at=ahead(settings.session_seconds),
        methods=[*methods],
        next_path=next_path,
        address=network(request),
        device=request.headers.get("user-agent", "")[:200],
    )
    db.add(session)
    db.flush()
    return Going(Person(current, session, Membership.of(db, current.id)), secret)


def go_on(db: Database, person: Person, *methods: str, **values: Any) -> Going | None:
    """Leave the session's step for the next under a new id; None when another request did so, or ended it, before."""
    secret = new_secret("gh_ss")
    used = [*dict.fromkeys([*person.session.methods, *methods])]
    if not SECOND.isdisjoint(used) and "mfa" not in used:
        used.append("mfa")
    if person.session.step != DONE:
        values["signed_in_at"] = now()
    step = next_step(db, person.account, used)
    session = person.session.advance(db, digest(secret), step, methods=used, **values)
    return Going(dataclasses.replace(person, session=session), secret) if session else None


def next_step(db: Database, account: Account, methods: Iterable[str]) -> str:
    """What is still to do: the second step, then a password of one's own, then setting a second step up."""
    second = SecondStep.of(db, account.id) is not None or bool(Passkey.of(db, account.id))
    if second and SECOND.isdisjoint(methods):
        return CODE
    if account.password_must_change:
        return CHANGE_PASSWORD
    if not second and needs_second_step(account):
        return ENROL
    return DONE


def needs_second_step(account: Account) -> bool:
    """Everybody does; tests may have one account that does not."""
    return account.needs_second_step or settings.environment != "test"


def end_all(db: Database, account_id: uuid.UUID) -> None:
    """Sign an account out everywhere."""
    Session.end_all(db, account_id)


def step_path(person: Person) -> str:
    """The page of the step that is open; the person's home when none is."""
    return STEP_PATHS.get(person.session.step, person.home)


def hand_over(response: Response, secret: str) -> None:
    """Give the browser its session's secret."""
    cookies.put(response, "", secret)


def _note(db: Database, session: Session) -> None:
    if session.seen_at > ago(60):
        return
    if not reads_only(db):
        session.seen(db)
        return
    try:
        with sessions.begin() as own:
            session.seen(own)
    except DatabaseAway as away:  # the page can be read all the same
        log.warning("could not note that a session was used", error=type(away).__name__)


def _show(request: Request, db: Database, person: Person) -> None:
    school = School.by_id(db, person.school_id) if person.school_id else None
    navigation = menu.shown(request.url.path, person.entries)
    request.state.person = Shown(person.account.name, school.name if school else "", navigation)
