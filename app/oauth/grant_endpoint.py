"""The grant management endpoint (the FAPI draft, section 6): an app looks up, or gives back, what it was granted.

Both take an access token of the grant client_credentials, so they work for a school that nobody is signed in at.
"""

import uuid
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.db import sessions
from app.errors import OAuthError
from app.models.authorisation import EXPIRED, Authorisation
from app.oauth import bearer, details
from app.oauth.grants import PATH, of_app, unknown
from app.sharing.service import give_back
from app.web.answers import fresh

QUERY, REVOKE = "grant_management_query", "grant_management_revoke"

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def name_one(request: Request) -> Response:
    """The address that the metadata gives: what is asked for goes behind it (section 6.1)."""
    raise OAuthError("invalid_request", f"Name the grant: {PATH}/ and its grant_id.")


@router.get(PATH + "/{grant_id}")
async def query(request: Request, grant_id: str) -> Response:
    """What the grant covers now, ended ones included."""
    partner = await bearer.read_partner(request)
    partner.require(QUERY)
    return fresh(await run_in_threadpool(_described, grant_id, partner.app_id))


@router.delete(PATH + "/{grant_id}")
async def revoke(request: Request, grant_id: str) -> Response:
    """Give the grant back, with every token that came of it. Asked for again, it changes nothing."""
    partner = await bearer.read_partner(request)
    partner.require(REVOKE)
    await run_in_threadpool(_give_back, grant_id, partner.app_id)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


@router.api_route(PATH + "/{grant_id}", methods=["POST", "PUT", "PATCH"])
async def refuse(request: Request) -> Response:
    raise OAuthError("invalid_request", "Use GET or DELETE here.", 405, {"Allow": "GET, DELETE"})


def _described(grant_id: str, app_id: uuid.UUID) -> dict[str, Any]:
    with sessions.read() as db:
        found = of_app(db, grant_id, app_id)
        behind = Authorisation.with_school(db, found.id) if found else None
    if behind is None:
        raise unknown(404)
    given, school, record = behind
    return {
        "grant_id": str(given.id),
        "status": _status(given),
        "scopes": [{"scope": scope} for scope in given.scopes],
        "authorization_details": details.covering(given.scopes, school.urn),
        "expires_at": given.over_at.isoformat(timespec="seconds"),
        "school": {
            "urn": school.urn,
            "dfe_number": record.dfe_number if record else None,
            "name": school.name,
            "status": school.status,
        },
    }


def _status(given: Authorisation) -> str:
    if given.is_active:
        return given.state.lower()
    return "expired" if given.state == EXPIRED.capitalize() else "revoked"


def _give_back(grant_id: str, app_id: uuid.UUID) -> None:
    with sessions.begin() as db:
        found = of_app(db, grant_id, app_id)
        if found is None:
            raise unknown(404)
        give_back(db, found)
