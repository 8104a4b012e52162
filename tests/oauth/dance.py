"""One partner, one school and one browser, and every step between them. All is usual unless a test says otherwise.

tokens = dance.tokens()
assert dance.reads(tokens["access_token"]).status_code == 200
"""

import base64
import hashlib
import secrets
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from fastapi import FastAPI, Request
from sqlalchemy import select
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import Account, Session
from app.models.authorisation import Authorisation
from app.models.base import ahead
from app.models.partner import App
from app.models.school import VERIFIED, School
from app.oauth.bearer import read_token
from app.secrets import digest, new_secret
from app.settings import settings
from app.signin import session
from app.web import cookies, errors
from app.web.guard import Guard
from tests import factories
from tests.pages import Browser

CALLBACK = "https://partner.example/callback"
LEFT_OUT = None


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Dance:
    """`app`, `secret`: the partner's; `school`, `admin`: who authorises; `browser`: the admin's."""

    def __init__(
        self, server: ASGIApp, browser: Browser, urn: int = 100001, status: str = VERIFIED, **app: Any
    ) -> None:
        self.server = server
        self.browser = browser
        self.programs = TestClient(server, base_url=settings.issuer)
        self.verifier = secrets.token_urlsafe(48)
        with sessions.begin() as db:
            self.school: School = factories.school(db, urn, status)
            self.admin: Account = factories.admin(db, self.school)
            self.app: App
            self.app, self.secret = factories.app(db, **app)

    def signs_in(self, who: Account | None = None, browser: Browser | None = None) -> None:
        """Give the browser a session that is past every step."""
        signs_in(browser or self.browser, who or self.admin)

    def request(self, **changed: Any) -> dict[str, str]:
        """The parameters of an authorization request; `name=None` leaves one out."""
        usual = {
            "client_id": self.app.client_id,
            "redirect_uri": self.app.redirect_uris[0],
            "response_type": "code",
            "scope": "school",
            "state": "st-1",
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (usual | changed).items() if value is not None}

    def asks(self, more: str = "", **changed: Any) -> Any:
        """Send the browser to authorize; its first answer, not followed. `more` is appended to the query as it is."""
        return self.browser.client.get(f"/oauth/authorize?{urlencode(self.request(**changed))}{more}")

    def opens(self, status: int = 200, **changed: Any) -> None:
        """Send the browser to authorize, and let it follow to the page."""
        self.browser.opens(f"/oauth/authorize?{urlencode(self.request(**changed))}", status)

    def answered(self) -> dict[str, str]:
        """What the browser brought back to the app."""
        return answer(self.browser.left_to)

    def code(self, **changed: Any) -> str:
        """A code, by the way that a person takes."""
        self.signs_in()
        self.opens(**changed)
        self.browser.presses("Authorise")
        return self.answered()["code"]

    def redeems(self, code: str, **changed: Any) -> Any:
        usual = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.app.redirect_uris[0],
            "code_verifier": self.verifier,
        }
        return self.posts(usual, **changed)

    def refreshes(self, token: str, **changed: Any) -> Any:
        return self.posts({"grant_type": "refresh_token", "refresh_token": token}, **changed)

    def posts(
        self,
        usual: dict[str, str],
        *,
        path: str = "/oauth/token",
        auth: Any = ...,
        headers: Any = None,
        **changed: Any,
    ) -> Any:
        """Call an endpoint for programs as the app does (`auth=None`: without authentication)."""
        own = {}
        if auth is ... and self.app.auth_method == "client_secret_basic":
            auth = (self.app.client_id, self.secret)
        elif auth is ...:
            auth, own = None, {"client_id": self.app.client_id}
            own |= {"client_secret": self.secret} if self.app.auth_method == "client_secret_post" else {}
        body = {name: value for name, value in (own | usual | changed).items() if value is not None}
        return self.programs.post(path, data=body, auth=auth, headers=headers)

    def tokens(self, **changed: Any) -> dict[str, Any]:
        answered = self.redeems(self.code(**changed))
        assert answered.status_code == 200, answered.text
        body: dict[str, Any] = answered.json()
        return body

    def reads(self, token: str, **more: Any) -> Any:
        """Call a data route that needs the scope `school`."""
        return DATA.get("/data", headers={"authorization": f"Bearer {token}"}, **more)


def signs_in(browser: Browser, who: Account) -> None:
    secret = new_secret("gh_ss")
    with sessions.begin() as db:
        methods = ["pwd", "otp", "mfa"]
        db.add(Session(digest=digest(secret), account_id=who.id, step="done", methods=methods, expires_at=ahead(3600)))
    jar = browser.client.cookies.jar
    for cookie in [cookie for cookie in jar if cookie.name == cookies.name()]:
        jar.clear(cookie.domain, cookie.path, cookie.name)
    browser.client.cookies.set(cookies.name(), secret)


def answer(location: str) -> dict[str, str]:
    """The query of a redirect to the app, each parameter once."""
    pairs = parse_qsl(urlsplit(location).query, keep_blank_values=True, strict_parsing=True)
    assert len(pairs) == len(dict(pairs)), location
    return dict(pairs)


def sent_back(response: Any, to: str = CALLBACK) -> dict[str, str]:
    """What a redirect to the app carries: `cb(x)`, always by 303, always with `iss`."""
    assert response.status_code == 303, (response.status_code, response.text[:500])
    location = response.headers["location"]
    assert location.startswith(f"{to}?"), location
    assert parse_qs(urlsplit(location).query)["iss"] == [settings.issuer]
    return answer(location)


def is_page(response: Any) -> bool:
    """An HTML error page, status 400, no redirect: `page`."""
    assert response.status_code == 400, (response.status_code, response.headers.get("location"))
    assert "location" not in response.headers
    return str(response.headers["content-type"]).startswith("text/html")


def refusal(response: Any) -> tuple[int, str]:
    """Status and code of a JSON error, whose description is printable ASCII (43) and which no cache keeps."""
    body = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert body["error_description"].isascii() and body["error_description"].isprintable()
    return response.status_code, body["error"]


def at_once(times: int, call: Callable[[int], Any]) -> list[Any]:
    """The results of so many calls, each in a thread of its own, started together."""
    results: list[Any] = [None] * times
    barrier = threading.Barrier(times)

    def run(number: int) -> None:
        barrier.wait()
        results[number] = call(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _data_routes() -> TestClient:
    """The smallest data API: one route that needs the scope `school`."""
    app = FastAPI()
    errors.install(app, session.known)

    @app.get("/data")
    async def data(request: Request) -> dict[str, str]:
        access = await read_token(request)
        access.require("school")
        return {"school": str(access.school_id)}

    return TestClient(Guard(app), base_url=settings.issuer)


DATA = _data_routes()


def authorisations() -> list[Authorisation]:
    """Every yes that any school has given."""
    with sessions.read() as db:
        return list(db.scalars(select(Authorisation)))


def types_everything(browser: Browser, who: Account) -> None:
    """Sign in on the page that is open, by both steps."""
    browser.fills("Username or email address", who.email)
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Sign in")
    browser.fills("Code from your authenticator app", factories.code())
    browser.presses("Continue")
