"""Uploading a file by hand, and what became of a batch: what it changes, what is wrong with it, what it waits for."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotFound, Problem
from app.models.account import ADMIN, DPO, EVERYBODY, IT, SENDING, Account
from app.models.roster.batch import CHUNK_BYTES, HELD, RECEIVED, RECEIVING, Batch, Chunk, ColumnMapping
from app.models.roster.person import Person
from app.roster import batch_words, intake, uploads
from app.roster.sources.presets import FIELDS
from app.signin.session import at_school
from app.web.answers import fresh
from app.web.forms import Fault, Posted, Uploaded, shown
from app.web.pages import page, see_other

router = APIRouter(prefix="/school/endpoint", include_in_schema=False)

NAMING = (ADMIN, DPO, IT)  # who may read the names of people in what is wrong with the data
NO_FILE = Fault("Choose a file first: a ZIP, CSV or XML that your MIS has exported", "file")


@router.get("/upload")
def ask(request: Request) -> Response:
    with sessions.read() as db:
        _, school = at_school(request, db, *SENDING)
    return _form(request, school.name)


@router.post("/upload")
def upload(request: Request, sent: Uploaded) -> Response:
    """A whole file at once, as a browser without JavaScript sends it."""
    with sessions.read() as db:
        _, school = at_school(request, db, *SENDING)
    if not sent.content:
        return _form(request, school.name, 422, problems=[NO_FILE])
    try:
        with sessions.begin() as db:
            person, school = at_school(request, db, *SENDING)
            digest, size = hashlib.sha256(sent.content).digest(), len(sent.content)
            batch, _ = uploads.begin(
                db,
                school_id=school.id,
                name=sent.name or "export",
                sha256=digest,
                size=size,
                account_id=person.account.id,
            )
            if batch.state == RECEIVING:
                for position in range(uploads.chunks_of(batch)):
                    start = position * CHUNK_BYTES
                    uploads.put(db, batch, position, sent.content[start : start + CHUNK_BYTES])
                uploads.complete(db, batch)
    except Problem as wrong:
        return _form(request, school.name, wrong.status, problems=shown(wrong))
    return see_other(f"/school/endpoint/batches/{batch.id}")


@router.post("/uploads")
def begin(request: Request, sent: Posted) -> Response:
    """For the script of the page: announce a file that comes in parts."""
    with sessions.read() as db:
        at_school(request, db, *SENDING)
    try:
        digest, size = bytes.fromhex(sent.get("sha256", "")), int(sent.get("size", ""))
    except ValueError:
        digest, size = b"", -1
    if len(digest) != hashlib.sha256().digest_size or size < 0:
        raise Problem(title="That form was not filled in on our page", hint="Load the page again.")
    try:
        with sessions.begin() as db:
            person, school = at_school(request, db, *SENDING)
            name = sent.get("name") or "export"
            by = person.account.id
            batch, _ = uploads.begin(db, school_id=school.id, name=name, sha256=digest, size=size, account_id=by)
            have = Chunk.positions(db, batch.id) if batch.state == RECEIVING else range(uploads.chunks_of(batch))
            shape = {"chunk_bytes": CHUNK_BYTES, "chunks": uploads.chunks_of(batch), "have": list(have)}
    except Problem as wrong:
        return fresh({"problem": wrong.text}, wrong.status)
    return fresh({"id": str(batch.id)} | shape)


@router.put("/uploads/{batch_id}/{position}")
async def put(request: Request, batch_id: uuid.UUID, position: str) -> Response:
    """One part."""
    content = await request.body()
    place = int(position) if position.isascii() and position.isdigit() and len(position) < 6 else -1

    def keep() -> None:
        with sessions.begin() as db:
            _, school = at_school(request, db, *SENDING)
            uploads.put(db, _own(db, batch_id, school.id), place, content)

    try:
        await run_in_threadpool(keep)
    except Problem as wrong:
        return fresh({"problem": wrong.text}, wrong.status)
    return Response(status_code=204)


@router.post("/uploads/{batch_id}/complete")
def complete(request: Request, batch_id: uuid.UUID) -> Response:
    """Every part is there; where to go on."""
    try:
        with sessions.begin() as db:
            _, school = at_school(request, db, *SENDING)
            is_whole = uploads.complete(db, _own(db, batch_id, school.id))
    except Problem as wrong:
        return fresh({"problem": wrong.text}, wrong.status)
    if not is_whole:
        return fresh({"problem": "The file changed while it was sent. Send it again."}, 422)
    return fresh({"next": f"/school/endpoint/batches/{batch_id}"})


@router.get("/batches/{batch_id}")
def one(request: Request, batch_id: uuid.UUID) -> Response:
    return _batch_page(request, batch_id)


@router.post("/batches/{batch_id}/confirm")
def confirm(request: Request, batch_id: uuid.UUID, sent: Posted) -> Response:
    """Take a held batch in, with what was said of people who may be known already."""
    with sessions.begin() as db:
        person, school = at_school(request, db, ADMIN)
        batch = _own(db, batch_id, school.id)
        doubts = batch.held_for.get("doubts", [])
        answers, missing = _answers(doubts, sent)
        if not missing:
            intake.confirm(db, school_id=school.id, batch_id=batch_id, by=person.account.id, answers=answers)
    if missing:
        faults = [Fault(f"Say who {doubts[place]['who']} is", f"doubt-{place}") for place in missing]
        return _batch_page(request, batch_id, 422, problems=faults, sent=sent)
    return see_other(f"/school/endpoint/batches/{batch_id}")


@router.post("/batches/{batch_id}/cancel")
def cancel(request: Request, batch_id: uuid.UUID) -> Response:
    """Leave a held batch out; the data stays as it is."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *SENDING)
        intake.cancel(db, school_id=school.id, batch_id=batch_id, by=person.account.id)
    return see_other(f"/school/endpoint/batches/{batch_id}")


