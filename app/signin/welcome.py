"""One more person for a school, a partner or the onboarding team: a mailed link, and what they do with it.

The link shows the page as often as it is opened, and works once. Somebody without an account chooses a password and
then sets up a second step like everybody; somebody who has one gets the role, and nothing else, once signed in.
"""

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.audit import record
from app.db import Session, sessions
from app.errors import NotAllowed, Problem
from app.models import people
from app.models.account import Account, Membership
from app.models.base import ahead
from app.models.contact import Welcome
from app.models.partner import Partner
from app.models.school import CLOSED, REJECTED, School
from app.notify import messages
from app.secrets import digest, new_secret, well_formed
from app.settings import settings
from app.signin import passwords
from app.signin.flow import lead_on
from app.signin.session import Person, go_on, hand_over, opened, signed_in, start, visitor
from app.web import cookies
from app.web.forms import Posted, shown
from app.web.pages import page, see_other

router = APIRouter(include_in_schema=False)

PATH = "/account/welcome"
TEAM = "the Gatehouse onboarding team"


class DeadLink(Problem):
    """Nothing can be done with the link any more, or it never was one."""

    status = 410
    title = "This link does not work any more"

    def __init__(self) -> None:
        super().__init__("It was used, it was withdrawn, a newer one was sent, or it has run out. Ask for another one.")


def send(
    db: Session,
    *,
    name: str,
    email: str,
    role: str,
    school: School | None = None,
    partner: Partner | None = None,
    sent_by: Account | None,
) -> Welcome:
    """Mail somebody the link that gives them a role: at the school, at the partner, or (neither) in the team."""
    secret, email = new_secret("gh_wl"), email.lower()
    has = _account_of(db, email)
    made = Welcome(
        link_digest=digest(secret),
        school_id=school and school.id,
        partner_id=partner and partner.id,
        role=role,
        name=name,
        email=email,
        sent_by=sent_by and sent_by.id,
        expires_at=ahead(settings.welcome_seconds),
        account_id=has and has.id,
    )
    db.add(made)
    db.flush()
    messages.welcome(db, made, home(db, made), address(secret), sent_by)
    if school:
        messages.people_changed(db, school, "welcomed", made, role=role, by=sent_by)
    record(db, "person.welcomed", actor=made.sent_by, school=made.school_id, subject=made.id, role=role)
    return made


def send_again(db: Session, welcome: Welcome, sent_by: Account) -> None:
    """Mail a new link; the one before stops working. Raises DeadLink for one that was followed or withdrawn."""
    secret = new_secret("gh_wl")
    if not welcome.renew(db, digest(secret), ahead(settings.welcome_seconds)):
        raise DeadLink
    messages.welcome(db, welcome, home(db, welcome), address(secret), sent_by)
    record(db, "person.welcomed", actor=sent_by.id, school=welcome.school_id, subject=welcome.id, again=True)


def address(secret: str) -> str:
    return f"{settings.issuer}{PATH}?link={secret}"


def home(db: Session, welcome: Welcome) -> str:
    """What the person is welcomed to, by name."""
    school = School.by_id(db, welcome.school_id) if welcome.school_id else None
    partner = db.get(Partner, welcome.partner_id) if welcome.partner_id else None
    return school.name if school else partner.name if partner else TEAM


def read(db: Session, secret: str) -> Welcome:
    """The welcome that a link opens now; reading spends nothing. Raises DeadLink."""
    found = Welcome.by_link(db, digest(secret)) if well_formed(secret, "gh_wl") else None
    school = School.by_id(db, found.school_id) if found and found.school_id else None
    if found is None or not found.is_open or (school and school.status in (REJECTED, CLOSED)):
        raise DeadLink
    return found


def holder(db: Session, welcome: Welcome) -> Account | None:
    """The account that gets the role; None where one is made."""
    named = db.get(Account, welcome.account_id) if welcome.account_id else None
    return named if named and named.ended_at is None else _account_of(db, welcome.email)


