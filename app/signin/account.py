"""One's own account: what it holds, another password, and proving once more who one is."""

import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import sessions
from app.errors import NotFound
from app.models.account import SecondStep
from app.models.base import now
from app.models.contact import ContactChange
from app.models.passkey import Passkey, RecoveryCode
from app.models.school import School
from app.signin import limits, passwords
from app.signin.flow import confirm_page, wanted
from app.signin.service import change_password, names_about
from app.signin.session import Person, choose_school, hand_over, signed_in
from app.web.forms import Fault, Posted, shown
from app.web.pages import page, see_other

router = APIRouter(include_in_schema=False)

WRONG_PASSWORD = Fault("That is not your password now. Check it, then try again", "password")


@router.get("/account")
def ask(request: Request, changed: str = "") -> Response:
    with sessions.read() as db:
        person = signed_in(request, db)
        ids = [held.school_id for held in person.memberships if held.school_id]
        schools = [school for school in (School.by_id(db, one) for one in dict.fromkeys(ids)) if school]
        steps = {
            "has_app": SecondStep.of(db, person.account.id) is not None,
            "passkeys": len(Passkey.of(db, person.account.id)),
            "changes": ContactChange.open_of(db, person.account.id),
            "codes": RecoveryCode.left(db, person.account.id),
            "codes_made": RecoveryCode.made(db, person.account.id),
        }
    shown_too: dict[str, Any] = {
        "account": person.account,
        "me": person,
        "schools": schools,
        "changed": changed,
        **steps,
    }
    return page(request, "account/account.html", **shown_too)


@router.post("/account/school")
def choose(request: Request, sent: Posted) -> Response:
    """Work for another of one's schools."""
    with sessions.begin() as db:
        person = signed_in(request, db)
        try:
            choose_school(db, person, uuid.UUID(sent.get("school", "")))
        except ValueError as wrong:
            raise NotFound from wrong
    return see_other("/school")


@router.get("/account/password")
def ask_password(request: Request) -> Response:
    with sessions.read() as db:
        signed_in(request, db)
    return page(request, "account/password.html")


@router.post("/account/password")
def submit_password(request: Request, sent: Posted) -> Response:
    """Change the password for somebody who knows the one until now. Every other session ends."""
    with sessions.read() as db:
        person = signed_in(request, db)
        about = names_about(db, person.account)
    before = person.account.password_hash
    if not knows_password(person, sent):
        return page(request, "account/password.html", 422, problems=[WRONG_PASSWORD])
    try:
        hashed = passwords.chosen(sent, about, before)
        with sessions.begin() as db:
            going = change_password(db, signed_in(request, db), before, hashed)
    except passwords.NotGoodEnough as wrong:
        return page(request, "account/password.html", wrong.status, problems=shown(wrong))
    response = see_other("/account?changed=password")
    hand_over(response, going.secret)
    return response


@router.get("/account/confirm")
def ask_confirm(request: Request, next: str = "") -> Response:
    with sessions.read() as db:
        person = signed_in(request, db)
    return confirm_page(request, person, wanted(next))


@router.post("/account/confirm")
def confirm(request: Request, sent: Posted) -> Response:
    """Note that the password was typed just now, as weightier pages want, and go on to such a page."""
    next_path = wanted(sent.get("next", ""))
    with sessions.read() as db:
        person = signed_in(request, db)
    if not knows_password(person, sent):
        return confirm_page(request, person, next_path, 422, problems=[WRONG_PASSWORD])
    with sessions.begin() as db:
        signed_in(request, db).session.proved_at = now()
    return see_other(next_path or "/account")


def knows_password(person: Person, sent: dict[str, str]) -> bool:
    """Whether the password was typed right once more. A wrong one counts; raises TooManyTries after too many."""
    tried = limits.password_again(person.account)
    with tried.counted():
        right = passwords.matches(person.account, sent.get("password", ""))
    if right:
        tried.forgive()
    return right
