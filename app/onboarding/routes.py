"""The onboarding team's pages: the queue, one case, and what is done with it."""

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotAllowed, NotFound, Problem, SignInNeeded
from app.models import queue
from app.models.account import Account
from app.models.base import now
from app.models.establishment import Establishment
from app.models.school import School
from app.models.verification import APPROVED, HEARD, OPEN_STATES, OUR_STATES, REJECTED, WAITING, Verification
from app.onboarding import calls, cases, decisions, forms
from app.onboarding.cases import DECIDERS, TEAM
from app.onboarding.dossier import clock, gather, short
from app.signin.session import Person, operator
from app.web.forms import Fault, Posted, shown, status_of
from app.web.pages import page, see_other

router = APIRouter(prefix="/onboarding", include_in_schema=False)

PageNumber = Annotated[int, Query(alias="page", ge=1, le=100_000)]
TO_DO, ALL = "To do", "All"
FILTERS: dict[str, tuple[str, ...]] = {
    TO_DO: OUR_STATES,
    **{state: (state,) for state in (*OPEN_STATES, APPROVED, REJECTED)},
    ALL: (*OPEN_STATES, APPROVED, REJECTED),
}
DONE = {
    "taken": "You have taken this case",
    "released": "The case is free for somebody else",
    "called": "The call is in the log",
    "confirmed": "The school has confirmed. Another person now approves",
    "noted": "The note is saved",
    "planned": "The next call is planned",
    "asked": "The school has been asked. Our time stops until it answers",
    "answered": "The answer is written down. Our time runs again",
    "replaced": "There is a new code on the registrant’s page",
    "approved": "The school is Verified. The registrant has been told",
    "rejected": "The registration is rejected. The registrant has been told",
}


