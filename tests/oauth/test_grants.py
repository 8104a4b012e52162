"""protocol.md 69 and the house decision on grant management: query, revoke, and changing a grant at authorize."""

import uuid
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.types import ASGIApp

from app.db import sessions
from app.models import event
from app.models.account import Membership
from app.models.authorisation import EXPIRED, REVOKED, Authorisation
from app.models.base import ago, now
from app.settings import settings
from tests import factories
from tests.oauth.dance import Dance, authorisations, refusal, sent_back
from tests.oauth.proofs import brings, pushed, pushes
from tests.pages import Browser
from tests.signin.people import mails

ALL = "school students students.sen"
UNKNOWN_IDS = (str(uuid.uuid4()), "x", "1", "0" * 36, "a/b", "..", "x" * 3000)


@pytest.fixture
def wide(server: ASGIApp, browser: Browser, more_scopes: None) -> Dance:
    """An app that may ask for three kinds of data, of which the first is required."""
    made = Dance(server, browser, scopes=tuple(ALL.split()))
    made.signs_in()
    return made


def partner_token(dance: Dance, scope: str = "grant_management_query grant_management_revoke") -> str:
    answered = dance.posts({"grant_type": "client_credentials", "scope": scope})
    assert answered.status_code == 200, answered.text
    return str(answered.json()["access_token"])


def calls(dance: Dance, method: str, grant_id: str, token: str) -> Any:
    headers = {"authorization": f"Bearer {token}"}
    return dance.programs.request(method, f"/oauth/grants/{grant_id}", headers=headers)


def agrees(dance: Dance, *ticked: str, **changed: Any) -> dict[str, Any]:
    """Authorise with exactly these boxes ticked; the token response."""
    dance.opens(**changed)
    shown = dance.browser.document.xpath("//input[@name='shown']/@value")[0]
    boxes = {f"scope-{scope}": "yes" for scope in ticked}
    dance.browser.posts(dance.browser.path, shown=shown, decision="authorise", **boxes)
    answered = dance.redeems(dance.answered()["code"])
    assert answered.status_code == 200, answered.text
    body: dict[str, Any] = answered.json()
    return body


def test_an_app_looks_up_what_a_school_granted_it(dance: Dance) -> None:
    grant_id = dance.tokens()["grant_id"]

    answered = calls(dance, "GET", grant_id, partner_token(dance, "grant_management_query"))

    body = answered.json()
    assert (answered.status_code, answered.headers["cache-control"]) == (200, "no-store")
    assert (body["grant_id"], body["status"], body["scopes"]) == (grant_id, "active", [{"scope": "school"}])
    assert body["authorization_details"] == [
        {"type": "school_data", "datatypes": ["school"], "identifier": str(dance.school.urn)}
    ]
    assert body["school"] == {
        "urn": dance.school.urn,
        "dfe_number": "888/0001",
        "name": dance.school.name,
        "status": "Verified",
    }
    assert body["expires_at"][:4] == str(now().year + 1)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"paused_at": now()}, "paused"),
        ({"expires_at": ago(1)}, "expired"),
        ({"ended_at": ago(1), "end_reason": EXPIRED}, "expired"),
        ({"ended_at": ago(1), "end_reason": REVOKED}, "revoked"),
    ],
)
def test_a_query_says_where_the_grant_stands(dance: Dance, change: dict[str, Any], status: str) -> None:
    grant_id, token = dance.tokens()["grant_id"], partner_token(dance)
    with sessions.begin() as db:
        given = db.get_one(Authorisation, uuid.UUID(grant_id))
        for name, value in change.items():
            setattr(given, name, value)
    assert calls(dance, "GET", grant_id, token).json()["status"] == status


def test_an_app_gives_a_grant_back_with_all_its_tokens_and_the_school_is_told(dance: Dance) -> None:
    tokens, token = dance.tokens(), partner_token(dance)
    waiting = dance.code()
    before = len(mails())

    answered = calls(dance, "DELETE", tokens["grant_id"], token)

    assert (answered.status_code, answered.content, answered.headers["cache-control"]) == (204, b"", "no-store")
    assert dance.reads(tokens["access_token"]).status_code == 401
    assert refusal(dance.refreshes(tokens["refresh_token"])) == (400, "invalid_grant")
    assert refusal(dance.redeems(waiting)) == (400, "invalid_grant")
    with sessions.read() as db:
        told = event.of_school(db, dance.school.id)[0]
    assert (told.action, told.actor_id, str(told.subject_id)) == ("authorisation.returned", None, tokens["grant_id"])
    assert len(mails()) == before + 1 and "given back" in mails()[-1]
    assert calls(dance, "DELETE", tokens["grant_id"], token).status_code == 204
    assert len(mails()) == before + 1, "once"
    assert calls(dance, "GET", tokens["grant_id"], token).json()["status"] == "revoked"
    dance.browser.opens(f"/school/apps/{tokens['grant_id']}")
    assert "The app gave the authorisation back" in dance.browser.text
    again = dance.tokens()
    assert again["grant_id"] != tokens["grant_id"] and dance.reads(again["access_token"]).status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_69_another_apps_grant_does_not_exist(dance: Dance, server: ASGIApp, browser: Browser, method: str) -> None:
    other = Dance(server, browser, urn=100002)
    mine, token, theirs = dance.tokens(), partner_token(dance), other.tokens()
    for grant_id in (
        theirs["grant_id"],
        mine["grant_id"].upper(),
        f"{{{mine['grant_id']}}}",
        *UNKNOWN_IDS[:4],
        "x" * 3000,
    ):
        assert refusal(calls(dance, method, grant_id, token)) == (404, "invalid_grant_id")
    assert other.reads(theirs["access_token"]).status_code == 200
    assert calls(dance, method, mine["grant_id"], token).status_code in (200, 204)


