"""Schools, whatever their status: finding one, and suspending, resuming and closing it.

That is for admins alone, who have just proved who they are.
"""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotAllowed, NotFound, Problem, SignInNeeded
from app.models import queue
from app.models.account import OPERATOR_ADMIN, Account, Membership
from app.models.authorisation import Authorisation
from app.models.establishment import Establishment
from app.models.school import CLOSED, REJECTED, SUSPENDED, UNVERIFIED, VERIFIED, School
from app.models.verification import Verification
from app.onboarding import decisions, register_changes, trail
from app.onboarding.cases import DECIDERS, TEAM
from app.onboarding.decisions import StatusChanged
from app.onboarding.forms import CloseForm, Nothing, ReasonForm
from app.onboarding.routes import PageNumber, check_apart
from app.signin.proof import lacking
from app.signin.session import operator
from app.web.forms import Fault, Posted, shown, status_of
from app.web.pages import page, see_other

router = APIRouter(prefix="/onboarding/schools", include_in_schema=False)

STANDING = (VERIFIED, SUSPENDED)
STATUSES = (UNVERIFIED, VERIFIED, SUSPENDED, REJECTED, CLOSED)
FILTERS = (*STATUSES, queue.RECHECK)
DONE = {
    "suspended": "The school is Suspended. No app reads its data",
    "resumed": "The school is Verified again",
    "rechecked": "What the register says now counts as checked",
    "closed": "The school is Closed, and all that it authorised has ended",
}


@router.get("")
def ask(request: Request, status: str = "", q: str = "", page_number: PageNumber = 1) -> Response:
    """Every registered school by name."""
    words, chosen = q.replace("\x00", "").strip()[:200], status if status in FILTERS else ""
    with sessions.read() as db:
        operator(request, db, *TEAM)
        rows, total = queue.schools(db, chosen, words, page_number)
        counts = queue.school_counts(db, words)
        _, to_check = queue.schools(db, queue.RECHECK, words)
    pages = -(-total // queue.PAGE_ROWS)
    return page(
        request,
        "onboarding/schools.html",
        rows=rows,
        total=total,
        numbers={"": sum(counts.values()), **{each: counts.get(each, 0) for each in STATUSES}, queue.RECHECK: to_check},
        chosen=chosen,
        words=words,
        page_number=min(page_number, pages),
        pages=pages,
    )


@router.get("/{school_id}")
def see(request: Request, school_id: uuid.UUID, done: str = "") -> Response:
    """One school: its people, what it authorised, and who decided what and when."""
    return _shown(request, school_id, notice=DONE.get(done, ""))


@router.post("/{school_id}/suspend")
def suspend(request: Request, school_id: uuid.UUID, sent: Posted) -> Response:
    """Stop every data call until the school is resumed."""

    def work(db: Session, school: School, by: uuid.UUID, form: ReasonForm) -> None:
        decisions.suspend(db, school, by, form.reason)

    return _change(request, school_id, sent, work, "suspended")


@router.post("/{school_id}/resume")
def resume(request: Request, school_id: uuid.UUID, sent: Posted) -> Response:
    """End a suspension."""

    def work(db: Session, school: School, by: uuid.UUID, form: ReasonForm) -> None:
        decisions.resume(db, school, by, form.reason)

    return _change(request, school_id, sent, work, "resumed")


@router.post("/{school_id}/close")
def close(request: Request, school_id: uuid.UUID, sent: Posted) -> Response:
    """End the school for good."""

    def work(db: Session, school: School, by: uuid.UUID, form: CloseForm) -> None:
        decisions.close(db, school, by, form.close_reason)

    return _change(request, school_id, sent, work, "closed", form=CloseForm)


@router.post("/{school_id}/checked")
def recheck(request: Request, school_id: uuid.UUID) -> Response:
    """Say that what the register says now was looked at and is right."""

    def work(db: Session, school: School, by: uuid.UUID, _: Nothing) -> None:
        register_changes.checked_again(db, school, by)

    return _act(request, school_id, {}, work, "rechecked", form=Nothing, roles=DECIDERS)


def _change(
    request: Request,
    school_id: uuid.UUID,
    sent: dict[str, str],
    work: Callable[[Session, School, uuid.UUID, Any], None],
    done: str,
    *,
    form: type[BaseModel] = ReasonForm,
) -> Response:
    """Change the status, for an admin who has just proved who they are; else their form comes back and asks for it."""
    with sessions.read() as db:
        person, school = operator(request, db, OPERATOR_ADMIN), _find(db, school_id)
        check_apart(person, school)
    if school.status not in STANDING:
        return _shown(request, school_id, StatusChanged.status, problems=shown(StatusChanged()))
    if late := lacking(request, person, sent):
        return _shown(request, school_id, 422, sent=sent, problems=late, to_prove=done)
    return _act(request, school_id, sent, work, done, form=form, roles=(OPERATOR_ADMIN,))


def _act(
    request: Request,
    school_id: uuid.UUID,
    sent: dict[str, str],
    work: Callable[[Session, School, uuid.UUID, Any], None],
    done: str,
    *,
    form: type[BaseModel],
    roles: tuple[str, ...],
) -> Response:
    try:
        with sessions.begin() as db:
            person = operator(request, db, *roles)
            school = _find(db, school_id)
            check_apart(person, school)
            work(db, school, person.account.id, form.model_validate(sent))
    except (SignInNeeded, NotAllowed, NotFound):
        raise
    except (Problem, ValidationError) as wrong:
        status = status_of(wrong)
        return _shown(request, school_id, status, sent=sent, problems=shown(wrong, form))
    return see_other(f"/onboarding/schools/{school_id}?done={done}")


def _shown(
    request: Request, school_id: uuid.UUID, status: int = 200, *, problems: Sequence[Fault] = (), **context: Any
) -> Response:
    with sessions.read() as db:
        person = operator(request, db, *TEAM)
        school = _find(db, school_id)
        people = Account.of_school(db, school.id)
        context |= {
            "establishment": Establishment.by_urn(db, school.urn),
            "case": Verification.of_school(db, school.id),
            "others": [other for other in School.of_urn(db, school.urn) if other.id != school.id],
            "people": [(account, _role(db, account, school)) for account in people],
            "authorisations": Authorisation.of_school(db, school.id),
            "trail": trail.of_school(db, school.id),
        }
    is_admin = person.operator_role == OPERATOR_ADMIN
    can_change = is_admin and school.status in STANDING
    context["problems"] = problems if can_change else [Fault(fault.text) for fault in problems]
    context |= {"can_change": can_change, "can_check": person.operator_role in DECIDERS}
    return page(request, "onboarding/school.html", status, school=school, **context)


def _role(db: Session, account: Account, school: School) -> str:
    return ", ".join(held.role for held in Membership.of(db, account.id) if held.school_id == school.id)


def _find(db: Session, school_id: uuid.UUID) -> School:
    school = School.by_id(db, school_id)
    if school is None:
        raise NotFound
    return school
