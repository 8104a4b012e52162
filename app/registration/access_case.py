"""What only a call to the school can give back: a second step, or an Admin. Asking for it, following it, stopping it.

The asker has a page, in this browser and by a mailed link, with the code that the school reads out when we ring the
number in the register. Everybody concerned has a link that stops it.
"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.audit import record
from app.db import Session, sessions
from app.errors import NotFound
from app.models.access_case import LOST_SECOND_STEP, NEW, WINDOW, AccessCall, AccessCase
from app.models.account import CODE, Account
from app.models.establishment import Establishment
from app.models.school import School
from app.notify import messages
from app.registration import readback
from app.secrets import digest, new_secret, seal, unseal, well_formed
from app.settings import settings
from app.signin.flow import elsewhere
from app.signin.session import Person, opened
from app.web import cookies
from app.web.forms import Posted
from app.web.pages import page, see_other
from app.web.throttle import Limit, Try

router = APIRouter(include_in_schema=False)

VISIT, STOP = "/account/access", "/account/access/stop"
LETTER_SENT = "letter sent"  # what the log of calls says of a letter to the head
WEEK = 7 * 86_400
_asked = Limit(3, 86_400)  # of one account


def begin(
    db: Session,
    kind: str,
    school: School,
    *,
    account: Account | None,
    name: str,
    email: str,
    mobile: str | None,
    said: str | None = None,
) -> str:
    """Open a case and mail its page to the asker; the secret of that page. `said`: words about who has left."""
    secret = new_secret("gh_av")
    case = AccessCase(
        school_id=school.id,
        kind=kind,
        account_id=account and account.id,
        name=name,
        email=email,
        mobile=mobile,
        readback_sealed=seal(readback.new(), "readback"),
        visit_digest=digest(secret),
        stop_digest=digest(new_secret("gh_as")),  # nobody's: the link is made when there is something to stop
        reason=said,
    )
    db.add(case)
    db.flush()
    messages.access_case_opened(db, case, school, f"{settings.issuer}{VISIT}?link={secret}")
    actor = account.id if account and account.email == email else None
    record(db, "access.asked", actor=actor, school=school.id, subject=case.id, kind=kind)
    return secret


@router.get("/account/lost-second-step")
def ask(request: Request) -> Response:
    """For somebody whose password was right and who has no code."""
    with sessions.read() as db:
        person = opened(request, db)
        if person is None or person.session.step != CODE:
            return elsewhere(person)
        school = _school_of(db, person)
    return page(request, "registration/lost_second_step.html", school=school)


@router.post("/account/lost-second-step")
def submit(request: Request) -> Response:
    """Open a case about the account whose password was right."""
    with sessions.read() as db:
        person = opened(request, db)
        if person is None or person.session.step != CODE:
            return elsewhere(person)
        if _school_of(db, person) is None:
            return page(request, "registration/lost_second_step.html", school=None)
    Try(((_asked, person.account.id),)).count()
    with sessions.begin() as db:
        person = opened(request, db)
        school = _school_of(db, person) if person else None
        if person is None or school is None or person.session.step != CODE:
            return elsewhere(person)
        account = person.account
        contact: dict[str, Any] = {"name": account.name, "email": account.email, "mobile": account.mobile}
        secret = begin(db, LOST_SECOND_STEP, school, account=account, **contact)
    return lead(secret)


def lead(secret: str) -> Response:
    """To the page of a case, which this browser opens from now on without its link."""
    response = see_other(VISIT)
    cookies.put(response, "access", secret, WEEK)
    return response


@router.api_route(VISIT, methods=["GET", "HEAD"])
def follow(request: Request, link: str = "") -> Response:
    """How far a case is, and the code that the school reads out to us."""
    secret = link or request.cookies.get(cookies.name("access"), "")
    with sessions.read() as db:
        case = AccessCase.by_visit(db, digest(secret)) if well_formed(secret, "gh_av") else None
        if case is None:
            raise NotFound(hint="Ask again, or follow the link in our email.")
        school = School.by_id(db, case.school_id)
        establishment = Establishment.by_urn(db, school.urn) if school else None
        letter = next((call for call in AccessCall.of(db, case.id) if call.outcome == LETTER_SENT), None)
    code = unseal(case.readback_sealed, "readback") if case.state == NEW else ""
    context: dict[str, Any] = {"case": case, "school": school, "establishment": establishment, "code": code}
    context["letter_sent_at"] = letter.called_at if letter else None
    return page(request, "registration/access_case.html", **context)


@router.api_route(STOP, methods=["GET", "HEAD"])
def ask_stop(request: Request, link: str = "") -> Response:
    """Say what would happen. Opening it stops nothing: mail scanners follow links."""
    return _stopping(request, link)


@router.post(STOP)
def stop(request: Request, sent: Posted) -> Response:
    """Stop the case, for whoever has the link."""
    secret = sent.get("link", "")
    with sessions.begin() as db:
        case = _stoppable(db, secret)
        if case.stop(db):
            school = School.by_id(db, case.school_id)
            if school:
                messages.access_case_ended(db, case, school)
            record(db, "access.stopped", actor=None, school=case.school_id, subject=case.id, kind=case.kind)
    return _stopping(request, secret)


def _stopping(request: Request, secret: str) -> Response:
    with sessions.read() as db:
        case = _stoppable(db, secret)
        school = School.by_id(db, case.school_id)
        about = db.get(Account, case.account_id) if case.account_id else None
    context: dict[str, Any] = {
        "case": case,
        "school": school,
        "about": about,
        "link": secret,
        "is_on": case.state == WINDOW,
    }
    return page(request, "registration/access_stop.html", **context)


def _stoppable(db: Session, secret: str) -> AccessCase:
    case = AccessCase.by_stop(db, digest(secret)) if well_formed(secret, "gh_as") else None
    if case is None:
        raise NotFound(hint="Follow the link in our email, or ring us.")
    return case


def _school_of(db: Session, person: Person) -> School | None:
    """The school that can vouch for this account; None for whoever is more than a person of schools."""
    if any(held.school_id is None for held in person.memberships) or person.school_id is None:
        return None
    return School.by_id(db, person.school_id)
