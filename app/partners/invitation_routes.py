"""Where a partner invites schools, and sees what became of each invitation."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotFound, Problem
from app.models.account import Account
from app.models.establishment import Establishment
from app.models.event import Happening
from app.models.invitation import (
    AUTHORISED,
    CANCELLED,
    DECLINED,
    EXPIRED,
    FORWARDED,
    PAGE_ROWS,
    STATES,
    Invitation,
)
from app.models.partner import App, Partner
from app.models.scope import SCOPES
from app.sharing import invitations
from app.sharing.contacts import Contact, TechnicalContact, mistakes
from app.signin.session import at_partner
from app.web.forms import Fault, Posted, shown
from app.web.pages import page, see_other

router = APIRouter(prefix="/partners/invitations", include_in_schema=False)

LAST_PAGE = 1_000_000
LONGEST_REFERENCE = 100
FIELDS = ("school", "contact_name", "contact_email", "technical_name", "technical_email", "reference", "scopes")
DONE = {
    "sent": "The invitation is on its way",
    "reminded": "The reminder is on its way. Its link takes the place of the one before",
    "cancelled": "The invitation is withdrawn. Its link says so from now on",
}
SETTLED = {
    AUTHORISED: "Authorised",
    DECLINED: "Declined",
    FORWARDED: "Passed on to somebody else at the school",
    CANCELLED: "Taken back",
}


@router.get("")
def ask(request: Request, state: str = "", page_number: int = 1) -> Response:
    """Every invitation of the partner's apps, newest first; those in one state when that is chosen."""
    chosen = state if state in STATES else ""
    number = max(1, min(page_number, LAST_PAGE))
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        rows, total = Invitation.listed(db, partner.id, chosen, number)
        counts = Invitation.counts(db, partner.id)
        names = {found.urn: found.name for found in Establishment.by_urns(db, [row.urn for row in rows])}
    pages = -(-total // PAGE_ROWS)
    return page(
        request,
        "partners/invitations.html",
        rows=rows,
        names=names,
        total=total,
        numbers={"": sum(counts.values())} | counts,
        chosen=chosen,
        page_number=min(number, pages),
        pages=pages,
    )


@router.get("/new")
def ask_new(request: Request, app: str = "") -> Response:
    """The form; first, where there are several, for which app."""
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        return _form_page(request, db, partner, app)


@router.post("/new")
def submit(request: Request, sent: Posted) -> Response:
    """Look the school up, or send the invitation."""
    try:
        with sessions.begin() as db:
            person, partner = at_partner(request, db)
            app = _app(db, partner, sent.get("app", ""))
            if sent.get("step") != "send":
                invitations.find(db, sent.get("school", ""))
                return _form_page(request, db, partner, str(app.id), sent=sent)
            scopes = [row.scope for row in app.scopes if row.required or sent.get(f"scopes-{row.scope}") == "yes"]
            if faults := _mistakes(db, app, sent, scopes):
                return _form_page(request, db, partner, str(app.id), 422, sent=sent, problems=faults)
            expert = (sent.get("technical_name", ""), sent.get("technical_email", ""))
            made = invitations.send(
                db,
                app=app,
                urn_or_dfe=sent.get("school", ""),
                contact_name=sent.get("contact_name", ""),
                contact_email=sent.get("contact_email", ""),
                scopes=scopes,
                technical=expert if any(expert) else None,
                reference=sent.get("reference") or None,
                by=person.account.id,
            )
    except (invitations.CannotInvite, invitations.TooMany) as wrong:
        faults = _beside(wrong)
        with sessions.read() as db:
            _, partner = at_partner(request, db)
            return _form_page(request, db, partner, sent.get("app", ""), wrong.status, sent=sent, problems=faults)
    return see_other(f"/partners/invitations/{made.id}?done=sent")


@router.get("/{invitation_id}")
def see(request: Request, invitation_id: uuid.UUID, done: str = "") -> Response:
    """One invitation, whom it was passed on to, and what happened."""
    return _shown(request, invitation_id, notice=DONE.get(done, ""))


@router.post("/{invitation_id}/cancel")
def cancel(request: Request, invitation_id: uuid.UUID) -> Response:
    """Withdraw it."""
    try:
        with sessions.begin() as db:
            person, partner = at_partner(request, db)
            invitations.cancel(db, _own(db, partner, invitation_id), person.account.id)
    except invitations.Settled as late:
        return _shown(request, invitation_id, late.status, problems=shown(late))
    return see_other(f"/partners/invitations/{invitation_id}?done=cancelled")


@router.post("/{invitation_id}/remind")
def remind(request: Request, invitation_id: uuid.UUID) -> Response:
    """Mail it once more."""
    try:
        with sessions.begin() as db:
            _, partner = at_partner(request, db)
            invitations.remind_again(db, _own(db, partner, invitation_id))
    except (invitations.Settled, invitations.CannotInvite) as wrong:
        return _shown(request, invitation_id, wrong.status, problems=shown(wrong))
    return see_other(f"/partners/invitations/{invitation_id}?done=reminded")


def _own(db: Session, partner: Partner, invitation_id: uuid.UUID) -> Invitation:
    found = Invitation.of_partner(db, invitation_id, partner.id)
    if found is None:
        raise NotFound
    return found


def _app(db: Session, partner: Partner, app_id: str) -> App:
    found = next((app for app in App.every_of(db, partner.id) if str(app.id) == app_id), None)
    if found is None:
        raise NotFound
    return found


def _mistakes(db: Session, app: App, sent: dict[str, str], scopes: list[str]) -> list[Fault]:
    """Everything that is to be put right before an invitation is sent, in the order of the form."""
    faults: list[Fault] = []
    try:
        invitations.check_app(db, app, invitations.find(db, sent.get("school", "")))
    except invitations.CannotInvite as wrong:
        faults += _beside(wrong)
    faults += mistakes(Contact, sent.get("contact_name", ""), sent.get("contact_email", ""))
    if not scopes:
        faults.append(Fault("Choose at least one kind of data", "scopes" if app.scopes else ""))
    expert = (sent.get("technical_name", ""), sent.get("technical_email", ""))
    if any(expert):
        faults += mistakes(TechnicalContact, *expert)
    reference = sent.get("reference", "")
    if len(reference) > LONGEST_REFERENCE or not reference.isprintable():
        faults.append(Fault(f"A reference has at most {LONGEST_REFERENCE} characters, all printable", "reference"))
    return faults


def _beside(wrong: Problem) -> list[Fault]:
    """Its field, where the form has it."""
    return [Fault(fault.text, fault.field if fault.field in FIELDS else "") for fault in shown(wrong)]


def _form_page(
    request: Request, db: Session, partner: Partner, app_id: str, status: int = 200, **context: Any
) -> Response:
    apps = App.every_of(db, partner.id)
    app = next((app for app in apps if str(app.id) == app_id), apps[0] if len(apps) == 1 else None)
    found = None
    with suppress(Problem):  # the page says it beside the field, where it was asked
        found = invitations.find(db, context.get("sent", {}).get("school", ""))
    asked = [row for row in app.scopes if row.scope in SCOPES] if app else []
    return page(
        request,
        "partners/invitations_new.html",
        status,
        apps=apps,
        app=app,
        found=found,
        required=[SCOPES[row.scope].title for row in asked if row.required],
        optional=[(row.scope, SCOPES[row.scope].title) for row in asked if not row.required],
        **context,
    )


def _shown(request: Request, invitation_id: uuid.UUID, status: int = 200, **context: Any) -> Response:
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        invitation = _own(db, partner, invitation_id)
        chain = Invitation.chain(db, invitation)
        context |= {
            "school_name": invitations.school_name(db, invitation),
            "chain": chain,
            "history": _history(db, chain),
        }
    titles = [SCOPES[name].title for name in invitation.scopes if name in SCOPES]
    return page(request, "partners/invitations_one.html", status, invitation=invitation, titles=titles, **context)


def _history(db: Session, chain: list[Invitation]) -> list[Happening]:
    """What happened to all of them, newest first."""
    who = Account.names(db, [account for one in chain for account in (one.sent_by, one.decided_by)])
    told = [happening for one in chain for happening in _happened(one, who)]
    return sorted(told, key=lambda happening: happening.at, reverse=True)


def _happened(one: Invitation, who: dict[uuid.UUID, str]) -> Iterator[Happening]:
    def name(account_id: uuid.UUID | None) -> str:
        return who.get(account_id, "") if account_id else ""

    to = one.contact_name
    if one.parent_id is None:
        yield Happening(one.created_at, f"Sent to {to}", name(one.sent_by) or "Your program")
    else:
        yield Happening(one.created_at, f"Sent on to {to}", "Gatehouse")
    if one.opened_at:
        yield Happening(one.opened_at, f"The link of {to} was followed", "")
    if one.reminded_at:
        yield Happening(one.reminded_at, f"{to} was reminded", "Gatehouse")
    if one.decided_at and one.state in SETTLED:
        yield Happening(one.decided_at, SETTLED[one.state], name(one.decided_by))
    if one.finished_at:
        yield Happening(one.finished_at, "Your app got its code", "")
    if one.standing == EXPIRED:
        yield Happening(one.expires_at, f"The invitation of {to} ran out", "")
