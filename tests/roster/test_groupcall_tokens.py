"""GetToken: who gets a token for a school's secret (protocol.md 71), and what a token says of itself."""

import datetime as dt
from typing import Any

import pytest
from starlette.testclient import TestClient

from app import ledger
from app.db import sessions
from app.models.authorisation import Authorisation
from app.models.base import ago, ahead, now
from app.models.partner import App
from app.models.school import SUSPENDED, UNVERIFIED, VERIFIED, School
from app.models.school_secret import SchoolSecret
from app.models.scope import SCOPES
from app.models.token import Token
from app.secrets import digest, new_secret
from app.settings import settings
from tests import factories
from tests.oauth.proofs import Signer
from tests.roster.api import BASE, change, reader
from tests.roster.groupcall import FAILURE, TOKEN, another_secret, joined, refusal
from tests.roster.small import SmallRoster

OLDER = "/idaas/sts/STS/GetToken"


@pytest.mark.parametrize("path", [TOKEN, OLDER])
def test_a_schools_secret_gets_a_token_that_reads_the_school(client: TestClient, path: str) -> None:
    old = joined(client)

    answer = old.asks(path)

    body = answer.json()
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    assert set(body) == {"token", "expires"} | FAILURE and not any(body[name] for name in FAILURE)
    ends = dt.datetime.fromisoformat(body["expires"])
    assert body["expires"].endswith("Z") and now() < ends <= ahead(settings.access_token_seconds)
    for scheme in ("Idaas", "idaas", "Bearer"):
        sent = {"authorization": f"{scheme} {body['token']}"}
        assert client.get("/api/v1/TokenDetails", headers=sent).json()["Estab"] == old.estab
    sent = {"authorization": f"Bearer {body['token']}"}
    assert client.get(f"{BASE}/orgs", headers=sent).json()["orgs"][0]["identifier"] == "100001"


def test_a_form_does_as_well_as_json_and_names_have_no_case(client: TestClient) -> None:
    old = joined(client)
    known = {"estab": old.estab, "relyingParty": old.reader.app.client_id, "password": old.secret}
    spelled = {"Estab": "888/0001", "RelyingParty": old.reader.app.name, "PASSWORD": old.secret}
    by_urn = {"estab": 100001, "relyingparty": old.reader.app.client_id, "password": old.secret}

    assert client.post(TOKEN, data=known).json()["token"]
    assert client.post(TOKEN, json=spelled).json()["token"]
    assert client.post(TOKEN, json=by_urn).json()["token"]
    assert refusal(client.post(TOKEN, data=known | {"password": "x"})) == (401, "Unauthorised")


def test_whatever_is_wrong_the_answer_is_the_same(client: TestClient) -> None:
    old, elsewhere = joined(client), joined(client, 100002)
    lost = another_secret(old.reader)
    change(SchoolSecret, digest(lost), ended_at=now())

    answers = [
        old.asks(**wrong)
        for wrong in (
            {"password": new_secret("gh_sk")},
            {"password": lost},
            {"password": elsewhere.secret},
            {"password": old.secret[:-1]},
            {"password": "é"},
            {"estab": elsewhere.estab},
            {"estab": "9999999"},
            {"relyingParty": elsewhere.reader.app.client_id},
            {"relyingParty": "nobody"},
        )
    ]

    assert {refusal(answer) for answer in answers} == {(401, "Unauthorised")}
    assert len({answer.content for answer in answers}) == 1
    assert old.token() and elsewhere.token()


def test_71_get_token_is_for_apps_that_an_operator_let_use_it(client: TestClient) -> None:
    old = joined(client)
    app = old.reader.app.id
    for shut, opened in (
        ({"groupcall_at": None}, {"groupcall_at": now()}),
        ({"profile": "fapi2"}, {"profile": "standard"}),
        ({"profile": "fapi2", "groupcall_at": None}, {"profile": "oidc", "groupcall_at": now()}),
    ):
        change(App, app, **shut)
        answer = old.asks()
        assert refusal(answer) == (403, "NotAuthorised") and "may not use GetToken" in answer.json()["Message"]
        assert refusal(old.asks(password="wrong")) == (401, "Unauthorised")
        change(App, app, **opened)
        assert old.token()


