"""An independent client: Authlib, which knows only the address of our metadata."""

import asyncio
from typing import Any

import httpx2
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client
from starlette.types import ASGIApp

from app.settings import settings
from tests.oauth.dance import CALLBACK, Dance
from tests.pages import Browser


class ByAuthlib:
    """An app written with Authlib, and one trip through the browser of its school."""

    def __init__(self, dance: Dance, method: str) -> None:
        self.dance = dance
        self.refreshed: list[dict[str, Any]] = []
        self.client = AsyncOAuth2Client(
            dance.app.client_id,
            dance.secret,
            token_endpoint_auth_method=method,
            redirect_uri=CALLBACK,
            scope="school",
            code_challenge_method="S256",
            transport=httpx2.ASGITransport(dance.server),
            base_url=settings.issuer,
            update_token=self._keep,
        )

    async def _keep(self, token: dict[str, Any], refresh_token: str = "", access_token: str = "") -> None:
        self.refreshed.append(token)

    async def run(self) -> None:
        metadata = self.dance.programs.get("/.well-known/oauth-authorization-server").json()
        self.client.metadata["token_endpoint"] = metadata["token_endpoint"]
        verifier = generate_token(48)
        address, state = self.client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier
        )
        self.dance.signs_in()
        self.dance.browser.opens(address)
        self.dance.browser.presses("Authorise")

        token = await self.client.fetch_token(
            metadata["token_endpoint"],
            authorization_response=self.dance.browser.left_to,
            code_verifier=verifier,
            state=state,
        )

        assert token["school"]["urn"] == self.dance.school.urn
        assert self.dance.reads(token["access_token"]).status_code == 200
        renewed = await self.client.refresh_token(metadata["token_endpoint"])
        assert renewed["refresh_token"] != token["refresh_token"]
        assert self.refreshed[0]["access_token"] == renewed["access_token"]
        assert self.dance.reads(renewed["access_token"]).status_code == 200
        await self.client.aclose()


def test_authlib_gets_tokens_and_refreshes_them(server: ASGIApp, browser: Browser) -> None:
    for method in ("client_secret_basic", "client_secret_post", "none"):
        dance = Dance(server, browser, urn=100001 + len(method), name=method, auth_method=method)
        asyncio.run(ByAuthlib(dance, method).run())