@router.get("")
def ask(request: Request, state: str = "", q: str = "", mine: str = "", page_number: PageNumber = 1) -> Response:
    """The queue, oldest due first. A search without a state looks through every case."""
    words = q.replace("\x00", "").strip()[:200]
    chosen = state if state in FILTERS else ALL if words else TO_DO
    with sessions.read() as db:
        person = operator(request, db, *TEAM)
        by, states = (person.account.id, OPEN_STATES) if mine else (None, FILTERS[chosen])
        rows, total = queue.cases(db, states, words, by, page_number)
        counts, overdue = queue.counts(db, words), queue.overdue(db, now(), words)
        mine_count = queue.taken(db, person.account.id)
    numbers = {name: sum(counts.get(each, 0) for each in states) for name, states in FILTERS.items()}
    pages = -(-total // queue.PAGE_ROWS)
    return page(
        request,
        "onboarding/queue.html",
        rows=[(row, clock(row.case, now())) for row in rows],
        total=total,
        numbers=numbers,
        overdue=overdue,
        mine_count=mine_count,
        waiting=numbers[WAITING],
        chosen="" if mine else chosen,
        mine=bool(mine),
        words=words,
        me=person.account,
        short=short,
        page_number=min(page_number, pages),
        pages=pages,
    )


@router.get("/cases/{case_id}")
def see(request: Request, case_id: uuid.UUID, done: str = "") -> Response:
    """One case: the register beside what was typed, the evidence, the call, the decision."""
    return _shown(request, case_id, notice=DONE.get(done, ""))


@router.post("/cases/{case_id}/take")
def take(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    return _act(request, case_id, sent, lambda at, _: cases.take(at.db, at.case, at.me.id), "taken")


@router.post("/cases/{case_id}/release")
def release(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    return _act(request, case_id, sent, lambda at, _: cases.release(at.db, at.case, at.me, at.role), "released")


@router.post("/cases/{case_id}/call")
def log_call(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    """Write a call into the log; with the right code the case is Confirmed."""

    def work(at: "At", form: forms.CallForm) -> Problem | None:
        return calls.log_call(
            at.db,
            at.case,
            at.school,
            at.me.id,
            number=form.number,
            person=form.person,
            outcome=form.outcome,
            heard=form.heard,
            notes=form.call_notes,
            next_call_at=form.next_call,
        )

    done = "confirmed" if sent.get("outcome") == HEARD else "called"
    return _act(request, case_id, sent, work, done, form=forms.CallForm)


@router.post("/cases/{case_id}/letter")
def send_letter(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    """Print a letter to the head, with a code that this page shows once."""
    printed: dict[str, Any] = {}

    def work(at: "At", _: BaseModel) -> None:
        printed["code"] = calls.send_letter(at.db, at.case, at.school, at.me.id)
        printed["establishment"] = Establishment.by_urn(at.db, at.school.urn)
        registrant = calls.registrant(at.db, at.school)
        printed.update(who=registrant.name if registrant else "", about="registration", today=now())
        printed["back"] = f"/onboarding/cases/{case_id}"

    answer = _act(request, case_id, sent, work, "")
    return page(request, "onboarding/letter.html", **printed) if answer.status_code == 303 else answer


@router.post("/cases/{case_id}/letter-code")
def hear_letter(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    """The school rang and read out the code of our letter."""

    def work(at: "At", form: forms.LetterCodeForm) -> Problem | None:
        heard = {"person": form.letter_person, "heard": form.letter_heard, "notes": form.letter_notes}
        return calls.hear_letter(at.db, at.case, at.school, at.me.id, **heard)

    return _act(request, case_id, sent, work, "confirmed", form=forms.LetterCodeForm)


@router.post("/cases/{case_id}/new-code")
def replace_code(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    def work(at: "At", _: BaseModel) -> None:
        cases.replace_code(at.db, at.case, at.school, at.me.id)

    return _act(request, case_id, sent, work, "replaced", roles=DECIDERS)


@router.post("/cases/{case_id}/next-call")
def plan(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    def work(at: "At", form: forms.PlanForm) -> None:
        cases.plan(at.db, at.case, form.planned)

    return _act(request, case_id, sent, work, "planned", form=forms.PlanForm)


@router.post("/cases/{case_id}/note")
def note(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    def work(at: "At", form: forms.NoteForm) -> None:
        cases.note(at.db, at.case, at.me.id, form.note)

    return _act(request, case_id, sent, work, "noted", form=forms.NoteForm)


@router.post("/cases/{case_id}/ask")
def ask_for_more(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    def work(at: "At", form: forms.QuestionForm) -> None:
        cases.ask(at.db, at.case, at.school, at.me.id, form.question)

    return _act(request, case_id, sent, work, "asked", form=forms.QuestionForm)


@router.post("/cases/{case_id}/answer")
def write_down_answer(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    def work(at: "At", form: forms.AnswerForm) -> None:
        cases.write_down_answer(at.db, at.case, at.me.id, form.answer)

    return _act(request, case_id, sent, work, "answered", form=forms.AnswerForm)


@router.post("/cases/{case_id}/approve")
def approve(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    def work(at: "At", _: BaseModel) -> None:
        decisions.approve(at.db, at.case, at.school, at.me.id)

    return _act(request, case_id, sent, work, "approved", roles=DECIDERS)


@router.post("/cases/{case_id}/reject")
def reject(request: Request, case_id: uuid.UUID, sent: Posted) -> Response:
    def work(at: "At", form: forms.ReasonForm) -> None:
        decisions.reject(at.db, at.case, at.school, at.me.id, form.reason)

    return _act(request, case_id, sent, work, "rejected", form=forms.ReasonForm, roles=DECIDERS)


@dataclasses.dataclass(frozen=True)
class At:
    """A case inside a write unit, and who works on it."""

    db: Session
    case: Verification
    school: School
    me: Account
    role: str


def _act(
    request: Request,
    case_id: uuid.UUID,
    sent: dict[str, str],
    work: Callable[[At, Any], Problem | None],
    done: str,
    *,
    form: type[BaseModel] = forms.Nothing,
    roles: tuple[str, ...] = TEAM,
) -> Response:
    """Do one thing to a case in one write unit, then lead back to its page; or show the page with what is wrong."""
    try:
        with sessions.begin() as db:
            person = operator(request, db, *roles)
            case, school = cases.find(db, case_id)
            check_apart(person, school)
            at = At(db, case, school, person.account, person.operator_role or "")
            wrong: Problem | ValidationError | None = work(at, form.model_validate(sent))
    except (SignInNeeded, NotAllowed, NotFound):
        raise
    except (Problem, ValidationError) as refused:
        wrong = refused
    if wrong is None:
        return see_other(f"/onboarding/cases/{case_id}?done={done}")
    status = status_of(wrong)
    return _shown(request, case_id, status, sent=sent, problems=shown(wrong, form))


def _shown(
    request: Request, case_id: uuid.UUID, status: int = 200, *, problems: Sequence[Fault] = (), **context: Any
) -> Response:
    with sessions.read() as db:
        person = operator(request, db, *TEAM)
        case, school = cases.find(db, case_id)
        dossier = gather(db, case, school, person)
    told = [fault if fault.field in dossier.fields else Fault(fault.text) for fault in problems]
    return page(request, "onboarding/case.html", status, dossier=dossier, problems=told, **context)


def check_apart(person: Person, school: School) -> None:
    """Nobody works on the case of a school that they belong to themselves."""
    if any(held.school_id == school.id for held in person.memberships):
        raise NotAllowed(hint="You belong to this school. Another operator must do this.")
