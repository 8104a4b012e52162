"""SchoolRegister of the Groupcall-style API: an app invites schools, its request signed by its management secret.

The signature is upper-case hexadecimal of HMAC-SHA256, keyed with the secret, over base 64 of body, DateTime, secret.
A request counts within 15 minutes of its DateTime, and once.
"""

import base64
import datetime as dt
import hashlib
import hmac
from email.utils import parsedate_to_datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import Problem
from app.models.base import ahead, now
from app.models.establishment import Establishment
from app.models.partner import App
from app.models.spent_id import SpentId
from app.notify.hand_over import takes_secrets
from app.roster.groupcall.errors import BAD_REQUEST, NOT_AUTHORISED, UNAUTHORISED, Refused
from app.roster.groupcall.sent import body, text_of
from app.secrets import digest, same, unseal
from app.sharing import invitations
from app.web.answers import fresh
from app.web.throttle import Limit, Try, network

WINDOW_SECONDS = 15 * 60
MOST_SCHOOLS = 200
LONGEST_NUMBER = 10  # characters
LIVE, TEST = "Live", "Test"
OK, ERROR = "OK", "Error"
NOT_FOUND = "School not found in EduBase"
SPENT = "register"  # how spent ids call these signatures
WRONG = "Unauthorised: ApplicationId, DateTime or the signature is missing or not right."
_BY_NETWORK = Limit(30, 600)
_NOBODY = "whsec_of_nobody"  # an unknown app's request is judged by as much work as a known one's


async def register(request: Request) -> Response:
    """Invite schools. The answer says of each what became of it."""
    content = await request.body()
    headers = [request.headers.get(name, "") for name in ("applicationid", "datetime", "authorization")]
    trying = Try(((_BY_NETWORK, network(request)),))
    trying.count()
    made = await run_in_threadpool(_registered, content, headers, trying)
    return fresh(made)


def signature(secret: str, content: bytes, moment: str) -> str:
    """What `Authorization: Groupcall …` must carry."""
    told = base64.b64encode(content + moment.encode() + secret.encode())
    return hmac.digest(secret.encode(), told, hashlib.sha256).hex().upper()


def _registered(content: bytes, headers: list[str], trying: Try) -> dict[str, Any]:
    app_name, moment, authorization = headers
    with sessions.begin() as db:
        app = App.by_client_id(db, app_name)
        sealed = app.management_sealed if app else None
        expected = signature(unseal(sealed, "management") if sealed else _NOBODY, content, moment)
        scheme, _, sent = authorization.partition(" ")
        right = same(expected, sent.strip()) and scheme.lower() == "groupcall"
        if app is None or not sealed or not right or not _is_now(moment):
            raise Refused(401, UNAUTHORISED, WRONG)
        trying.forgive()
        if not takes_secrets(app) or app.is_suspended:
            raise Refused(403, NOT_AUTHORISED, "This app may not use SchoolRegister now. Ask us.")
        schools = _schools(app, body(content))
        if not SpentId.spend(db, SPENT, {digest(f"{app.id} {expected}"): ahead(2 * WINDOW_SECONDS)}):
            raise Refused(401, UNAUTHORISED, "This request was sent before. Sign it anew, with the time of now.")
        return {"Schools": [_invited(db, app, one) for one in schools]}


def _is_now(text: str) -> bool:
    """Whether a DateTime, in ISO 8601 (without a zone it is UTC) or as HTTP writes it, is of these minutes."""
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return False
    at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
    return abs((now() - at).total_seconds()) <= WINDOW_SECONDS


def _schools(app: App, sent: dict[str, Any]) -> list[dict[str, Any]]:
    """The schools of a request. Raises Refused where it is not one for this app."""
    kind = text_of(sent, "registrationtype") or LIVE
    if kind != (LIVE if app.is_live else TEST):
        words = f"RegistrationType is {LIVE} for a Live app and {TEST} for a Test app. This app is {_kind(app)}."
        raise Refused(400, BAD_REQUEST, words)
    schools = next((value for name, value in sent.items() if name.lower() == "schools"), None)
    if not isinstance(schools, list) or not schools or not all(isinstance(one, dict) for one in schools):
        raise Refused(400, BAD_REQUEST, "Schools is a list of at least one school.")
    if len(schools) > MOST_SCHOOLS:
        raise Refused(400, BAD_REQUEST, f"Send at most {MOST_SCHOOLS} schools at once.")
    return schools


def _kind(app: App) -> str:
    return LIVE if app.is_live else TEST


def _invited(db: Session, app: App, sent: dict[str, Any]) -> dict[str, Any]:
    """What became of one school, beside the numbers by which the client finds it again."""
    numbers = {
        name: value
        for name, value in sent.items()
        if name.lower() in ("leacode", "dfescode")
        and isinstance(value, (str, int))
        and len(str(value)) <= LONGEST_NUMBER
    }
    try:
        _invite(db, app, sent)
    except Problem as wrong:
        return numbers | {"Status": ERROR, "Message": wrong.text}
    return numbers | {"Status": OK, "Message": ""}


def _invite(db: Session, app: App, sent: dict[str, Any]) -> None:
    """Raises a Problem that says why this school is not invited."""
    lea, dfes = text_of(sent, "leacode"), text_of(sent, "dfescode")
    if not Establishment.with_dfe_number(db, lea.zfill(3)[:3], dfes.zfill(4)[:4]) or len(lea) > 3 or len(dfes) > 4:
        raise Problem(title=NOT_FOUND)
    if text_of(sent, "partnerapplicationid") not in ("", app.client_id):
        raise Problem(title="PartnerApplicationId is not that of the app that signed this")
    accepts = next((value for name, value in sent.items() if name.lower() == "weacceptgroupcallusagepolicy"), None)
    if accepts is not True and str(accepts).lower() != "true":
        raise Problem(title="WeAcceptGroupcallUsagePolicy is not true")
    name = f"{text_of(sent, 'schoolcontactfirstname')} {text_of(sent, 'schoolcontactlastname')}".strip()
    expert = text_of(sent, "schooltechnicalcontactname"), text_of(sent, "schooltechnicalcontactemail")
    invitations.send(
        db,
        app=app,
        urn_or_dfe=f"{lea.zfill(3)}/{dfes.zfill(4)}",
        contact_name=name,
        contact_email=text_of(sent, "schoolcontactemail"),
        technical=expert if any(expert) else None,
        scopes=_scopes(app, sent),
    )


def _scopes(app: App, sent: dict[str, Any]) -> list[str]:
    """ScopesToAuthorise, as a list or with commas or blanks between; every scope of the app where it is left out."""
    told = next((value for name, value in sent.items() if name.lower() == "scopestoauthorise"), None)
    names = told if isinstance(told, list) else str(told or "").replace(",", " ").split()
    return [str(name) for name in names] or list(app.asks)
