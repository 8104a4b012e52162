"""`/partners/schools`: the schools that a partner's apps have reached, and giving an authorisation back."""

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotFound
from app.models import reach
from app.models.authorisation import Authorisation
from app.models.partner import Partner
from app.models.school import School
from app.models.scope import SCOPES
from app.onboarding.routes import PageNumber
from app.sharing.service import give_back
from app.signin.session import at_partner
from app.web.pages import page, see_other

router = APIRouter(prefix="/partners/schools", include_in_schema=False)

ROWS = 25


@router.get("")
def ask(request: Request, state: str = "", q: str = "", page_number: PageNumber = 1) -> Response:
    """Every school with its state, since when, and who did it."""
    words = q.replace("\x00", "").strip()[:200]
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        every = reach.schools(db, partner.id)
    named = [one for one in every if words.lower() in f"{one.name} {one.urn} {one.app}".lower()]
    counts = {name: sum(one.state == name for one in named) for name in reach.STATES}
    rows = [one for one in named if state not in reach.STATES or one.state == state]
    pages = -(-len(rows) // ROWS)
    number = max(1, min(page_number, pages))
    return page(
        request,
        "partners/schools.html",
        rows=rows[(number - 1) * ROWS : number * ROWS],
        counts={"": len(named)} | counts,
        chosen=state if state in reach.STATES else "",
        words=words,
        page_number=number,
        pages=pages,
    )


@router.get("/{authorisation_id}")
def see(request: Request, authorisation_id: uuid.UUID) -> Response:
    """One school: what it authorised, and the way to give that back."""
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        given, school = _find(db, partner, authorisation_id)
        stands = reach.described(db, given, school)
    done = "done" in request.query_params
    return page(request, "partners/school.html", given=given, school=school, stands=stands, scopes=SCOPES, done=done)


@router.get("/{authorisation_id}/deauthorise")
def ask_deauthorise(request: Request, authorisation_id: uuid.UUID) -> Response:
    """Say what giving it back does; one that has ended is only shown."""
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        given, school = _find(db, partner, authorisation_id)
    if not given.is_active:
        return see_other(f"/partners/schools/{authorisation_id}")
    return page(request, "partners/school_deauthorise.html", given=given, school=school)


@router.post("/{authorisation_id}/deauthorise")
def deauthorise(request: Request, authorisation_id: uuid.UUID) -> Response:
    """Give the authorisation back: it and its tokens end now. Pressed twice, it is done once."""
    with sessions.begin() as db:
        _, partner = at_partner(request, db)
        given, _ = _find(db, partner, authorisation_id)
        give_back(db, given)
    return see_other(f"/partners/schools/{authorisation_id}?done")


def _find(db: Session, partner: Partner, authorisation_id: uuid.UUID) -> tuple[Authorisation, School]:
    found = reach.school(db, authorisation_id, partner.id)
    if found is None:
        raise NotFound
    return found
