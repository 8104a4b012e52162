"""The Groupcall-style API's form of every failure: Message, ExceptionType, ExceptionMessage, InnerException.

Clients look for ExceptionMessage in whatever arrives; ours also has the HTTP status that fits, which they let pass.
"""

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.db import DatabaseAway, PoolExhausted
from app.errors import NotFound, OAuthError
from app.ledger import CannotBeRecorded
from app.web.throttle import TooManyTries

log = structlog.get_logger()

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

PAUSED = "The school's authorisation is currently paused."
UNVERIFIED = "Gatehouse has not verified the school yet. Try again later."
UNAUTHORISED, NOT_AUTHORISED = "Unauthorised", "NotAuthorised"
AUTHORISATION_PAUSED, SCHOOL_UNVERIFIED, BAD_REQUEST = "AuthorisationPaused", "SchoolUnverified", "BadRequest"


class Refused(Exception):
    """`kind` is the ExceptionType (see `developers/groupcall.py`); `text` says to the client's people what is wrong."""

    def __init__(self, status: int, kind: str, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.kind, self.headers = status, kind, headers or {}


class GroupcallRoute(APIRoute):
    """A route whose failures are all told in this form. Those of GetToken have the members of its answer as well."""

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()
        also = {"token": None, "expires": None} if self.path.endswith("GetToken") else {}

        async def told(request: Request) -> Response:
            try:
                return await answer(request)
            except Exception as wrong:
                refused = _refused(wrong)
                body = also | failure(refused)
                return JSONResponse(body, refused.status, {"Cache-Control": "no-store"} | refused.headers)

        return told


def failure(refused: Refused | None = None) -> dict[str, str | None]:
    """The four members; of an answer that is right, all of them null."""
    if refused is None:
        return dict.fromkeys(("Message", "ExceptionType", "ExceptionMessage", "InnerException"))
    text = str(refused)
    return {"Message": text, "ExceptionType": refused.kind, "ExceptionMessage": text, "InnerException": None}


def _refused(wrong: Exception) -> Refused:
    match wrong:
        case Refused():
            return wrong
        case OAuthError():
            kinds = {"authorisation_paused": AUTHORISATION_PAUSED, "school_unverified": SCHOOL_UNVERIFIED}
            usual = {400: BAD_REQUEST, 401: UNAUTHORISED}.get(wrong.status, NOT_AUTHORISED)
            text = f"{PAUSED} {wrong.description}" if wrong.error == "authorisation_paused" else wrong.description
            return Refused(wrong.status, kinds.get(wrong.error, usual), text, wrong.headers)
        case NotFound():
            return Refused(404, "NotFound", "There is no such thing, or it is not one that this token may read.")
        case TooManyTries():
            return Refused(429, "TooManyRequests", wrong.text, wrong.headers)
        case HTTPException(status_code=413):
            return Refused(413, BAD_REQUEST, "The body is too large. Send less at once.")
        case DatabaseAway() | PoolExhausted() | CannotBeRecorded():
            log.error("database away", error=type(wrong).__name__)
            words = "Gatehouse cannot be reached now. Nothing was changed. Try again."
            return Refused(503, "Unavailable", words, {"Retry-After": "5"})
    log.error("unexpected failure", exc_info=wrong)
    return Refused(500, "ServerError", "Something went wrong at our end.")
