"""`/onboarding/partners`: admins of the onboarding team make partners, suspend, decide."""

import uuid
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field, ValidationError
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotAllowed, NotFound, Problem, SignInNeeded
from app.models import lawful, people
from app.models.account import OPERATOR_ADMIN, Account
from app.models.contact import Welcome
from app.models.partner import App, Partner
from app.models.proposal import Proposal
from app.onboarding.routes import PageNumber
from app.partners import groupcall, proposals, standing
from app.partners.apps import own
from app.partners.forms import PartnerForm, Reason
from app.partners.operating import HOME, Bare, act, find, form_page
from app.partners.service import add_partner
from app.signin.proof import lacking
from app.signin.session import operator
from app.web.forms import Posted, shown, status_of
from app.web.pages import page, see_other

router = APIRouter(prefix=HOME, include_in_schema=False)

ROWS = 25
DONE = {
    "added": "The partner was added",
    "sent": "The link is on its way",
    "withdrawn": "The link does not work any more",
    "ended": "The person has no access any more, and has been told",
    "suspended": "Suspended, and the partner’s people have been told",
    "resumed": "Resumed, and the partner’s people have been told",
    "profile": "The profile was changed",
    "groupcall": "Done. The partner’s people see it on the app’s page",
    "decided": "Decided, and the partner’s people have been told",
}


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
    """Approve or refuse, once, for an admin who has just proved who they are."""
    with sessions.read() as db:
        person = operator(request, db, OPERATOR_ADMIN)
    if late := lacking(request, person, sent):
        return _proposal(request, proposal_id, 422, sent=sent, problems=late)
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
        return _proposal(request, proposal_id, status_of(wrong), sent=sent, problems=shown(wrong, Decision))
    return see_other(f"{HOME}/{found.app.partner_id}?done=decided")


@router.get("/{partner_id}")
def see(request: Request, partner_id: uuid.UUID, done: str = "") -> Response:
    """One partner: its trust card, its people, its apps, and when it was suspended."""
    with sessions.read() as db:
        operator(request, db, OPERATOR_ADMIN)
        partner = find(db, partner_id)
        context: dict[str, Any] = {
            "apps": App.every_of(db, partner.id),
            "people": people.of_partner(db, partner.id),
            "waiting": Welcome.open_for(db, partner.id),
            "past": standing.history(db, partner),
        }
    return page(request, "onboarding/partners_one.html", partner=partner, notice=DONE.get(done, ""), **context)


@router.get("/{partner_id}/suspend")
@router.get("/{partner_id}/resume")
def ask_standing(request: Request, partner_id: uuid.UUID) -> Response:
    """Say what suspending, or resuming, a partner does."""
    return _standing(request, partner_id)


@router.post("/{partner_id}/suspend")
@router.post("/{partner_id}/resume")
def stand(request: Request, partner_id: uuid.UUID, sent: Posted) -> Response:
    """Stop every app of the partner, or let them work again."""
    return _stand(request, partner_id, sent)


@router.get("/{partner_id}/apps/{app_id}")
def see_app(request: Request, partner_id: uuid.UUID, app_id: uuid.UUID) -> Response:
    """One app: what it asks for, and its switches."""
    return _app(request, partner_id, app_id)


@router.get("/{partner_id}/apps/{app_id}/suspend")
@router.get("/{partner_id}/apps/{app_id}/resume")
def ask_app_standing(request: Request, partner_id: uuid.UUID, app_id: uuid.UUID) -> Response:
    return _standing(request, partner_id, app_id)


@router.post("/{partner_id}/apps/{app_id}/suspend")
@router.post("/{partner_id}/apps/{app_id}/resume")
def stand_app(request: Request, partner_id: uuid.UUID, app_id: uuid.UUID, sent: Posted) -> Response:
    return _stand(request, partner_id, sent, app_id)


