"""JSON APIs of our own form: a strict body in, and every refusal out as a problem document (RFC 9457)."""

import json
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app import strict_json
from app.db import DatabaseAway, PoolExhausted
from app.errors import NotFound, OAuthError, Problem
from app.settings import settings

log = structlog.get_logger()

LONGEST_BODY = 20_000  # characters

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ApiError(Problem):
    """A refusal with a code of its own, which `type` links to; `errors` name members of the body."""

    def __init__(
        self, code: str, title: str, hint: str = "", status: int = 400, errors: Sequence[dict[str, str]] = ()
    ) -> None:
        super().__init__(hint, title=title)
        self.code, self.status, self.errors = code, status, list(errors)


class Sent(BaseModel):
    """A body. It has no members but these, each of its own type: nothing is guessed, and nothing slips in."""

    model_config = ConfigDict(extra="forbid", strict=True)


S = TypeVar("S", bound=Sent)


class ApiRoute(APIRoute):
    """A route whose failures are all told as problem documents."""

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await answer(request)
            except Exception as wrong:
                return _told(request, wrong)

        return told


def _told(request: Request, wrong: Exception) -> Response:
    match wrong:
        case OAuthError():
            title = "The access token does not open this" if wrong.error else "An access token is needed"
            return problem(request, wrong.status, wrong.error, title, wrong.description, headers=wrong.headers)
        case ApiError():
            more = {"errors": wrong.errors} if wrong.errors else {}
            return problem(request, wrong.status, wrong.code, wrong.title, wrong.hint, headers=wrong.headers, **more)
        case NotFound() | RequestValidationError():
            return problem(request, 404, "", "There is no such thing", "It does not exist, or it is not yours.")
        case Problem():
            return problem(request, wrong.status, "", wrong.title, wrong.hint, headers=wrong.headers)
        case HTTPException(status_code=413):
            return problem(request, 413, "", "That is too large", "Send less at once.")
        case DatabaseAway() | PoolExhausted():
            log.error("database away", error=type(wrong).__name__)
            words = "Nothing was changed. Send the same call again."
            return problem(request, 503, "", "Gatehouse cannot be reached now", words, headers={"Retry-After": "5"})
    log.error("unexpected failure", exc_info=wrong)
    return problem(request, 500, "", "Something went wrong at our end", "Nothing was changed. Try again later.")


def problem(
    request: Request,
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """RFC 9457; without a code of its own the problem is of its HTTP status."""
    body = {
        "type": f"{settings.issuer}/developers/errors#{code or status}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": getattr(request.state, "request_id", ""),
    }
    kept = {"Cache-Control": "no-store"} | (headers or {})
    return JSONResponse(body | more, status, kept, "application/problem+json")


async def body(request: Request, kind: type[S]) -> S:
    """The JSON object of the request. Raises ApiError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ApiError("415", "That Content-Type is not read here", "Send Content-Type: application/json.", 415)
    try:
        told = strict_json.read((await request.body()).decode(), LONGEST_BODY)
        json.dumps(told, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        words = "Send one JSON object in UTF-8: at most 20,000 characters and 8 levels, each member once."
        raise ApiError("malformed_json", "The body cannot be read", words) from None
    if not isinstance(told, dict):
        raise ApiError("malformed_json", "The body cannot be read", "Send a JSON object: {...}.")
    try:
        made = kind.model_validate(told)
    except ValidationError as wrong:
        raise invalid([(".".join(map(str, error["loc"])), error["msg"]) for error in wrong.errors()]) from None
    if named := [name for name, value in told.items() if "\x00" in _texts(value)]:
        raise invalid([(name, "A text must not have NUL in it") for name in named])
    return made


def _texts(value: Any) -> str:
    """Every text within, joined."""
    if isinstance(value, dict):
        return "".join(map(_texts, value.values()))
    return "".join(map(_texts, value)) if isinstance(value, list) else str(value)


def invalid(errors: Sequence[tuple[str, str]]) -> ApiError:
    """The body can be read, but these members of it cannot be taken: pairs (member, what is wrong with it)."""
    shown = [{"field": _printable(field), "detail": detail} for field, detail in errors[:20]]
    words = "; ".join(f"{error['field']}: {error['detail']}" for error in shown[:3])
    return ApiError("invalid_body", "The body is not right", words, 422, shown)


def _printable(name: str) -> str:
    return "".join(mark if mark.isprintable() else "?" for mark in name[:60])


async def nothing(request: Request) -> None:
    """This call needs no body, and an empty object is as good."""
    if (await request.body()).strip() not in (b"", b"{}"):
        raise ApiError("malformed_json", "The body cannot be read", "This call has no body.")


def number(text: str) -> uuid.UUID:
    """An id of a path; what is none names nothing. Raises NotFound."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound from None
