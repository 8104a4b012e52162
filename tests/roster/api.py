"""A partner that reads: what the tests of the data API share."""

import dataclasses
import uuid
from typing import Any

from starlette.testclient import TestClient

from app.db import sessions
from app.models.account import Account
from app.models.authorisation import Authorisation
from app.models.base import ahead
from app.models.partner import App
from app.models.school import VERIFIED, School
from app.models.token import ACCESS, Token
from app.secrets import digest, new_secret
from tests import factories

BASE = "/ims/oneroster/rostering/v1p2"


@dataclasses.dataclass
class Reader:
    """An app with a token for one school."""

    school: School
    admin: Account
    app: App
    authorisation: Authorisation
    token: str
    client: TestClient

    def reads(self, path: str, **more: Any) -> Any:
        return self.client.get(BASE + path, headers={"authorization": f"Bearer {self.token}"}, **more)

    def org(self) -> dict[str, Any]:
        answer = self.reads("/orgs")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["orgs"][0]
        return found


def reader(
    client: TestClient,
    urn: int = 100001,
    *,
    status: str = VERIFIED,
    scopes: tuple[str, ...] = ("school",),
    token_scopes: tuple[str, ...] | None = None,
    app: App | None = None,
    school: School | None = None,
    years: list[str] | None = None,
    **establishment: Any,
) -> Reader:
    with sessions.begin() as db:
        if establishment:
            factories.establishment(db, urn, **establishment)
        school = school or factories.school(db, urn, status)
        admin = factories.admin(db, school)
        app = app or factories.app(db, scopes=scopes)[0]
        given = factories.authorisation(db, admin, school, app, scopes)
        given.years = years
        secret = new_secret("gh_at")
        db.add(
            Token(
                digest=digest(secret),
                purpose=ACCESS,
                family=uuid.uuid4(),
                app_id=app.id,
                account_id=admin.id,
                authorisation_id=given.id,
                scope=" ".join(scopes if token_scopes is None else token_scopes),
                expires_at=ahead(600),
            )
        )
    return Reader(school, admin, app, given, secret, client)


def refusal(answer: Any) -> tuple[int, str]:
    """Status and imsx_codeMinor of an answer that is a whole imsx_StatusInfo."""
    body = answer.json()
    assert set(body) == {"imsx_codeMajor", "imsx_severity", "imsx_description", "imsx_CodeMinor"}
    assert (body["imsx_codeMajor"], body["imsx_severity"]) == ("failure", "error")
    assert body["imsx_description"]
    (field,) = body["imsx_CodeMinor"]["imsx_codeMinorField"]
    assert field["imsx_codeMinorFieldName"] == "TargetEndSystem"
    return answer.status_code, field["imsx_codeMinorFieldValue"]


def change(of: type[Any], key: Any, **columns: Any) -> None:
    """What another process decided: this one hears of it when what it holds is too old."""
    with sessions.begin() as db:
        for name, value in columns.items():
            setattr(db.get_one(of, key), name, value)
