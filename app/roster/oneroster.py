"""OneRoster 1.2 Rostering: what a school's authorisation opens, in the form that learning platforms read.

The school comes from the token and from nowhere else: a sourcedId of another school names nothing.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Security
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app import ledger
from app.db import sessions
from app.errors import NotFound
from app.models.authorisation import Authorisation
from app.oauth.bearer import Access, read_token
from app.roster import openapi, organisations
from app.roster.errors import OneRosterRoute, status_info
from app.roster.query import Query, links, parse
from app.settings import settings

BASE = "/ims/oneroster/rostering/v1p2"

router = APIRouter(
    prefix=BASE,
    route_class=OneRosterRoute,
    tags=["OneRoster 1.2 Rostering"],
    dependencies=[Security(openapi.BEARER, scopes=["school"])],
)


@router.get("/orgs", summary="List the organisations", **openapi.listed("orgs"))
async def orgs(request: Request) -> Response:
    """The school that the token is for. `getAllOrgs` in OneRoster."""
    return await _list_orgs(request)


@router.get("/orgs/{sourcedId}", summary="One organisation", **openapi.single("org"))
async def org(request: Request, sourcedId: str) -> Response:
    """`getOrg` in OneRoster."""
    return await _one_org(request, sourcedId)


@router.get("/schools", summary="List the schools", **openapi.listed("orgs"))
async def schools(request: Request) -> Response:
    """The school that the token is for. `getAllSchools` in OneRoster."""
    return await _list_orgs(request)


@router.get("/schools/{sourcedId}", summary="One school", **openapi.single("org"))
async def school(request: Request, sourcedId: str) -> Response:
    """`getSchool` in OneRoster."""
    return await _one_org(request, sourcedId)


@router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def anything_else(request: Request) -> Response:
    """What we do not serve, told in OneRoster's form."""
    if request.method != "GET":
        return status_info(405, "Rostering is read with GET.", headers={"Allow": "GET"})
    await read_token(request)
    raise NotFound


@dataclasses.dataclass(frozen=True)
class _Sight:
    """One call's view: the records it may see, already redacted, and the names it may ask by."""

    record: dict[str, Any]
    known: frozenset[str]


async def _list_orgs(request: Request) -> Response:
    access = await _access(request)
    sight = await run_in_threadpool(_look, access)
    asked = _asked(request)
    query = parse(asked, sight.known)
    page, total = query.select([sight.record])
    headers = {
        "X-Total-Count": str(total),
        "Link": links(f"{settings.issuer}{request.url.path}", asked, query, total),
    }
    return _answer(request, access, {"orgs": page}, headers)


async def _one_org(request: Request, sourced_id: str) -> Response:
    access = await _access(request)
    sight = await run_in_threadpool(_look, access)
    if sight.record["sourcedId"] != sourced_id:
        raise NotFound
    query: Query = parse(_asked(request), sight.known, single=True)
    return _answer(request, access, {"org": query.only(sight.record)})


async def _access(request: Request) -> Access:
    access = await read_token(request)
    access.require("school")
    return access


def _look(access: Access) -> _Sight:
    with sessions.read() as db:
        found = Authorisation.with_school(db, access.authorisation_id)
        if found is None:
            raise NotFound
        authorisation, of, establishment = found
        record = organisations.org(authorisation, of, establishment, access.scopes)
        return _Sight(record, organisations.known(authorisation, access.scopes))


def _asked(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.url.query, keep_blank_values=True)


def _answer(
    request: Request, access: Access, body: dict[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """The answer, once it stands in the school's access ledger."""
    ledger.record(
        school_id=access.school_id,
        app_id=access.app_id,
        authorisation_id=access.authorisation_id,
        scopes="school",
        route=f"oneroster/{request.url.path.removeprefix(BASE).split('/')[1]}",
        people=0,  # an organisation is no person
        address=request.client.host if request.client else "",
    )
    return JSONResponse(body, headers={"Cache-Control": "no-store", **(headers or {})})
