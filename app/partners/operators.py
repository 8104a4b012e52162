"""`/onboarding/partners`: admins of the onboarding team make partners, welcome their people, suspend, decide."""

import uuid
from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotAllowed, NotFound, Problem, SignInNeeded
from app.models.account import OPERATOR_ADMIN, PARTNER_USER, Account
from app.models.partner import App, Partner
from app.models.proposal import Proposal
from app.models.receipt import partner_people
from app.onboarding.routes import PageNumber
from app.partners import proposals
from app.partners.apps import own
from app.partners.forms import PartnerForm, Reason
from app.partners.service import add_partner
from app.signin import welcome
from app.signin.session import operator
from app.web.forms import Posted, shown, status_of
from app.web.pages import page, see_other
from app.web.people import PersonForm
from app.web.throttle import Limit, Try

router = APIRouter(prefix="/onboarding/partners", include_in_schema=False)

HOME = "/onboarding/partners"
ROWS = 25
DONE = {
    "added": "The partner was added",
    "sent": "The link is on its way",
    "suspended": "Suspended, and the partner’s people have been told",
    "resumed": "Resumed, and the partner’s people have been told",
    "profile": "The profile was changed",
    "decided": "Decided, and the partner’s people have been told",
}
_mails = Limit(60, 3600)  # of one operator


class Bare(BaseModel):
    """A button alone."""


class Decision(Reason):
    decision: Literal["approve", "refuse"] = Field(description="Choose approve or refuse")


