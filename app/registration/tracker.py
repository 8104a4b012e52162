"""`/register/next`: where the registration stands, the code for our call, questions either way, and what comes next.

For the browser that registered the school, for 72 hours; later, and elsewhere, for its Estab Admin who signs in.
"""

import dataclasses
import datetime as dt
import uuid
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import Problem
from app.models.account import ADMIN, Account
from app.models.base import ago, now
from app.models.establishment import Establishment
from app.models.school import UNVERIFIED, Registration, School
from app.models.verification import WAITING, Verification
from app.notify import messages
from app.registration import hours, limits, service, visit
from app.registration.details import QuestionForm
from app.secrets import unseal
from app.settings import settings
from app.signin.session import at_school, visitor
from app.web import remembered
from app.web.forms import Fault, Posted, shown
from app.web.pages import day, page, see_other

router = APIRouter(include_in_schema=False)


@dataclasses.dataclass(frozen=True)
class Party:
    """The school that a request is about, its Estab Admin, and whether that person signed in."""

    school: School
    account: Account
    is_signed_in: bool


@router.get("/register/next")
def ask(request: Request) -> Response:
    with sessions.read() as db:
        begun = visit.of(request).registration_id
        pending = Registration.by_id(db, begun) if begun else None
        if pending and not pending.is_complete and not visitor(request, db):
            return see_other("/register/check-your-email")
        return _shown(request, db, _party(request, db), written="sent" in request.query_params)


@router.post("/register/next/answer")
def answer(request: Request, sent: Posted) -> Response:
    """Answer what the onboarding team asked; its clock runs again."""
    try:
        with sessions.begin() as db:
            party = _party(request, db)
            text = _text(sent, "answer")
            case = Verification.of_school(db, party.school.id)
            if case is None:
                raise service.NothingAsked
            service.answer(db, case, party.account.id, text)
    except (ValidationError, Problem) as wrong:
        return _again(request, wrong, sent, "answer")
    return see_other("/register/next")


@router.post("/register/next/question")
def write(request: Request, sent: Posted) -> Response:
    """Write to our support, in its working hours or outside them."""
    try:
        with sessions.begin() as db:
            party = _party(request, db)
            text = _text(sent, "question")
            limits.question(party.school.id)
            who = party.account
            messages.support_request(db, school=party.school, name=who.name, email=who.email, text=text)
    except (ValidationError, Problem) as wrong:
        return _again(request, wrong, sent, "question")
    return see_other("/register/next?sent=yes")


def _party(request: Request, db: Session) -> Party:
    """Who is asking about which school: the one registered in this browser, or the one signed in to since.

    Raises SignInNeeded when there is neither.
    """
    person = visitor(request, db)
    registered = _of_browser(db, visit.of(request).school_id)
    if registered and (person is None or person.session.signed_in_at < registered.school.registered_at):
        return registered
    person, school = at_school(request, db)
    return Party(school, person.account, True)


def _of_browser(db: Session, school_id: uuid.UUID | None) -> Party | None:
    school = School.by_id(db, school_id) if school_id else None
    if school is None or school.registered_at < ago(settings.first_password_seconds):
        return None
    admins = Account.of_school(db, school.id, ADMIN)
    return Party(school, admins[0], False) if admins else None


def _shown(
    request: Request, db: Session, party: Party, status: int = 200, *, written: bool = False, **more: Any
) -> Response:
    school = party.school
    case = Verification.of_school(db, school.id)
    establishment = Establishment.by_urn(db, school.urn)
    waiting = remembered.pending(request, db)
    code = ""
    if case and case.is_open and school.status == UNVERIFIED and not case.is_code_dead:
        code = unseal(case.readback_sealed, "readback")
    return page(
        request,
        "registration/next.html",
        status,
        school=school,
        case=case,
        establishment=establishment,
        code=code,
        is_waiting=bool(case and case.state == WAITING),
        is_signed_in=party.is_signed_in,
        steps=_steps(school, case, establishment),
        is_support_open=hours.is_open(settings.support_hours, now()),
        written=written,
        asked_by=waiting and {"name": waiting[1].name, "path": remembered.path(waiting[0])},
        **more,
    )


def _steps(school: School, case: Verification | None, establishment: Establishment | None) -> list[dict[str, str]]:
    """The registration as a tracker shows it: done, going on, to come."""
    number = establishment.telephone if establishment else None
    by = f"By 5pm on {_weekday(case.due_at)}" if case else ""
    if case and case.state == WAITING:
        by = "We go on when you have answered our question"
    checking = "current" if school.status == UNVERIFIED else "done"
    how = f"We ring {number}, the school’s number in the national register." if number else "We write to the school."
    return [
        {"title": "Registered", "state": "done", "when": day(school.registered_at)},
        {
            "title": "We check the registration",
            "state": checking,
            "text": how,
            "when": by if checking != "done" else "",
        },
        {
            "title": "Verified" if school.status == UNVERIFIED else school.status,
            "state": "next" if school.status == UNVERIFIED else "done",
            "text": "Apps that you authorise can read the data you allow them." if checking != "done" else "",
            "when": day(school.status_at) if checking == "done" else "",
        },
    ]


def _weekday(moment: dt.datetime) -> str:
    return f"{moment:%A} {day(moment)}"


def _text(sent: dict[str, str], field: str) -> str:
    return QuestionForm.model_validate({"text": sent.get(field, "")}).text


def _again(request: Request, wrong: ValidationError | Problem, sent: dict[str, str], field: str) -> Response:
    status = 422 if isinstance(wrong, ValidationError) else wrong.status
    on_page = "" if isinstance(wrong, service.NothingAsked) else field
    problems = [Fault(fault.text, on_page) for fault in shown(wrong, QuestionForm)]
    with sessions.read() as db:
        return _shown(request, db, _party(request, db), status, sent=sent, problems=problems)
