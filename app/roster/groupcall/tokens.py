"""Tokens of the Groupcall-style API: GetToken, and what a token says about itself.

GetToken takes a password, the secret of one school, and gives an ordinary access token under the school's
authorisation. Only for apps that an operator let do so, never of profile fapi2 (protocol.md 71).
"""

import datetime as dt
import uuid
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.db import sessions
from app.models import backing
from app.models.backing import Backing
from app.models.base import now
from app.models.ledger import Read, Wanted
from app.models.partner import App
from app.models.school import VERIFIED
from app.models.scope import SCOPES
from app.models.token import ACCESS, Token
from app.notify.hand_over import takes_secrets
from app.oauth.bearer import Access
from app.roster.groupcall.errors import (
    AUTHORISATION_PAUSED,
    BAD_REQUEST,
    NOT_AUTHORISED,
    PAUSED,
    SCHOOL_UNVERIFIED,
    UNAUTHORISED,
    UNVERIFIED,
    Refused,
    failure,
)
from app.roster.groupcall.sent import Asked, body, estab_of, text_of
from app.secrets import digest, new_secret
from app.settings import settings
from app.web.answers import fresh
from app.web.throttle import Limit, Try, network

WRONG = "The estab, the relyingParty or the password is not right."
_BY_NAMES, _BY_NETWORK = Limit(20, 600), Limit(200, 600)


async def get_token(request: Request) -> Response:
    """Exchange a school's secret for an access token. The thirdpartyid is read by nobody."""
    sent = body(await request.body())
    given = [text_of(sent, name) for name in ("estab", "relyingparty", "password")]
    if lacking := [name for name, value in zip(("estab", "relyingParty", "password"), given, strict=True) if not value]:
        raise Refused(400, BAD_REQUEST, f"{', '.join(lacking)} is missing.")
    where = network(request)
    trying = Try(((_BY_NAMES, (where, *given[:2])), (_BY_NETWORK, where)))
    trying.count()
    made = await run_in_threadpool(_exchange, given, trying)
    return fresh(made)


def _exchange(given: list[str], trying: Try) -> dict[str, Any]:
    estab, relying_party, password = given
    with sessions.begin() as db:
        # By the secret alone: whoever does not hold it learns nothing of schools and apps, neither by words nor time.
        found = backing.behind_secret(db, digest(password))
        app = db.get(App, found[0].app_id) if found else None
        if found is None or app is None or not found[1] or not _is_about(found[0], app, estab, relying_party):
            raise Refused(401, UNAUTHORISED, WRONG)
        trying.forgive()
        behind = found[0]
        scope = _allowed(behind, app)
        secret, moment = new_secret("gh_at"), now()
        expires = min(moment + dt.timedelta(seconds=settings.access_token_seconds), behind.expires_at)
        row = {
            "digest": digest(secret),
            "purpose": ACCESS,
            "family": uuid.uuid4(),
            "app_id": behind.app_id,
            "account_id": None,
            "authorisation_id": behind.authorisation_id,
            "scope": scope,
            "key_thumbprint": None,
            "issued_at": moment,
            "expires_at": expires,
            "predecessor": None,
        }
        Token.add_all(db, [row])
    return {"token": secret, "expires": written(expires)} | failure()


def _is_about(behind: Backing, app: App, estab: str, relying_party: str) -> bool:
    return estab_of(estab) in estabs(behind) and relying_party in (app.client_id, app.name)


def estabs(behind: Backing) -> list[str]:
    """The numbers by which a school may be named: its DfE number in seven digits, then its URN."""
    number = behind.dfe_number
    return [*([number.replace("/", "")] if number else []), str(behind.urn)]


def _allowed(behind: Backing, app: App) -> str:
    """The scope of a token, for whoever holds the right secret. Raises Refused, saying why there is none."""
    if not takes_secrets(app):
        raise Refused(403, NOT_AUTHORISED, "This app may not use GetToken. Ask us to let it.")
    if behind.fault:
        raise Refused(403, NOT_AUTHORISED, behind.fault)
    if behind.school_status != VERIFIED:
        raise Refused(403, SCHOOL_UNVERIFIED, UNVERIFIED)
    if behind.is_paused:
        ends = f" It resumes on {behind.resumes_on.isoformat()}." if behind.resumes_on else ""
        raise Refused(403, AUTHORISATION_PAUSED, PAUSED + ends)
    scopes = [name for name in behind.scopes if name in SCOPES and not SCOPES[name].identity]
    if not scopes:
        raise Refused(403, NOT_AUTHORISED, "The school's authorisation covers no data.")
    return " ".join(scopes)


def written(at: dt.datetime) -> str:
    """A moment as this API writes it: ISO 8601 in UTC, such as 2026-11-30T08:00:00.000Z."""
    return at.astimezone(dt.UTC).isoformat("T", "milliseconds").replace("+00:00", "Z")


def token_details(access: Access, behind: Backing, expires: dt.datetime) -> dict[str, Any]:
    with sessions.read() as db:
        app = db.get_one(App, access.app_id)
    told = {"Estab": estabs(behind)[0], "Expires": written(expires), "Name": app.name}
    return told | {"RelyingParty": app.client_id, "Scopes": sorted(access.scopes)} | failure()


def scopes(access: Access) -> dict[str, Any]:
    """Those of the catalogue that this token carries, in words."""
    rows = [
        {"Name": scope.name, "Category": scope.record, "Description": scope.description}
        for scope in SCOPES.values()
        if scope.name in access.scopes
    ]
    return {"Scopes": rows} | failure()


def logs(access: Access, asked: Asked) -> dict[str, Any]:
    """This app's own calls about this school, newest first: as many as `take` says."""
    with sessions.read() as db:
        rows, _total = Read.page(db, Wanted(access.school_id, access.app_id), 1, asked.take)
    told = [
        {"DateTime": written(row.read_at), "Route": row.route, "Scopes": row.scopes, "People": row.people}
        for row in rows
    ]
    return {"Logs": told} | failure()


def usage(access: Access, behind: Backing) -> dict[str, Any]:
    """How often this app has called about this school: in all, today and by month (UTC)."""
    with sessions.read() as db:
        app = db.get_one(App, access.app_id)
        days = Read.days_of_school(db, Wanted(access.school_id, access.app_id))
    months: dict[str, int] = {}
    for day, calls in sorted(days.items()):
        months[f"{day:%Y-%m}"] = months.get(f"{day:%Y-%m}", 0) + calls
    today = now().date()
    area = {
        "Area": "request",
        "Total": sum(days.values()),
        "Today": days.get(today, 0),
        "ThisMonth": months.get(f"{today:%Y-%m}", 0),
        "History": [{"month": month, "count": count} for month, count in months.items()],
    }
    return {"Usage": [{"Estab": estabs(behind)[0], "RP": app.client_id, "Areas": [area]}]} | failure()