def test_a_grant_is_managed_with_a_partners_token_of_the_right_scope_alone(dance: Dance) -> None:
    tokens = dance.tokens()
    grant_id = tokens["grant_id"]
    assert calls(dance, "GET", grant_id, partner_token(dance, "grant_management_revoke")).status_code == 403
    assert calls(dance, "DELETE", grant_id, partner_token(dance, "grant_management_query")).status_code == 403
    assert calls(dance, "GET", grant_id, tokens["access_token"]).status_code in (401, 403)
    assert calls(dance, "GET", grant_id, tokens["refresh_token"]).status_code == 401
    assert dance.programs.get(f"/oauth/grants/{grant_id}").status_code == 401
    assert refusal(dance.programs.get("/oauth/grants")) == (400, "invalid_request")
    basic = dance.programs.get(f"/oauth/grants/{grant_id}", auth=(dance.app.client_id, dance.secret))
    assert basic.status_code == 401
    posted = dance.programs.post(f"/oauth/grants/{grant_id}")
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, DELETE")
    dance.browser.client.request("DELETE", f"/oauth/grants/{grant_id}", headers={"sec-fetch-site": "same-origin"})
    assert dance.reads(tokens["access_token"]).status_code == 200
    assert calls(dance, "DELETE", grant_id, partner_token(dance)).status_code == 204


def test_69_a_request_about_a_grant_that_is_not_the_apps_or_not_in_force_goes_back(
    dance: Dance, server: ASGIApp, browser: Browser
) -> None:
    other = Dance(server, browser, urn=100002)
    foreign = other.tokens()["grant_id"]
    mine = dance.tokens()["grant_id"]
    for grant_id in (foreign, mine.upper(), *UNKNOWN_IDS):
        for action in ("merge", "replace", None):
            answered = dance.asks(grant_id=grant_id, grant_management_action=action)
            assert sent_back(answered)["error"] == "invalid_grant_id"
            assert sent_back(answered)["state"] == "st-1"
    dance.opens(grant_id=mine, grant_management_action="merge")
    page = dance.browser.path
    with sessions.begin() as db:
        db.get_one(Authorisation, uuid.UUID(mine)).end(db, REVOKED, None)
    assert sent_back(dance.asks(grant_id=mine))["error"] == "invalid_grant_id"
    dance.browser.posts(page, decision="authorise")
    assert dance.answered()["error"] == "invalid_grant_id"
    again = dance.tokens()["grant_id"]
    dance.opens(grant_id=again, grant_management_action="merge")
    assert dance.browser.title == "Share data with Reading Room?"


@pytest.mark.parametrize(
    "asked",
    [
        {"grant_management_action": "merge"},
        {"grant_management_action": "replace"},
        {"grant_management_action": "update"},
        {"grant_management_action": "CREATE"},
        {"grant_management_action": "create", "grant_id": "own"},
    ],
)
def test_an_action_that_makes_no_sense_is_an_invalid_request(dance: Dance, asked: dict[str, str]) -> None:
    mine = dance.tokens()["grant_id"]
    sent = {name: mine if value == "own" else value for name, value in asked.items()}
    assert sent_back(dance.asks(**sent))["error"] == "invalid_request"
    dance.opens(grant_management_action="create")
    dance.browser.presses("Authorise")
    assert dance.redeems(dance.answered()["code"]).json()["grant_id"] == mine


def test_merging_adds_and_takes_nothing_away(wide: Dance) -> None:
    first = agrees(wide, "students", scope="school students")

    asked = {"grant_id": first["grant_id"], "grant_management_action": "merge"}
    wide.opens(scope="school students.sen", **asked)
    assert "New Special educational needs Until" in wide.browser.text and "Stays shared Pupils" in wide.browser.text
    assert "Special educational needs Optional Special category New" in wide.browser.text
    assert "Your school’s details Required Shared already" in wide.browser.text
    second = agrees(wide, "students.sen", scope="school students.sen", **asked)

    assert second["grant_id"] == first["grant_id"]
    assert second["scope"] == "school students.sen"
    assert wide.refreshes(first["refresh_token"]).json()["scope"] == "school students"
    [given] = authorisations()
    assert given.scopes == ["school", "students", "students.sen"]


