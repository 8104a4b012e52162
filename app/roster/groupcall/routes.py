"""The Groupcall-style API v1: what a school's authorisation opens, as clients of an older aggregator read it.

It describes compatibility and no affiliation. The school comes from the token; the address must name the same one, or
the answer is that of an address at which there is nothing. See `docs/adr/0024`.
"""

import gzip
from collections.abc import Callable
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app import ledger
from app.db import sessions
from app.errors import NotFound
from app.models.backing import Backing, HeldToken
from app.models.roster.head import Roster
from app.oauth import bearer, store
from app.oauth.bearer import Access
from app.roster.groupcall import register, tokens
from app.roster.groupcall.changes import Read, changes, read
from app.roster.groupcall.errors import GroupcallRoute
from app.roster.groupcall.lists import Listing, listing
from app.roster.groupcall.rows import Shape
from app.roster.groupcall.sent import Asked, asked, estab_of
from app.roster.look import Look, in_turn
from app.secrets import digest
from app.web.answers import fresh

router = APIRouter(route_class=GroupcallRoute, tags=["Groupcall-style API v1"], include_in_schema=False)

SCHEME = "idaas "
COMPRESSED_FROM = 1024  # bytes
Told = dict[str, Any]


async def _opened(request: Request) -> tuple[Access, Backing, HeldToken]:
    """What the token opens, and what it stands on. `Idaas` is this API's word for Bearer. Raises OAuthError."""
    headers = [
        (name, b"Bearer " + value[len(SCHEME) :])
        if name == b"authorization" and value[: len(SCHEME)].lower() == SCHEME.encode()
        else (name, value)
        for name, value in request.scope["headers"]
    ]
    sent = Request(dict(request.scope) | {"headers": headers})
    access = await bearer.read_token(sent)
    held = await store.access(digest(sent.headers["authorization"].partition(" ")[2].strip()))
    if held is None or not isinstance(held.backing, Backing):
        raise NotFound
    return access, held.backing, held


def _record(request: Request, access: Access, route: str, scopes: list[str], people: int = 0) -> None:
    ledger.record(
        school_id=access.school_id,
        app_id=access.app_id,
        authorisation_id=access.authorisation_id,
        scopes=" ".join(scopes),
        route=f"groupcall/{route}",
        people=people,
        address=request.client.host if request.client else "",
    )


def _add_about(name: str, told: Callable[[Access, Backing, HeldToken, Asked], Told]) -> None:
    """A read that says something about the token or its use, and nothing about people."""

    async def about(request: Request) -> Response:
        access, behind, held = await _opened(request)
        made = await in_turn(told, access, behind, held, asked(request))
        _record(request, access, name, [])
        return fresh(made)

    for path in (f"/api/v1/{name}", f"/api/v1/{name}/"):
        router.add_api_route(path, about, name=name)


_add_about("TokenDetails", lambda access, behind, held, _: tokens.token_details(access, behind, held.expires_at))
_add_about("Scopes", lambda access, _behind, _held, _asked: tokens.scopes(access))
_add_about("Logs", lambda access, _behind, _held, asked: tokens.logs(access, asked))
_add_about("Usage", lambda access, behind, _held, _asked: tokens.usage(access, behind))


@router.get("/api/v1/School/{estab}/{name}")
@router.get("/api/v1/School/{estab}/{name}/")
@router.get("/api/v1/School/{estab}/{name}/{row}")
async def school(request: Request, estab: str, name: str, row: str = "") -> Response:
    """A list of the school, a page of it or what changed in it; or one row."""
    access, behind, _held = await _opened(request)
    how = asked(request)
    of = listing(name, how.group_type)
    if of is None or estab_of(estab) not in tokens.estabs(behind):
        raise NotFound
    for scopes in of.scopes:
        access.require_any(scopes)
    made, people = await in_turn(_answered, access, of, how, row)
    drawn = [name for scopes in of.scopes for name in scopes if name in access.scopes]
    _record(request, access, of.name, drawn, people)
    return _sent(request, made)


def _answered(access: Access, of: Listing, how: Asked, row: str) -> tuple[Told, int]:
    """The answer, and how many people it is about."""
    with sessions.read(school=access.school_id) as db:
        look = Look(db, access)
        if row:
            return _one(look, of, how, row)
        if how.status_only:
            return _status(look, of), 0
        if not how.changed:
            return _page(look, of, how)
        found = changes(look, of, how)
        made = _tables(of, found.page, how)
        made |= {f"{table}_deleted": [] for table in _beside(of, how)}
        made[f"{of.name}_deleted"] = [{"Id": own} for own in found.gone]
        made["__changedRows__"] = [{"NextChangedRows": found.next_cursor, "NextUrl": found.next_query}]
        made["__pagination__"] = _pagination(how, found.total, found.next_query)
        people = of.people(look, found.page.keys, of.asked(how.options))
    if found.kept:
        with sessions.begin() as db:
            found.kept.keep(db)
    return made, people


def _one(look: Look, of: Listing, how: Asked, row: str) -> tuple[Told, int]:
    key = of.own(look, row)
    if key is None or key not in set(of.keys(look)):
        raise NotFound
    return _tables(of, read(look, of, [key], how), how), of.people(look, [key], of.asked(how.options))


def _page(look: Look, of: Listing, how: Asked) -> tuple[Told, int]:
    every = of.keys(look)
    start = (how.page - 1) * how.size
    keys = list(every[start : start + how.size])
    made = _tables(of, read(look, of, keys, how), how)
    following = f"?page={how.page + 1}{how.beside}"
    made["__pagination__"] = _pagination(how, len(every), following)
    return made, of.people(look, keys, of.asked(how.options))


def _status(look: Look, of: Listing) -> Told:
    """How much there is, and when data last came; none of it."""
    roster = Roster.of(look.db, look.given.school_id)
    came = tokens.written(roster.accepted_at) if roster and roster.accepted_at else None
    return {of.name: [], "__dbStatus__": [{"RowCount": len(of.keys(look)), "LastUpdated": came}]}


def _beside(of: Listing, how: Asked) -> list[str]:
    return [table for table in of.tables if f"include{table}" in of.asked(how.options)]


def _tables(of: Listing, page: Read, how: Asked) -> Told:
    made: Told = {of.name: page.rows}
    for table in _beside(of, how):
        rows = page.beside.get(table, {})
        made[table] = [row for key in page.keys for row in rows.get(key, [])]
    return made


def _pagination(how: Asked, total: int, following: str) -> list[Shape]:
    pages = -(-total // how.size)
    counted = {"PageSize": how.size, "PageNumber": how.page, "PageCount": pages, "RowCount": total}
    return [counted | {"NextPage": following if how.page < pages else None}]


def _sent(request: Request, made: Told) -> Response:
    content, headers = orjson.dumps(made), {"Cache-Control": "no-store"}
    if len(content) >= COMPRESSED_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        content = gzip.compress(content, compresslevel=1, mtime=0)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(content, 200, headers, "application/json")


router.add_api_route("/api/oauth/GetToken", tokens.get_token, methods=["POST"])
router.add_api_route("/idaas/sts/STS/GetToken", tokens.get_token, methods=["POST"])
router.add_api_route("/api/Manage/SchoolRegister", register.register, methods=["POST"])


@router.get("/api/v1/{path:path}")
async def anything_else(request: Request) -> Response:
    """What is not served here, told in this API's form."""
    await _opened(request)
    raise NotFound
