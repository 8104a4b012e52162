"""Reading Room, a made-up partner: connects a school by OAuth and shows what it may read.

Written with Authlib the way any partner would: discovery by metadata, authorization code with PKCE, refresh by itself.
Settings come from the environment: DEMO_ISSUER, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_STORE (a file of connections).
"""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from httpx2 import HTTPError
from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

HERE = Path(__file__).parent
ISSUER = os.environ["DEMO_ISSUER"]
STORE = Path(os.environ["DEMO_STORE"])
ROSTERING = f"{ISSUER}/ims/oneroster/rostering/v1p2"

# What the school reads when Gatehouse, or the person there, says no.
IN_WORDS = {
    "mismatching_state": "This answer belongs to an earlier try, or to another browser. Connect again.",
    "access_denied": "You chose not to share data with Reading Room. Nothing was connected.",
    "school_unverified": "Gatehouse is still checking your school’s registration. This takes up to two working "
    "days. There is nothing to do here: come back when Gatehouse has emailed you.",
    "authorisation_paused": "Your school has paused data sharing with Reading Room.",
    "insufficient_scope": "Your school has not shared this kind of data with Reading Room.",
    "invalid_token": "Your school has ended data sharing with Reading Room. Connect again if that was a mistake.",
    "invalid_grant": "Your school has ended data sharing with Reading Room. Connect again if that was a mistake.",
}

templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)


class Connections:
    """Token responses by a random id that the browser's session cookie holds; kept in a file over restarts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, key: str | None) -> dict[str, Any] | None:
        return self._known.get(key or "")

    def put(self, key: str, token: dict[str, Any]) -> None:
        self._known[key] = token
        self._write()

    def replace(self, refresh_token: str, fresh: dict[str, Any]) -> None:
        for key, token in self._known.items():
            if token.get("refresh_token") == refresh_token:
                self._known[key] = token | fresh
        self._write()

    def forget(self, key: str) -> None:
        self._known.pop(key, None)
        self._write()

    def _write(self) -> None:
        self._path.touch(mode=0o600)
        self._path.write_text(json.dumps(self._known))


connections = Connections(STORE)


async def keep_refreshed(token: dict[str, Any], refresh_token: str = "", access_token: str = "") -> None:
    """Authlib refreshed by itself; keep the new tokens where the old ones were."""
    connections.replace(refresh_token, token)


# OneRoster's metadata, under words for people.
LABELS = {
    "establishmentType": "Kind of school",
    "phase": "Phase",
    "address": "Address",
    "telephone": "Telephone",
    "website": "Website",
    "LAESTAB": "LA/DfE number",
    "UKPRN": "UKPRN",
}

oauth = OAuth()
oauth.register(
    "gatehouse",
    client_id=os.environ["DEMO_CLIENT_ID"],
    client_secret=os.environ["DEMO_CLIENT_SECRET"],
    server_metadata_url=f"{ISSUER}/.well-known/oauth-authorization-server",
    client_kwargs={"scope": "school students groups contacts", "code_challenge_method": "S256"},
    update_token=keep_refreshed,
)


def page(template: str, status: int = 200, **context: Any) -> HTMLResponse:
    body = templates.get_template(template).render(issuer=ISSUER, **context)
    policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
    return HTMLResponse(body, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})


async def home(request: Request) -> Response:
    return page("home.html", connection=connections.get(request.session.get("connection")))


async def connect(request: Request) -> Response:
    """Send the browser to Gatehouse with an ordinary authorization request."""
    return await oauth.gatehouse.authorize_redirect(request, str(request.url_for("callback")))  # type: ignore[no-any-return]


async def callback(request: Request) -> Response:
    """Take the code, make sure that it is Gatehouse who sent it (RFC 9207), and exchange it."""
    if request.query_params.get("iss") != ISSUER:
        return page("problem.html", 400, words="That answer did not come from Gatehouse. Start again.")
    try:
        token = await oauth.gatehouse.authorize_access_token(request)
    except OAuthError as refused:
        return page("problem.html", 200, words=IN_WORDS.get(refused.error, "That did not work. Connect again."))
    request.session["connection"] = key = secrets.token_urlsafe(24)
    connections.put(key, dict(token))
    return RedirectResponse("/school", 303)


async def school(request: Request) -> Response:
    """Ask for the school's data, and show it or say in words why there is none."""
    key = request.session.get("connection")
    token = connections.get(key)
    if key is None or token is None:
        return RedirectResponse("/", 303)

    answers = []
    try:
        for kind in ("orgs", "schools"):
            answers.append(await oauth.gatehouse.get(f"{ROSTERING}/{kind}", token=connections.get(key)))
        counted = await _counted(key, token)
    except OAuthError as refused:
        return _ended(key, refused.error)
    except HTTPError:
        return page("problem.html", 503, words="Gatehouse cannot be reached at the moment. Try again in a minute.")
    failed = next((answer for answer in answers if answer.status_code != 200), None)
    if failed is None:
        orgs, schools = (answer.json() for answer in answers)
        facts = [_facts(found) for found in schools["orgs"]]
        return page("school.html", connection=token, orgs=orgs["orgs"], schools=facts, counted=counted)
    error = _error_code(failed.headers.get("www-authenticate", ""))
    if failed.status_code == 401:
        return _ended(key, error)
    words = IN_WORDS.get(error, "Gatehouse did not answer as expected. Try again in a minute.")
    return page("school.html", connection=token, words=words, status_code=failed.status_code, error=error)


async def _counted(key: str, token: dict[str, Any]) -> list[str]:
    """How many people and classes the school shares, where it does: `120 pupils`."""
    shared = str(token.get("scope", "")).split()
    said = []
    for scope, kind, words in (("students", "students", "pupils"), ("groups", "classes", "classes")):
        if scope in shared:
            answer = await oauth.gatehouse.get(f"{ROSTERING}/{kind}?limit=1", token=connections.get(key))
            if answer.status_code == 200:
                said.append(f"{answer.headers['x-total-count']} {words}")
    return said


def _facts(org: dict[str, Any]) -> dict[str, str]:
    """What OneRoster says of a school, line by line."""
    more = org.get("metadata", {})
    said = {"Name": org["name"], "URN": org["identifier"]}
    for key, label in LABELS.items():
        value = more.get(key)
        if value and value != "Not applicable":
            said[label] = ", ".join(value) if isinstance(value, list) else str(value)
    return said


def _ended(key: str, error: str) -> Response:
    connections.forget(key)
    return page("problem.html", words=IN_WORDS.get(error, IN_WORDS["invalid_token"]), status_code=401, error=error)


def _error_code(challenge: str) -> str:
    """The `error` of a WWW-Authenticate header (RFC 6750 section 3)."""
    _, _, rest = challenge.partition('error="')
    return rest.partition('"')[0]


app = Starlette(
    routes=[
        Route("/", home),
        Route("/connect", connect, methods=["POST", "GET"]),
        Route("/callback", callback, name="callback"),
        Route("/school", school),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ],
    middleware=[
        Middleware(SessionMiddleware, secret_key=secrets.token_hex(32), session_cookie="reading_room", same_site="lax")
    ],
)