@router.get("")
def ask(request: Request, q: str = "", page_number: PageNumber = 1) -> Response:
    """Every partner by name, and what waits for a decision."""
    words = q.replace("\x00", "").strip()[:200]
    with sessions.read() as db:
        operator(request, db, OPERATOR_ADMIN)
        rows, total = Partner.page(db, words, page_number, ROWS)
        waiting = Proposal.waiting(db)
    pages = -(-total // ROWS)
    return page(
        request,
        "onboarding/partners.html",
        rows=rows,
        words=words,
        waiting=waiting,
        page_number=min(page_number, pages),
        pages=pages,
    )


@router.get("/new")
def ask_new(request: Request) -> Response:
    with sessions.read() as db:
        operator(request, db, OPERATOR_ADMIN)
    return page(request, "onboarding/partners_new.html")


@router.post("/new")
def add(request: Request, sent: Posted) -> Response:
    """Make a partner. A name that is taken is refused: what is there stays as it is."""
    try:
        with sessions.begin() as db:
            person = operator(request, db, OPERATOR_ADMIN)
            form = PartnerForm.model_validate(sent)
            partner, is_new = add_partner(db, form.name, actor=person.account.id, **form.card)
            if not is_new:
                raise Problem(title="There is a partner of that name already", field="name")
    except (SignInNeeded, NotAllowed):
        raise
    except (Problem, ValidationError) as wrong:
        faults = shown(wrong, PartnerForm)
        return page(request, "onboarding/partners_new.html", 422, sent=sent, problems=faults)
    return see_other(f"{HOME}/{partner.id}?done=added")


@router.get("/proposals/{proposal_id}")
def see_proposal(request: Request, proposal_id: uuid.UUID) -> Response:
    """What is asked for, beside what holds now, and what the partner says about itself."""
    return _proposal(request, proposal_id)


@router.post("/proposals/{proposal_id}")
def decide(request: Request, proposal_id: uuid.UUID, sent: Posted) -> Response:
    """Approve or refuse, once."""
    try:
        with sessions.begin() as db:
            person = operator(request, db, OPERATOR_ADMIN)
            if db.get(Proposal, proposal_id) is None:
                raise NotFound
            form = Decision.model_validate(sent)
            found = proposals.decide(db, proposal_id, person.account.id, form.decision == "approve", form.reason)
    except (SignInNeeded, NotAllowed, NotFound):
        raise
    except (Problem, ValidationError) as wrong:
        return _proposal(request, proposal_id, wrong, sent)
    return see_other(f"{HOME}/{found.app.partner_id}?done=decided")


@router.get("/{partner_id}")
def see(request: Request, partner_id: uuid.UUID, done: str = "") -> Response:
    """One partner: its trust card, its people and its apps."""
    return _shown(request, partner_id, notice=DONE.get(done, ""))


@router.post("/{partner_id}/people")
def invite(request: Request, partner_id: uuid.UUID, sent: Posted) -> Response:
    """Mail somebody the link that lets them in for the partner."""

    def work(db: Session, partner: Partner, by: Account, form: Any) -> None:
        Try(((_mails, by.id),)).count()
        if any(known.email == form.email for known in partner_people(db, partner.id)):
            raise Problem(title="That person is in already", field="email")
        welcome.send(db, name=form.name, email=form.email, role=PARTNER_USER, partner=partner, sent_by=by)

    return _act(request, partner_id, sent, work, "sent", form=PersonForm)


@router.post("/{partner_id}/suspend")
def suspend(request: Request, partner_id: uuid.UUID, sent: Posted) -> Response:
    """Stop every app of the partner."""

    def work(db: Session, partner: Partner, by: Account, form: Any) -> None:
        proposals.suspend(db, partner, by.id, form.reason)

    return _act(request, partner_id, sent, work, "suspended")


@router.post("/{partner_id}/resume")
def resume(request: Request, partner_id: uuid.UUID, sent: Posted) -> Response:
    def work(db: Session, partner: Partner, by: Account, form: Any) -> None:
        proposals.resume(db, partner, by.id, form.reason)

    return _act(request, partner_id, sent, work, "resumed")


@router.get("/{partner_id}/apps/{app_id}")
def see_app(request: Request, partner_id: uuid.UUID, app_id: uuid.UUID) -> Response:
    """One app: what it asks for, and its two switches."""
    return _shown(request, partner_id, app_id=app_id)


@router.post("/{partner_id}/apps/{app_id}/suspend")
def suspend_app(request: Request, partner_id: uuid.UUID, app_id: uuid.UUID, sent: Posted) -> Response:
    def work(db: Session, partner: Partner, by: Account, form: Any) -> None:
        proposals.suspend(db, own(db, partner, app_id), by.id, form.reason)

    return _act(request, partner_id, sent, work, "suspended", app_id=app_id)


@router.post("/{partner_id}/apps/{app_id}/resume")
def resume_app(request: Request, partner_id: uuid.UUID, app_id: uuid.UUID, sent: Posted) -> Response:
    def work(db: Session, partner: Partner, by: Account, form: Any) -> None:
        proposals.resume(db, own(db, partner, app_id), by.id, form.reason)

    return _act(request, partner_id, sent, work, "resumed", app_id=app_id)


@router.post("/{partner_id}/apps/{app_id}/oidc")
def change_profile(request: Request, partner_id: uuid.UUID, app_id: uuid.UUID, sent: Posted) -> Response:
    """Grant profile oidc, or take it back."""

    def work(db: Session, partner: Partner, by: Account, _form: Any) -> None:
        proposals.set_oidc(db, own(db, partner, app_id), by.id, sent.get("oidc") == "yes")

    return _act(request, partner_id, sent, work, "profile", form=Bare, app_id=app_id)


def _act(
    request: Request,
    partner_id: uuid.UUID,
    sent: dict[str, str],
    work: Callable[[Session, Partner, Account, Any], None],
    done: str,
    *,
    form: type[BaseModel] = Reason,
    app_id: uuid.UUID | None = None,
) -> Response:
    try:
        with sessions.begin() as db:
            person = operator(request, db, OPERATOR_ADMIN)
            partner = _find(db, partner_id)
            work(db, partner, person.account, form.model_validate(sent))
    except (SignInNeeded, NotAllowed, NotFound):
        raise
    except (Problem, ValidationError) as wrong:
        status = status_of(wrong)
        return _shown(request, partner_id, status, app_id=app_id, sent=sent, problems=shown(wrong, form))
    return see_other(f"{HOME}/{partner_id}{f'/apps/{app_id}' if app_id else ''}?done={done}")


def _shown(
    request: Request, partner_id: uuid.UUID, status: int = 200, app_id: uuid.UUID | None = None, **context: Any
) -> Response:
    with sessions.read() as db:
        operator(request, db, OPERATOR_ADMIN)
        partner = _find(db, partner_id)
        app = own(db, partner, app_id) if app_id else None
        context |= {"apps": App.every_of(db, partner.id), "people": partner_people(db, partner.id)}
    context.setdefault("notice", DONE.get(request.query_params.get("done", ""), ""))
    template = "onboarding/partners_app.html" if app else "onboarding/partners_one.html"
    return page(request, template, status, partner=partner, app=app, **context)


def _proposal(
    request: Request,
    proposal_id: uuid.UUID,
    wrong: Problem | ValidationError | None = None,
    sent: dict[str, str] | None = None,
) -> Response:
    with sessions.read() as db:
        operator(request, db, OPERATOR_ADMIN)
        found = db.get(Proposal, proposal_id)
        if found is None:
            raise NotFound
        asker = Account.names(db, [found.asked_by, found.decided_by])
    status = status_of(wrong) if wrong else 200
    changes = proposals.differences(found.app, found)
    context = {"proposal": found, "app": found.app, "changes": changes, "names": asker, "sent": sent or {}}
    return page(
        request,
        "onboarding/partners_proposal.html",
        status,
        problems=shown(wrong, Decision) if wrong else [],
        **context,
    )


def _find(db: Session, partner_id: uuid.UUID) -> Partner:
    found = db.get(Partner, partner_id)
    if found is None:
        raise NotFound
    return found
