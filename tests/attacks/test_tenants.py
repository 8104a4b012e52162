"""Two schools, two apps: nothing of one pair is told to, changed by or opened for another. 44, 59 to 69."""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import Account
from app.models.school import School
from app.settings import settings
from tests import factories
from tests.oauth.dance import Dance, refusal, sent_back
from tests.oauth.oidc import silent, site, told, userinfo
from tests.oauth.test_client_credentials import token as partner_token
from tests.pages import Browser
from tests.roster.api import BASE

SCOPES = ("school", "openid", "profile", "email")
ASKED = " ".join(SCOPES)


@dataclasses.dataclass
class Pair:
    """What one app holds of one school."""

    dance: Dance
    school: School
    admin: Account
    tokens: dict[str, Any]

    @property
    def grant_id(self) -> str:
        return str(self.tokens["grant_id"])


@pytest.fixture
def pairs(server: ASGIApp, browser: Browser) -> list[Pair]:
    apps = [site(server, browser, urn=100001 + number, scopes=SCOPES, name=f"App {number}") for number in (0, 1)]
    schools = [(dance.school, dance.admin) for dance in apps]
    made = []
    for dance, (school, admin) in itertools.product(apps, schools):
        with sessions.begin() as db:
            factories.authorisation(db, admin, school, dance.app, SCOPES)
        dance.signs_in(admin)
        tokens = dance.redeems(silent(dance, scope=ASKED)["code"]).json()
        made.append(Pair(dance, school, admin, tokens))
    assert len({pair.grant_id for pair in made}) == 4
    return made


def others(pairs: list[Pair]) -> Iterator[tuple[Pair, Pair]]:
    """Each pair with each pair of the other app."""
    return ((one, other) for one in pairs for other in pairs if one.dance is not other.dance)


def test_data_are_those_of_the_tokens_school_whatever_the_address_says(server: ASGIApp, pairs: list[Pair]) -> None:
    client = TestClient(server, base_url=settings.issuer)
    ids = {}
    for pair in pairs:
        headers = {"authorization": f"Bearer {pair.tokens['access_token']}"}
        (org,) = client.get(f"{BASE}/orgs", headers=headers).json()["orgs"]
        assert org["name"] == pair.school.name
        ids[pair.grant_id] = org["sourcedId"]
    assert len(set(ids.values())) == 4, "no two partners can tell by an id that they mean the same school"
    for pair in pairs:
        headers = {"authorization": f"Bearer {pair.tokens['access_token']}"}
        for grant_id, sourced_id in ids.items():
            expected = 200 if grant_id == pair.grant_id else 404
            assert client.get(f"{BASE}/orgs/{sourced_id}", headers=headers).status_code == expected
            assert client.get(f"{BASE}/schools/{sourced_id}", headers=headers).status_code == expected
        for more in ("?school=100001", f"?filter=name='{pairs[0].school.name}'", "?urn=100002", "?schoolId=1"):
            found = client.get(f"{BASE}/orgs{more}", headers=headers)
            assert all(org["name"] == pair.school.name for org in found.json().get("orgs", []))


def test_60_no_app_looks_at_the_tokens_of_another(pairs: list[Pair]) -> None:
    for one, other in others(pairs):
        for kind in ("access_token", "refresh_token"):
            sent = {"token": one.tokens[kind]}
            assert other.dance.posts(sent, path="/oauth/introspect").json() == {"active": False}
            assert one.dance.posts(sent, path="/oauth/introspect").json()["grant_id"] == one.grant_id


def test_44_59_no_app_refreshes_or_ends_the_tokens_of_another(pairs: list[Pair]) -> None:
    for one, other in others(pairs):
        for kind in ("refresh_token", "access_token"):
            revoked = other.dance.posts({"token": one.tokens[kind]}, path="/oauth/revoke")
            assert refusal(revoked) == (400, "invalid_grant")
        assert refusal(other.dance.refreshes(one.tokens["refresh_token"])) == (400, "invalid_grant")
    for pair in pairs:
        assert pair.dance.reads(pair.tokens["access_token"]).json() == {"school": str(pair.school.id)}
        assert pair.dance.refreshes(pair.tokens["refresh_token"]).json()["school"]["urn"] == pair.school.urn
    first, *rest = pairs
    assert first.dance.posts({"token": first.tokens["access_token"]}, path="/oauth/revoke").status_code == 200
    assert first.dance.reads(first.tokens["access_token"]).status_code == 401
    for pair in rest:
        assert pair.dance.reads(pair.tokens["access_token"]).status_code == 200


