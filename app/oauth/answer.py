"""How an authorization request ends: back at the app with a code or an error, or on a page of ours."""

from starlette.requests import Request
from starlette.responses import Response

from app.errors import OAuthError
from app.models.partner import App
from app.oauth.redirect_uri import filled
from app.oauth.request import Parameters
from app.settings import settings
from app.web.pages import page, see_other


def with_code(sent: Parameters, code: str) -> Response:
    return _home(sent, code=code)


def with_error(sent: Parameters, wrong: OAuthError) -> Response:
    """Only for a request whose app and redirect URI are known to belong together."""
    return _home(sent, error=wrong.error, error_description=wrong.description)


def on_page(request: Request, app: App | None, wrong: OAuthError) -> Response:
    """For everything else. Always HTML: whoever follows a link to authorize is, or stands for, a person."""
    return page(request, "oauth/refused.html", 400, app=app, wrong=wrong)


def _home(sent: Parameters, **answer: str) -> Response:
    named: dict[str, str | None] = {**answer, "state": sent.get("state"), "iss": settings.issuer}
    response = see_other(filled(sent.required("redirect_uri"), named))
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
