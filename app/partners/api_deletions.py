"""The partner API's deletion requests: which schools want their data deleted, and saying what was."""

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotFound
from app.models.authorisation import Authorisation
from app.models.receipt import DeletionRequest
from app.models.school import School
from app.oauth.bearer import PartnerAccess
from app.partners import api, api_docs
from app.partners.api import caller, paging
from app.sharing import deletion
from app.web import problems
from app.web.answers import fresh
from app.web.problems import ApiError, ApiRoute, Sent, body, number

router = APIRouter(
    prefix=api.PREFIX, route_class=ApiRoute, tags=["Deletion requests"], dependencies=[Depends(api_docs.TOKEN)]
)

Asked = tuple[DeletionRequest, Authorisation, School]


class Attestation(Sent):
    statement: str = Field(max_length=deletion.LONGEST, description="What was deleted, and what is kept and why")


@router.get("/deletion-requests", **api_docs.listed("deletion requests", "DeletionRequest"))
async def list_requests(request: Request) -> Response:
    """Schools that want what your app read to be deleted, newest first, answered ones too."""
    access = await caller(request)
    asked = paging(request, "deletion-requests", access)

    def read() -> dict[str, Any]:
        with sessions.read() as db:
            rows = DeletionRequest.of_app(db, access.app_id, asked.before, asked.most + 1)
            return asked.page([_described(row) for row in rows], "id")

    return fresh(await run_in_threadpool(read))


@router.get("/deletion-requests/{request_id}", **api_docs.one("DeletionRequest"))
async def one_request(request: Request, request_id: str) -> Response:
    """One request."""
    access = await caller(request)

    def read() -> dict[str, Any]:
        with sessions.read() as db:
            return _described(_own(db, request_id, access))

    return fresh(await run_in_threadpool(read))


@router.post("/deletion-requests/{request_id}/attest", **api_docs.changed("DeletionRequest", Attestation))
async def attest(request: Request, request_id: str) -> Response:
    """Say what you deleted. The school is told; said once, it stands."""
    access = await caller(request)
    sent = await body(request, Attestation)

    def say() -> dict[str, Any]:
        with sessions.begin() as db:
            asked, _, _ = _own(db, request_id, access)
            try:
                deletion.attest(db, access.partner_id, asked.id, None, sent.statement)
            except deletion.Unsaid as wrong:
                raise problems.invalid([("statement", wrong.hint or wrong.title)]) from wrong
            except deletion.AlreadyAttested as said:
                raise ApiError("already_attested", said.title, said.hint, 409) from said
            return _described(_own(db, request_id, access))

    return fresh(await run_in_threadpool(say))


def _own(db: Session, request_id: str, access: PartnerAccess) -> Asked:
    found = DeletionRequest.of_app(db, access.app_id, None, 1, number(request_id))
    if not found:
        raise NotFound
    return found[0]


def _described(row: Asked) -> dict[str, Any]:
    asked, given, school = row
    return {
        "id": str(asked.id),
        "grant_id": str(given.id),
        "school": {"urn": school.urn, "name": school.name, "status": school.status},
        "asked_at": asked.asked_at.isoformat(timespec="seconds"),
        "due_on": asked.due_on.isoformat(),
        "attested_at": asked.attested_at and asked.attested_at.isoformat(timespec="seconds"),
        "statement": asked.statement,
    }
