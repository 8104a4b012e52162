"""The partner API: who may call, how lists are paged, and bad input of every kind."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.db import sessions
from app.models.base import now
from app.models.partner import App
from app.notify import notices
from app.partners import api
from app.web.throttle import Limit
from tests import factories
from tests.partners.caller import Caller, caller, refusal
from tests.roster.api import reader

LISTS = ("/webhooks", "/schools", "/invitations", "/notices", "/deletion-requests")
NOBODY = "01890000-0000-7000-8000-000000000000"
ROUTES = (
    *(("GET", path) for path in (*LISTS, "/app", "/usage", "/accounts")),
    *(("POST", path) for path in ("/webhooks", "/invitations", "/accounts/acknowledgements", "/accounts/existing")),
    *((method, f"/webhooks/{NOBODY}") for method in ("GET", "PATCH", "DELETE")),
    *(("POST", f"/webhooks/{NOBODY}/{what}") for what in ("rotate", "test", "replay")),
    *(("GET", f"/webhooks/{NOBODY}/deliveries"), ("POST", f"/webhooks/{NOBODY}/deliveries/{NOBODY}/replay")),
    *((method, f"/schools/{NOBODY}") for method in ("GET", "DELETE")),
    *((method, f"/invitations/{NOBODY}") for method in ("GET", "DELETE")),
    ("POST", f"/invitations/{NOBODY}/remind"),
    ("GET", f"/deletion-requests/{NOBODY}"),
    ("POST", f"/deletion-requests/{NOBODY}/attest"),
)


def test_every_route_of_the_api_is_tried_here(mine: Caller) -> None:
    described = mine.client.get("/openapi.json").json()["paths"]
    routes = {
        (method.upper(), path) for path, told in described.items() for method in told if path.startswith(api.PREFIX)
    }
    tried = {(method, path.replace(NOBODY, "{}")) for method, path in ROUTES}
    plain = {(method, _bare(path.removeprefix(api.PREFIX))) for method, path in routes}
    assert plain == tried


def _bare(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_the_right_token_nothing_opens(method: str, path: str, mine: Caller) -> None:
    client = mine.client
    nobody = client.request(method, api.PREFIX + path)
    assert refusal(nobody) == (401, "401") and "Bearer" in nobody.headers["www-authenticate"]
    school = reader(client)
    assert refusal(Caller(school.app, school.token, client)(method, path)) == (403, "insufficient_scope")
    other = caller(client, scope="grant_management_query")
    assert refusal(other(method, path)) == (403, "insufficient_scope")
    assert refusal(Caller(mine.app, mine.token[:-4] + "AAAA", client)(method, path)) == (401, "invalid_token")

    assert mine(method, path).status_code not in (401, 403)


def test_a_suspended_app_may_no_longer_call(mine: Caller) -> None:
    mine.gets("/app")
    from app.db import withdrawn

    with sessions.begin() as db:
        db.get_one(App, mine.app.id).suspended_at = now()
        withdrawn(db)
    assert refusal(mine("GET", "/app")) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"[]", "malformed_json"),
        (b"null", "malformed_json"),
        (b'"text"', "malformed_json"),
        (b'{"url": NaN}', "malformed_json"),
        (b'{"url": "https://a.example/", "url": "https://b.example/"}', "malformed_json"),
        (b'{"url": "\xff"}', "malformed_json"),
        (b'{"url": "\\ud800"}', "malformed_json"),
        (b'{"url": "\x00"}', "malformed_json"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "malformed_json"),
        (b"[" * 100_000, "malformed_json"),
        (b'{"url": ' + b"9" * 10_000 + b"}", "malformed_json"),
        (b'{"url": "' + b"x" * 30_000 + b'"}', "malformed_json"),
        (b"{}", "invalid_body"),
        (b'{"url": 7}', "invalid_body"),
        (b'{"url": null}', "invalid_body"),
        (b'{"url": ["https://a.example/"]}', "invalid_body"),
        (b'{"url": "https://a.example/\\u0000"}', "invalid_body"),
        (b'{"url": "https://a.example/", "events": "all"}', "invalid_body"),
        (b'{"url": "https://a.example/", "events": [7]}', "invalid_body"),
        (b'{"url": "https://a.example/", "status": "live"}', "invalid_body"),
        (b'{"url": "https://a.example/", "app_id": "x", "secret": "whsec_AA=="}', "invalid_body"),
    ],
)
@pytest.mark.parametrize("path", ["/webhooks", "/invitations"])
def test_a_body_that_is_none_is_refused_in_words(path: str, content: bytes, code: str, mine: Caller) -> None:
    answer = mine("POST", path, content=content, headers={"content-type": "application/json"})
    assert refusal(answer)[0] in (400, 422)
    assert refusal(answer)[1] == code
    if code == "invalid_body":
        assert answer.json()["errors"][0]["field"]

    assert mine.gets(path)["items"] == []


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "é"])
def test_another_content_type_is_not_read(kind: str, mine: Caller) -> None:
    content = json.dumps({"url": "http://127.0.0.1:1/"})
    answer = mine("POST", "/webhooks", content=content, headers={"content-type": kind.encode()})
    assert refusal(answer) == (415, "415")

    kind = "Application/JSON; charset=utf-8"
    assert mine("POST", "/webhooks", content=content, headers={"content-type": kind}).status_code == 201


def test_a_body_that_is_too_large_is_refused(mine: Caller) -> None:
    answer = mine("POST", "/webhooks", content=b"x" * 1_100_000, headers={"content-type": "application/json"})
    assert refusal(answer)[0] == 413


def test_a_call_without_a_body_takes_none(mine: Caller) -> None:
    assert refusal(mine("POST", f"/webhooks/{NOBODY}/test", {"to": "all"})) == (400, "malformed_json")
    assert refusal(mine("POST", f"/webhooks/{NOBODY}/test", {})) == (404, "404")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=-1", "limit=x", "limit=", "limit=1&limit=2", "offset=1", "limit=１", "limit=1e1"],
)
def test_a_query_that_cannot_be_read_is_refused(path: str, query: str, mine: Caller) -> None:
    assert refusal(mine("GET", f"{path}?{query}")) == (400, "invalid_query")

    for good in ("", "?limit=1", "?limit=200"):
        assert mine.gets(path + good)["items"] == []


def _told(app: App, number: int) -> None:
    with sessions.begin() as db:
        notices.tell(db, app.id, "authorisation.granted", {"n": number})


def test_notices_are_polled_by_a_cursor_that_is_kept(
    mine: Caller, theirs: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.partners.api_webhooks.SETTLED_SECONDS", -1)
    for number in range(5):
        _told(mine.app, number)
    _told(theirs.app, 99)
    seen, after = [], ""
    for _ in range(3):
        page = mine.gets(f"/notices?limit=2{after}")
        seen += [item["data"]["n"] for item in page["items"]]
        after = f"&after={page['next']}"
    assert seen == [0, 1, 2, 3, 4]
    quiet = mine.gets(f"/notices?limit=2{after}")
    assert quiet["items"] == [] and quiet["next"]
    _told(mine.app, 5)
    assert [item["data"]["n"] for item in mine.gets(f"/notices?after={quiet['next']}")["items"]] == [5]
    assert [item["data"]["n"] for item in theirs.gets("/notices")["items"]] == [99]


def test_a_fresh_notice_waits_until_no_earlier_one_can_appear(mine: Caller) -> None:
    _told(mine.app, 1)
    assert mine.gets("/notices")["items"] == []


def test_a_cursor_is_of_one_list_of_one_app_and_unchanged(
    mine: Caller, theirs: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.partners.api_webhooks.SETTLED_SECONDS", -1)
    for number in range(3):
        _told(mine.app, number)
    cursor = mine.gets("/notices?limit=1")["next"]
    for caller_, path in ((theirs, "/notices"), (mine, "/schools"), (mine, "/invitations")):
        assert refusal(caller_("GET", f"{path}?after={cursor}")) == (400, "invalid_cursor")
    for false in (cursor[:-1], "x" + cursor, cursor.swapcase(), "1", "%00", "é", "a.b.c", "x" * 5000):
        assert refusal(mine("GET", f"/notices?after={false}")) == (400, "invalid_cursor")

    assert len(mine.gets(f"/notices?after={cursor}")["items"]) == 2


def test_whoever_calls_too_often_waits(mine: Caller, theirs: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "CALLS", Limit(3, 60))
    for _ in range(3):
        mine.gets("/app")
    slow = mine("GET", "/app")
    assert refusal(slow) == (429, "429") and 0 < int(slow.headers["retry-after"]) <= 61

    assert theirs.gets("/app")["client_id"] == theirs.app.client_id


def test_storage_away_is_said_and_nothing_is_lost(mine: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    def away(*_: Any) -> None:
        raise OperationalError("", {}, Exception())

    with monkeypatch.context() as patched:
        patched.setattr(sessions, "read", away)
        answer = mine("GET", "/webhooks")
        assert refusal(answer) == (503, "503") and answer.headers["retry-after"]
    assert mine.gets("/webhooks")["items"] == []


def test_ones_own_app_is_told_and_nothing_secret(mine: Caller) -> None:
    told = mine.gets("/app")
    assert (told["state"], told["client_id"]) == ("live", mine.app.client_id)
    assert [row["scope"] for row in told["scopes"]] == ["school"]
    assert "gh_cs" not in json.dumps(told) and "sealed" not in json.dumps(told)


def test_another_app_of_the_same_partner_is_a_stranger(mine: Caller) -> None:
    with sessions.begin() as db:
        school = factories.school(db, 100007)
        given = factories.authorisation(db, factories.admin(db, school), school, mine.app)
        sister, _ = factories.app(db)
        sister.partner_id = mine.app.partner_id
    other = caller(mine.client, sister)
    assert refusal(other("GET", f"/schools/{given.id}")) == (404, "404")
    assert refusal(other("DELETE", f"/schools/{given.id}")) == (404, "404")
    assert other.gets("/schools")["items"] == []

    assert mine.gets(f"/schools/{given.id}")["state"] == "active"


def test_the_pages_of_the_openapi_description_are_whole(mine: Caller) -> None:
    told: TestClient = mine.client
    document = told.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["partner"]["type"] == "oauth2"
    added = document["paths"][f"{api.PREFIX}/webhooks"]["post"]
    assert set(added["requestBody"]["content"]["application/json"]["schema"]["properties"]) == {"url", "events"}
    assert {"201", "default"} <= set(added["responses"])
