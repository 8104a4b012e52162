"""Signing in and out: the password, then the code."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.db import sessions
from app.models.account import CODE, Account, SecondStep
from app.settings import settings
from app.signin import (
    account,
    contact,
    factors,
    limits,
    passkey_pages,
    passwords,
    recovery,
    reset,
    sessions_page,
    setup,
)
from app.signin.flow import WRONG_CODE, elsewhere, lead_on, second_step_page, sign_in_page, wanted
from app.signin.session import go_on, known, needs_second_step, opened, start, visitor
from app.web import cookies
from app.web.forms import Fault, Posted
from app.web.pages import page, see_other

router = APIRouter(include_in_schema=False)
router.include_router(setup.router)
router.include_router(account.router)
router.include_router(contact.router)
router.include_router(reset.router, dependencies=[Depends(known)])
router.include_router(passkey_pages.router)
router.include_router(recovery.router)
router.include_router(sessions_page.router)

NO_APP = Fault("You have no authenticator app. Use your passkey or a recovery code")
WRONG_PAIR = Fault("That username and password do not belong together. Check both, then try again", "login")


@router.get("/sign-in")
def ask(request: Request, next: str = "") -> Response:
    """The password form, also for somebody who is signed in: a partner may want them to sign in again."""
    next_path = wanted(next)
    with sessions.read() as db:
        person = visitor(request, db)
    return sign_in_page(request, next_path, signed_in=person)


@router.post("/sign-in")
def submit(request: Request, sent: Posted) -> Response:
    """Open a session for the right pair. Whatever is wrong with it, the answer is the same, and takes as long."""
    login, password, next_path = sent.get("login", ""), sent.get("password", ""), wanted(sent.get("next", ""))
    with sessions.read() as db:
        accounts = Account.by_login(db, login) if login and password else []

    def again(*problems: Fault) -> Response:
        return sign_in_page(request, next_path, 422, sent=sent, problems=[*problems])

    if not login or not password:
        missing = [] if login else [Fault("Enter your username or email address", "login")]
        return again(*missing, *([] if password else [Fault("Enter your password", "password")]))
    tried = limits.password(request, login, accounts)
    with tried.counted():
        found = passwords.matching(accounts, password)
    if found and not found.needs_second_step and needs_second_step(found):
        found = None  # made for tests: of no use anywhere else
    if found is None:
        return again(WRONG_PAIR)
    tried.forgive()
    if found.first_password_ran_out:
        return page(request, "signin/ran_out.html", 403, hours=settings.first_password_seconds // 3600)
    with sessions.begin() as db:
        going = start(request, db, found, next_path)
        return lead_on(request, db, going) if going else again(WRONG_PAIR)


@router.get("/sign-in/code")
def ask_code(request: Request) -> Response:
    with sessions.read() as db:
        person = opened(request, db)
    if person is None or person.session.step != CODE:
        return elsewhere(person)
    return second_step_page(request, person)


@router.post("/sign-in/code")
def submit_code(request: Request, sent: Posted) -> Response:
    """Finish signing in with a code that was not used before."""
    with sessions.read() as db:
        person = opened(request, db)
        if person is None or person.session.step != CODE:
            return elsewhere(person)
        second = SecondStep.of(db, person.account.id)
    tried = limits.code(request, person.account)
    tried.count()
    step = factors.time_step(second.sealed, sent.get("code", "")) if second else None
    if second is not None and step is not None:
        with sessions.begin() as db:
            if second.spend(db, step):
                tried.forgive()
                going = go_on(db, person, "otp")
                return lead_on(request, db, going) if going else elsewhere(None)
    return second_step_page(request, person, 422, problems=[WRONG_CODE if second else NO_APP])


@router.get("/sign-out")
def ask_sign_out(request: Request) -> Response:
    """Opening an address signs nobody out: the button does."""
    with sessions.read() as db:
        if visitor(request, db) is None:
            return see_other("/sign-in")
    return page(request, "signin/out.html")


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session, whatever step it is at; the next person at this browser sees no registration either."""
    with sessions.begin() as db:
        person = opened(request, db)
        if person:
            person.session.end(db)
    response = see_other("/")
    cookies.drop(response)
    cookies.drop(response, "registration")
    return response
