"""For somebody whose school is registered already: ask its admins for access, or say that the admin has left."""

from fastapi import APIRouter, Request
from pydantic import Field, ValidationError, field_validator
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotFound, Problem
from app.models.access_case import ADMIN_LEFT
from app.models.account import ADMIN, Account
from app.models.school import School
from app.notify import messages
from app.registration import access_case, limits
from app.registration.details import DetailsForm, PersonForm
from app.registration.find import FIRST_FIND
from app.web.forms import Posted, shown, status_of
from app.web.pages import page, see_other
from app.web.people import LONGEST_NAME

router = APIRouter(include_in_schema=False)

ACCESS = "registration/access.html"


class LeftForm(DetailsForm):
    """Who is to be the new Admin, and who has left."""

    left: str = Field(description="Enter the name of the Admin who has left")

    @field_validator("left")
    @classmethod
    def _is_said(cls, left: str) -> str:
        left = " ".join(left.split())
        if not left:
            raise ValueError("Enter the name of the Admin who has left")
        if len(left) > LONGEST_NAME or not left.isprintable():
            raise ValueError(f"Write {LONGEST_NAME} letters or fewer")
        return left


@router.get("/register/access")
def ask(request: Request, urn: str | None = None) -> Response:
    if urn is None:
        return see_other(FIRST_FIND)
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
        status = status_of(wrong)
        return page(request, ACCESS, status, school=school, sent=sent, problems=shown(wrong, PersonForm))
    return page(request, "registration/access_asked.html", school=school)


@router.get("/register/admin-left")
def explain(request: Request, urn: str | None = None) -> Response:
    if urn is None:
        return see_other(FIRST_FIND)
    with sessions.read() as db:
        return page(request, "registration/admin_left.html", school=_registered(db, urn))


@router.post("/register/admin-left")
def say_left(request: Request, sent: Posted) -> Response:
    """Open the case of an Admin who has left; nothing changes before the school has confirmed it and nobody objects."""
    with sessions.read() as db:
        school = _registered(db, sent.get("urn", ""))
    try:
        form = LeftForm.model_validate(sent)
        limits.access(request, school.urn)
        limits.link(request, form.email)
        with sessions.begin() as db:
            contact = {"name": form.name, "email": form.email, "mobile": form.mobile}
            about = _who_left(db, school, form.left)
            secret = access_case.begin(db, ADMIN_LEFT, school, account=about, said=form.left, **contact)
    except (ValidationError, Problem) as wrong:
        status = status_of(wrong)
        faults = shown(wrong, LeftForm)
        return page(request, "registration/admin_left.html", status, school=school, sent=sent, problems=faults)
    return access_case.lead(secret)


def _who_left(db: Session, school: School, left: str) -> Account | None:
    """The Admin of that name; None where nobody, or more than one, has it: then we find out when we ring."""
    found = [admin for admin in Account.of_school(db, school.id, ADMIN) if admin.name.casefold() == left.casefold()]
    return found[0] if len(found) == 1 else None


def _registered(db: Session, urn: str) -> School:
    """The Verified school of that establishment. Raises NotFound."""
    known = urn.isascii() and urn.isdigit() and len(urn) <= 9
    school = School.verified(db, int(urn)) if known else None
    if school is None:
        raise NotFound(hint="Search for your school again.")
    return school
