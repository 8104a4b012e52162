"""The partner's request that a browser brought along, found again after signing in or registering a school."""

import re
import uuid
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from app.db import Session
from app.models.partner import App
from app.models.token import AuthorizationRequest
from app.secrets import digest, new_secret, well_formed
from app.settings import settings
from app.web import cookies

COOKIE = "browser"  # the part of its name that tells it from our others


def browser_secret(request: Request) -> str:
    """The secret that tells this browser from others; a new one on its first visit (then `bind` the response)."""
    return _presented(request) or new_secret("gh_br")


def bind(response: Response, secret: str) -> None:
    """Let the browser keep its secret for as long as a partner's request lives."""
    cookies.put(response, COOKIE, secret, settings.partner_request_seconds)


def pending(request: Request, db: Session) -> tuple[AuthorizationRequest, App] | None:
    """The newest partner request that this browser began and has not finished, and the app that made it."""
    secret = _presented(request)
    waiting = AuthorizationRequest.newest(db, digest(secret)) if secret else None
    app = db.get(App, waiting.app_id) if waiting else None
    return (waiting, app) if waiting and app else None


def found(request: Request, db: Session, request_id: uuid.UUID) -> AuthorizationRequest | None:
    """One request of this browser, finished or not; another browser's is None, as if it were absent."""
    secret = _presented(request)
    return AuthorizationRequest.of_browser(db, request_id, digest(secret)) if secret else None


def awaited(request: Request, db: Session, next_path: str | None) -> tuple[AuthorizationRequest, App] | None:
    """The partner request that signing in will lead to: the one that `next_path` names, or with none the newest."""
    if next_path is None:
        return pending(request, db)
    named = re.fullmatch(r"/oauth/authorize/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", next_path)
    waiting = found(request, db, uuid.UUID(named[1])) if named else None
    app = db.get(App, waiting.app_id) if waiting and not waiting.completed_at else None
    return (waiting, app) if waiting and app else None


def path(waiting: AuthorizationRequest) -> str:
    """Where the request goes on."""
    return f"/oauth/authorize/{waiting.id}"


def form_targets(app: App) -> set[str]:
    """The origins that a form may end at when its browser is sent home: for `request.state.form_targets`.

    Chromium holds `form-action` against every redirect that follows a post, not only against its first address.
    """
    return {f"{uri.scheme}://{uri.netloc}" for uri in map(urlsplit, app.redirect_uris) if _is_plain(uri.netloc)}


def _presented(request: Request) -> str:
    """The browser's secret, if it looks like one that we gave out."""
    secret = request.cookies.get(cookies.name(COOKIE), "")
    return secret if well_formed(secret, "gh_br") else ""


def _is_plain(netloc: str) -> bool:
    """Whether a registered host can stand in a header without ending the directive it stands in."""
    return re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]+)?", netloc) is not None
