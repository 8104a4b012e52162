"""For somebody whose school is registered already: ask its admins for access, or say that the admin has left."""

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotFound, Problem
from app.models.school import School
from app.notify import messages
from app.registration import limits
from app.registration.details import PersonForm
from app.web.forms import Posted, shown
from app.web.pages import page

router = APIRouter(include_in_schema=False)

ACCESS = "registration/access.html"


@router.get("/register/access")
def ask(request: Request, urn: str = "") -> Response:
    with sessions.read() as db:
        return page(request, ACCESS, school=_registered(db, urn))


@router.post("/register/access")
def submit(request: Request, sent: Posted) -> Response:
    """Mail the request to the school's admins, whose addresses nobody learns."""
    with sessions.read() as db:
        school = _registered(db, sent.get("urn", ""))
    try:
        form = PersonForm.model_validate(sent)
        limits.access(request, school.urn)
        with sessions.begin() as db:
            messages.access_asked(db, school, name=form.name, email=form.email)
    except (ValidationError, Problem) as wrong:
        status = wrong.status if isinstance(wrong, Problem) else 422
        return page(request, ACCESS, status, school=school, sent=sent, problems=shown(wrong, PersonForm))
    return page(request, "registration/access_asked.html", school=school)


@router.get("/register/admin-left")
def explain(request: Request, urn: str = "") -> Response:
    with sessions.read() as db:
        return page(request, "registration/admin_left.html", school=_registered(db, urn))


def _registered(db: Session, urn: str) -> School:
    """The Verified school of that establishment. Raises NotFound."""
    known = urn.isascii() and urn.isdigit() and len(urn) <= 9
    school = School.verified(db, int(urn)) if known else None
    if school is None:
        raise NotFound(hint="Search for your school again.")
    return school
