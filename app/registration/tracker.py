"""`/register/next`: where the registration stands, the code for our call, questions either way, and what comes next.

For the browser that registered the school, for 72 hours; later, and elsewhere, for its Estab Admin who signs in.
A school that was Rejected or Closed is told so, and why, and sends us nothing from here. Its admin may still sign in,
with every session until then ended, only to read that.
"""

import dataclasses
import datetime as dt
import re
import uuid
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotAllowed, Problem
from app.models import event
from app.models.account import ADMIN, Account
from app.models.base import ago, now
from app.models.establishment import Establishment
from app.models.school import CLOSED, REJECTED, UNVERIFIED, Registration, School
from app.models.verification import WAITING, WRONG_NUMBER, Call, Verification
from app.notify import messages
from app.registration import hours, limits, service, visit
from app.registration.details import QuestionForm
from app.secrets import unseal
from app.settings import settings
from app.signin.session import at_school, visitor
from app.web import invited, remembered
from app.web.forms import Fault, Posted, shown, status_of
from app.web.pages import day, page, see_other
from app.web.telephone import phone

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
            if party.school.status in (REJECTED, CLOSED):
                raise NotAllowed(hint="Ring us instead.")
            text = _text(sent, "question")
            limits.question(party.school.id)
            who = party.account
            messages.support_request(db, school=party.school, name=who.name, email=who.email, text=text)
    except NotAllowed:
        raise
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
    is_by_letter = _is_by_letter(db, party, case, establishment)
    is_confirmed = bool(case and case.confirmed_by)
    code = ""
    is_code_wanted = school.status == UNVERIFIED and not is_confirmed and not is_by_letter
    if case and case.is_open and is_code_wanted and not case.is_code_dead:
        code = unseal(case.readback_sealed, "readback")
    return page(
        request,
        "registration/next.html",
        status,
        school=school,
        case=case,
        establishment=establishment,
        code=code,
        is_by_letter=is_by_letter,
        is_confirmed=is_confirmed,
        is_answer_news=bool(case and case.answer and _is_answer_news(db, case)),
        is_waiting=bool(case and case.state == WAITING),
        is_signed_in=party.is_signed_in,
        steps=_steps(school, case, establishment, is_by_letter),
        is_support_open=hours.is_open(settings.support_hours, now()),
        written=written,
        asked_by=_asked_by(request, db, party),
        **more,
    )


def _asked_by(request: Request, db: Session, party: Party) -> dict[str, str] | None:
    """The app whose request, or invitation, waits for this school, and where it goes on."""
    if waiting := remembered.pending(request, db):
        return {"name": waiting[1].name, "path": _onward(party, remembered.path(waiting[0]))}
    invitation = invited.pending(request, db, (party.school.urn,))
    if invitation is None:
        return None
    return {"name": invitation.app.name, "path": _onward(party, invited.path(invitation))}


def _onward(party: Party, path: str) -> str:
    """To the partner's request, past the page that would tell who has just registered to register."""
    return path if party.is_signed_in else f"/sign-in?next={path}"


def _is_by_letter(db: Session, party: Party, case: Verification | None, establishment: Establishment | None) -> bool:
    """Whether a letter has to reach the school: no number in the register, or one that is not the school's."""
    number = _digits(establishment.telephone if establishment else None)
    if not number or number == _digits(party.account.mobile):
        return True
    return bool(case and any(call.outcome == WRONG_NUMBER for call in Call.of(db, case.id)))


def _is_answer_news(db: Session, case: Verification) -> bool:
    """Whether nothing has happened in the case since the school answered our question."""
    happened = (row.action for row in event.of_school(db, case.school_id) if row.action.startswith("case."))
    newest = next((action for action in happened if action not in ("case.taken", "case.released")), "")
    return newest == "case.answered"


def _steps(
    school: School, case: Verification | None, establishment: Establishment | None, is_by_letter: bool
) -> list[dict[str, str]]:
    """The registration as a tracker shows it: done, going on, to come."""
    is_going_on, is_confirmed = school.status == UNVERIFIED, bool(case and case.confirmed_by)
    reach = {"title": "A letter to your school" if is_by_letter else "A call to your school", "state": "done"}
    decide = {"title": "A second person decides", "state": "done"}
    if is_going_on:
        reach["state"], decide["state"] = ("done", "current") if is_confirmed else ("current", "next")
        (decide if is_confirmed else reach)["when"] = _target(case, is_by_letter and not is_confirmed)
    number = phone(establishment.telephone) if establishment else ""
    if is_confirmed or school.status != REJECTED:
        is_past = is_confirmed or not is_going_on
        if is_by_letter:
            reach["text"] = (
                "Your school read the code of our letter to us."
                if is_past
                else "It has a code, which your school reads to us."
            )
        else:
            verb = "rang" if is_past else "ring"
            reach["text"] = f"We {verb} {number}, the school’s number in the national register."
    end = {"title": "Verified", "state": "next", "text": "Apps that you authorise can read the data you allow them."}
    if not is_going_on:
        end = {"title": school.status, "state": "done", "when": day(school.status_at)}
    middle = [reach, decide] if school.status != REJECTED or is_confirmed else []
    return [{"title": "Registered", "state": "done", "when": day(school.registered_at)}, *middle, end]


def _target(case: Verification | None, is_by_letter: bool) -> str:
    """When the step that goes on will be done, or what it waits for. The post keeps no date of ours."""
    if case is None:
        return ""
    if case.state == WAITING:
        return "We go on when you have answered our question"
    if is_by_letter:
        within = f"We post it within {settings.verification_target_days} working days"
        return f"Posted on {day(case.letter_sent_at)}" if case.letter_sent_at else within
    if case.due_at < now():
        return "This takes us longer than we aimed for. You need not do anything"
    return f"By 5pm on {_weekday(case.due_at)}"


def _digits(number: str | None) -> str:
    """The end of a telephone number, the same with and without +44."""
    return re.sub(r"\D", "", number or "")[-10:]


def _weekday(moment: dt.datetime) -> str:
    return f"{moment:%A} {day(moment)}"


def _text(sent: dict[str, str], field: str) -> str:
    return QuestionForm.model_validate({"text": sent.get(field, "")}).text


def _again(request: Request, wrong: ValidationError | Problem, sent: dict[str, str], field: str) -> Response:
    status = status_of(wrong)
    on_page = "" if isinstance(wrong, service.NothingAsked) else field
    problems = [Fault(fault.text, on_page) for fault in shown(wrong, QuestionForm)]
    with sessions.read() as db:
        return _shown(request, db, _party(request, db), status, sent=sent, problems=problems)
