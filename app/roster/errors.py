"""OneRoster's form of every failure: the HTTP status and headers stay, the body is an imsx_StatusInfo.

Source: 1EdTech OneRoster 1.2 Rostering Service, REST/JSON binding 1.0, "imsx_StatusInfo".
"""

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.db import DatabaseAway, PoolExhausted
from app.errors import NotFound, OAuthError
from app.ledger import CannotBeRecorded
from app.roster.query import BadQuery

log = structlog.get_logger()

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_CODES = {401: "unauthorisedrequest", 403: "forbidden", 404: "unknownobject", 429: "server_busy", 503: "server_busy"}


class OneRosterRoute(APIRoute):
    """A route whose failures are all told in OneRoster's form."""

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await answer(request)
            except BadQuery as wrong:
                return status_info(400, str(wrong), wrong.code)
            except OAuthError as refused:
                return status_info(refused.status, refused.description, headers=refused.headers)
            except NotFound:
                return status_info(404, "There is no such object, or it is not one that this token may read.")
            except (DatabaseAway, PoolExhausted, CannotBeRecorded) as away:
                log.error("database away", error=type(away).__name__)
                return status_info(503, "Gatehouse cannot be reached now. Try again.", headers={"Retry-After": "5"})
            except Exception as failed:
                log.error("unexpected failure", exc_info=failed)
                return status_info(500, "Something went wrong at our end.", "internal_server_error")

        return told


def status_info(status: int, description: str, code: str = "", headers: dict[str, str] | None = None) -> Response:
    """The bare status object that OneRoster 1.2 answers with instead of data."""
    field = {
        "imsx_codeMinorFieldName": "TargetEndSystem",
        "imsx_codeMinorFieldValue": code or _CODES.get(status, "invaliddata"),
    }
    body = {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_description": description,
        "imsx_CodeMinor": {"imsx_codeMinorField": [field]},
    }
    return JSONResponse(body, status, {"Cache-Control": "no-store"} | (headers or {}))
