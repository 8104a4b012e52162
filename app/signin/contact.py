"""Another e-mail address or mobile number for one's own account.

Whoever finds an open browser must not take the account over: the person proves first who they are, the new one is shown
to be theirs, the old address is told at once and may stop it, and it takes effect a day later.
"""

import re
import secrets

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.audit import record
from app.db import Session, sessions
from app.errors import NotFound, Problem
from app.models.account import Account
from app.models.account import Session as SignIn
from app.models.base import ago, ahead
from app.models.contact import EMAIL, MOBILE, ContactChange, ResetCode
from app.notify import messages
from app.secrets import digest, new_secret, well_formed
from app.settings import settings
from app.signin import limits
from app.signin.reauth import proven_lately
from app.signin.session import Person, signed_in
from app.web import cookies
from app.web.forms import Fault, Posted, shown, status_of
from app.web.pages import page, see_other
from app.web.people import address
from app.web.telephone import uk_mobile

router = APIRouter(include_in_schema=False)

HOUR, DAY, MONTH = 3600, 86_400, 30 * 86_400
MOST_TEXTS = 2  # an hour to one number, those of a reset counted: the third is left for its owner's known device
MOST_AT_ONCE = 100  # that take effect in one write unit
WRONG_CODE = Fault("That code is not right, or it does not work any more. Cancel the change to begin anew", "code")
DEAD_LINK = "It was used, the change was stopped or cancelled, or it has run out."


class UnderWay(Problem):
    """One change at a time of each kind."""

    status = 409
    title = "A change is under way already"

    def __init__(self) -> None:
        super().__init__("Cancel it on the page of your account before you ask for another one.")


class TooManyTexts(Problem):
    """The number was texted often enough within an hour."""

    status = 429
    title = "That number was sent more than one code within the last hour"

    def __init__(self) -> None:
        super().__init__("Wait an hour, then try again.", MOBILE)


@router.get("/account/email")
def ask_email(request: Request) -> Response:
    return _ask(request, "account/email.html")


@router.get("/account/mobile")
def ask_mobile(request: Request) -> Response:
    return _ask(request, "account/mobile.html")


def _ask(request: Request, template: str) -> Response:
    with sessions.read() as db:
        person = signed_in(request, db)
    return proven_lately(request, person) or page(request, template, account=person.account)


@router.post("/account/email")
def submit_email(request: Request, sent: Posted) -> Response:
    """Mail a link to the new address, and tell the one until now."""
    with sessions.read() as db:
        person = signed_in(request, db)
    if first := proven_lately(request, person):
        return first
    limits.contact_change(person.account).count()
    try:
        email = address(sent.get("email", ""))
        if email == person.account.email:
            raise ValueError("That is your email address now")
        with sessions.begin() as db:
            asking, link = signed_in(request, db), new_secret("gh_ce")
            begin(db, asking, EMAIL, email, proof=digest(link), seconds=settings.verification_link_seconds)
            messages.contact_proof(db, asking.account, email, f"{settings.issuer}/account/email/confirm?link={link}")
    except (ValueError, Problem) as wrong:
        return _again(request, "account/email.html", person, sent, wrong)
    return see_other("/account?changed=email-asked")


@router.post("/account/mobile")
def submit_mobile(request: Request, sent: Posted) -> Response:
    """Text a code to the new number, and tell the address until now."""
    with sessions.read() as db:
        person = signed_in(request, db)
    if first := proven_lately(request, person):
        return first
    limits.contact_change(person.account).count()
    key, code = new_secret("gh_cm"), f"{secrets.randbelow(1_000_000):06}"
    try:
        mobile = uk_mobile(sent.get("mobile", ""))
        if mobile == person.account.mobile:
            raise ValueError("That is your mobile number now")
        with sessions.begin() as db:
            asking = signed_in(request, db)
            if ResetCode.sent_to(db, mobile, ago(HOUR)) >= MOST_TEXTS:
                raise TooManyTexts
            proof = _code_digest(key, code)
            begin(db, asking, MOBILE, mobile, proof=proof, seconds=settings.reset_code_seconds)
            messages.mobile_code(db, mobile, code)
    except (ValueError, Problem) as wrong:
        return _again(request, "account/mobile.html", person, sent, wrong)
    response = see_other("/account/mobile/code")
    cookies.put(response, "mobile", key, settings.reset_code_seconds)
    return response


def begin(db: Session, person: Person, kind: str, after: str, *, proof: bytes, seconds: int) -> None:
    """Note what is wanted, and tell the address until now how to stop it. Raises UnderWay."""
    account = person.account
    ContactChange.hold(db, account.id)
    ContactChange.expire(db, account.id)
    if any(change.kind == kind for change in ContactChange.open_of(db, account.id)):
        raise UnderWay
    stop = new_secret("gh_cs")
    change = ContactChange(
        account_id=account.id,
        kind=kind,
        before=(account.email if kind == EMAIL else account.mobile) or "",
        after=after,
        proof_digest=proof,
        stop_digest=digest(stop),
        expires_at=ahead(seconds),
    )
    db.add(change)
    db.flush()
    messages.contact_asked(db, account, kind, f"{settings.issuer}/account/stop?link={stop}")
    record(db, "account.contact_change_asked", actor=account.id, subject=change.id, kind=kind)


@router.get("/account/mobile/code")
def ask_code(request: Request) -> Response:
    with sessions.read() as db:
        waiting = _unproved_mobile(db, signed_in(request, db))
    return page(request, "account/mobile_code.html", change=waiting) if waiting else see_other("/account")


