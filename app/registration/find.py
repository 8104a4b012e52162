"""`/register/school`: find the school in the register and select it.

A search is an address of its own, `?by=…&q=…&page=…`: back, reload and sharing work. The form has a box for each way to
search and leads there.
"""

import dataclasses
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.directory import search
from app.errors import Problem
from app.models.establishment import PROPOSED, Establishment
from app.models.school import SUSPENDED, UNVERIFIED, VERIFIED, School
from app.registration import service, visit
from app.web.forms import Fault, Posted, shown
from app.web.pages import page, see_other

router = APIRouter(include_in_schema=False)

FIRST_FIND = "/register/school?registered=yes"
"""Where somebody goes who wants access to a registered school and has not said which."""
WAYS = ("postcode", "dfe", "urn", "name")
NOTHING_TYPED = "Type a postcode, a number or a name to search for"
SHAPES = {"urn": "A URN has 5 or 6 digits", "dfe": "An LA/DfE number has 7 digits"}
DIGITS = {"urn": (5, 6), "dfe": (7,)}


@dataclasses.dataclass(frozen=True)
class Row:
    """One result. `others`: what replaced a closed school, or what a proposed one will replace."""

    establishment: Establishment
    is_twin: bool
    taken: str | None
    others: list[Establishment]

    @property
    def is_verified(self) -> bool:
        return self.taken in (VERIFIED, SUSPENDED)

    @property
    def is_being_checked(self) -> bool:
        return self.taken == UNVERIFIED

    @property
    def is_proposed(self) -> bool:
        return self.establishment.status_code == PROPOSED

    @property
    def may_be_chosen(self) -> bool:
        return self.establishment.is_open and not self.is_verified


@router.get("/register/school")
def ask(request: Request) -> Response:
    """The search form, and below it what was found."""
    asked = request.query_params
    if any(f"q-{way}" in asked for way in WAYS):
        return _lead_on(request)
    if "q" not in asked:
        return _shown(request, is_registered="registered" in asked)
    return _found(request, asked.get("by", ""), asked["q"].strip(), asked.get("page", ""))


@router.post("/register/school")
def choose(request: Request, sent: Posted) -> Response:
    """Select one of the results, and go on to the details."""
    urn = sent.get("urn", "")
    try:
        if not urn.isascii() or not urn.isdigit() or len(urn) > 9:
            raise Problem(title="Select your school", field="urn")
        with sessions.read() as db:
            establishment = service.choose(db, int(urn))
    except Problem as wrong:
        status = 422 if wrong.status == 400 else wrong.status
        return _found(
            request,
            sent.get("by", "urn"),
            sent.get("q", urn),
            sent.get("page", ""),
            status=status,
            problems=shown(wrong),
        )
    response = see_other("/register/details")
    visit.keep(response, visit.Visit(urn=establishment.urn))
    return response


def _lead_on(request: Request) -> Response:
    """From the boxes of the form to the address of the search. A box that still holds the last search steps back."""
    typed = {way: text for way in WAYS if (text := request.query_params.get(f"q-{way}", "").strip())}
    before = request.query_params.get("before", "")
    if len(typed) > 1:
        typed = {way: text for way, text in typed.items() if f"{way}:{text}" != before}
    if not typed:
        return _shown(request, 422, [Fault(NOTHING_TYPED, "q-postcode")])
    if len(typed) > 1:
        faults = [Fault("Fill in one box only, then press Search", f"q-{way}") for way in typed]
        return _shown(request, 422, faults, typed=typed)
    [(by, q)] = typed.items()
    return see_other(f"/register/school?{urlencode({'by': by, 'q': q})}#results")


def _found(
    request: Request, by: str, q: str, page_number: str, *, status: int = 200, problems: list[Fault] | None = None
) -> Response:
    if by not in WAYS or not q:
        return _shown(request, 422, [Fault(NOTHING_TYPED, f"q-{by}" if by in WAYS else "q-postcode")])
    number = int(page_number) if page_number.isascii() and page_number.isdigit() and len(page_number) < 6 else 1
    with sessions.read() as db:
        results = search.find(db, by, q, max(number, 1))
        rows = _rows(db, results)
    if not results.total and not _has_shape(by, q):
        return _shown(request, 422, [Fault(SHAPES[by], f"q-{by}")], typed={by: q}, results=results, by=by, q=q)
    if problems and not any(row.may_be_chosen for row in rows):
        problems = [Fault(fault.text, "results") for fault in problems]
    return _shown(request, status, problems, typed={by: q}, results=results, rows=rows, by=by, q=q)


def _has_shape(by: str, q: str) -> bool:
    return by not in SHAPES or sum(letter.isdecimal() for letter in q) in DIGITS[by]


def _rows(db: Session, results: search.Results) -> list[Row]:
    taken = School.taken(db, [found.urn for found in results.rows])
    return [Row(found, found.urn in results.twins, taken.get(found.urn), _others(db, found)) for found in results.rows]


def _others(db: Session, found: Establishment) -> list[Establishment]:
    if found.is_open:
        return []
    return search.predecessors(db, found.urn) if found.status_code == PROPOSED else search.successors(db, found.urn)


def _shown(request: Request, status: int = 200, problems: list[Fault] | None = None, **more: object) -> Response:
    return page(request, "registration/school.html", status, problems=problems or [], **more)
