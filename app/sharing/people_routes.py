"""`/school/admins`: the people of a school, and what an Admin does about them."""

import uuid
from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import Field, ValidationError
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotAllowed, NotFound, Problem, SignInNeeded
from app.models import people as known
from app.models.account import ADMIN, DECIDING
from app.models.contact import Welcome
from app.models.school import School
from app.sharing import people
from app.signin import welcome
from app.signin.reauth import proven_lately
from app.signin.session import Person, at_school
from app.web.forms import Posted, shown, status_of
from app.web.pages import page, see_other
from app.web.people import SomebodyForm
from app.web.throttle import Limit, Try

router = APIRouter(prefix="/school/admins", include_in_schema=False)

HOME = "/school/admins"
DONE = {
    "sent": "The link is on its way",
    "withdrawn": "The link does not work any more",
    "role": "The role was changed, and the person and every Admin have been told",
    "same": "Nothing was changed: they have this role already",
    "removed": "The person has no access any more, and they and every Admin have been told",
}
_mails = Limit(30, 3600)  # of one school


class NoRole(Problem):
    status = 422
    title = "Choose a role"


class Addition(SomebodyForm):
    """One more person for the school."""

    role: Literal["Admin", "DPO", "IT", "Read-only"] = Field(description="Choose a role")


@router.get("")
def ask(request: Request, done: str = "") -> Response:
    """Everybody with a role, whether they have a second step, and who was sent a link."""
    return _listed(request, notice=DONE.get(done, ""))


@router.get("/add")
def ask_addition(request: Request) -> Response:
    with sessions.read() as db:
        person, school = at_school(request, db, *DECIDING)
    return proven_lately(request, person) or page(request, "sharing/add_person.html", school=school, roles=people.ROLES)


@router.post("/add")
def add(request: Request, sent: Posted) -> Response:
    """Mail one more person the link that lets them in."""
    with sessions.read() as db:
        person, school = at_school(request, db, *DECIDING)
    if proof := proven_lately(request, person, f"{HOME}/add"):
        return proof
    try:
        form = Addition.model_validate(sent)
        Try(((_mails, school.id),)).count()
        with sessions.begin() as db:
            people.invite(db, *at_school(request, db, *DECIDING), name=form.name, email=form.email, role=form.role)
    except (SignInNeeded, NotAllowed):
        raise
    except (ValidationError, Problem) as wrong:
        status = status_of(wrong)
        context = {"sent": sent, "problems": shown(wrong, Addition), "school": school, "roles": people.ROLES}
        return page(request, "sharing/add_person.html", status, **context)
    return see_other(f"{HOME}?done=sent")


@router.post("/welcomes/{welcome_id}/resend")
def resend(request: Request, welcome_id: uuid.UUID) -> Response:
    """Mail a new link; the one before stops working."""

    def work(db: Session, person: Person, school: School) -> None:
        people.lock(db, person, school)
        waiting = _waiting(db, school, welcome_id)
        Try(((_mails, school.id),)).count()
        welcome.send_again(db, waiting, person.account)

    return _act(request, work, "sent")


@router.post("/welcomes/{welcome_id}/withdraw")
def withdraw(request: Request, welcome_id: uuid.UUID) -> Response:
    def work(db: Session, person: Person, school: School) -> None:
        people.withdraw(db, person, school, _waiting(db, school, welcome_id))

    return _act(request, work, "withdrawn")


@router.get("/{account_id}")
def see(request: Request, account_id: uuid.UUID) -> Response:
    """One person: their role, and the way out."""
    return _person(request, account_id)


@router.post("/{account_id}/role")
def change_role(request: Request, account_id: uuid.UUID, sent: Posted) -> Response:
    role = sent.get("role", "")

    def work(db: Session, person: Person, school: School) -> str | None:
        people.find(db, school, account_id)
        if role not in people.ROLES:
            raise NoRole(field="role")
        return None if people.change_role(db, person, school, account_id, role) else "same"

    return _act(request, work, "role", account_id)


@router.get("/{account_id}/remove")
def ask_removal(request: Request, account_id: uuid.UUID) -> Response:
    """Say what removing does, and what it does not."""
    with sessions.read() as db:
        person, school = at_school(request, db, *DECIDING)
        account, held = people.find(db, school, account_id)
    if proof := proven_lately(request, person):
        return proof
    return page(request, "sharing/remove_person.html", account=account, held=held, school=school, me=person.account)


@router.post("/{account_id}/remove")
def remove(request: Request, account_id: uuid.UUID) -> Response:
    """End somebody's access."""

    def work(db: Session, person: Person, school: School) -> None:
        people.remove(db, person, school, account_id)

    return _act(request, work, "removed", account_id)


def _act(
    request: Request,
    work: Callable[[Session, Person, School], str | None],
    done: str,
    account_id: uuid.UUID | None = None,
) -> Response:
    """Do one thing in one write unit, for an Admin who has just proved who they are; or show what is wrong.

    `done` is what to say afterwards, a key of DONE, unless `work` gives another.
    """
    with sessions.read() as db:
        person, _ = at_school(request, db, *DECIDING)
    if proof := proven_lately(request, person, f"{HOME}/{account_id}" if account_id else HOME):
        return proof
    try:
        with sessions.begin() as db:
            done = work(db, *at_school(request, db, *DECIDING)) or done
    except (SignInNeeded, NotAllowed, NotFound):
        raise
    except Problem as wrong:
        return _person(request, account_id, wrong) if account_id else _listed(request, wrong)
    # Whoever takes the role, or the access, from themselves cannot see the list any more.
    lost = account_id == person.account.id and done != "same"
    return see_other("/school" if lost else f"{HOME}?done={done}")


def _listed(request: Request, wrong: Problem | None = None, notice: str = "") -> Response:
    with sessions.read() as db:
        person, school = at_school(request, db, *DECIDING)
        everybody, waiting = known.of_school(db, school.id), Welcome.open_at(db, school.id)
    return page(
        request,
        "sharing/people.html",
        wrong.status if wrong else 200,
        problems=shown(wrong) if wrong else [],
        notice=notice,
        school=school,
        people=everybody,
        waiting=waiting,
        me=person.account,
        admins=sum(one.membership.role == ADMIN for one in everybody),
    )


def _person(request: Request, account_id: uuid.UUID, wrong: Problem | None = None) -> Response:
    with sessions.read() as db:
        person, school = at_school(request, db, *DECIDING)
        account, held = people.find(db, school, account_id)
    if proof := proven_lately(request, person, f"{HOME}/{account_id}"):
        return proof
    context = {"account": account, "held": held, "school": school, "me": person.account, "roles": people.ROLES}
    faults = shown(wrong) if wrong else []
    return page(request, "sharing/person.html", wrong.status if wrong else 200, problems=faults, **context)


def _waiting(db: Session, school: School, welcome_id: uuid.UUID) -> Welcome:
    found = Welcome.at_school(db, welcome_id, school.id)
    if found is None:
        raise NotFound
    return found
