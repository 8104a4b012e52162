"""`/onboarding/access`: who has lost a second step, which Admin has left, and what we do about it."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotAllowed, NotFound, Problem, SignInNeeded
from app.models.access_case import ADMIN_LEFT, CONFIRMED, NEW, AccessCall, AccessCase
from app.models.account import ADMIN, Account
from app.models.base import now
from app.models.establishment import Establishment
from app.models.school import School
from app.models.verification import HEARD
from app.onboarding import access_cases, access_letters
from app.onboarding.cases import DECIDERS, TEAM
from app.onboarding.forms import CallForm, LetterCodeForm, Nothing, ReasonForm
from app.onboarding.routes import PageNumber
from app.signin.session import operator
from app.web.forms import Fault, Posted, shown, status_of
from app.web.pages import page, see_other

router = APIRouter(prefix="/onboarding/access", include_in_schema=False)

FIELDS_OF_A_CALL = ("number", "outcome", "heard", "person", "call_notes")
DONE = {
    "called": "The call is in the log",
    "confirmed": "The school has confirmed. Another person now approves",
    "approved": "Everybody concerned has been told, and may stop it until the window ends",
    "refused": "The case has ended. Everybody concerned has been told",
}


class NotChosen(Problem):
    status = 422
    title = "Choose who has left"


@router.get("")
def ask(request: Request, ended: str = "", page_number: PageNumber = 1) -> Response:
    """The cases in hand, oldest first; or those that ended."""
    with sessions.read() as db:
        operator(request, db, *TEAM)
        rows, more = AccessCase.with_schools(db, not ended, page_number)
    context = {"ended": bool(ended), "page_number": page_number, "more": more}
    return page(request, "onboarding/access_queue.html", 200, rows=rows, **context)


@router.get("/{case_id}")
def see(request: Request, case_id: uuid.UUID, done: str = "") -> Response:
    """One case: who asks, the number to ring, the calls, the decision."""
    return _shown(request, case_id, notice=DONE.get(done, ""))


@router.post("/{case_id}/call")
def log_call(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    """Write a call into the log; with the right code the case is Confirmed."""

    def work(db: Session, case: AccessCase, school: School, me: Account, form: CallForm) -> Problem | None:
        facts = {"number": form.number, "person": form.person, "outcome": form.outcome}
        return access_cases.log_call(db, case, school, me, heard=form.heard, notes=form.call_notes, **facts)

    return _act(request, case_id, sent, work, "confirmed" if sent.get("outcome") == HEARD else "called", form=CallForm)


@router.post("/{case_id}/letter")
def send_letter(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    """Print a letter to the head, with a code that this page shows once."""
    printed: dict[str, Any] = {}

    def work(db: Session, case: AccessCase, school: School, me: Account, _: BaseModel) -> None:
        printed["code"] = access_letters.send(db, case, school, me)
        printed["establishment"] = Establishment.by_urn(db, school.urn)
        printed.update(who=case.name, about=case.kind, today=now(), back=f"/onboarding/access/{case_id}")

    answer = _act(request, case_id, sent, work, "")
    return page(request, "onboarding/letter.html", **printed) if answer.status_code == 303 else answer


@router.post("/{case_id}/letter-code")
def hear_letter(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    """The school rang and read out the code of our letter."""

    def work(db: Session, case: AccessCase, school: School, me: Account, form: LetterCodeForm) -> Problem | None:
        facts = {"person": form.letter_person, "heard": form.letter_heard, "notes": form.letter_notes}
        return access_letters.hear(db, case, school, me, **facts)

    return _act(request, case_id, sent, work, "confirmed", form=LetterCodeForm)


@router.post("/{case_id}/approve")
def approve(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    """Open the window for objections; never by the one who heard the code."""

    def work(db: Session, case: AccessCase, school: School, me: Account, _: BaseModel) -> None:
        left = None
        if case.kind == ADMIN_LEFT:
            admins = {str(admin.id): admin.id for admin in Account.of_school(db, school.id, ADMIN)}
            left = admins.get(sent.get("left", ""))
            if left is None and sent.get("left") != "nobody":
                raise NotChosen(field="left")
        access_cases.approve(db, case, school, me, left)

    return _act(request, case_id, sent, work, "approved", roles=DECIDERS)


@router.post("/{case_id}/refuse")
def refuse(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    def work(db: Session, case: AccessCase, school: School, me: Account, form: ReasonForm) -> None:
        access_cases.refuse(db, case, school, me, form.reason)

    return _act(request, case_id, sent, work, "refused", form=ReasonForm, roles=DECIDERS)


def _act(
    request: Request,
    case_id: uuid.UUID,
    sent: dict[str, str],
    work: Callable[[Session, AccessCase, School, Account, Any], Problem | None],
    done: str,
    *,
    form: type[BaseModel] = Nothing,
    roles: tuple[str, ...] = TEAM,
) -> Response:
    """Do one thing to a case in one write unit, then lead back to its page; or show the page with what is wrong."""
    try:
        with sessions.begin() as db:
            person = operator(request, db, *roles)
            case, school = access_cases.find(db, case_id)
            wrong: Problem | ValidationError | None = work(db, case, school, person.account, form.model_validate(sent))
    except (SignInNeeded, NotAllowed, NotFound):
        raise
    except (Problem, ValidationError) as refused:
        wrong = refused
    if wrong is None:
        return see_other(f"/onboarding/access/{case_id}?done={done}")
    status = status_of(wrong)
    return _shown(request, case_id, status, sent=sent, problems=shown(wrong, form))


def _shown(
    request: Request, case_id: uuid.UUID, status: int = 200, *, problems: Sequence[Fault] = (), **context: Any
) -> Response:
    with sessions.read() as db:
        person = operator(request, db, *TEAM)
        case, school = access_cases.find(db, case_id)
        made = AccessCall.of(db, case.id)
        establishment = Establishment.by_urn(db, school.urn)
        number, letter = access_cases.number_to_ring(db, case, school), access_letters.newest(made)
        who = [case.confirmed_by, case.decided_by, case.account_id, *(call.called_by for call in made)]
        context |= {
            "case": case,
            "school": school,
            "number": number,
            "calls": made,
            "letter": letter,
            "needs_letter": access_letters.is_needed(made, number),
            "address": establishment.address if establishment else "",
            "names": Account.names(db, who),
            "admins": Account.of_school(db, school.id, ADMIN),
            "me": person.account,
            "decides": person.operator_role in DECIDERS,
        }
    # A form that is not there any more cannot be pointed at.
    there = {"reason"} | ({"left"} if case.state == CONFIRMED else set())
    if case.state == NEW:
        there |= set(FIELDS_OF_A_CALL) if number else set()
        there |= set(LetterCodeForm.model_fields) if letter and letter.called_by != person.account.id else set()
    told = [fault if fault.field in there else Fault(fault.text) for fault in problems]
    return page(request, "onboarding/access_case.html", status, problems=told, **context)