def test_69_no_app_sees_uses_or_gives_back_the_grant_of_another(pairs: list[Pair]) -> None:
    bearers = {id(pair.dance): {"authorization": f"Bearer {partner_token(pair.dance)}"} for pair in pairs}
    absent = "01a20ec8-19d4-7060-a124-8f1000000000"
    for one, other in others(pairs):
        bearer = bearers[id(other.dance)]
        for method in ("GET", "DELETE"):
            foreign, never = (
                other.dance.programs.request(method, f"/oauth/grants/{grant_id}", headers=bearer)
                for grant_id in (one.grant_id, absent)
            )
            assert (foreign.status_code, foreign.json()) == (never.status_code, never.json())
            assert refusal(foreign) == (404, "invalid_grant_id")
        other.dance.signs_in(one.admin)
        asked = other.dance.asks(prompt="none", grant_id=one.grant_id, scope="school")
        assert sent_back(asked)["error"] == "invalid_grant_id"
    for pair in pairs:
        path = f"/oauth/grants/{pair.grant_id}"
        seen = pair.dance.programs.get(path, headers=bearers[id(pair.dance)]).json()
        assert seen["school"]["urn"] == pair.school.urn
    first, *rest = pairs
    path = f"/oauth/grants/{first.grant_id}"
    assert first.dance.programs.delete(path, headers=bearers[id(first.dance)]).status_code == 204
    assert first.dance.reads(first.tokens["access_token"]).status_code == 401
    for pair in rest:
        assert pair.dance.reads(pair.tokens["access_token"]).status_code == 200


def test_63_no_two_partners_know_a_person_by_the_same_name(pairs: list[Pair]) -> None:
    subs = {}
    for pair in pairs:
        said = userinfo(pair.dance, pair.tokens["access_token"]).json()
        assert said["email"] == pair.admin.email and said["name"] == pair.admin.name
        assert said["sub"] == told(pair.dance, pair.tokens["id_token"])["sub"]
        subs[pair.grant_id] = said["sub"]
    assert len(set(subs.values())) == 4
    for one, other in others(pairs):
        other.dance.signs_in(one.admin)
        hint = {"id_token_hint": one.tokens["id_token"]}
        assert sent_back(other.dance.asks(prompt="none", scope="openid", **hint))["error"], "another app's hint"
        one.dance.signs_in(one.admin)
        assert "code" in sent_back(one.dance.asks(prompt="none", scope="openid", **hint))


def test_31_no_school_decides_in_the_name_of_another(pairs: list[Pair]) -> None:
    """Neither the session nor the page of one answers a request that names the other."""
    here, there = pairs[0], pairs[1]
    assert here.dance is there.dance and here.school.id != there.school.id
    here.dance.signs_in(there.admin)
    details = f'[{{"type": "school_data", "datatypes": ["school"], "identifier": "{here.school.urn}"}}]'
    asked = here.dance.asks(prompt="none", scope=None, authorization_details=details)
    assert sent_back(asked)["error"] == "consent_required"
    here.dance.signs_in(here.admin)
    assert "code" in sent_back(here.dance.asks(prompt="none", scope=None, authorization_details=details))
    here.dance.opens(scope=None, authorization_details=details, prompt="consent")
    page, shown = here.dance.browser.path, here.dance.browser.document.xpath("//input[@name='shown']/@value")
    here.dance.signs_in(there.admin)
    here.dance.browser.posts(page, 403, decision="authorise", shown="".join(shown), **{"scope-school": "yes"})
    assert here.dance.browser.left_to == ""