def test_71_a_persons_password_and_an_apps_secret_get_no_token(client: TestClient) -> None:
    old = joined(client)
    with sessions.begin() as db:
        client_secret = factories.secret(db, old.reader.app)
    for wrong in (factories.PASSWORD, client_secret):
        assert refusal(old.asks(password=wrong)) == (401, "Unauthorised")
    for method in ("GET", "PUT", "DELETE"):
        assert client.request(method, TOKEN).status_code in (404, 405)
    assert old.token()


def test_a_pause_is_told_apart_from_a_wrong_secret(client: TestClient) -> None:
    old = joined(client)
    day = (now() + dt.timedelta(days=3)).date()
    for paused, words in (
        ({"paused_at": now(), "resumes_on": None}, "currently paused"),
        ({"paused_at": now(), "resumes_on": day}, day.isoformat()),
    ):
        change(Authorisation, old.reader.authorisation.id, **paused)
        answer = old.asks()
        assert refusal(answer) == (403, "AuthorisationPaused")
        assert "currently paused" in answer.json()["ExceptionMessage"] and words in answer.json()["ExceptionMessage"]
        assert refusal(old.asks(password="wrong")) == (401, "Unauthorised")
    change(Authorisation, old.reader.authorisation.id, paused_at=None, resumes_on=None)
    change(School, old.reader.school.id, frozen_at=now())
    assert refusal(old.asks()) == (403, "AuthorisationPaused")
    change(School, old.reader.school.id, frozen_at=None)
    assert old.token()


@pytest.mark.parametrize(
    ("of", "broken", "whole", "told"),
    [
        (School, {"status": UNVERIFIED}, {"status": VERIFIED}, ("SchoolUnverified", "not verified")),
        (School, {"status": SUSPENDED}, {"status": VERIFIED}, ("NotAuthorised", "The school is")),
        (App, {"suspended_at": now()}, {"suspended_at": None}, ("NotAuthorised", "suspended")),
        (Authorisation, {"expires_at": ago(1)}, {"expires_at": ahead(86_400)}, ("NotAuthorised", "expired")),
        (Authorisation, {"ended_at": now(), "end_reason": "revoked"}, {"ended_at": None}, ("NotAuthorised", "revoked")),
        (Authorisation, {"scopes": ["openid"]}, {"scopes": ["school"]}, ("NotAuthorised", "covers no data")),
    ],
)
def test_what_does_not_stand_is_said_to_whoever_has_the_secret(
    client: TestClient, of: type[Any], broken: dict[str, Any], whole: dict[str, Any], told: tuple[str, str]
) -> None:
    old = joined(client, scopes=("school",))
    key = {School: old.reader.school.id, App: old.reader.app.id, Authorisation: old.reader.authorisation.id}[of]

    change(of, key, **broken)

    answer = old.asks()
    assert refusal(answer) == (403, told[0]) and told[1] in answer.json()["ExceptionMessage"]
    assert refusal(old.asks(password="wrong")) == (401, "Unauthorised")
    change(of, key, **whole | ({"end_reason": None} if of is Authorisation else {}))
    assert old.token()


def test_a_token_ends_with_the_authorisation_and_carries_no_identity(client: TestClient) -> None:
    old = joined(client, scopes=("openid", "profile", "school"))
    ends = ahead(90)
    change(Authorisation, old.reader.authorisation.id, expires_at=ends)

    body = old.asks().json()

    assert abs((dt.datetime.fromisoformat(body["expires"]) - ends).total_seconds()) < 1
    told = client.get("/api/v1/TokenDetails", headers={"authorization": f"Idaas {body['token']}"}).json()
    assert told["Scopes"] == ["school"] and told["Expires"] == body["expires"]


def test_failures_are_counted_and_those_who_know_the_secret_never_are(client: TestClient) -> None:
    old, elsewhere = joined(client), joined(client, 100002)
    for _ in range(30):
        assert old.token()
    for _ in range(20):
        assert refusal(old.asks(password="wrong")) == (401, "Unauthorised")

    stopped = old.asks()

    assert refusal(stopped) == (429, "TooManyRequests") and int(stopped.headers["retry-after"]) > 0
    assert elsewhere.token()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "estab, relyingParty, password"),
        (b"{}", "estab, relyingParty, password"),
        (b'{"estab": "8880001", "relyingParty": ["a"], "password": true}', "relyingParty, password"),
        (b'{"estab": "8880001"', "cannot be read"),
        (b'{"estab": "1", "estab": "2"}', "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b'{"estab": "\\ud800"}', "cannot be read"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, "cannot be read"),
    ],
)
def test_a_body_that_cannot_be_read_is_said_to_be_so(client: TestClient, body: bytes, words: str) -> None:
    answer = client.post(TOKEN, content=body, headers={"content-type": "application/json"})

    assert refusal(answer) == (400, "BadRequest") and words in answer.json()["ExceptionMessage"]
    assert joined(client).token()