def test_replacing_leaves_exactly_what_is_agreed_to_now(wide: Dance) -> None:
    first = agrees(wide, "students", "students.sen", scope=ALL)

    asked = {"grant_id": first["grant_id"], "grant_management_action": "replace"}
    wide.opens(scope="school students.sen", **asked)
    assert "Is shared no more Pupils" in wide.browser.text and "What ends" in wide.browser.text
    assert "New Nothing Until" in wide.browser.text
    assert "Pupils Ends" in wide.browser.text and "Stays shared" not in wide.browser.text
    assert wide.refreshes(first["refresh_token"]).json()["scope"] == "school students students.sen"
    second = agrees(wide, scope="school students.sen", **asked)

    assert (second["grant_id"], second["scope"]) == (first["grant_id"], "school")
    [given] = authorisations()
    assert given.scopes == ["school"]
    assert "no longer read" in mails()[-1] and "- Pupils" in mails()[-1]
    assert wide.reads(second["access_token"]).status_code == 200


def test_what_a_colleague_changed_meanwhile_is_shown_before_it_counts(wide: Dance) -> None:
    first = agrees(wide, "students", scope="school students")
    wide.opens(scope="school", grant_id=first["grant_id"], grant_management_action="replace")
    with sessions.begin() as db:
        given = db.get_one(Authorisation, uuid.UUID(first["grant_id"]))
        assert given.change(db, ALL.split(), given.expires_at)
    wide.browser.presses("Authorise", 409)
    assert authorisations()[0].scopes == ALL.split()
    wide.browser.presses("Authorise")
    assert authorisations()[0].scopes == ["school"]


def test_a_grant_is_changed_by_its_own_school_alone(wide: Dance, other_browser: Browser) -> None:
    first = agrees(wide, scope="school")
    asked = {"grant_id": first["grant_id"], "grant_management_action": "replace", "scope": "school students"}
    with sessions.begin() as db:
        there = factories.school(db, 100002, "Verified")
        stranger = factories.admin(db, there)
        db.add(Membership(account_id=wide.admin.id, school_id=there.id, role="Admin"))

    wide.signs_in(stranger)
    wide.opens(403, **asked)
    assert wide.browser.title == "This request is about another school"
    wide.browser.posts(wide.browser.path, 403, decision="authorise")
    wide.browser.posts(f"{wide.browser.path}/school", 403, school=str(there.id))
    wide.browser.presses("Go back to Reading Room")
    assert wide.answered()["error"] == "access_denied"
    assert len(authorisations()) == 1

    wide.signs_in()
    wide.opens(**asked)
    assert wide.school.name in wide.browser.text and "Decide for another school" not in wide.browser.text
    assert agrees(wide, "students", **asked)["grant_id"] == first["grant_id"]


def test_69_a_pushed_request_hears_at_once_that_its_grant_is_not_the_apps(
    dance: Dance, server: ASGIApp, browser: Browser
) -> None:
    foreign = Dance(server, browser, urn=100002).tokens()["grant_id"]
    mine = dance.tokens()["grant_id"]
    for grant_id in (foreign, *UNKNOWN_IDS[:4]):
        assert refusal(pushes(dance, grant_id=grant_id)) == (400, "invalid_grant_id")
    assert refusal(pushes(dance, grant_management_action="merge")) == (400, "invalid_request")
    named = pushed(dance, grant_id=mine, grant_management_action="merge")
    dance.browser.opens(f"/oauth/authorize?{urlencode(brings(dance, named))}")
    dance.browser.presses("Authorise")
    assert dance.redeems(dance.answered()["code"]).json()["grant_id"] == mine


def test_prompt_none_never_narrows_and_never_turns_to_another_school(wide: Dance) -> None:
    first = agrees(wide, "students", scope="school students")
    silent = {"prompt": "none", "scope": "school", "grant_id": first["grant_id"]}
    narrowing = sent_back(wide.asks(grant_management_action="replace", **silent))
    assert narrowing["error"] == "consent_required"
    with sessions.begin() as db:
        stranger = factories.admin(db, factories.school(db, 100002, "Verified"))
    wide.signs_in(stranger)
    assert sent_back(wide.asks(**silent))["error"] == "consent_required"
    wide.signs_in()
    assert "code" in sent_back(wide.asks(grant_management_action="merge", **silent))


def test_metadata_says_how_grants_are_managed(dance: Dance) -> None:
    said = dance.programs.get("/.well-known/oauth-authorization-server").json()
    assert said["grant_management_endpoint"] == f"{settings.issuer}/oauth/grants"
    assert said["grant_management_actions_supported"] == ["create", "merge", "replace", "query", "revoke"]
    assert said["grant_management_action_required"] is False
    assert said["device_authorization_endpoint"] == f"{settings.issuer}/oauth/device_authorization"
    assert said["authorization_details_types_supported"] == ["school_data"]
