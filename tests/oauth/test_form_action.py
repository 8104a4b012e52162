"""protocol.md 24, in Chromium: after a post, `form-action` decides whether the browser may follow us to the app."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlencode

import pytest
import uvicorn
from playwright.sync_api import Page
from starlette.types import ASGIApp

from app.web import remembered
from tests import chromium, factories
from tests.oauth.dance import Dance, answer
from tests.pages import Browser
from tests.postgres import free_port

pytestmark = [pytest.mark.browser, pytest.mark.once]


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium.running() as browser:
        opened = browser.new_page()
        opened.set_default_timeout(15_000)
        yield opened


@pytest.fixture
def address(server: ASGIApp) -> Iterator[str]:
    """Our server, listening on 127.0.0.1."""
    config = uvicorn.Config(server, port=free_port(), log_level="error", lifespan="off", ws="none")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        thread.join(0.01)
    yield f"http://127.0.0.1:{config.port}"
    running.should_exit = True
    thread.join()


@pytest.fixture
def callback() -> Iterator[str]:
    """A partner on another site: `localhost`, which to a browser is not 127.0.0.1."""

    class Partner(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"back at the partner")

        def log_message(self, format: str, *args: object) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", free_port()), Partner)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield f"http://localhost:{listening.server_port}/callback"
    listening.shutdown()
    thread.join()
    listening.server_close()


def signs_in_and_authorises(page: Page, dance: Dance) -> None:
    signs_in(page, dance)
    page.get_by_role("button", name="Authorise").click()


def signs_in(page: Page, dance: Dance) -> None:
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.get_by_label("Username or email address").fill(dance.admin.email)
    page.get_by_label("Password", exact=True).fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code from your authenticator app").fill(factories.code())
    page.get_by_role("button", name="Continue").click()


@pytest.fixture
def away(server: ASGIApp, browser: Browser, callback: str) -> Dance:
    """A dance whose partner is on another site."""
    return Dance(server, browser, redirect_uris=[callback], scopes=("school", "openid"))


def test_24_chromium_follows_the_decision_to_an_app_on_another_site(away: Dance, page: Page, address: str) -> None:
    page.goto(f"{address}/oauth/authorize?{urlencode(away.request())}")

    signs_in_and_authorises(page, away)

    page.get_by_text("back at the partner").wait_for()
    assert away.redeems(answer(page.url)["code"]).status_code == 200


def test_24_chromium_follows_the_second_step_to_an_app_that_asks_only_who_it_is(
    away: Dance, page: Page, address: str
) -> None:
    page.goto(f"{address}/oauth/authorize?{urlencode(away.request(scope='openid'))}")

    signs_in(page, away)

    page.get_by_text("back at the partner").wait_for()
    assert "id_token" in away.redeems(answer(page.url)["code"]).json()


def test_24_without_the_apps_origin_in_the_policy_chromium_stays(
    away: Dance, page: Page, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as narrow, page.expect_console_message(lambda said: "form-action" in said.text):
        narrow.setattr(remembered, "form_targets", lambda app: set())
        page.goto(f"{address}/oauth/authorize?{urlencode(away.request())}")
        signs_in_and_authorises(page, away)
    assert page.url.startswith(address)

    page.goto(f"{address}/oauth/authorize?{urlencode(away.request())}")
    page.get_by_role("button", name="Decline").click()
    page.get_by_text("back at the partner").wait_for()
    assert answer(page.url)["error"] == "access_denied"
