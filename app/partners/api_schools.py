"""The partner API's schools (which have authorised the app, and giving that back), the app itself, and its usage."""

import datetime as dt
from typing import Any

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.db import sessions
from app.errors import NotFound
from app.models import lawful
from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.establishment import Establishment
from app.models.ledger import Read, Refusal
from app.models.partner import App, AppScope
from app.models.school import School
from app.oauth.bearer import PartnerAccess
from app.partners import api, api_docs
from app.partners.api import caller, paging
from app.sharing.service import give_back
from app.web.answers import fresh
from app.web.problems import ApiError, ApiRoute, number

router = APIRouter(prefix=api.PREFIX, route_class=ApiRoute, tags=["Schools"], dependencies=[Depends(api_docs.TOKEN)])

DAYS, MOST_DAYS = 30, 90  # refusals are counted for no longer


@router.get("/schools", **api_docs.listed("schools", "School"))
async def list_schools(request: Request) -> Response:
    """Schools that have authorised your app, ended authorisations included, newest first."""
    access = await caller(request)
    asked = paging(request, "schools", access)

    def read() -> dict[str, Any]:
        with sessions.read() as db:
            rows = Authorisation.listed(db, access.app_id, asked.before, asked.most + 1)
            return asked.page([_school(*row) for row in rows], "grant_id")

    return fresh(await run_in_threadpool(read))


@router.get("/schools/{grant_id}", **api_docs.one("School"))
async def one_school(request: Request, grant_id: str) -> Response:
    """One school, by the grant_id that came with your tokens for it."""
    access = await caller(request)

    def read() -> dict[str, Any]:
        with sessions.read() as db:
            given = Authorisation.of_app(db, number(grant_id), access.app_id)
            behind = Authorisation.with_school(db, given.id) if given else None
            if behind is None:
                raise NotFound
            return _school(*behind)

    return fresh(await run_in_threadpool(read))


@router.delete("/schools/{grant_id}", status_code=204, **api_docs.done())
async def deauthorise(request: Request, grant_id: str) -> Response:
    """Give the authorisation back, with every token that came of it. Asked for again, it changes nothing."""
    access = await caller(request)

    def give() -> None:
        with sessions.begin() as db:
            given = Authorisation.of_app(db, number(grant_id), access.app_id)
            if given is None:
                raise NotFound
            give_back(db, given)

    await run_in_threadpool(give)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


@router.get("/app", **api_docs.one("App"))
async def own_app(request: Request) -> Response:
    """Your app as it is registered: Live or Test, its scopes, its redirect addresses."""
    access = await caller(request)
    return fresh(await run_in_threadpool(_app, access))


@router.get("/usage", **api_docs.one("Usage"))
async def usage(request: Request) -> Response:
    """Data calls and refusals by day (UTC), and refusals by error. `days` is how many, up to 90; today is the last."""
    access = await caller(request)
    text = request.query_params.get("days", str(DAYS))
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and 1 <= int(text) <= MOST_DAYS):
        words = f"days is a whole number from 1 to {MOST_DAYS}."
        raise ApiError("invalid_query", "The query cannot be read", words)
    return fresh(await run_in_threadpool(_usage, access, int(text)))


def _usage(access: PartnerAccess, days: int) -> dict[str, Any]:
    first = now().date() - dt.timedelta(days=days - 1)
    since = dt.datetime.combine(first, dt.time(), dt.UTC)
    with sessions.read() as db:
        calls, refused = Read.by_day(db, access.app_id, since), Refusal.by_day(db, access.app_id, since)
        errors = Refusal.by_error(db, access.app_id, since)
    every = [first + dt.timedelta(days=number) for number in range(days)]
    return {
        "days": [{"day": day.isoformat(), "calls": calls.get(day, 0), "refused": refused.get(day, 0)} for day in every],
        "errors": [
            {"route": route, "error": error, "calls": count, "last_hour": last.isoformat(timespec="seconds")}
            for route, error, count, last in errors
        ],
    }


def _app(access: PartnerAccess) -> dict[str, Any]:
    with sessions.read() as db:
        app = db.get_one(App, access.app_id)
        scopes = [
            {"scope": row.scope, "required": row.required, "purpose": row.purpose} | _grounds(row) for row in app.scopes
        ]
        return {
            "client_id": app.client_id,
            "name": app.name,
            "partner": app.partner.name,
            "state": "live" if app.is_live else "test",
            "profile": app.profile,
            "token_endpoint_auth_method": app.auth_method,
            "redirect_uris": app.redirect_uris,
            "post_logout_redirect_uris": app.post_logout_redirect_uris,
            "scopes": scopes,
            "retention": app.retention,
        }


def _grounds(row: AppScope) -> dict[str, Any]:
    """The points of UK GDPR Articles 6(1) and 9(2), each with the words that schools read."""
    points = {"legal_basis": row.legal_basis, "special_condition": row.special_condition}
    return points | {f"{name}_words": lawful.words(value) or None for name, value in points.items()}


def _school(given: Authorisation, school: School, record: Establishment | None) -> dict[str, Any]:
    return {
        "grant_id": str(given.id),
        "sourced_id": given.app.partner.pairwise("school", school.id),
        "state": given.state.lower(),
        "scopes": given.scopes,
        "granted_at": given.granted_at.isoformat(timespec="seconds"),
        "ends_at": given.over_at.isoformat(timespec="seconds"),
        "resumes_on": given.resumes_on.isoformat() if given.paused_at and given.resumes_on else None,
        "last_read_at": given.last_read_at and given.last_read_at.isoformat(timespec="seconds"),
        "school": {
            "urn": school.urn,
            "dfe_number": record.dfe_number if record else None,
            "name": school.name,
            "status": school.status,
        },
    }
