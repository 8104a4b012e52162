"""Recovery codes: ten on paper, each of which stands in for the second step once."""

import re
import secrets
import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import audit
from app.db import Session, sessions
from app.models.account import CODE
from app.models.passkey import RecoveryCode
from app.notify import messages
from app.secrets import digest
from app.signin import limits
from app.signin.flow import awaited, elsewhere, lead_on, step_page
from app.signin.reauth import proven_lately
from app.signin.session import Going, Person, go_on, opened, signed_in
from app.web.forms import Fault, Posted
from app.web.pages import page

router = APIRouter(include_in_schema=False)

COUNT, FEW = 10, 3
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no letter looks like another or like a digit
WRONG = Fault("That recovery code is not right, or it was used already. Check it, then try again", "recovery-code")


@router.get("/account/recovery-codes")
def ask(request: Request) -> Response:
    with sessions.read() as db:
        person = signed_in(request, db)
        if confirm_first := proven_lately(request, person):
            return confirm_first
        left, made_ever = RecoveryCode.left(db, person.account.id), RecoveryCode.made(db, person.account.id)
    return page(request, "account/recovery_codes.html", left=left, made=made_ever, few=FEW, codes=[])


@router.post("/account/recovery-codes")
def make(request: Request) -> Response:
    """Ten new codes, in this answer only; those from before stop working."""
    with sessions.begin() as db:
        person = signed_in(request, db)
        if confirm_first := proven_lately(request, person, "/account/recovery-codes"):
            return confirm_first
        codes = made(db, person)
    return page(request, "account/recovery_codes.html", left=COUNT, made=True, few=FEW, codes=codes)


@router.get("/sign-in/recovery-code")
def ask_code(request: Request) -> Response:
    with sessions.read() as db:
        person = opened(request, db)
        if person is None or person.session.step != CODE:
            return elsewhere(person)
        app = awaited(request, db, person.session.next_path)
    return step_page(request, "signin/recovery_code.html", app)


@router.post("/sign-in/recovery-code")
def submit_code(request: Request, sent: Posted) -> Response:
    """Finish signing in with a recovery code. Tries count together with those of the authenticator's codes."""
    with sessions.read() as db:
        person = opened(request, db)
        if person is None or person.session.step != CODE:
            return elsewhere(person)
        app = awaited(request, db, person.session.next_path)
    tried = limits.code(request, person.account)
    tried.count()
    with sessions.begin() as db:
        if used(db, person, sent.get("recovery-code", "")):
            tried.forgive()
            going: Going | None = go_on(db, person, "otp")
            return lead_on(request, db, going) if going else elsewhere(None)
    return step_page(request, "signin/recovery_code.html", app, 422, problems=[WRONG])


def made(db: Session, person: Person) -> list[str]:
    """New codes in the place of those that the person had: 80 bits each, such as `7k2m-0zqd-x4fa-91pe`."""
    codes = ["-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4)) for _ in range(COUNT)]
    RecoveryCode.replace(db, person.account.id, [_digest(person.account.id, code) for code in codes])
    messages.account_changed(db, person.account, "new recovery codes were made; those from before do not work any more")
    audit.record(db, "account.recovery_codes_made", actor=person.account.id, school=person.school_id)
    return codes


def used(db: Session, person: Person, code: str) -> bool:
    """Use a code up, and tell the person; False when it is not theirs, or was used before."""
    if not RecoveryCode.spend(db, _digest(person.account.id, code), person.account.id):
        return False
    left = RecoveryCode.left(db, person.account.id)
    more = "; make new ones on your account page" if left <= FEW else ""
    what = f"a recovery code was used to sign in, and {left} {'is' if left == 1 else 'are'} left{more}"
    messages.account_changed(db, person.account, what)
    audit.record(db, "account.recovery_code_used", actor=person.account.id, school=person.school_id, left=left)
    return True


def _digest(account_id: uuid.UUID, code: str) -> bytes:
    """As it is stored. Blanks and dashes do not count, and what looks like a 0 or a 1 is one."""
    plain = re.sub(r"[^0-9a-z]", "", code.lower()).translate(str.maketrans("oil", "011"))
    return digest(f"recovery {account_id} {plain}")
