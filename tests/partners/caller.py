"""An app that calls the partner API: what its tests share."""

import dataclasses
from typing import Any

from starlette.testclient import TestClient

from app.db import sessions
from app.models.partner import App
from app.partners import api
from app.settings import settings
from tests import factories


@dataclasses.dataclass
class Caller:
    app: App
    token: str
    client: TestClient

    def __call__(self, method: str, path: str, sent: Any = None, **more: Any) -> Any:
        headers = {"authorization": f"Bearer {self.token}", "accept": "application/json"} | more.pop("headers", {})
        if sent is not None:
            more["json"] = sent
        return self.client.request(method, api.PREFIX + path, headers=headers, **more)

    def gets(self, path: str) -> Any:
        answer = self("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def caller(client: TestClient, app: App | None = None, scope: str = "partner", **columns: Any) -> Caller:
    """A caller of its own app, or of this one, which must be new."""
    with sessions.begin() as db:
        made, secret = factories.app(db, **columns) if app is None else (app, factories.secret(db, app))
    asked = {"grant_type": "client_credentials", "scope": scope}
    answer = client.post("/oauth/token", data=asked, auth=(made.client_id, secret))
    assert answer.status_code == 200, answer.text
    return Caller(made, answer.json()["access_token"], client)


def refusal(answer: Any) -> tuple[int, str]:
    """Status and code of an answer that is a whole problem document."""
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert told["status"] == answer.status_code and told["title"] and told["detail"] and told["instance"]
    address, _, code = told["type"].partition("#")
    assert address == f"{settings.issuer}/developers/errors"
    return answer.status_code, code
