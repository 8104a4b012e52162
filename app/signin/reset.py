"""Another password for somebody who cannot sign in, by a code that is texted to the mobile of the account.

Whatever is typed, the answer is the same: what follows from it is done after the answer has left. The code works only
in the browser that asked for it. A new password is all that it gives: signing in, with the second step, comes after.
"""

import re
import secrets

import structlog
from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.responses import Response

from app.audit import record
from app.db import DatabaseAway, Session, sessions
from app.models.account import Account, Membership
from app.models.account import Session as SignIn
from app.models.base import ago, ahead
from app.models.contact import ContactChange, ResetCode
from app.models.school import CLOSED, REJECTED, School
from app.notify import messages
from app.secrets import digest, new_secret, well_formed
from app.settings import settings
from app.signin import limits, passwords
from app.signin.service import names_about
from app.signin.session import needs_second_step
from app.web import cookies
from app.web.forms import Fault, Posted, shown
from app.web.pages import page, see_other
from app.web.telephone import uk_mobile

log = structlog.get_logger()
router = APIRouter(include_in_schema=False)

HOUR = 3600
MOST_SENDS = 3  # an hour to one number
MOST_SENDS_TO_STRANGERS = 2  # so that the last one is left for a device on which the account was used before
WRONG_CODE = Fault(
    "That code is not right, or it does not work any more. Look whether you typed the newest one, or ask for another",
    "code",
)


@router.get("/reset")
def ask(request: Request) -> Response:
    return page(request, "signin/reset.html")


@router.post("/reset")
def submit(request: Request, sent: Posted) -> Response:
    """Take the browser to where the code is typed, and text one if there is an account to text it to."""
    login = sent.get("login", "")
    if not login:
        return page(
            request, "signin/reset.html", 422, problems=[Fault("Enter your username or email address", "login")]
        )
    with sessions.read() as db:
        accounts = Account.by_login(db, login)
    limits.reset(request, login, accounts).count()
    secret, before = new_secret("gh_rs"), _secret(request)
    most = MOST_SENDS if limits.is_known(request, accounts) else MOST_SENDS_TO_STRANGERS
    response = see_other("/reset/code")
    cookies.put(response, "reset", secret, settings.reset_code_seconds * 2)
    response.background = BackgroundTask(_send, login, secret, before, most)
    return response


@router.get("/reset/code")
def ask_code(request: Request) -> Response:
    return page(request, "signin/reset_code.html") if _secret(request) else see_other("/reset")


@router.post("/reset/code")
def submit_code(request: Request, sent: Posted) -> Response:
    """Let the browser choose a password, under another secret, for the code that was texted."""
    secret = _secret(request)
    if not secret:
        return see_other("/reset")
    typed, later = re.sub(r"[^0-9]", "", sent.get("code", "")), new_secret("gh_rs")
    tried = limits.reset_code(request, secret)
    tried.count()
    with sessions.begin() as db:
        code = ResetCode.count_try(db, digest(secret))
        is_right = code is not None and secrets.compare_digest(code.code_digest, _code_digest(secret, typed))
        if code and is_right and code.mark_right(db, digest(later), ahead(settings.reset_code_seconds)):
            tried.forgive()
            response = see_other("/reset/password")
            cookies.put(response, "reset", later, settings.reset_code_seconds)
            return response
    return page(request, "signin/reset_code.html", 422, problems=[WRONG_CODE])


@router.get("/reset/password")
def ask_password(request: Request) -> Response:
    with sessions.read() as db:
        allowed = _choosing(request, db)
    return page(request, "signin/reset_password.html", login=_login(allowed[1])) if allowed else see_other("/reset")


