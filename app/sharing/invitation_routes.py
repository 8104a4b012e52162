"""`/invitation`: what a link in a partner's invitation leads to. It shows; only a signed-in Admin decides.

The link is in the address once; then a cookie remembers it, so that it is in no later address, and waits while its
person signs in or registers the school.
"""

import dataclasses
import uuid
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import Problem
from app.models.account import ADMIN
from app.models.authorisation import Authorisation
from app.models.base import ago
from app.models.establishment import Establishment
from app.models.invitation import AUTHORISED, Invitation
from app.models.school import School
from app.models.scope import SCOPES
from app.secrets import digest, well_formed
from app.settings import settings
from app.sharing import invitations, years
from app.sharing.service import CannotShare, Offer, facts, offer
from app.sharing.shown import CHANGED, UNDECIDED, fingerprint, seen
from app.signin.session import Person, choose_school, visitor
from app.web import invited, remembered
from app.web.forms import Posted, shown
from app.web.pages import page, see_other
from app.web.people import SomebodyForm
from app.web.throttle import Limit, Try, network

router = APIRouter(include_in_schema=False)

HOUR = 3600
_forwarded_from_network = Limit(20, HOUR)
_unknown_from_network = Limit(60, HOUR)


@dataclasses.dataclass(frozen=True)
class Decider:
    """The Admin who may answer, for which school, and what that school is asked."""

    person: Person
    school: School
    terms: Offer


@router.get("/invitation")
def ask(request: Request, link: str = "") -> Response:
    """Follow the link of a mail: it shows who asks, and decides nothing."""
    secret = digest(link) if well_formed(link, invitations.PREFIX) else b""
    with sessions.read() as db:
        invitation = Invitation.by_link(db, secret) if secret else None
    if invitation is None:
        Try(((_unknown_from_network, network(request)),)).count()
        with sessions.read() as db:
            return _unknown(request, db)
    if invitation.state == "sent":
        with sessions.begin() as db:
            invitations.mark_opened(db, Invitation.by_id(db, invitation.id) or invitation)
    response = _stands(request, invitation.id, followed=True)
    invited.keep(request, response, invitation.id)
    return response


@router.get("/invitation/{invitation_id}")
def see(request: Request, invitation_id: uuid.UUID) -> Response:
    """Where the invitation stands, for whoever has signed in meanwhile."""
    return _stands(request, invitation_id)


@router.post("/invitation/{invitation_id}")
def decide(request: Request, invitation_id: uuid.UUID, sent: Posted) -> Response:
    """Authorise or decline, once."""
    try:
        with sessions.begin() as db:
            invitation = invited.found(request, db, invitation_id)
            if invitation is None:
                return _unknown(request, db)
            found = _decider(request, db, invitation)
            if isinstance(found, Response):
                return found
            person, school, terms = found.person, found.school, found.terms
            if sent.get("decision") == "decline":
                invitations.decline(db, invitation, person=person, school=school)
                return see_other(invited.path(invitation))
            if sent.get("shown") != fingerprint(school, terms):
                return _decision_page(request, invitation, found, 409, problems=[CHANGED])
            chosen = terms.chosen(line.scope for line in terms.lines if sent.get(f"scope-{line.scope}") == "yes")
            if sent.get("decision") != "authorise" or not chosen:
                return _decision_page(request, invitation, found, 422, sent=sent, problems=[UNDECIDED])
            agreed = [*chosen, *(line.scope for line in terms.kept)]
            try:
                covered = years.chosen(school.id, agreed, sent, terms.active.years if terms.active else None)
            except years.NoYear:
                return _decision_page(request, invitation, found, 422, sent=sent, problems=[years.NONE_CHOSEN])
            choose_school(db, person, school.id)
            invitations.authorise(db, invitation, person=person, school=school, scopes=agreed, years=covered)
    except invitations.Settled:
        return see_other(f"/invitation/{invitation_id}")
    return see_other(onward(invitation, person) or invited.path(invitation))


@router.get("/invitation/{invitation_id}/forward")
def ask_forward(request: Request, invitation_id: uuid.UUID) -> Response:
    """The form for who has the authority."""
    with sessions.read() as db:
        return _forward_page(request, db, invitation_id)


@router.post("/invitation/{invitation_id}/forward")
def forward(request: Request, invitation_id: uuid.UUID, sent: Posted) -> Response:
    """Send the right person an invitation of their own; this one is done with."""
    try:
        form = SomebodyForm.model_validate(sent)
        with sessions.read() as db:
            found = invited.found(request, db, invitation_id)
        if found is None or not found.is_open or found.app.is_suspended:
            return _stands(request, invitation_id)
        Try(((_forwarded_from_network, network(request)),)).count()
        with sessions.begin() as db:
            person = visitor(request, db)
            by = person.account.id if person else None
            mine = Invitation.by_id(db, found.id) or found
            invitations.forward(db, mine, name=form.name, email=form.email, by=by)
    except invitations.Settled:
        return see_other(f"/invitation/{invitation_id}")
    except (ValidationError, Problem) as wrong:
        status = wrong.status if isinstance(wrong, Problem) and wrong.status != 400 else 422
        with sessions.read() as db:
            return _forward_page(request, db, invitation_id, status, sent=sent, problems=shown(wrong, SomebodyForm))
    return see_other(f"/invitation/{invitation_id}")


