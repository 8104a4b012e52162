"""protocol.md 69: authorization_details (RFC 9396), of the one type that there is."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp

from app.db import sessions
from app.errors import OAuthError
from app.models.authorisation import Authorisation
from app.oauth import details
from app.oauth.request import Parameters
from tests import factories
from tests.oauth.dance import Dance, authorisations, refusal, sent_back
from tests.oauth.proofs import brings, pushed, pushes
from tests.pages import Browser

SCHOOL = {"type": "school_data", "datatypes": ["school"]}


def written(*found: Any) -> str:
    return json.dumps(list(found))


def test_what_is_asked_in_detail_is_granted_and_echoed_in_detail(dance: Dance) -> None:
    body = dance.tokens(scope=None, authorization_details=written(SCHOOL))

    assert body["scope"] == "school"
    assert body["authorization_details"] == [SCHOOL | {"identifier": "100001"}]
    assert dance.reads(body["access_token"]).status_code == 200
    assert "authorization_details" not in dance.tokens()


def test_details_and_scope_add_up_and_only_what_was_ticked_is_echoed(
    server: ASGIApp, browser: Browser, more_scopes: None
) -> None:
    dance = Dance(server, browser, scopes=("school", "students", "students.sen"))
    dance.signs_in()
    two = [{"type": "school_data", "datatypes": ["students"]}, {"type": "school_data", "datatypes": ["students.sen"]}]
    dance.opens(scope="school", authorization_details=written(*two))
    dance.browser.ticks("Pupils")
    dance.browser.presses("Authorise")
    code = dance.answered()["code"]

    body = dance.redeems(code).json()

    assert body["scope"] == "school students"
    assert body["authorization_details"] == [{"type": "school_data", "datatypes": ["students"], "identifier": "100001"}]


def test_details_shrink_with_the_grant_before_the_code_is_exchanged(
    server: ASGIApp, browser: Browser, more_scopes: None
) -> None:
    dance = Dance(server, browser, scopes=("school", "students"))
    dance.signs_in()
    dance.opens(scope=None, authorization_details=written({"type": "school_data", "datatypes": ["school", "students"]}))
    dance.browser.ticks("Pupils")
    dance.browser.presses("Authorise")
    with sessions.begin() as db:
        granted = db.get_one(Authorisation, authorisations()[0].id)
        granted.change(db, ["school"], granted.expires_at)
    body = dance.redeems(dance.answered()["code"]).json()
    assert (body["scope"], body["authorization_details"][0]["datatypes"]) == ("school", ["school"])


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "{}",
        "[]",
        "null",
        "1",
        '"school_data"',
        "[1]",
        "[null]",
        "[[]]",
        written(SCHOOL | {"type": "payment_initiation"}),
        written({"datatypes": ["school"]}),
        written({"type": ["school_data"], "datatypes": ["school"]}),
        written({"type": "school_data"}),
        written(SCHOOL | {"datatypes": []}),
        written(SCHOOL | {"datatypes": "school"}),
        written(SCHOOL | {"datatypes": [1]}),
        written(SCHOOL | {"datatypes": ["school", "school"]}),
        written(SCHOOL | {"datatypes": ["students"]}),
        written(SCHOOL | {"datatypes": ["openid"]}),
        written(SCHOOL | {"datatypes": ["nothing"]}),
        written(SCHOOL | {"datatypes": ["school "]}),
        written(SCHOOL | {"locations": ["https://x.example"]}),
        written(SCHOOL | {"actions": ["read"]}),
        written(SCHOOL | {"identifier": 100001}),
        written(SCHOOL | {"identifier": "x"}),
        written(SCHOOL | {"identifier": "0100001"}),
        written(SCHOOL | {"identifier": "100001\n"}),
        written(SCHOOL | {"identifier": "١٠٠٠٠١"}),
        written(SCHOOL | {"identifier": None}),
        written(SCHOOL | {"identifier": "100001"}, SCHOOL | {"identifier": "100002"}),
        written(SCHOOL, SCHOOL | {"type": "other"}),
        '[{"type":"other","type":"school_data","datatypes":["school"]}]',
        written(SCHOOL)[:-1] + ",]",
        written(SCHOOL) + " []",
        '[{"type":"school_data","datatypes":["school"],"identifier":NaN}]',
        written(*[SCHOOL] * 21),
        "[" * 3000 + "]" * 3000,
        "[" + "1" * 4900 + "]",
        written(SCHOOL) + " " * 5000,
    ],
    ids=range(39),
)
def test_69_details_that_we_do_not_take_go_back(dance: Dance, text: str) -> None:
    dance.signs_in()
    for scope in ("school", None):
        answered = sent_back(dance.asks(scope=scope, authorization_details=text))
        assert (answered["error"], answered["state"]) == ("invalid_authorization_details", "st-1")
    assert sent_back(dance.asks(prompt="none", authorization_details=text))["error"] == "invalid_authorization_details"
    assert refusal(pushes(dance, authorization_details=text)) == (400, "invalid_authorization_details")
    assert dance.tokens(authorization_details=written(SCHOOL))["authorization_details"]


def test_details_may_be_pushed(dance: Dance) -> None:
    dance.signs_in()
    reference = pushed(dance, scope=None, authorization_details=written(SCHOOL))
    dance.browser.opens(f"/oauth/authorize?{urlencode(brings(dance, reference))}")
    dance.browser.presses("Authorise")
    body = dance.redeems(dance.answered()["code"]).json()
    assert body["authorization_details"] == [SCHOOL | {"identifier": "100001"}]


def test_a_request_about_one_school_is_decided_by_that_school(dance: Dance) -> None:
    with sessions.begin() as db:
        stranger = factories.admin(db, factories.school(db, 100002, "Verified"))
    asked = {"authorization_details": written(SCHOOL | {"identifier": str(dance.school.urn)})}
    dance.signs_in(stranger)
    dance.opens(403, **asked)
    assert dance.browser.title == "This request is about another school"
    dance.browser.posts(dance.browser.path, 403, decision="authorise")
    assert authorisations() == []
    assert sent_back(dance.asks(prompt="none", **asked))["error"] == "consent_required"
    assert dance.tokens(**asked)["school"]["urn"] == dance.school.urn


@given(
    st.text(max_size=200)
    | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(json.dumps)
)
def test_69_whatever_is_sent_is_read_or_refused(text: str) -> None:
    with suppress(OAuthError):
        found = details.asked(Parameters({"authorization_details": text}))
        assert all(one["type"] == "school_data" for one in found)
