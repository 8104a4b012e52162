"""Where one is signed in, and ending it."""

import dataclasses
import hashlib

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import audit
from app.db import Session, sessions
from app.errors import NotFound
from app.models.account import DONE
from app.models.account import Session as SignIn
from app.models.base import ago
from app.settings import settings
from app.signin.session import Person, signed_in
from app.web.forms import Posted
from app.web.pages import page, see_other

router = APIRouter(include_in_schema=False)

BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS")),
    *(("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux")),
)


@dataclasses.dataclass(frozen=True)
class Listed:
    """One session as its owner sees it; `id` names it and opens nothing."""

    id: str
    device: str
    row: SignIn
    is_this: bool


@router.get("/account/sessions")
def ask(request: Request, changed: str = "") -> Response:
    with sessions.read() as db:
        person = signed_in(request, db)
        listed = _listed(db, person)
    return page(request, "account/sessions.html", listed=listed, changed=changed)


@router.post("/account/sessions/end")
def end(request: Request, sent: Posted) -> Response:
    """Sign out in one other place. Raises NotFound for what is not a live session of one's own."""
    with sessions.begin() as db:
        person = signed_in(request, db)
        found = next((one for one in _listed(db, person) if one.id == sent.get("id") and not one.is_this), None)
        if found is None:
            raise NotFound
        found.row.end(db)
        audit.record(db, "account.signed_out_elsewhere", actor=person.account.id, school=person.school_id, all=False)
    return see_other("/account/sessions?changed=one")


@router.post("/account/sessions/end-others")
def end_others(request: Request) -> Response:
    """Sign out everywhere else."""
    with sessions.begin() as db:
        person = signed_in(request, db)
        SignIn.end_all(db, person.account.id, but=person.session.digest)
        audit.record(db, "account.signed_out_elsewhere", actor=person.account.id, school=person.school_id, all=True)
    return see_other("/account/sessions?changed=others")


def _listed(db: Session, person: Person) -> list[Listed]:
    """The live sessions of a person, this one first, then the one that was used last."""
    idle = settings.operator_idle_seconds if person.operator_role else settings.session_idle_seconds
    mine = person.session.digest
    live = [row for row in SignIn.live_of(db, person.account.id, ago(idle)) if row.step == DONE]
    listed = [Listed(_name(row), _device(row.device), row, row.digest == mine) for row in live]
    return sorted(listed, key=lambda one: not one.is_this)


def _name(row: SignIn) -> str:
    return hashlib.sha256(b"session " + row.digest).hexdigest()[:32]


def _device(agent: str) -> str:
    """`Firefox on Windows`, as far as what the browser says of itself is known."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "A browser")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return f"{browser} on {system}" if system else browser