def onward(invitation: Invitation, person: Person) -> str | None:
    """Where the app takes over (OpenID Connect Core section 4); None where it has no such address.

    `login_hint` is the person's `sub` at this partner: it tells the app nobody's name.
    """
    uri = invitation.app.initiate_login_uri
    if uri is None or urlsplit(uri).scheme not in ("https", "http"):
        return None
    hint = invitation.app.partner.pairwise("account", person.account.id)
    told = urlencode({"iss": settings.issuer, "school": invitation.urn, "login_hint": hint})
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{told}"


def _stands(request: Request, invitation_id: uuid.UUID, *, followed: bool = False) -> Response:
    with sessions.read() as db:
        known = Invitation.by_id(db, invitation_id) if followed else invited.found(request, db, invitation_id)
        if known is None:
            return _unknown(request, db)
        found = _decider(request, db, known)
        return found if isinstance(found, Response) else _decision_page(request, known, found)


def _decider(request: Request, db: Session, invitation: Invitation) -> Decider | Response:
    """Who may answer it now; or the page that says what is in the way, and what to do."""
    person = visitor(request, db)
    context = _context(db, invitation)
    if not invitation.is_open:
        return _settled_page(request, db, invitation, person, context)
    if invitation.app.is_suspended:
        return page(request, "invitation/suspended.html", 409, **context)
    if person is None:
        taken = School.taken(db, [invitation.urn]).get(invitation.urn)
        return page(request, "invitation/start.html", taken=taken, titles=_titles(invitation), **context)
    mine = [held.school_id for held in person.memberships if held.school_id and held.role == ADMIN]
    schools = [school for school in (School.by_id(db, school_id) for school_id in mine) if school]
    about = [school for school in schools if school.urn == invitation.urn]
    if not about:
        template = "invitation/other_school.html" if schools else "invitation/ask_your_admin.html"
        return page(request, template, 403, mine=schools, **context)
    school = next((one for one in about if one.id == person.session.school_id), about[0])
    if school.frozen_at:
        return page(request, "invitation/stopped.html", 409, school=school, paused=None, **context)
    active = Authorisation.active(db, school.id, invitation.app_id)
    if active and active.state == "Paused":
        return page(request, "invitation/stopped.html", 409, school=school, paused=active, **context)
    try:
        terms = offer(db, invitation.app, invitation.scopes, school)
    except CannotShare as cannot:
        return page(request, "invitation/cannot.html", cannot.status, why=cannot.hint, school=school, **context)
    if not terms.lines:
        return page(request, "invitation/cannot.html", 409, why="The app asks for none of this any more.", **context)
    return Decider(person, school, terms)


def _unknown(request: Request, db: Session) -> Response:
    visitor(request, db)  # for the layout
    return page(request, "invitation/unknown.html", 404)


def _settled_page(
    request: Request, db: Session, invitation: Invitation, person: Person | None, context: dict[str, Any]
) -> Response:
    """It was answered, passed on, withdrawn, or has run out."""
    status, mine, given, next_ = 410, False, None, None
    if person and invitation.school_id:
        mine = any(held.school_id == invitation.school_id for held in person.memberships)
    if invitation.state == AUTHORISED and mine and person and invitation.authorisation_id:
        status, given = 200, db.get(Authorisation, invitation.authorisation_id)
        decided_at = invitation.decided_at or invitation.created_at
        if decided_at > ago(invitations.FINISH_SECONDS) and invitation.decided_by == person.account.id:
            next_ = onward(invitation, person)
    elif (person and mine) or invitation.state == "forwarded":
        status = 200
    template = f"invitation/{invitation.standing}.html"
    return page(request, template, status, mine=mine, given=given, onward=next_, **context)


def _decision_page(
    request: Request, invitation: Invitation, found: Decider, status: int = 200, **context: Any
) -> Response:
    targets = remembered.form_targets(invitation.app)
    if going := onward(invitation, found.person):
        parts = urlsplit(going)
        targets.add(f"{parts.scheme}://{parts.netloc}")
    request.state.form_targets = targets
    return page(
        request,
        "invitation/decide.html",
        status,
        app=invitation.app,
        invitation=invitation,
        school=found.school,
        offer=found.terms,
        fingerprint=fingerprint(found.school, found.terms),
        **seen(found.school, found.terms),
        path=invited.path(invitation),
        about_person=False,
        several=False,
        **context,
    )


def _forward_page(
    request: Request, db: Session, invitation_id: uuid.UUID, status: int = 200, **context: Any
) -> Response:
    invitation = invited.found(request, db, invitation_id)
    if invitation is None:
        return _unknown(request, db)
    person = visitor(request, db)
    common = _context(db, invitation)
    if not invitation.is_open:
        return _settled_page(request, db, invitation, person, common)
    if invitation.app.is_suspended:
        return page(request, "invitation/suspended.html", 409, **common)
    return page(request, "invitation/forward.html", status, **common, **context)


def _context(db: Session, invitation: Invitation) -> dict[str, Any]:
    return {
        "invitation": invitation,
        "app": invitation.app,
        "path": invited.path(invitation),
        "establishment": Establishment.by_urn(db, invitation.urn),
        "school_name": invitations.school_name(db, invitation),
        "facts": facts(invitation.app),
    }


def _titles(invitation: Invitation) -> list[tuple[str, str, bool]]:
    """The title of each kind of data asked for, the partner's purpose, and whether the app cannot do without."""
    return [
        (SCOPES[row.scope].title, row.purpose, row.required)
        for row in invitation.app.scopes
        if row.scope in invitation.scopes and row.scope in SCOPES
    ]