def accept(db: Session, welcome: Welcome, account: Account) -> None:
    """Spend the link and give the account the role. Raises DeadLink to all but one caller."""
    if not welcome.spend(db):
        raise DeadLink
    has = people.membership_of(db, welcome.school_id, account.id) if welcome.school_id else None
    if has:
        School.locked(db, has.school_id or uuid.UUID(int=0))
        people.change_role(db, has, welcome.role)
    else:
        where = {"school_id": welcome.school_id, "partner_id": welcome.partner_id}
        db.add(Membership(account_id=account.id, role=welcome.role, **where))
        db.flush()
    school = School.by_id(db, welcome.school_id) if welcome.school_id else None
    if school:
        messages.people_changed(db, school, "joined", account, role=welcome.role)
    else:
        messages.account_changed(db, account, f"you have joined {home(db, welcome)}")
    record(db, "person.joined", actor=account.id, school=welcome.school_id, subject=welcome.id, role=welcome.role)


def _account_of(db: Session, email: str) -> Account | None:
    """The newest account with this address that can sign in."""
    found = [account for account in Account.by_login(db, email) if account.email == email]
    return next((account for account in found if not account.first_password_ran_out), None)


@router.api_route(PATH, methods=["GET", "HEAD"])
def ask(request: Request, link: str = "") -> Response:
    """Say who asks the person to do what. Opened as often as one likes: mail scanners follow links too."""
    secret = link or request.cookies.get(cookies.name("welcome"), "")
    response = _shown(request, secret)
    if link and response.status_code == 200:
        cookies.put(response, "welcome", link)  # signing in leads back here, without the link in its address
    return response


@router.post(PATH)
def submit(request: Request, sent: Posted) -> Response:
    """Take the role up: with a new account and its password, or with the account that one is signed in with."""
    secret = sent.get("link", "")
    try:
        with sessions.read() as db:
            welcome = read(db, secret)
            existing = holder(db, welcome)
            about = [welcome.name, welcome.email, welcome.email.partition("@")[0], "Gatehouse", home(db, welcome)]
        if existing:
            return _take_up(request, secret)
        hashed = passwords.chosen(sent, about, "")
        with sessions.begin() as db:
            welcome = read(db, secret)
            if holder(db, welcome):
                return see_other(PATH)  # it was made, by another link, a moment ago
            account = Account(name=welcome.name, email=welcome.email, password_hash=hashed)
            db.add(account)
            db.flush()
            going = start(request, db, account, None)
            accept(db, welcome, account)
            response = lead_on(request, db, going) if going else see_other("/sign-in")
    except DeadLink as dead:
        return _dead(request, dead)
    except passwords.NotGoodEnough as wrong:
        return _shown(request, secret, wrong)
    cookies.drop(response, "welcome")
    return response


def _take_up(request: Request, secret: str) -> Response:
    """Give the role to the account that is signed in, under a new session id. Raises DeadLink."""
    with sessions.begin() as db:
        person = signed_in(request, db)
        welcome = read(db, secret)
        owner = holder(db, welcome)
        if owner is None or owner.id != person.account.id:
            raise NotAllowed(
                hint="The link was sent to somebody else. Sign in with their account, or ask for your own."
            )
        going = go_on(db, person, school_id=welcome.school_id or person.session.school_id)
        accept(db, welcome, person.account)
        if going is None:
            raise DeadLink
        session = going.person.session
        response = see_other(Person(person.account, session, Membership.of(db, person.account.id)).home)
    hand_over(response, going.secret)
    cookies.drop(response, "welcome")
    return response


def _shown(request: Request, secret: str, wrong: Problem | None = None) -> Response:
    try:
        with sessions.read() as db:
            welcome = read(db, secret)
            owner, name = holder(db, welcome), home(db, welcome)
            person = visitor(request, db) if owner else opened(request, db)
            by = db.get(Account, welcome.sent_by) if welcome.sent_by else None
    except DeadLink as dead:
        return _dead(request, dead)
    faults = shown(wrong) if wrong else []
    context = {"welcome": welcome, "home": name, "owner": owner, "me": person, "by": by, "link": secret}
    return page(request, "signin/welcome.html", wrong.status if wrong else 200, problems=faults, **context)


def _dead(request: Request, dead: DeadLink) -> Response:
    response = page(request, "signin/welcome_dead.html", dead.status, hint=dead.hint)
    cookies.drop(response, "welcome")
    return response