@router.post("/account/mobile/code")
def submit_code(request: Request, sent: Posted) -> Response:
    """Take the new number for theirs, once its code was typed in the browser that asked for it."""
    key, typed = request.cookies.get(cookies.name("mobile"), ""), re.sub(r"[^0-9]", "", sent.get("code", ""))
    with sessions.begin() as db:
        person = signed_in(request, db)
        waiting = _unproved_mobile(db, person)
        if waiting is None:
            return see_other("/account")
        change = ContactChange.count_try(db, person.account.id)
        is_right = change is not None and secrets.compare_digest(change.proof_digest, _code_digest(key, typed))
        if change and is_right and _prove(db, change):
            response = see_other("/account?changed=mobile-asked")
            cookies.drop(response, "mobile")
            return response
    return page(request, "account/mobile_code.html", 422, change=waiting, problems=[WRONG_CODE])


@router.api_route("/account/email/confirm", methods=["GET", "HEAD"])
def ask_confirm(request: Request, link: str = "") -> Response:
    """Show what the link is for. Opening it proves nothing: mail scanners follow links too."""
    with sessions.read() as db:
        change = ContactChange.by_proof(db, EMAIL, digest(link)) if well_formed(link, "gh_ce") else None
    return page(request, "account/email_confirm.html", change=change, link=link) if change else _dead(request)


@router.post("/account/email/confirm")
def confirm(request: Request, sent: Posted) -> Response:
    """Take the new address for theirs; whoever follows the link need not be signed in where they do."""
    link = sent.get("link", "")
    with sessions.begin() as db:
        change = ContactChange.by_proof(db, EMAIL, digest(link)) if well_formed(link, "gh_ce") else None
        if change is None or not _prove(db, change):
            return _dead(request)
    return page(request, "account/email_confirmed.html", change=change)


@router.api_route("/account/stop", methods=["GET", "HEAD"])
def ask_stop(request: Request, link: str = "") -> Response:
    with sessions.read() as db:
        change = ContactChange.by_stop(db, digest(link)) if well_formed(link, "gh_cs") else None
    return page(request, "account/email_stop.html", change=change, link=link) if change else _dead(request)


@router.post("/account/stop")
def stop(request: Request, sent: Posted) -> Response:
    """Stop every change of the account, and sign it out everywhere: whoever asked for it may be in there."""
    link = sent.get("link", "")
    with sessions.begin() as db:
        change = ContactChange.by_stop(db, digest(link)) if well_formed(link, "gh_cs") else None
        if change is None or not change.end(db, "stopped"):
            return _dead(request)
        account = db.get_one(Account, change.account_id)
        ContactChange.stop_all(db, account.id)
        SignIn.end_all(db, account.id)
        messages.contact_stopped(db, account)
        record(db, "account.contact_change_stopped", actor=None, subject=change.id, kind=change.kind)
    return page(request, "account/email_stopped.html")


@router.post("/account/{kind}/cancel")
def cancel(request: Request, kind: str) -> Response:
    """Let a change of one's own be; that needs no proof, for it leaves everything as it is."""
    if kind not in (EMAIL, MOBILE):
        raise NotFound
    with sessions.begin() as db:
        person = signed_in(request, db)
        for change in ContactChange.open_of(db, person.account.id):
            if change.kind == kind and change.end(db, "stopped"):
                record(db, "account.contact_change_cancelled", actor=person.account.id, subject=change.id, kind=kind)
    return see_other("/account")


def take_effect(db: Session) -> int:
    """Chore: let addresses and numbers whose day is over be the account's. How many changes were ended."""
    ended = 0
    for change in ContactChange.due(db, MOST_AT_ONCE):
        account = db.get_one(Account, change.account_id)
        if not change.end(db, "stopped" if account.ended_at else "done"):
            continue
        ended += 1
        if account.ended_at:
            continue
        if change.kind == EMAIL:
            account.email = change.after
        else:
            account.mobile = change.after
        told = [change.before, change.after] if change.kind == EMAIL else [account.email]
        messages.contact_changed(db, account, change.kind, told)
        record(db, "account.contact_changed", actor=account.id, subject=change.id, kind=change.kind)
    return ended or ContactChange.expire(db)


def forget(db: Session) -> int:
    """Chore: delete the codes of yesterday, and changes that ended a month ago: the audit knows that there were any."""
    return ResetCode.forget(db, ago(DAY)) + ContactChange.forget(db, ago(MONTH))


def _prove(db: Session, change: ContactChange) -> bool:
    """The new one is theirs, and takes effect when its day is over; one caller gets True."""
    if not change.prove(db, ahead(settings.contact_change_seconds)):
        return False
    record(db, "account.contact_change_proved", actor=change.account_id, subject=change.id, kind=change.kind)
    return True


def _unproved_mobile(db: Session, person: Person) -> ContactChange | None:
    changes = ContactChange.open_of(db, person.account.id)
    return next((change for change in changes if change.kind == MOBILE and change.proved_at is None), None)


def _again(request: Request, template: str, person: Person, sent: dict[str, str], wrong: Exception) -> Response:
    status = status_of(wrong)
    field = EMAIL if template == "account/email.html" else MOBILE
    problems = shown(wrong) if isinstance(wrong, Problem) else [Fault(str(wrong), field)]
    return page(request, template, status, account=person.account, sent=sent, problems=problems)


def _dead(request: Request) -> Response:
    return page(request, "account/email_dead.html", 410, hint=DEAD_LINK)


def _code_digest(key: str, code: str) -> bytes:
    # The secret in the browser's cookie is the key: the database alone, which lacks it, gives away no code.
    return digest(f"{key} {code}")
