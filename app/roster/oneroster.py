"""OneRoster 1.2 Rostering: what a school's authorisation opens, in the form that learning platforms read.

The 22 core reads, the 17 nested ones and the two of demographics (REST/JSON binding 1.0). The school comes from the
token and from nowhere else: a sourcedId of another school names nothing.
"""

import dataclasses
import gzip
import hashlib
from collections.abc import Callable
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app import __version__, ledger
from app.db import sessions
from app.errors import NotFound
from app.models.authorisation import Authorisation
from app.oauth.bearer import Access, read_token
from app.roster import nested, openapi, organisations, resources
from app.roster.errors import OneRosterRoute, status_info
from app.roster.look import Look, in_turn
from app.roster.nested import Within
from app.roster.query import Query, links, parse
from app.roster.resources import Ids, Resource
from app.roster.shapes import BASE, Shape
from app.roster.traces import traces
from app.settings import settings

router = APIRouter(
    prefix=BASE,
    route_class=OneRosterRoute,
    tags=["OneRoster 1.2 Rostering"],
)

COMPRESSED_FROM = 1024  # bytes
Asked = list[tuple[str, str]]


@dataclasses.dataclass
class Answer:
    """What leaves: the status, the body, how many people it is about, and more headers."""

    body: bytes
    people: int = 0
    status: int = 200
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


async def _answered(request: Request, scopes: tuple[str, ...], answer: Callable[[Look, Asked], Answer]) -> Response:
    """Check the token, look, write the call down in the school's ledger, answer."""
    access = await read_token(request)
    access.require_any(scopes)
    made = await in_turn(_looked, access, request, answer)
    ledger.record(
        school_id=access.school_id,
        app_id=access.app_id,
        authorisation_id=access.authorisation_id,
        scopes=" ".join(scope for scope in scopes if scope in access.scopes),
        route=_route(request),
        people=made.people,
        address=request.client.host if request.client else "",
    )
    return Response(made.body, made.status, made.headers, "application/json" if made.body else None)


def _route(request: Request) -> str:
    """The route without an id in it: `oneroster/classes/students` for /classes/…/students."""
    parts = request.url.path.removeprefix(f"{BASE}/").split("/")
    return f"oneroster/{'/'.join(parts[::2])}"


def _looked(access: Access, request: Request, answer: Callable[[Look, Asked], Answer]) -> Answer:
    of_roster = not _route(request).startswith(("oneroster/orgs", "oneroster/schools"))
    asked = parse_qsl(request.url.query, keep_blank_values=True)
    with sessions.read(school=access.school_id) as db:
        look = Look(db, access)
        tag = _tag(look, request) if of_roster else ""
        known = bool(tag) and tag in request.headers.get("if-none-match", "")
        made = Answer(b"", status=304) if known else answer(look, asked)
    made.headers["Cache-Control"] = "no-store"
    if tag:
        made.headers |= {"Cache-Control": "private, no-cache", "ETag": tag, "Vary": "Accept-Encoding, Authorization"}
    if len(made.body) >= COMPRESSED_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        made.body = gzip.compress(made.body, compresslevel=1, mtime=0)
        made.headers["Content-Encoding"] = "gzip"
    return made


def _tag(look: Look, request: Request) -> str:
    """What the answer depends on, as an entity tag: the same tag, the same answer, and nothing need be read."""
    sight, standing = look.sight, look.standing
    opened = [(record, sorted(fields)) for record, fields in sight.opened]
    facts = (__version__, look.org_id, standing.number, standing.day, opened, sight.years)
    told = hashlib.blake2b(f"{facts}{request.url.path}?{request.url.query}".encode(), digest_size=12)
    return f'W/"{told.hexdigest()}"'


def _list(of: Resource, ids: Callable[[Look], Ids], request: Request) -> Callable[[Look, Asked], Answer]:
    def answer(look: Look, asked: Asked) -> Answer:
        query = parse(asked, of.known(look))
        every = ids(look)
        if query.plain:
            page_ids, total = every[query.offset : query.offset + query.limit], len(every)
            page = (
                [query.only(record) for record in of.read(look, page_ids)] if query.fields else of.read(look, page_ids)
            )
        else:
            page, total = query.select(_all(look, of, every, query))
            page_ids = every if total else []
        return Answer(
            orjson.dumps({of.collection: page}),
            min(of.people(look, page_ids), len(page)) if page else 0,
            headers=_counted(request, asked, query, total),
        )

    return answer


def _all(look: Look, of: Resource, ids: Ids, query: Query) -> list[Shape]:
    """Every record that the question may be about, those that are gone included where it asks for changes."""
    found = of.read(look, ids)
    if query.about_changes:
        given_at = Authorisation.known_since(look.db, look.given.school_id, look.given.app_id)
        found += traces(look, of, given_at)
    return found