@router.post("/batches/{batch_id}/mapping")
def say_columns(request: Request, batch_id: uuid.UUID, sent: Posted) -> Response:
    """What the columns of a spreadsheet mean: kept for every later one with the same columns."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *SENDING)
        batch = _own(db, batch_id, school.id)
        question = batch.held_for.get("mapping")
        if batch.state != HELD or not question:
            raise intake.Decided(hint="Somebody else has answered, or a newer upload has taken its place.")
        kind = sent.get("kind", "")
        columns, faults = _mapping(kind, question["columns"], sent)
        if not faults:
            ColumnMapping.save(db, school.id, kind, columns, person.account.id)
            intake.again(db, school_id=school.id, batch_id=batch_id, by=person.account.id)
    if faults:
        return _batch_page(request, batch_id, 422, problems=faults, sent=sent)
    return see_other(f"/school/endpoint/batches/{batch_id}")


def _form(request: Request, school_name: str, status: int = 200, **context: Any) -> Response:
    return page(request, "endpoint/upload.html", status, school_name=school_name, most=uploads.MOST_BYTES, **context)


def _batch_page(request: Request, batch_id: uuid.UUID, status: int = 200, **context: Any) -> Response:
    with sessions.read() as db:
        person, school = at_school(request, db, *EVERYBODY)
        batch = _own(db, batch_id, school.id)
        by = Account.names(db, [batch.account_id, batch.decided_by])
    doubts = batch.held_for.get("doubts", [])
    if doubts:
        with sessions.read(school=school.id) as db:
            known = {
                str(one.id): batch_words.person(vars(one)) for one in Person.some(db, school.id, _candidates(doubts))
            }
        doubts = [doubt | {"known": {own: known.get(own, "") for own in doubt["candidates"]}} for doubt in doubts]
    question = batch.held_for.get("mapping")
    return page(
        request,
        "endpoint/batch.html",
        status,
        batch=batch,
        state=batch_words.STATES[batch.state],
        source=batch_words.SOURCES.get(batch.source, ""),
        rows=batch_words.rows(batch),
        held=batch_words.held(batch),
        doubts=doubts,
        question=question,
        fields=FIELDS,
        waits=batch.state in (RECEIVING, RECEIVED),
        uploaded_by=by.get(batch.account_id, "") if batch.account_id else "",
        decided_by=by.get(batch.decided_by, "") if batch.decided_by else "",
        names=not person.roles_at_school.isdisjoint(NAMING),
        sends=not person.roles_at_school.isdisjoint(SENDING),
        decides=ADMIN in person.roles_at_school,
        **context,
    )


def _candidates(doubts: Sequence[Mapping[str, Any]]) -> list[int]:
    return [int(own) for doubt in doubts for own in doubt["candidates"]]


def _own(db: Session, batch_id: uuid.UUID, school_id: uuid.UUID) -> Batch:
    batch = Batch.of_school(db, school_id, batch_id)
    if batch is None:
        raise NotFound
    return batch


def _answers(doubts: Sequence[Mapping[str, Any]], sent: Mapping[str, str]) -> tuple[dict[str, str], list[int]]:
    """{source key: 'new' or an id}, and the places of doubts that were not answered."""
    answers: dict[str, str] = {}
    missing = []
    for place, doubt in enumerate(doubts):
        told = sent.get(f"doubt-{place}", "")
        if told == "new" or told in doubt["candidates"]:
            answers[doubt["key"]] = told
        else:
            missing.append(place)
    return answers, missing


def _mapping(kind: str, columns: Sequence[str], sent: Mapping[str, str]) -> tuple[dict[str, str], list[Fault]]:
    """{our field: their column} as it was chosen, and what is wrong with that."""
    if kind not in FIELDS:
        return {}, [Fault("Say of whom the file speaks", "kind")]
    found: dict[str, str] = {}
    faults = []
    for place, column in enumerate(columns):
        field = sent.get(f"column-{place}", "")
        if not field or not any(known.name == field for known in FIELDS[kind]):
            continue
        if field in found:
            faults.append(Fault(f"{column} and {found[field]} cannot mean the same", f"column-{place}"))
        found[field] = column
    for needed in (known for known in FIELDS[kind] if known.needed and known.name not in found):
        faults.append(Fault(f"Say which column is the {needed.title.lower()}", "column-0"))
    return found, faults
