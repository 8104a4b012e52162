"""Where a partner sees which schools want their data deleted, and says what it has deleted."""

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import sessions
from app.errors import NotFound
from app.models.authorisation import Authorisation
from app.models.receipt import DeletionRequest
from app.models.school import School
from app.sharing.deletion import LONGEST, AlreadyAttested, Unsaid, attest, state
from app.signin.session import at_partner
from app.web.forms import Posted, shown
from app.web.pages import page, see_other

router = APIRouter(prefix="/partners/deletions", include_in_schema=False)

PAGE_ROWS = 50
LAST_PAGE = 1_000_000


@router.get("")
def ask(request: Request, page_number: int = 1) -> Response:
    """Every request, those that wait for an answer first."""
    number = max(1, min(page_number, LAST_PAGE))
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        rows, total = DeletionRequest.of_partner(db, partner.id, number, PAGE_ROWS)
    return page(
        request,
        "partners/deletions.html",
        rows=[(asked, given, school, state(asked)) for asked, given, school in rows],
        total=total,
        page_number=number,
        pages=-(-total // PAGE_ROWS),
    )


@router.get("/{request_id}")
def detail(request: Request, request_id: uuid.UUID, done: bool = False) -> Response:
    """One request, and the form to answer it."""
    return _page(request, _own(request, request_id), done=done)


@router.post("/{request_id}")
def submit(request: Request, request_id: uuid.UUID, sent: Posted) -> Response:
    """Answer it. What was said once stands, and the page shows it."""
    try:
        with sessions.begin() as db:
            person, partner = at_partner(request, db)
            attest(db, partner.id, request_id, person.account.id, sent.get("statement", ""))
    except Unsaid as wrong:
        return _page(request, _own(request, request_id), wrong.status, problems=shown(wrong), sent=sent)
    except AlreadyAttested:
        return see_other(f"/partners/deletions/{request_id}")
    return see_other(f"/partners/deletions/{request_id}?done=true")


def _own(request: Request, request_id: uuid.UUID) -> tuple[DeletionRequest, Authorisation, School]:
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        found = DeletionRequest.to_partner(db, request_id, partner.id)
    if found is None:
        raise NotFound
    return found


def _page(
    request: Request, found: tuple[DeletionRequest, Authorisation, School], status: int = 200, **more: object
) -> Response:
    asked, given, school = found
    facts = {"asked": asked, "given": given, "school": school, "state": state(asked), "longest": LONGEST}
    return page(request, "partners/deletion.html", status, **facts, **more)