@router.post("/reset/password")
def submit_password(request: Request, sent: Posted) -> Response:
    """Put the new password in the place of the one that was lost, and end every session of the account."""
    with sessions.read() as db:
        allowed = _choosing(request, db)
        about = names_about(db, allowed[1]) if allowed else []
    if allowed is None:
        return see_other("/reset")
    code, account = allowed
    before = account.password_hash
    try:
        hashed = passwords.chosen(sent, about, before)
    except passwords.NotGoodEnough as wrong:
        shown_again = {"login": _login(account), "problems": shown(wrong)}
        return page(request, "signin/reset_password.html", wrong.status, **shown_again)
    with sessions.begin() as db:
        account = db.get_one(Account, account.id)
        if not code.spend(db) or not account.set_password(db, before, hashed):
            return see_other("/reset")
        SignIn.end_all(db, account.id)
        messages.account_changed(db, account, "your password was changed with a code that we sent to your mobile")
        record(db, "account.password_reset", actor=account.id, subject=account.id)
    response = see_other("/reset/done")
    cookies.drop(response, "reset")
    return response


@router.get("/reset/done")
def done(request: Request) -> Response:
    return page(request, "signin/reset_done.html")


def _send(login: str, secret: str, before: str, most: int) -> None:
    """Text a code to the account that was named, unless it has none to text to, or was texted enough."""
    try:
        with sessions.begin() as db:
            if before:
                ResetCode.drop_of(db, digest(before))
            account = _meant(db, login)
            mobile = _settled_mobile(db, account) if account else None
            if account is None or mobile is None or ResetCode.sent_to(db, mobile, ago(HOUR)) >= most:
                return
            code = f"{secrets.randbelow(1_000_000):06}"
            db.add(
                ResetCode(
                    account_id=account.id,
                    browser_digest=digest(secret),
                    code_digest=_code_digest(secret, code),
                    expires_at=ahead(settings.reset_code_seconds),
                )
            )
            messages.reset_code(db, mobile, code)
    except DatabaseAway as away:
        log.warning("could not text a code", error=type(away).__name__)


def _meant(db: Session, login: str) -> Account | None:
    """The account that a login names; of several with one address none, for which its username must be typed."""
    found = [account for account in Account.by_login(db, login) if _may_return(db, account)]
    name = login.strip().lower().replace("/", "").replace(" ", "")
    named = next((account for account in found if account.username == name), None)
    return named or (found[0] if len(found) == 1 else None)


def _may_return(db: Session, account: Account) -> bool:
    """Whether there is anything left to come back to: a school that is not rejected or closed, a partner, the team."""
    if account.ended_at or (not account.needs_second_step and needs_second_step(account)):
        return False
    schools = [School.by_id(db, held.school_id) if held.school_id else None for held in Membership.of(db, account.id)]
    return any(school is None or school.status not in (REJECTED, CLOSED) for school in schools)


def _settled_mobile(db: Session, account: Account) -> str | None:
    """The number to text to. One that the account got less than a day ago is none: whoever put it there may have no
    right to the account, and the rightful owner is still to notice. While a change waits, the number until now is."""
    if not account.mobile or ContactChange.cooling(db, account.id, ago(settings.contact_change_seconds)):
        return None
    try:
        return uk_mobile(account.mobile)
    except ValueError:
        return None


def _choosing(request: Request, db: Session) -> tuple[ResetCode, Account] | None:
    """The right code of this browser, and the account that it is for, if that may still come back."""
    secret = _secret(request)
    code = ResetCode.choosing(db, digest(secret)) if secret else None
    account = db.get(Account, code.account_id) if code else None
    return (code, account) if code and account and _may_return(db, account) else None


def _login(account: Account) -> str:
    return account.username or account.email


def _secret(request: Request) -> str:
    """What ties the steps to this browser; empty before the first."""
    secret = request.cookies.get(cookies.name("reset"), "")
    return secret if well_formed(secret, "gh_rs") else ""


def _code_digest(secret: str, code: str) -> bytes:
    # The browser's secret is the key: the database alone, which lacks it, gives away no code.
    return digest(f"{secret} {code}")