def test_token_details_and_scopes_say_what_a_token_opens(client: TestClient) -> None:
    old = joined(client, scopes=("school", "students"))

    told, scopes = old.gets("TokenDetails").json(), old.gets("Scopes/").json()

    assert told["Name"] == old.reader.app.name and told["RelyingParty"] == old.reader.app.client_id
    assert told["Estab"] == old.estab and told["Scopes"] == ["school", "students"]
    assert set(told) == {"Estab", "Expires", "Name", "RelyingParty", "Scopes"} | FAILURE
    shown = {one["Name"]: one["Description"] for one in scopes["Scopes"]}
    assert shown == {name: SCOPES[name].description for name in ("school", "students")}


def test_logs_and_usage_are_of_this_app_at_this_school_alone(client: TestClient) -> None:
    old = joined(client, scopes=("school", "students"))
    other_app, elsewhere = reader(client, school=old.reader.school), joined(client, 100002, app=old.reader.app)
    with sessions.begin(school=old.reader.school.id) as db:
        SmallRoster(db, old.reader.school.id).pupil("Ada Lovelace")
    for _ in range(3):
        old.rows("Students")
    old.rows("SchoolInfo")
    other_app.org()
    elsewhere.rows("SchoolInfo")
    ledger.drain()

    logs, newest = old.gets("Logs").json()["Logs"], old.gets("Logs?take=2").json()["Logs"]

    assert [one["Route"] for one in logs] == ["groupcall/SchoolInfo", *["groupcall/Students"] * 3]
    assert [(one["Scopes"], one["People"]) for one in logs[:2]] == [("school", 0), ("students", 1)]
    assert len(newest) == 2
    ledger.drain()
    (usage,) = old.gets("Usage").json()["Usage"]
    (area,) = usage["Areas"]
    assert (usage["Estab"], usage["RP"]) == (old.estab, old.reader.app.client_id)
    assert area["Total"] == area["Today"] == area["ThisMonth"] == area["History"][-1]["count"] == 6
    assert refusal(old.gets("Logs?take=0")) == (400, "BadRequest")


def test_tokens_that_open_nothing_are_refused_in_this_apis_form(client: TestClient, fresh: None) -> None:
    old = joined(client)
    for path in ("TokenDetails", f"School/{old.estab}/Students", "anything/else"):
        none = client.get(f"/api/v1/{path}")
        assert refusal(none) == (401, "Unauthorised") and "resource_metadata=" in none.headers["www-authenticate"]
        wrong = client.get(f"/api/v1/{path}", headers={"authorization": f"Idaas {new_secret('gh_at')}"})
        assert refusal(wrong) == (401, "Unauthorised") and 'error="invalid_token"' in wrong.headers["www-authenticate"]
    for columns, kind in (
        ({"paused_at": now()}, "AuthorisationPaused"),
        ({"paused_at": None, "ended_at": now(), "end_reason": "revoked"}, "Unauthorised"),
    ):
        change(Authorisation, old.reader.authorisation.id, **columns)
        assert refusal(old.gets("TokenDetails"))[1] == kind
    change(Authorisation, old.reader.authorisation.id, ended_at=None, end_reason=None)
    change(School, old.reader.school.id, status=UNVERIFIED)
    assert refusal(old.gets("TokenDetails")) == (403, "SchoolUnverified")
    change(School, old.reader.school.id, status=VERIFIED)
    assert old.gets("TokenDetails").status_code == 200
    assert refusal(old.gets("anything/else")) == (404, "NotFound")


def test_a_token_that_is_bound_to_a_key_comes_with_one_proof(client: TestClient) -> None:
    old, key = joined(client), Signer()
    change(Token, digest(old.reader.token), key_thumbprint=key.thumbprint)
    path = "/api/v1/TokenDetails"

    answer = client.get(path, headers=key.proves(old.reader.token, htu=settings.issuer + path))

    assert answer.status_code == 200 and answer.json()["Estab"] == old.estab
    assert refusal(old.gets("TokenDetails")) == (401, "Unauthorised")
