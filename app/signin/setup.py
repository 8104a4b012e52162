"""The first sign-in: a password of one's own, then an authenticator app. Later, another authenticator app."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import Problem
from app.models.account import CHANGE_PASSWORD, DONE, ENROL, SecondStep
from app.signin import factors, passkeys, passwords
from app.signin.flow import WRONG_CODE, awaited, elsewhere, lead_on, step_page
from app.signin.reauth import proven_lately
from app.signin.service import TooLate, change_password, names_about, set_authenticator
from app.signin.session import Person, hand_over, opened, visitor
from app.web.forms import Posted, shown
from app.web.pages import see_other

router = APIRouter(include_in_schema=False)


@router.get("/account/first-password")
def ask_password(request: Request) -> Response:
    with sessions.read() as db:
        person = opened(request, db)
        if person is None or person.session.step != CHANGE_PASSWORD:
            return elsewhere(person)
        app = awaited(request, db, person.session.next_path)
    return step_page(request, "signin/first_password.html", app)


@router.post("/account/first-password")
def submit_password(request: Request, sent: Posted) -> Response:
    """Put a password of the person's own in the place of the one that we made."""
    with sessions.read() as db:
        person = opened(request, db)
        if person is None or person.session.step != CHANGE_PASSWORD:
            return elsewhere(person)
        app = awaited(request, db, person.session.next_path)
        about = names_about(db, person.account)
    before = person.account.password_hash
    try:
        hashed = passwords.chosen(sent, about, before)
        with sessions.begin() as db:
            person = opened(request, db)
            if person is None or person.session.step != CHANGE_PASSWORD:
                return elsewhere(person)
            return lead_on(request, db, change_password(db, person, before, hashed))
    except Problem as wrong:
        return step_page(request, "signin/first_password.html", app, wrong.status, problems=shown(wrong))


@router.get("/account/authenticator")
def ask_authenticator(request: Request) -> Response:
    """The picture to scan. It stays the same until it was used, or the session ends."""
    with sessions.begin() as db:
        person = _setting_up(request, db)
        if isinstance(person, Response):
            return person
        factors.begin_setup(db, person.session)
        return _picture(request, db, person)


@router.post("/account/authenticator")
def submit_authenticator(request: Request, sent: Posted) -> Response:
    """Take the authenticator into use, once a code of it shows that it works."""
    try:
        with sessions.begin() as db:
            person = _setting_up(request, db)
            if isinstance(person, Response):
                return person
            sealed, is_first = person.session.seed_sealed, person.session.step == ENROL
            step = factors.time_step(sealed, sent.get("code", "")) if sealed else None
            if sealed is None or step is None:
                factors.begin_setup(db, person.session)
                return _picture(request, db, person, 422, problems=[WRONG_CODE])
            before = SecondStep.of(db, person.account.id)
            going = set_authenticator(db, person, sealed, step)
            if is_first:
                return lead_on(request, db, going)
    except TooLate:
        return elsewhere(None)
    response = see_other(f"/account?changed=authenticator{'' if before else '-first'}")
    hand_over(response, going.secret)
    return response


def _setting_up(request: Request, db: Session) -> Person | Response:
    """Whoever may set up an authenticator now; else where they should go."""
    person = opened(request, db)
    if person is None or person.session.step not in (ENROL, DONE):
        return elsewhere(person)
    if person.session.step == DONE:
        visitor(request, db)  # the layout shows who is signed in
        return proven_lately(request, person, "/account/authenticator") or person
    return person


def _picture(request: Request, db: Session, person: Person, status: int = 200, **context: Any) -> Response:
    app = awaited(request, db, person.session.next_path) if person.session.step == ENROL else None
    seed, picture = factors.seed_to_show(person.session.seed_sealed or "", person.account)
    shown = {
        "seed": seed,
        "picture": picture,
        "is_first": person.session.step == ENROL,
        "has_app": SecondStep.of(db, person.account.id) is not None,
        "elsewhere": passkeys.elsewhere(request),
    }
    return step_page(request, "signin/authenticator.html", app, status, **shown, **context)
