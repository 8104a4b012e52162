"""The page on which a school lets an agent in (RFC 8628 section 3.3): type the code, look, prove who you are, answer.

The first half of the code finds the request and the second proves that it was read. Neither can be found by trying: a
wrong second half counts against the request, a first half that names nothing against the account and its network.
"""

import dataclasses
import hmac
import uuid
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.audit import record
from app.db import Session, sessions
from app.models.account import ADMIN, IT, Account
from app.models.endpoint import DeviceRequest, Endpoint
from app.models.school import UNVERIFIED, VERIFIED, School
from app.notify import data_messages
from app.oauth.device import ALPHABET, HALF
from app.secrets import digest, sign, signed
from app.signin.account import WRONG_PASSWORD, knows_password
from app.signin.session import Person, signed_in
from app.web.forms import Fault, Posted
from app.web.pages import page, see_other
from app.web.throttle import Limit, Try, network

PATH = "/device"
PURPOSE, LASTS = "device request", 900  # of what the second page carries, and for how many seconds
MALFORMED = Fault("Enter the eight letters that the agent shows", "user_code")
UNKNOWN = Fault("No agent is waiting with this code. Check it, or let the agent show you another", "user_code")
GONE = Fault("This agent is not waiting any more. Let it show you another code", "user_code")
NO_PASSWORD = Fault("Enter your password", "password")

_unknown_of_account = Limit(10, 900)
_unknown_of_network = Limit(100, 900)

router = APIRouter(include_in_schema=False)


@dataclasses.dataclass(frozen=True)
class Approver:
    person: Person
    school: School


@router.get(PATH)
def ask(request: Request) -> Response:
    """Ask for the code. It is typed, never taken from the address: whoever merely follows a link has read none."""
    with sessions.read() as db:
        approver = _approver(request, db)
        return approver if isinstance(approver, Response) else page(request, "oauth/device.html")


@router.post(PATH)
def find(request: Request, sent: Posted) -> Response:
    """Show the agent whose code was typed."""
    with sessions.begin() as db:
        approver = _approver(request, db)
        if isinstance(approver, Response):
            return approver
        code = _letters(sent.get("user_code", ""))
        if not code:
            return _again(request, MALFORMED, sent)
        keys = ((_unknown_of_account, approver.person.account.id), (_unknown_of_network, network(request)))
        tried = Try(keys)
        tried.count()
        waiting = DeviceRequest.waiting(db, code[:HALF])
        if waiting is None:
            return _again(request, UNKNOWN, sent)
        tried.forgive()
        if not hmac.compare_digest(digest(code), waiting.second_digest):
            waiting.miss(db)
            return _again(request, UNKNOWN, sent)
        return _question(request, approver, waiting)


@router.post(f"{PATH}/answer")
def answer(request: Request, sent: Posted) -> Response:
    """Approve, for somebody who types their password once more; or refuse."""
    with sessions.read() as db:
        approver = _approver(request, db)
        if isinstance(approver, Response):
            return approver
        waiting = _shown(db, approver, sent)
    if waiting is None:
        return _again(request, GONE)
    if sent.get("decision") == "refuse":
        return _refused(request, waiting)
    if sent.get("decision") != "approve":
        return see_other(PATH)
    if not sent.get("password"):
        return _question(request, approver, waiting, 422, problems=[NO_PASSWORD])
    if not knows_password(approver.person, sent):
        with sessions.begin() as db:
            waiting.miss(db)
        return _question(request, approver, waiting, 422, problems=[WRONG_PASSWORD])
    return _approved(request, waiting)


def _refused(request: Request, waiting: DeviceRequest) -> Response:
    with sessions.begin() as db:
        approver = _approver(request, db)
        if isinstance(approver, Response):
            return approver
        if not waiting.refuse(db):
            return _again(request, GONE)
        _note(db, "endpoint.refused", approver, waiting.id, waiting)
    return page(request, "oauth/device_done.html", machine=waiting.machine, endpoint=None, school=approver.school)


def _approved(request: Request, waiting: DeviceRequest) -> Response:
    with sessions.begin() as db:
        approver = _approver(request, db, lock=True)
        if isinstance(approver, Response):
            return approver
        endpoint = Endpoint(
            school_id=approver.school.id,
            machine=waiting.machine,
            address=waiting.address,
            key_thumbprint=waiting.key_thumbprint,
            enrolled_by=approver.person.account.id,
        )
        db.add(endpoint)
        db.flush()
        if not waiting.approve(db, endpoint):
            db.rollback()
            return _again(request, GONE)
        _note(db, "endpoint.enrolled", approver, endpoint.id, waiting)
        data_messages.endpoint_approved(db, approver.school, endpoint, approver.person.account)
    return page(request, "oauth/device_done.html", machine=waiting.machine, endpoint=endpoint, school=approver.school)


def _note(db: Session, action: str, approver: Approver, subject: uuid.UUID, waiting: DeviceRequest) -> None:
    actor, school = approver.person.account.id, approver.school.id
    record(db, action, actor=actor, school=school, subject=subject, key=waiting.key_thumbprint)


def _approver(request: Request, db: Session, *, lock: bool = False) -> Approver | Response:
    """An Admin or IT of a school that may let an agent in; or the page that says whom to ask."""
    person = signed_in(request, db)
    school = School.by_id(db, person.school_id) if person.school_id else None
    if school and lock:
        school = School.locked(db, school.id)
    roles = {held.role for held in person.memberships if school and held.school_id == school.id}
    if school is None or roles.isdisjoint((ADMIN, IT)):
        admins = [admin.name for admin in Account.of_school(db, school.id, ADMIN)] if school else []
        return page(request, "oauth/device_cannot.html", 403, admins=admins, school=school, standing=True)
    if school.status not in (UNVERIFIED, VERIFIED):
        return page(request, "oauth/device_cannot.html", 409, admins=[], school=school, standing=False)
    return Approver(person, school)


def _shown(db: Session, approver: Approver, sent: dict[str, str]) -> DeviceRequest | None:
    """The request that this person was shown after typing its code, if it still waits."""
    found: Any = signed(sent.get("waiting", ""), PURPOSE, LASTS)
    if not found or found["account"] != str(approver.person.account.id) or found["school"] != str(approver.school.id):
        return None
    return DeviceRequest.waiting_by_id(db, uuid.UUID(found["request"]))


def _question(
    request: Request, approver: Approver, waiting: DeviceRequest, status: int = 200, **context: Any
) -> Response:
    of = {"request": waiting.id, "account": approver.person.account.id, "school": approver.school.id}
    carried = sign({name: str(value) for name, value in of.items()}, PURPOSE)
    several = len({held.school_id for held in approver.person.memberships if held.school_id}) > 1
    context |= {"waiting": waiting, "carried": carried, "school": approver.school, "several": several}
    return page(request, "oauth/device_answer.html", status, **context)


def _again(request: Request, fault: Fault, sent: dict[str, str] | None = None) -> Response:
    return page(request, "oauth/device.html", 422, sent=sent or {}, problems=[fault])


def _letters(typed: str) -> str:
    """The code as we know it, however it was typed; empty when it cannot be one."""
    letters = "".join(typed.upper().replace("-", "").replace("–", "").split())
    return letters if len(letters) == 2 * HALF and set(letters) <= set(ALPHABET) else ""
