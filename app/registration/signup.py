"""From the details of a person to a registered school: details, verification mail, Signup again, first password."""

import uuid
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import Problem
from app.models.establishment import Establishment
from app.models.school import UNVERIFIED, Registration, School
from app.registration import limits, links, service, visit
from app.registration.details import DetailsForm
from app.settings import settings
from app.web.forms import Fault, Posted, shown
from app.web.pages import duration, page, see_other

router = APIRouter(include_in_schema=False)

DETAILS, SENT = "registration/details.html", "registration/check_your_email.html"


@router.get("/register/details")
def ask(request: Request) -> Response:
    """The form for the person's details; filled in where this browser has begun a registration."""
    here = visit.of(request)
    if here.urn is None:
        return see_other("/register/school")
    with sessions.read() as db:
        pending = _pending(db, here)
        about = _about(db, here.urn)
    return page(request, DETAILS, **about, registration=pending)


@router.post("/register/details")
def submit(request: Request, sent: Posted) -> Response:
    """Send the verification mail, or show the form again with what to put right."""
    here = visit.of(request)
    if here.urn is None:
        return _step_missing(request)
    with sessions.read() as db:
        about = _about(db, here.urn)
    try:
        _same_school(sent, here.urn)
        form = DetailsForm.model_validate(sent)
        with sessions.begin() as db:
            registration = _pending(db, here)
            if registration is None:
                registration = service.start(db, here.urn, form)
            else:
                service.change(db, registration, form)
            limits.link(request, form.email)
    except (ValidationError, Problem) as wrong:
        return _again(request, wrong, about, sent)
    response = see_other("/register/check-your-email")
    visit.keep(response, visit.Visit(here.urn, registration.id))
    return response


@router.get("/register/check-your-email")
def wait(request: Request) -> Response:
    """Say where the link went, and what to do when it does not come."""
    here = visit.of(request)
    with sessions.read() as db:
        registration = Registration.by_id(db, here.registration_id) if here.registration_id else None
        about = _about(db, here.urn) if here.urn else {}
    if registration is None:
        return see_other("/register/next" if here.school_id else "/register/details")
    if registration.is_complete:  # on another device
        return see_other("/register/next")
    return page(request, SENT, **about, registration=registration)


@router.post("/register/resend")
def send_again(request: Request) -> Response:
    """Mail a new link to the same address; the one before stops working."""
    here = visit.of(request)
    with sessions.read() as db:
        registration = _pending(db, here)
    if registration is None or here.urn is None:
        return _step_missing(request)
    try:
        with sessions.begin() as db:
            _mail_again(request, db, registration.id)
    except Problem as wrong:
        with sessions.read() as db:
            about = _about(db, here.urn)
        response = page(request, SENT, wrong.status, **about, registration=registration, problems=shown(wrong))
        response.headers.update(wrong.headers)
        return response
    return see_other("/register/check-your-email")


@router.api_route("/register/verify", methods=["GET", "HEAD"])
def look(request: Request, token: str = "") -> Response:
    """Check the link without spending it: mail scanners follow links. Shows the form filled in, on any device."""
    try:
        with sessions.read() as db:
            registration = links.read(db, token)
            about = _about(db, registration.urn)
    except links.LinkProblem as wrong:
        return _dead_link(request, wrong, token)
    return page(request, DETAILS, **about, registration=registration, token=token)


@router.post("/register/verify")
def complete(request: Request, sent: Posted) -> Response:
    """Spend the link, and show the username and the first password: in this answer, and never again."""
    token = sent.get("token", "")
    about: dict[str, Any] = {}
    try:
        with sessions.read() as db:
            registration = links.read(db, token)
            about = _about(db, registration.urn) | {"registration": registration, "token": token}
        form = DetailsForm.model_validate({"email": registration.email} | sent)
        if form.email != registration.email:
            return _verify_other_address(request, registration, form)
        with sessions.begin() as db:
            school, account, password = service.complete(db, token, form.name, form.mobile)
    except links.LinkProblem as wrong:
        return _dead_link(request, wrong, token)
    except (ValidationError, Problem) as wrong:
        return _again(request, wrong, about, sent)
    response = page(request, "registration/credentials.html", school=school, account=account, password=password)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    visit.keep(response, visit.Visit(school_id=school.id))
    return response


