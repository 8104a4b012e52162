"""An agent on a school's server, as the outside sees it."""

import json
from typing import Any

from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import Account
from app.models.endpoint import DeviceRequest
from app.models.school import VERIFIED, School
from app.oauth.device import CLIENT_ID, GRANT
from app.settings import settings
from tests import factories
from tests.oauth.dance import signs_in
from tests.oauth.proofs import Signer
from tests.pages import Browser


class Agent:
    """`school`, `admin`: whose server it is on; `browser`: the admin's, signed in."""

    def __init__(self, server: ASGIApp, browser: Browser, urn: int = 100001, status: str = VERIFIED) -> None:
        self.programs = TestClient(server, base_url=settings.issuer)
        self.browser = browser
        self.signer = Signer()
        self.device_code = self.user_code = ""
        with sessions.begin() as db:
            self.school: School = factories.school(db, urn, status)
            self.admin: Account = factories.admin(db, self.school)
        signs_in(browser, self.admin)

    def asks(self, **changed: Any) -> Any:
        """`name=None` leaves a parameter out."""
        usual = {"client_id": CLIENT_ID, "jwk": json.dumps(self.signer.public), "machine": "SIMS-SERVER"}
        body = {name: value for name, value in (usual | changed).items() if value is not None}
        return self.programs.post("/oauth/device_authorization", data=body)

    def starts(self) -> None:
        answered = self.asks()
        assert answered.status_code == 200, answered.text
        self.device_code, self.user_code = (answered.json()[name] for name in ("device_code", "user_code"))

    def polls(self, signer: Signer | None = None, *, proof: bool = True, **changed: Any) -> Any:
        usual = {"grant_type": GRANT, "device_code": self.device_code, "client_id": CLIENT_ID}
        return self._posts(usual | changed, signer, proof)

    def refreshes(self, token: str, signer: Signer | None = None, *, proof: bool = True, **changed: Any) -> Any:
        usual = {"grant_type": "refresh_token", "refresh_token": token, "client_id": CLIENT_ID}
        return self._posts(usual | changed, signer, proof)

    def types(self, code: str = "", status: int = 200) -> None:
        self.browser.opens("/device")
        self.browser.fills("Code", code or self.user_code)
        self.browser.presses("Continue", status)

    def approves(self, password: str = factories.PASSWORD, status: int = 200) -> None:
        self.browser.fills("Your password", password)
        self.browser.presses("Approve", status)

    def tokens(self) -> dict[str, Any]:
        """By the way that a person takes."""
        self.starts()
        self.types()
        self.approves()
        answered = self.polls()
        assert answered.status_code == 200, answered.text
        body: dict[str, Any] = answered.json()
        return body

    def row(self) -> DeviceRequest:
        with sessions.read() as db:
            return DeviceRequest.waiting(db, self.user_code[:4]) or db.query(DeviceRequest).one()

    def _posts(self, body: dict[str, Any], signer: Signer | None, proof: bool) -> Any:
        sent = {name: value for name, value in body.items() if value is not None}
        headers = (signer or self.signer).proves() if proof else {}
        return self.programs.post("/oauth/token", data=sent, headers=headers)
