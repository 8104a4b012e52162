"""From one step of signing in to the next, and to where it was to lead."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from app.db import Session, sessions
from app.models.account import ADMIN, DONE, SecondStep
from app.models.partner import App
from app.models.passkey import Passkey, RecoveryCode
from app.models.school import School
from app.signin import limits, passkeys
from app.signin.paths import own_path
from app.signin.session import Going, Person, hand_over, step_path
from app.web import invited, remembered
from app.web.forms import Fault
from app.web.pages import page, see_other

WRONG_CODE = Fault(
    "That code is not right, or it was used already. Wait until your app shows the next one, then type that", "code"
)


def wanted(text: str) -> str | None:
    """Where the browser asks to be led after signing in: a path of ours, and not the way in or out."""
    path = own_path(text)
    return None if path is None or path.startswith(("/sign-in", "/sign-out")) else path


def lead_on(request: Request, db: Session, going: Going) -> Response:
    """Send the browser to the step that is open; when none is, to where signing in was to lead."""
    if going.person.session.step != DONE:
        response: Response = see_other(step_path(going.person))
    else:
        response = see_other(_destination(request, db, going.person))
        limits.remember(request, response, going.person.account)
    hand_over(response, going.secret)
    return response


def _destination(request: Request, db: Session, person: Person) -> str:
    if person.session.next_path:
        return person.session.next_path
    mine = [held.school_id for held in person.memberships if held.school_id and held.role == ADMIN]
    waiting = remembered.pending(request, db) if mine else None
    if waiting:
        return remembered.path(waiting[0])
    schools = [school for school in (School.by_id(db, school_id) for school_id in mine) if school]
    invitation = invited.pending(request, db, [school.urn for school in schools])
    return invited.path(invitation) if invitation else person.home


def elsewhere(person: Person | None) -> Response:
    """For whoever opens, or posts to, a step that is not theirs now: to the one that is. Nothing happens."""
    return see_other(step_path(person) if person else "/sign-in")


def awaited(request: Request, db: Session, next_path: str | None) -> App | None:
    """The app whose request goes on after signing in."""
    found = remembered.awaited(request, db, next_path)
    return found[1] if found else None


def step_page(request: Request, template: str, app: App | None, status: int = 200, **context: Any) -> Response:
    """A page whose form may end, by redirects, at the partner: the browser must be let there."""
    if app:
        request.state.form_targets = remembered.form_targets(app)
    return page(request, template, status, app=app, **context)


def sign_in_page(request: Request, next_path: str | None, status: int = 200, **context: Any) -> Response:
    """The first page of signing in."""
    with sessions.read() as db:
        app = awaited(request, db, next_path)
    there = passkeys.elsewhere(request)
    return step_page(request, "signin/password.html", app, status, next_path=next_path, elsewhere=there, **context)


def second_step_page(request: Request, person: Person, status: int = 200, **context: Any) -> Response:
    """The second step, by whatever the person has set up: a passkey, an authenticator app, recovery codes."""
    with sessions.read() as db:
        app = awaited(request, db, person.session.next_path)
        context["has_app"] = SecondStep.of(db, person.account.id) is not None
        context["has_passkey"] = bool(Passkey.of(db, person.account.id))
        context["has_codes"] = RecoveryCode.left(db, person.account.id) > 0
    return step_page(request, "signin/code.html", app, status, elsewhere=passkeys.elsewhere(request), **context)


def confirm_page(
    request: Request, person: Person, next_path: str | None, status: int = 200, **context: Any
) -> Response:
    """Proving once more who one is: by the password, or by a passkey of this account."""
    with sessions.read() as db:
        has_passkey = bool(Passkey.of(db, person.account.id))
    facts = {"next_path": next_path, "has_passkey": has_passkey, "elsewhere": passkeys.elsewhere(request)}
    return page(request, "account/confirm.html", status, **facts, **context)