@router.post("/register/new-link")
def replace(request: Request, sent: Posted) -> Response:
    """For whoever holds a link that ran out or was replaced: mail a new one to the address that it was made for."""
    token = sent.get("token", "")
    try:
        with sessions.read() as db:
            registration = links.owner(db, token)
        if registration is None:
            raise links.Tampered
        with sessions.begin() as db:
            _mail_again(request, db, registration.id)
    except links.LinkProblem as wrong:
        return _dead_link(request, wrong, token)
    except Problem as wrong:
        return _stopped(request, wrong.status, wrong.title, wrong.hint)
    return page(request, "registration/link_sent.html", lasts=duration(settings.verification_link_seconds))


def _verify_other_address(request: Request, registration: Registration, form: DetailsForm) -> Response:
    """Another address was typed beside a verified one: it has to be verified too, and this link ends."""
    with sessions.begin() as db:
        service.change(db, _found(db, registration.id), form)
        limits.link(request, form.email)
    response = see_other("/register/check-your-email")
    visit.keep(response, visit.Visit(registration.urn, registration.id))
    return response


def _mail_again(request: Request, db: Session, registration_id: uuid.UUID) -> None:
    registration = _found(db, registration_id)
    service.send_again(db, registration)
    limits.link(request, registration.email)  # after what may refuse, so that only what is sent counts


def _found(db: Session, registration_id: uuid.UUID) -> Registration:
    registration = Registration.by_id(db, registration_id)
    if registration is None:
        raise links.Tampered
    return registration


def _pending(db: Session, here: visit.Visit) -> Registration | None:
    """The registration that this browser has begun and not completed."""
    found = Registration.by_id(db, here.registration_id) if here.registration_id else None
    return found if found and not found.is_complete else None


def _about(db: Session, urn: int) -> dict[str, Any]:
    """The school that the page is about, and whether somebody else has registered it."""
    return {
        "establishment": Establishment.by_urn(db, urn),
        "is_being_checked": School.taken(db, [urn]).get(urn) == UNVERIFIED,
    }


def _same_school(sent: dict[str, str], urn: int) -> None:
    """Two windows, two schools: what is sent must be about the school that the page showed."""
    if sent.get("urn", str(urn)) != str(urn):
        raise Problem(
            title="You have chosen another school in another window since",
            hint="This page now shows that one. Check that it is right, then press Signup.",
        )


def _again(request: Request, wrong: ValidationError | Problem, about: dict[str, Any], sent: dict[str, str]) -> Response:
    status = 422 if isinstance(wrong, ValidationError) or wrong.status == 400 else wrong.status
    problems = shown(wrong, DetailsForm)
    # A problem of the school itself has no field on this page.
    problems = [Fault(fault.text, "" if fault.field == "urn" else fault.field) for fault in problems]
    response = page(request, DETAILS, status, **about, sent=sent, problems=problems)
    response.headers.update({} if isinstance(wrong, ValidationError) else wrong.headers)
    return response


def _dead_link(request: Request, wrong: links.LinkProblem, token: str) -> Response:
    """A page of its own for each way in which a link can be dead, with the way on."""
    here = visit.of(request)
    is_ours = wrong.registration_id is not None and wrong.registration_id == here.registration_id
    is_school_ours = wrong.school_id is not None and wrong.school_id == here.school_id
    return page(
        request,
        "registration/dead_link.html",
        wrong.status,
        title=wrong.title,
        kind=type(wrong).__name__,
        token=token,
        is_ours=is_ours,
        is_school_ours=is_school_ours,
        lasts=duration(settings.verification_link_seconds),
    )


def _step_missing(request: Request) -> Response:
    return _stopped(
        request,
        409,
        "Find your school first",
        "This step comes after the one before. This browser may have forgotten it: it remembers for three days.",
    )


def _stopped(request: Request, status: int, title: str, text: str) -> Response:
    return page(request, "registration/stopped.html", status, title=title, text=text)