@router.post("/{partner_id}/apps/{app_id}/oidc")
def change_profile(request: Request, partner_id: uuid.UUID, app_id: uuid.UUID, sent: Posted) -> Response:
    """Grant profile oidc, or take it back."""
    here = _path(partner_id, app_id)

    def work(db: Session, partner: Partner, by: Account, _form: Any) -> None:
        proposals.set_oidc(db, own(db, partner, app_id), by.id, sent.get("oidc") == "yes")

    def again(status: int, **context: Any) -> Response:
        return _app(request, partner_id, app_id, status, **context)

    return act(request, partner_id, sent, work, done=f"{here}?done=profile", again=again, form=Bare)


@router.post("/{partner_id}/apps/{app_id}/groupcall")
def allow_groupcall(request: Request, partner_id: uuid.UUID, app_id: uuid.UUID, sent: Posted) -> Response:
    """Let the app use the Groupcall-style API, or no longer."""
    here = _path(partner_id, app_id)

    def work(db: Session, partner: Partner, by: Account, _form: Any) -> None:
        groupcall.allow(db, own(db, partner, app_id), by.id, sent.get("groupcall") == "yes")

    def again(status: int, **context: Any) -> Response:
        return _app(request, partner_id, app_id, status, **context)

    return act(request, partner_id, sent, work, done=f"{here}?done=groupcall", again=again, form=Bare)


def _stand(request: Request, partner_id: uuid.UUID, sent: dict[str, str], app_id: uuid.UUID | None = None) -> Response:
    suspends = request.url.path.endswith("/suspend")

    def work(db: Session, partner: Partner, by: Account, form: Any) -> None:
        what = own(db, partner, app_id) if app_id else partner
        (proposals.suspend if suspends else proposals.resume)(db, what, by.id, form.reason)

    def again(status: int, **context: Any) -> Response:
        return _standing(request, partner_id, app_id, status, **context)

    done = f"{_path(partner_id, app_id)}?done={'suspended' if suspends else 'resumed'}"
    return act(request, partner_id, sent, work, done=done, again=again)


def _standing(
    request: Request, partner_id: uuid.UUID, app_id: uuid.UUID | None = None, status: int = 200, **context: Any
) -> Response:
    with sessions.read() as db:
        person = operator(request, db, OPERATOR_ADMIN)
        partner = find(db, partner_id)
        app = own(db, partner, app_id) if app_id else None
    context |= {"suspends": request.url.path.endswith("/suspend"), "here": _path(partner_id, app_id)}
    context |= {"partner": partner, "app": app}
    return form_page(request, person, "onboarding/partners_standing.html", status, **context)


def _app(request: Request, partner_id: uuid.UUID, app_id: uuid.UUID, status: int = 200, **context: Any) -> Response:
    with sessions.read() as db:
        operator(request, db, OPERATOR_ADMIN)
        partner = find(db, partner_id)
        app = own(db, partner, app_id)
        past = standing.history(db, app)
    context.setdefault("notice", DONE.get(request.query_params.get("done", ""), ""))
    context |= {"partner": partner, "app": app, "past": past, "words": lawful.words}
    return page(request, "onboarding/partners_app.html", status, **context)


def _path(partner_id: uuid.UUID, app_id: uuid.UUID | None) -> str:
    return f"{HOME}/{partner_id}/apps/{app_id}" if app_id else f"{HOME}/{partner_id}"


def _proposal(request: Request, proposal_id: uuid.UUID, status: int = 200, **context: Any) -> Response:
    with sessions.read() as db:
        person = operator(request, db, OPERATOR_ADMIN)
        found = db.get(Proposal, proposal_id)
        if found is None:
            raise NotFound
        names = Account.names(db, [found.asked_by, found.decided_by])
    changes = proposals.differences(found.app, found)
    context |= {"proposal": found, "app": found.app, "changes": changes, "names": names}
    template = "onboarding/partners_proposal.html"
    if found.decided_at:
        return page(request, template, status, **context)
    return form_page(request, person, template, status, **context)
