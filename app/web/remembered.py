"""The partner's request that a browser brought along, found again after signing in or registering a school."""

from starlette.requests import Request
from starlette.responses import Response

from app.db import Session
from app.models.partner import App
from app.models.token import AuthorizationRequest
from app.secrets import digest, new_secret
from app.settings import settings

COOKIE = "gatehouse_browser" if settings.issuer.startswith("https://") else f"gatehouse_browser_{settings.port}"


def browser_secret(request: Request) -> str:
    """The secret that tells this browser from others; a new one on its first visit (then `bind` the response)."""
    return request.cookies.get(COOKIE) or new_secret("gh_br")


def bind(response: Response, secret: str) -> None:
    """Let the browser keep its secret for as long as a partner's request lives."""
    secure = settings.issuer.startswith("https://")
    response.set_cookie(
        COOKIE, secret, max_age=settings.partner_request_seconds, httponly=True, secure=secure, samesite="lax"
    )


def pending(request: Request, db: Session) -> tuple[AuthorizationRequest, App] | None:
    """The newest partner request that this browser began and has not finished, and the app that made it."""
    secret = request.cookies.get(COOKIE)
    waiting = AuthorizationRequest.newest(db, digest(secret)) if secret else None
    app = db.get(App, waiting.app_id) if waiting else None
    return (waiting, app) if waiting and app else None


def path(waiting: AuthorizationRequest) -> str:
    """Where the request goes on."""
    return f"/oauth/authorize/{waiting.id}"
