"""`/onboarding/partners/{partner_id}`: the people of a partner; each act has a page that says what it does."""

import uuid
from typing import Any, Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.models.account import OPERATOR_ADMIN, Account
from app.models.partner import Partner
from app.partners import people
from app.partners.operating import HOME, Bare, Work, act, find, form_page
from app.signin.session import operator
from app.web.forms import Posted
from app.web.people import SomebodyForm
from app.web.throttle import Limit, Try

router = APIRouter(prefix=f"{HOME}/{{partner_id}}", include_in_schema=False)

What = Literal["end", "resend", "withdraw"]
_mails = Limit(60, 3600)  # of one operator


@router.get("/people/new")
def ask_invitation(request: Request, partner_id: uuid.UUID) -> Response:
    return _invitation(request, partner_id)


@router.post("/people/new")
def invite(request: Request, partner_id: uuid.UUID, sent: Posted) -> Response:
    """Mail somebody the link that lets them in for the partner."""

    def work(db: Session, partner: Partner, by: Account, form: Any) -> None:
        Try(((_mails, by.id),)).count()
        people.invite(db, partner, by, name=form.name, email=form.email)

    def again(status: int, **context: Any) -> Response:
        return _invitation(request, partner_id, status, **context)

    done = f"{HOME}/{partner_id}?done=sent"
    return act(request, partner_id, sent, work, done=done, again=again, form=SomebodyForm)


@router.get("/people/{account_id}/end")
def ask_end(request: Request, partner_id: uuid.UUID, account_id: uuid.UUID) -> Response:
    """Say what ending somebody's access does, and what it does not."""
    return _sure(request, partner_id, "end", account_id)


@router.post("/people/{account_id}/end")
def end(request: Request, partner_id: uuid.UUID, account_id: uuid.UUID, sent: Posted) -> Response:
    def work(db: Session, partner: Partner, by: Account, _form: Any) -> None:
        people.end_access(db, partner, by, account_id)

    return _do(request, partner_id, sent, work, what="end", whom=account_id, done="ended")


@router.get("/welcomes/{welcome_id}/resend")
def ask_resend(request: Request, partner_id: uuid.UUID, welcome_id: uuid.UUID) -> Response:
    return _sure(request, partner_id, "resend", welcome_id)


@router.post("/welcomes/{welcome_id}/resend")
def resend(request: Request, partner_id: uuid.UUID, welcome_id: uuid.UUID, sent: Posted) -> Response:
    """Mail a new link; the one before stops working."""

    def work(db: Session, partner: Partner, by: Account, _form: Any) -> None:
        Try(((_mails, by.id),)).count()
        people.send_again(db, partner, by, welcome_id)

    return _do(request, partner_id, sent, work, what="resend", whom=welcome_id, done="sent")


@router.get("/welcomes/{welcome_id}/withdraw")
def ask_withdrawal(request: Request, partner_id: uuid.UUID, welcome_id: uuid.UUID) -> Response:
    return _sure(request, partner_id, "withdraw", welcome_id)


@router.post("/welcomes/{welcome_id}/withdraw")
def withdraw(request: Request, partner_id: uuid.UUID, welcome_id: uuid.UUID, sent: Posted) -> Response:
    def work(db: Session, partner: Partner, by: Account, _form: Any) -> None:
        people.withdraw(db, partner, by, welcome_id)

    return _do(request, partner_id, sent, work, what="withdraw", whom=welcome_id, done="withdrawn")


def _do(
    request: Request, partner_id: uuid.UUID, sent: dict[str, str], work: Work, *, what: What, whom: uuid.UUID, done: str
) -> Response:
    def again(status: int, **context: Any) -> Response:
        return _sure(request, partner_id, what, whom, status, **context)

    return act(request, partner_id, sent, work, done=f"{HOME}/{partner_id}?done={done}", again=again, form=Bare)


def _sure(
    request: Request, partner_id: uuid.UUID, what: What, whom: uuid.UUID, status: int = 200, **context: Any
) -> Response:
    with sessions.read() as db:
        person = operator(request, db, OPERATOR_ADMIN)
        partner = find(db, partner_id)
        who = people.find(db, partner, whom) if what == "end" else people.waiting(db, partner, whom)
    context |= {"partner": partner, "what": what, "who": who}
    return form_page(request, person, "onboarding/partners_person.html", status, **context)


def _invitation(request: Request, partner_id: uuid.UUID, status: int = 200, **context: Any) -> Response:
    with sessions.read() as db:
        person = operator(request, db, OPERATOR_ADMIN)
        partner = find(db, partner_id)
    return form_page(request, person, "onboarding/partners_invite.html", status, partner=partner, **context)
