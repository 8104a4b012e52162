"""Every failure, rendered in one place: a page for browsers, problem+json (RFC 9457) for everyone else."""

from collections.abc import Callable
from urllib.parse import quote

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.db import DatabaseAway, PoolExhausted
from app.errors import OAuthError, Problem, SignInNeeded
from app.secrets import TooBusy
from app.settings import settings
from app.web.answers import fresh
from app.web.pages import page, see_other

log = structlog.get_logger()

_TITLES = {
    400: ("That request could not be understood", "Go back and try again."),
    403: ("You cannot do that", "Go back to the page you came from."),
    404: ("Page not found", "Check the address, or start again from the first page."),
    405: ("That cannot be done here", "Go back and use the button on the page."),
    413: ("That is too large", "Send something smaller."),
    415: ("That kind of content is not accepted here", "Send the form from our page."),
    422: ("That request was not complete", "Go back and try again."),
    429: ("Too many tries", "Wait a few minutes, then try again."),
    500: ("Something went wrong at our end", "Nothing that you sent was kept. Try again in a few minutes."),
    503: ("Gatehouse cannot be reached at the moment", "Nothing was lost. Try again in a minute."),
}


def failure(
    request: Request, status: int, title: str = "", hint: str = "", headers: dict[str, str] | None = None
) -> Response:
    """A page if a browser asks for HTML, else problem+json."""
    usual_title, usual_hint = _TITLES.get(status, _TITLES[400])
    title, hint = title or usual_title, hint or usual_hint
    reference = getattr(request.state, "request_id", "")
    if _wants_page(request):
        answer: Response = page(request, "errors/error.html", status, title=title, hint=hint, reference=reference)
    else:
        problem = {
            "type": f"{settings.issuer}/developers/errors#{status}",
            "title": title,
            "status": status,
            "detail": hint,
        }
        answer = JSONResponse(problem | {"instance": reference}, status, media_type="application/problem+json")
    answer.headers.update(headers or {})
    return answer


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def refusal(wrong: OAuthError) -> Response:
    """The protocol's own JSON (RFC 6749 section 5.2), never kept by a cache."""
    return fresh(wrong.body, wrong.status, wrong.headers)


def install(app: FastAPI, know: Callable[[Request], None]) -> None:
    """Let every exception of the application end here. `know` finds out who is signed in, for the frame of a page."""

    def failure_page(
        request: Request, status: int, title: str = "", hint: str = "", headers: dict[str, str] | None = None
    ) -> Response:
        if _wants_page(request):
            know(request)
        return failure(request, status, title, hint, headers)

    @app.exception_handler(SignInNeeded)
    def sign_in(request: Request, needed: SignInNeeded) -> Response:
        if not _wants_page(request) or request.method not in ("GET", "HEAD"):
            return failure_page(request, 401, needed.title, "Sign in, then try again.")
        if needed.step != "/sign-in":
            return see_other(needed.step)
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return see_other(f"/sign-in?next={quote(wanted, safe='')}")

    @app.exception_handler(Problem)
    def problem(request: Request, wrong: Problem) -> Response:
        return failure_page(request, wrong.status, wrong.title, wrong.hint, wrong.headers)

    @app.exception_handler(OAuthError)
    def refused(_request: Request, wrong: OAuthError) -> Response:
        return refusal(wrong)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, wrong: RequestValidationError) -> Response:
        # A path or query value of the wrong shape names nothing that exists.
        return failure_page(request, 404 if any(error["loc"][0] == "path" for error in wrong.errors()) else 422)

    @app.exception_handler(HTTPException)
    def http(request: Request, wrong: HTTPException) -> Response:
        return failure_page(request, wrong.status_code, headers=dict(wrong.headers or {}))

    @app.exception_handler(TooBusy)
    def busy(request: Request, _busy: TooBusy) -> Response:
        hint = "Wait a few seconds, then try again."
        return failure_page(request, 503, "Too many people are signing in", hint, {"Retry-After": "5"})

    @app.exception_handler(PoolExhausted)
    @app.exception_handler(DatabaseAway)
    def away(request: Request, wrong: Exception) -> Response:
        log.error("database away", error=type(wrong).__name__)
        return failure_page(request, 503, headers={"Retry-After": "5"})

    @app.exception_handler(Exception)
    def crash(request: Request, wrong: Exception) -> Response:
        log.error("unexpected failure", exc_info=wrong)
        return failure_page(request, 500)
