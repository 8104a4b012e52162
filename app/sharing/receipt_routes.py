"""Receipts: the school's list, each as a page, a PDF and a signed file; and a public page that checks one."""

import uuid

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import sessions
from app.errors import NotFound
from app.models.account import READING
from app.models.authorisation import Authorisation
from app.models.receipt import Receipt
from app.models.school import School
from app.sharing import receipt_check
from app.sharing.receipt_check import NotGenuine
from app.sharing.receipt_pdf import pdf
from app.sharing.receipts import STATES, sections, title
from app.signin.session import at_school
from app.web.forms import Posted, shown
from app.web.pages import page
from app.web.throttle import Limit, Try, network

router = APIRouter(include_in_schema=False)
public = APIRouter(include_in_schema=False)

PAGE_ROWS = 50
LAST_PAGE = 1_000_000
_checks = Limit(60, 900)


@router.get("/school/receipts")
def ask(request: Request, page_number: int = 1, app: str = "") -> Response:
    """Every receipt of the school, newest first; of one app when chosen."""
    number = max(1, min(page_number, LAST_PAGE))
    with sessions.read() as db:
        _, school = at_school(request, db, *READING)
        found = {given.app_id: given.app for given in Authorisation.of_school(db, school.id)}
        chosen = next((one for one in found.values() if str(one.id) == app), None)
        if app and chosen is None:
            raise NotFound
        rows, total = Receipt.page(db, school.id, chosen.id if chosen else None, number, PAGE_ROWS)
    return page(
        request,
        "sharing/receipts.html",
        rows=rows,
        total=total,
        apps=sorted(found.values(), key=lambda one: (one.name.lower(), one.id)),
        states=STATES,
        sent={"app": app},
        chosen=chosen,
        page_number=number,
        pages=-(-total // PAGE_ROWS),
    )


# Before the page, whose path would otherwise take these too.
@router.get("/school/receipts/{receipt_id}.pdf")
def printed(request: Request, receipt_id: uuid.UUID) -> Response:
    receipt, school = _own(request, receipt_id)
    return _file(pdf(receipt), "application/pdf", receipt, school, "pdf")


@router.get("/school/receipts/{receipt_id}.json")
def signed(request: Request, receipt_id: uuid.UUID) -> Response:
    """`{"jws": what is signed, "receipt": the same, readable}`."""
    receipt, school = _own(request, receipt_id)
    body = orjson.dumps({"jws": receipt.jws, "receipt": receipt.content}, option=orjson.OPT_INDENT_2)
    return _file(body, "application/json", receipt, school, "json")


@router.get("/school/receipts/{receipt_id}")
def detail(request: Request, receipt_id: uuid.UUID) -> Response:
    """One receipt, to read or to print."""
    receipt, _ = _own(request, receipt_id)
    content = receipt.content
    return page(request, "sharing/receipt.html", receipt=receipt, title=title(content), sections=sections(content))


@public.get("/receipts/verify")
def ask_to_check(request: Request) -> Response:
    return page(request, "receipts/verify.html")


@public.post("/receipts/verify")
def check(request: Request, sent: Posted) -> Response:
    """Say whether it is ours, and whether what it tells of is still in force. What is pasted is not kept."""
    Try(((_checks, network(request)),)).count()
    try:
        with sessions.read() as db:
            found = receipt_check.check(db, sent.get("receipt", ""))
    except NotGenuine as wrong:
        kept = {"receipt": sent.get("receipt", "")[: receipt_check.LONGEST]}
        return page(request, "receipts/verify.html", wrong.status, problems=shown(wrong), sent=kept)
    content = found.content
    return page(request, "receipts/genuine.html", found=found, title=title(content), sections=sections(content))


def _own(request: Request, receipt_id: uuid.UUID) -> tuple[Receipt, School]:
    with sessions.read() as db:
        _, school = at_school(request, db, *READING)
        receipt = Receipt.at_school(db, receipt_id, school.id)
    if receipt is None:
        raise NotFound
    return receipt, school


def _file(body: bytes, kind: str, receipt: Receipt, school: School, ending: str) -> Response:
    """Its name holds only what we made ourselves: numbers, and the kind of receipt."""
    name = f"receipt-{school.urn}-{receipt.made_at:%Y-%m-%d}-{receipt.kind}-{receipt.id.hex[-8:]}.{ending}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(body, media_type=kind, headers=headers)
