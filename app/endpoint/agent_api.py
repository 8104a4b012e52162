"""`/agent/v1`: what an agent on a school's server sends. Its token names the agent and its school, and nothing else."""

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.db import Session, sessions
from app.endpoint import hearing
from app.errors import NotFound
from app.models.endpoint import Endpoint
from app.models.roster.batch import CHUNK_BYTES, Batch, Chunk
from app.models.school import School
from app.oauth import bearer
from app.oauth.bearer import EndpointAccess
from app.roster import batch_words, uploads
from app.web.answers import fresh
from app.web.problems import ApiError, ApiRoute, Sent, body, nothing, number
from app.web.throttle import Limit

router = APIRouter(prefix="/agent/v1", route_class=ApiRoute, include_in_schema=False)

CALLS = Limit(600, 60)  # of one agent, in each of our processes
BUSY_SECONDS = "60"


class NewBatch(Sent):
    name: str = Field(min_length=1, max_length=uploads.LONGEST_NAME)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class Source(Sent):
    kind: str = Field(max_length=20)
    where: str = Field(max_length=300)


class Heartbeat(Sent):
    version: str = Field(max_length=40)
    platform: str = Field(max_length=200)
    clock: str = Field(max_length=40)
    state: Literal["working", "failing", "disabled"]
    source: Source
    problem: str = Field(default="", max_length=500)
    last_batch: str | None = Field(default=None, max_length=36)
    waiting: int = Field(default=0, ge=0, le=1_000_000)


@router.post("/batches", status_code=201)
async def begin(request: Request) -> Response:
    """Announce content. The same content that was begun before goes on where it stopped."""
    access = await _caller(request)
    sent = await body(request, NewBatch)
    told: dict[str, Any] = {"name": sent.name, "sha256": bytes.fromhex(sent.sha256), "size": sent.size}

    def keep(db: Session) -> tuple[dict[str, Any], int]:
        hearing.heard(db, access.endpoint_id)
        try:
            batch, is_new = uploads.begin(db, school_id=access.school_id, endpoint_id=access.endpoint_id, **told)
        except uploads.TooManyOpen as full:
            full.headers["Retry-After"] = BUSY_SECONDS
            raise
        have = Chunk.positions(db, batch.id)
        shape = {"chunk_bytes": CHUNK_BYTES, "chunks": uploads.chunks_of(batch), "have": have}
        return {"id": str(batch.id), "state": batch.state} | shape, 201 if is_new else 200

    return fresh(*await _kept(keep))


@router.put("/batches/{batch_id}/chunks/{position}", status_code=204)
async def put(request: Request, batch_id: str, position: int) -> Response:
    """One part of it, with its digest (RFC 9530). It may be sent again."""
    access = await _caller(request)
    content = await request.body()
    _check_digest(request, content)

    def keep(db: Session) -> None:
        uploads.put(db, _own(db, access, batch_id), position, content)

    await _kept(keep)
    return Response(status_code=204)


@router.post("/batches/{batch_id}/complete", status_code=202)
async def complete(request: Request, batch_id: str) -> Response:
    """All of it is there: it waits to be read."""
    access = await _caller(request)
    await nothing(request)

    def keep(db: Session) -> tuple[Batch, bool]:
        batch = _own(db, access, batch_id)
        return batch, uploads.complete(db, batch)

    try:
        batch, is_whole = await _kept(keep)
    except uploads.Missing as lacking:
        positions = [{"field": "chunks", "detail": str(position)} for position in lacking.positions[:1000]]
        raise ApiError("missing_chunks", lacking.title, lacking.hint, 409, positions) from None
    if not is_whole:
        words = "It does not have the sha256 that was announced. Nothing of it was kept: begin anew."
        raise ApiError("altered_content", "The file changed while it was sent", words, 422)
    return fresh({"id": str(batch.id), "state": batch.state}, 202)


@router.get("/batches/{batch_id}")
async def one(request: Request, batch_id: str) -> Response:
    """What has become of it."""
    access = await _caller(request)

    def read() -> dict[str, Any]:
        with sessions.read() as db:
            return batch_words.for_agent(_own(db, access, batch_id))

    return fresh(await run_in_threadpool(read))


@router.post("/heartbeat")
async def heartbeat(request: Request) -> Response:
    """The agent is there, and says how it is."""
    access = await _caller(request)
    sent = await body(request, Heartbeat)

    def keep(db: Session) -> dict[str, Any]:
        hearing.heard(db, access.endpoint_id, sent.version, sent.model_dump(exclude={"version"}))
        school = db.get_one(School, access.school_id)
        told = {"urn": school.urn, "name": school.name, "status": school.status}
        return {"interval_seconds": hearing.INTERVAL_SECONDS, "server_time": hearing.clock(), "school": told}

    return fresh(await _kept(keep))


@router.delete("/endpoint", status_code=204)
async def leave(request: Request) -> Response:
    """The agent is removed from its server."""
    access = await _caller(request)
    await _kept(lambda db: hearing.end(db, db.get_one(Endpoint, access.endpoint_id), by=None))
    return Response(status_code=204)


async def _caller(request: Request) -> EndpointAccess:
    """The agent that calls. Raises OAuthError, or ApiError when it calls too often."""
    access = await bearer.read_endpoint(request)
    if seconds := CALLS.wait(access.endpoint_id):
        slow = ApiError("429", "Too many calls", f"Wait {seconds} seconds, then go on more slowly.", 429)
        slow.headers["Retry-After"] = str(seconds)
        raise slow
    CALLS.failed(access.endpoint_id)
    return access


async def _kept(work: Callable[[Session], Any]) -> Any:
    """What the work gives, after its commit."""

    def done() -> Any:
        with sessions.begin() as db:
            return work(db)

    return await run_in_threadpool(done)


def _own(db: Session, access: EndpointAccess, batch_id: str) -> Batch:
    batch = Batch.of_school(db, access.school_id, number(batch_id))
    if batch is None or batch.endpoint_id != access.endpoint_id:
        raise NotFound
    return batch


def _check_digest(request: Request, content: bytes) -> None:
    """Raises ApiError unless the header Content-Digest (RFC 9530) gives this content's SHA-256."""
    algorithm, _, told = request.headers.get("content-digest", "").partition("=")
    try:
        digest = base64.b64decode(told.strip().strip(":"), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if algorithm.strip() != "sha-256" or digest != hashlib.sha256(content).digest():
        words = "Send Content-Digest: sha-256=:...: with the digest of this part, then the same part again."
        raise ApiError("wrong_digest", "That part did not arrive as it was sent", words)
