"""An app that an operator let use the Groupcall-style API, and the secret of one school: what its tests share."""

import dataclasses
from typing import Any

from starlette.testclient import TestClient

from app.db import sessions
from app.developers.groupcall import KINDS
from app.models.base import now
from app.models.partner import App
from app.models.school_secret import SchoolSecret
from app.models.scope import SCOPES
from app.secrets import digest, new_secret
from tests import factories
from tests.roster.api import Reader, reader

EVERYTHING = tuple(name for name, scope in SCOPES.items() if not scope.identity)
TOKEN = "/api/oauth/GetToken"
FAILURE = {"Message", "ExceptionType", "ExceptionMessage", "InnerException"}


@dataclasses.dataclass
class Old:
    """An older client: it knows a school by its number in seven digits, and speaks `Idaas`."""

    reader: Reader
    secret: str

    @property
    def estab(self) -> str:
        return f"888{self.reader.school.urn % 10000:04}"

    def asks(self, path: str = TOKEN, **changed: Any) -> Any:
        """Ask for a token; None leaves a member out."""
        usual = {"estab": self.estab, "relyingParty": self.reader.app.client_id, "password": self.secret}
        sent = usual | {"thirdpartyid": "XporterOnDemand"} | changed
        return self.reader.client.post(path, json={name: value for name, value in sent.items() if value is not None})

    def token(self) -> str:
        answer = self.asks()
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def gets(self, path: str, scheme: str = "Idaas", **more: Any) -> Any:
        headers = {"authorization": f"{scheme} {self.reader.token}"}
        return self.reader.client.get(f"/api/v1/{path}", headers=headers, **more)

    def reads(self, listing: str, query: str = "") -> dict[str, Any]:
        """A list of the school, whole answer."""
        answer = self.gets(f"School/{self.estab}/{listing}{query}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def rows(self, listing: str, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.reads(listing, query)[listing]
        return found

    def ids(self, listing: str) -> dict[str, str]:
        """Forename or name → Id."""
        return {one.get("Forename") or one["Name"]: one["Id"] for one in self.rows(listing)}


def joined(
    client: TestClient, urn: int = 100001, *, scopes: tuple[str, ...] = EVERYTHING, app: App | None = None, **more: Any
) -> Old:
    """A Verified school that authorised the app; the secret is the one that its callback got."""
    with sessions.begin() as db:
        app = app or factories.app(db, scopes=scopes, groupcall_at=now())[0]
    made = reader(client, urn, scopes=scopes, app=app, **more)
    return Old(made, another_secret(made))


def another_secret(of: Reader) -> str:
    secret = new_secret("gh_sk")
    with sessions.begin() as db:
        db.add(SchoolSecret(digest=digest(secret), authorisation_id=of.authorisation.id))
    return secret


def refusal(answer: Any) -> tuple[int, str]:
    """Status and ExceptionType of an answer that has all of this API's members of a failure, in words."""
    body = answer.json()
    assert set(body) - {"token", "expires"} == FAILURE and not body.get("token"), body
    assert KINDS[body["ExceptionType"]][0] == answer.status_code
    assert body["Message"] == body["ExceptionMessage"] and body["Message"].endswith((".", ")"))
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, body["ExceptionType"]
