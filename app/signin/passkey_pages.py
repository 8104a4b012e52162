"""Passkeys in the browser: signing in with one, the second step, proving once more, and those of one's account."""

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotFound, Problem
from app.models.account import CODE, DONE, ENROL, Account
from app.models.base import now
from app.models.passkey import Passkey
from app.signin import limits, passkeys
from app.signin.flow import awaited, confirm_page, elsewhere, lead_on, second_step_page, sign_in_page, step_page, wanted
from app.signin.passkeys import CONFIRM, METHODS, REGISTER, SECOND_STEP, SIGN_IN
from app.signin.reauth import proven_lately
from app.signin.service import TooLate
from app.signin.session import Person, go_on, hand_over, opened, signed_in, start, visitor
from app.web.forms import Posted, shown
from app.web.pages import page, see_other

router = APIRouter(include_in_schema=False)

STEPS = {SECOND_STEP: (CODE,), CONFIRM: (DONE,), REGISTER: (ENROL, DONE)}


@router.post("/passkeys/options")
def options(request: Request, sent: Posted) -> Response:
    """What the browser should ask a device for: JSON for the script of the page."""
    purpose = sent.get("purpose", "")
    limits.challenge(request).count()
    with sessions.begin() as db:
        person = opened(request, db)
        if purpose == SIGN_IN:
            made = passkeys.asking(db, purpose, None)
        elif person is None or person.session.step not in STEPS.get(purpose, ()):
            raise NotFound
        elif purpose == REGISTER:
            made = passkeys.registration(db, person.account)
        else:
            made = passkeys.asking(db, purpose, person.account)
    return Response(made, media_type="application/json", headers={"cache-control": "no-store"})


@router.post("/sign-in/passkey")
def sign_in(request: Request, sent: Posted) -> Response:
    """Sign in with a passkey alone: the device verified the person, which makes it two factors."""
    next_path = wanted(sent.get("next", ""))
    try:
        proof = passkeys.judged(sent, SIGN_IN, None)
        with sessions.begin() as db:
            passkeys.use(db, proof)
            account = db.get(Account, proof.passkey.account_id)
            going = start(request, db, account, next_path, METHODS) if account else None
            if going is None:
                raise passkeys.Refused(hint="Its account is closed.")
            return lead_on(request, db, going)
    except passkeys.Refused as wrong:
        return sign_in_page(request, next_path, wrong.status, problems=shown(wrong))


@router.post("/sign-in/code/passkey")
def second_step(request: Request, sent: Posted) -> Response:
    """Finish signing in with a passkey of the account whose password was typed."""
    with sessions.read() as db:
        person = opened(request, db)
    if person is None or person.session.step != CODE:
        return elsewhere(person)
    try:
        proof = passkeys.judged(sent, SECOND_STEP, person.account.id)
        with sessions.begin() as db:
            passkeys.use(db, proof)
            going = go_on(db, person, *METHODS)
            return lead_on(request, db, going) if going else elsewhere(None)
    except passkeys.Refused as wrong:
        return second_step_page(request, person, wrong.status, problems=shown(wrong))


@router.post("/account/confirm/passkey")
def confirm(request: Request, sent: Posted) -> Response:
    """Prove with a passkey, instead of the password, who one is."""
    next_path = wanted(sent.get("next", ""))
    with sessions.read() as db:
        person = signed_in(request, db)
    try:
        proof = passkeys.judged(sent, CONFIRM, person.account.id)
        with sessions.begin() as db:
            passkeys.use(db, proof)
            signed_in(request, db).session.proved_at = now()
    except passkeys.Refused as wrong:
        return confirm_page(request, person, next_path, wrong.status, problems=shown(wrong))
    return see_other(next_path or "/account")


@router.get("/account/passkeys")
def ask(request: Request, changed: str = "") -> Response:
    with sessions.read() as db:
        person = signed_in(request, db)
        if confirm_first := proven_lately(request, person):
            return confirm_first
        return _list(request, db, person, changed=changed)


@router.post("/account/passkeys")
def add(request: Request, sent: Posted) -> Response:
    """Take a passkey into use: the first second step of an account, or one more."""
    with sessions.read() as db:
        person = _setting_up(request, db)
    if isinstance(person, Response):
        return person
    try:
        passkey = passkeys.made(sent, person)
        with sessions.begin() as db:
            current = _setting_up(request, db)
            if isinstance(current, Response):
                return current
            is_first = current.session.step == ENROL
            going = passkeys.add(db, current, passkey)
            if is_first:
                return lead_on(request, db, going)
    except TooLate:
        return elsewhere(None)
    except passkeys.Refused as wrong:
        return _again(request, wrong, sent)
    response = see_other("/account/passkeys?changed=added")
    hand_over(response, going.secret)
    return response


@router.post("/account/passkeys/remove")
def remove(request: Request, sent: Posted) -> Response:
    """Take a passkey out of use; the last second step stays."""
    try:
        with sessions.begin() as db:
            person = signed_in(request, db)
            if confirm_first := proven_lately(request, person, "/account/passkeys"):
                return confirm_first
            passkey = next((one for one in Passkey.of(db, person.account.id) if str(one.id) == sent.get("id")), None)
            if passkey is None:
                raise NotFound
            going = passkeys.remove(db, person, uuid.UUID(sent["id"]))
    except TooLate:
        return elsewhere(None)
    except passkeys.Refused as wrong:
        return _again(request, wrong, {})
    response = see_other("/account/passkeys?changed=removed")
    hand_over(response, going.secret)
    return response


def _setting_up(request: Request, db: Session) -> Person | Response:
    """Whoever may add a passkey now; else where they should go."""
    person = opened(request, db)
    if person is None or person.session.step not in (ENROL, DONE):
        return elsewhere(person)
    if person.session.step == ENROL:
        return person
    visitor(request, db)  # the layout shows who is signed in
    return proven_lately(request, person, "/account/passkeys") or person


def _again(request: Request, wrong: Problem, sent: dict[str, str]) -> Response:
    with sessions.read() as db:
        person = opened(request, db)
        if person is None:
            return elsewhere(None)
        if person.session.step == ENROL:
            app, there = awaited(request, db, person.session.next_path), passkeys.elsewhere(request)
            return step_page(
                request, "signin/passkey_again.html", app, wrong.status, elsewhere=there, problems=shown(wrong)
            )
        visitor(request, db)
        return _list(request, db, person, wrong.status, problems=shown(wrong), sent=sent)


def _list(request: Request, db: Session, person: Person, status: int = 200, **context: object) -> Response:
    listed = Passkey.of(db, person.account.id)
    there = passkeys.elsewhere(request)
    return page(request, "account/passkeys.html", status, passkeys=listed, elsewhere=there, **context)