def _counted(request: Request, asked: Asked, query: Query, total: int) -> dict[str, str]:
    return {
        "X-Total-Count": str(total),
        "Link": links(f"{settings.issuer}{request.url.path}", asked, query, total),
    }


def _one(of: Resource, shown: str) -> Callable[[Look, Asked], Answer]:
    def answer(look: Look, asked: Asked) -> Answer:
        query = parse(asked, of.known(look), single=True)
        own = of.own(look, shown)
        found = of.read(look, [own]) if own is not None and own in of.ids(look) else []
        if not found or own is None:
            raise NotFound
        return Answer(orjson.dumps({of.single: query.only(found[0])}), of.people(look, [own]))

    return answer


def _orgs(request: Request) -> Callable[[Look, Asked], Answer]:
    def answer(look: Look, asked: Asked) -> Answer:
        query = parse(asked, organisations.known(look.given))
        page, total = query.select([_org_of(look)])
        return Answer(orjson.dumps({"orgs": page}), headers=_counted(request, asked, query, total))

    return answer


def _org(shown: str) -> Callable[[Look, Asked], Answer]:
    def answer(look: Look, asked: Asked) -> Answer:
        query = parse(asked, organisations.known(look.given), single=True)
        if shown != look.org_id:
            raise NotFound
        return Answer(orjson.dumps({"org": query.only(_org_of(look))}))

    return answer


def _org_of(look: Look) -> Shape:
    return organisations.org(look, *look.register)


_ORG_SCOPES = ("school",)


def _add_orgs(plural: str, single: str) -> None:
    async def listed(request: Request) -> Response:
        return await _answered(request, _ORG_SCOPES, _orgs(request))

    async def one(request: Request, sourcedId: str) -> Response:
        return await _answered(request, _ORG_SCOPES, _org(sourcedId))

    router.add_api_route(
        f"/{plural}", listed, name=plural, **openapi.listed(f"getAll{plural.capitalize()}", "orgs", _ORG_SCOPES[0])
    )
    router.add_api_route(
        f"/{plural}/{{sourcedId}}", one, **openapi.single(f"get{single.capitalize()}", "org", "orgs", _ORG_SCOPES[0])
    )


def _add(of: Resource, plural: str, single: str) -> None:
    """The list and the single read of a resource; OneRoster names its operations after them."""

    async def listed(request: Request) -> Response:
        return await _answered(request, of.scopes, _list(of, of.ids, request))

    async def one(request: Request, sourcedId: str) -> Response:
        return await _answered(request, of.scopes, _one(of, sourcedId))

    router.add_api_route(
        f"/{of.plural}", listed, name=of.plural, **openapi.listed(f"getAll{plural}", of.collection, of.scopes[0])
    )
    router.add_api_route(
        f"/{of.plural}/{{sourcedId}}", one, **openapi.single(f"get{single}", of.single, of.collection, of.scopes[0])
    )


def _add_within(within: Within) -> None:
    async def listed(request: Request) -> Response:
        shown = list(request.path_params.values())

        def inner(look: Look) -> Ids:
            owns = [_own(look, resource, one) for resource, one in zip(within.outer, shown, strict=True)]
            wanted = set(within.ids(look, owns[-1]))
            return [own for own in within.of.ids(look) if own in wanted]

        return await _answered(request, within.of.scopes, _list(within.of, inner, request))

    router.add_api_route(
        within.path, listed, **openapi.listed(within.operation, within.of.collection, within.of.scopes[0], within.path)
    )


def _own(look: Look, of: Resource | None, shown: str) -> int:
    """Our id of an outer thing. Raises NotFound where it is not one that the token may read."""
    if of is None:
        if shown != look.org_id:
            raise NotFound
        return 0
    own = of.own(look, shown)
    if own is None or own not in of.ids(look):
        raise NotFound
    return own


_add_orgs("orgs", "org")
_add_orgs("schools", "school")
_add(resources.SESSIONS, "AcademicSessions", "AcademicSession")
_add(resources.CLASSES, "Classes", "Class")
_add(resources.COURSES, "Courses", "Course")
_add(resources.ENROLLMENTS, "Enrollments", "Enrollment")
_add(resources.GRADING_PERIODS, "GradingPeriods", "GradingPeriod")
_add(resources.PUPILS, "Students", "Student")
_add(resources.TEACHERS, "Teachers", "Teacher")
_add(resources.TERMS, "Terms", "Term")
_add(resources.USERS, "Users", "User")
_add(resources.DEMOGRAPHICS, "Demographics", "Demographics")

for _list_within in nested.LISTS:
    _add_within(_list_within)


@router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def anything_else(request: Request) -> Response:
    """What we do not serve, told in OneRoster's form."""
    if request.method != "GET":
        return status_info(405, "Rostering is read with GET.", headers={"Allow": "GET"})
    await read_token(request)
    raise NotFound
