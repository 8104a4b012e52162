"""protocol.md, Token: 33, 34, 36 to 40, 43, 46."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, update
from starlette.types import ASGIApp

from app.db import sessions
from app.models.authorisation import REVOKED, Authorisation
from app.models.base import ago, ahead
from app.models.school import School
from app.models.token import AuthorizationCode, Token
from tests import factories
from tests.oauth.dance import CALLBACK, Dance, at_once, refusal
from tests.pages import Browser


def test_33_the_token_response_says_everything_the_partner_needs(dance: Dance) -> None:
    answered = dance.redeems(dance.code())

    body = answered.json()
    assert answered.status_code == 200
    assert answered.headers["cache-control"] == "no-store"
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, "school")
    assert body["access_token"].startswith("gh_at_") and body["refresh_token"].startswith("gh_rt_")
    assert body["school"] == {
        "urn": dance.school.urn,
        "dfe_number": "888/0001",
        "name": dance.school.name,
        "status": "Verified",
    }
    with sessions.read() as db:
        assert body["grant_id"] == str(Authorisation.of_school(db, dance.school.id)[0].id)
    assert dance.reads(body["access_token"]).json() == {"school": str(dance.school.id)}


def test_34_a_code_replayed_by_its_client_kills_what_it_led_to(dance: Dance) -> None:
    code = dance.code()
    first = dance.redeems(code).json()
    later = dance.refreshes(first["refresh_token"]).json()
    assert dance.reads(first["access_token"]).status_code == 200

    assert refusal(dance.redeems(code)) == (400, "invalid_grant")

    assert dance.reads(first["access_token"]).status_code == 401
    assert dance.reads(later["access_token"]).status_code == 401
    assert refusal(dance.refreshes(later["refresh_token"])) == (400, "invalid_grant")
    again = dance.tokens()
    assert dance.reads(again["access_token"]).status_code == 200


def test_34_a_confidential_app_that_replays_without_its_verifier_has_leaked_the_code_too(dance: Dance) -> None:
    code = dance.code()
    first = dance.redeems(code).json()
    assert refusal(dance.redeems(code, code_verifier="w" * 43)) == (400, "invalid_grant")
    assert dance.reads(first["access_token"]).status_code == 401
    assert dance.reads(dance.tokens()["access_token"]).status_code == 200


def test_34_of_a_public_app_only_the_holder_of_the_verifier_can_kill(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, auth_method="none")
    code = dance.code()
    first = dance.redeems(code).json()

    assert refusal(dance.redeems(code, code_verifier="w" * 43)) == (400, "invalid_grant")
    assert refusal(dance.redeems(code, code_verifier=None)) == (400, "invalid_grant")
    assert dance.reads(first["access_token"]).status_code == 200

    assert refusal(dance.redeems(code)) == (400, "invalid_grant")
    assert dance.reads(first["access_token"]).status_code == 401


def test_36_of_fifty_at_once_exactly_one_gets_tokens(dance: Dance) -> None:
    code = dance.code()

    statuses = [answered.status_code for answered in at_once(50, lambda _: dance.redeems(code))]

    assert sorted(statuses) == [200] + [400] * 49
    with sessions.read() as db:
        assert len(db.scalars(select(Token)).all()) == 2
    assert dance.redeems(dance.code()).status_code == 200


def test_36_different_codes_at_once_all_get_their_own(dance: Dance) -> None:
    codes = [dance.code() for _ in range(10)]
    answered = at_once(10, lambda number: dance.redeems(codes[number]))
    assert [one.status_code for one in answered] == [200] * 10
    assert len({one.json()["access_token"] for one in answered}) == 10


def test_37_a_code_is_good_for_a_minute(dance: Dance) -> None:
    code = dance.code()
    with sessions.begin() as db:
        kept = db.scalars(select(AuthorizationCode)).one()
        assert ahead(50) < kept.expires_at <= ahead(60)
        db.execute(update(AuthorizationCode).values(expires_at=ago(0.001)))
    assert refusal(dance.redeems(code)) == (400, "invalid_grant")
    assert dance.redeems(dance.code()).status_code == 200


def test_37_a_code_is_its_apps_own(dance: Dance) -> None:
    code = dance.code()
    with sessions.begin() as db:
        other, secret = factories.app(db, "Other App")

    stolen = dance.redeems(code, auth=(other.client_id, secret))

    assert refusal(stolen) == (400, "invalid_grant")
    assert dance.redeems(code).status_code == 200


@pytest.mark.parametrize("verifier", [None, "w" * 43, "", "short", "ä" * 43, "x" * 129])
def test_37_a_missing_or_wrong_verifier_is_refused_and_burns_nothing(dance: Dance, verifier: str | None) -> None:
    code = dance.code()
    assert refusal(dance.redeems(code, code_verifier=verifier)) == (400, "invalid_grant")
    assert dance.redeems(code).status_code == 200


def test_37_the_redirect_uri_must_be_that_of_the_request(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, redirect_uris=[CALLBACK, f"{CALLBACK}/2"])
    code = dance.code()
    assert refusal(dance.redeems(code, redirect_uri=f"{CALLBACK}/2")) == (400, "invalid_grant")
    assert refusal(dance.redeems(code, redirect_uri=None)) == (400, "invalid_request")
    assert dance.redeems(code).status_code == 200


def test_38_a_verifier_where_none_was_challenged_is_refused(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, profile="oidc")
    code = dance.code(code_challenge=None, code_challenge_method=None)
    assert refusal(dance.redeems(code)) == (400, "invalid_request")
    assert dance.redeems(code, code_verifier=None).status_code == 200


@pytest.mark.parametrize(
    "grant", ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "Refresh_token"]
)
def test_39_other_grants_are_not_supported(dance: Dance, grant: str) -> None:
    tokens = dance.tokens()
    sent = {"grant_type": grant, "username": "u", "password": "p", "refresh_token": tokens["refresh_token"]}
    assert refusal(dance.posts(sent)) == (400, "unsupported_grant_type")
    assert dance.refreshes(tokens["refresh_token"]).status_code == 200


def test_40_the_request_is_a_form_whole_and_alone(dance: Dance) -> None:
    code = dance.code()
    usual = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": dance.verifier,
    }
    auth = (dance.app.client_id, dance.secret)
    form = {"content-type": "application/x-www-form-urlencoded"}
    body = urlencode(usual)

    def post(**sent: Any) -> tuple[int, str]:
        path = sent.pop("path", "/oauth/token")
        return refusal(dance.programs.post(path, auth=auth, **sent))

    assert post(content=f"{body}&code={code}", headers=form) == (400, "invalid_request")
    assert post(content=f"{body}&colour=a&colour=b", headers=form) == (400, "invalid_request")
    assert post(content=urlencode(usual | {"grant_type": ""}), headers=form) == (400, "invalid_request")
    assert post(content=b"", headers=form) == (400, "invalid_request")
    assert post(content=json.dumps(usual), headers={"content-type": "application/json"}) == (400, "invalid_request")
    assert post(content=body, headers={"content-type": "text/plain"}) == (400, "invalid_request")
    assert post(content=body) == (400, "invalid_request")
    assert post(path=f"/oauth/token?{body}", content=b"", headers=form) == (400, "invalid_request")
    assert post(path="/oauth/token?colour=green", content=body, headers=form) == (400, "invalid_request")
    assert post(content=body + "&nonce=%ff", headers=form) == (400, "invalid_request")
    assert post(content=body + "&nonce=%00", headers=form) == (400, "invalid_request")
    assert post(content=body + "&a=1" * 200, headers=form) == (400, "invalid_request")
    assert post(content=body + "&pad=" + "x" * 40_000, headers=form) == (400, "invalid_request")
    refused = dance.programs.get(f"/oauth/token?{body}", auth=auth)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")

    charset = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
    assert dance.programs.post("/oauth/token", content=body, auth=auth, headers=charset).status_code == 200


def test_43_no_error_repeats_a_secret(dance: Dance) -> None:
    code = dance.code()
    for answered in (
        dance.redeems(code, code_verifier="w" * 43),
        dance.redeems(code + "x"),
        dance.redeems(code, auth=(dance.app.client_id, dance.secret + "x")),
        dance.redeems(code, resource="https://other.example"),
    ):
        refusal(answered)
        assert not any(secret in answered.text for secret in (code, dance.secret, "w" * 43, "other.example"))
    assert dance.redeems(code).status_code == 200


@pytest.mark.parametrize("spoil", [lambda c: c[:-1], lambda c: c + "A", lambda c: c + "=", str.swapcase, str.lower])
def test_46_a_code_or_token_that_was_tampered_with_is_refused(dance: Dance, spoil: Any) -> None:
    code = dance.code()
    assert refusal(dance.redeems(spoil(code))) == (400, "invalid_grant")
    tokens = dance.redeems(code).json()
    assert refusal(dance.refreshes(spoil(tokens["refresh_token"]))) == (400, "invalid_grant")
    assert dance.reads(spoil(tokens["access_token"])).status_code == 401
    assert dance.reads(tokens["access_token"]).status_code == 200
    assert dance.refreshes(tokens["refresh_token"]).status_code == 200


def test_58_an_unknown_resource_is_refused_and_burns_nothing(dance: Dance) -> None:
    code = dance.code()
    assert refusal(dance.redeems(code, resource="https://other.example")) == (400, "invalid_target")
    assert dance.redeems(code).status_code == 200


def test_a_token_of_one_purpose_is_never_taken_for_another(dance: Dance) -> None:
    code = dance.code()
    assert refusal(dance.refreshes(code)) == (400, "invalid_grant")
    tokens = dance.redeems(code).json()
    assert refusal(dance.redeems(tokens["access_token"])) == (400, "invalid_grant")
    assert refusal(dance.refreshes(tokens["access_token"])) == (400, "invalid_grant")
    assert dance.reads(tokens["refresh_token"]).status_code == 401
    assert dance.reads(tokens["access_token"]).status_code == 200


def test_a_code_dies_with_the_authorisation_behind_it(dance: Dance) -> None:
    code = dance.code()
    with sessions.begin() as db:
        Authorisation.of_school(db, dance.school.id)[0].end(db, REVOKED, None)
    assert refusal(dance.redeems(code)) == (400, "invalid_grant")
    assert dance.redeems(dance.code()).status_code == 200


@pytest.mark.parametrize("status", ["Suspended", "Closed", "Rejected"])
def test_no_token_is_made_while_the_school_is_not_in_good_standing(dance: Dance, status: str) -> None:
    tokens, code = dance.tokens(), dance.code()
    with sessions.begin() as db:
        assert db.get_one(School, dance.school.id).move(db, "Verified", status)
    assert refusal(dance.redeems(code)) == (400, "invalid_grant")
    assert refusal(dance.refreshes(tokens["refresh_token"])) == (400, "invalid_grant")

    with sessions.begin() as db:
        assert db.get_one(School, dance.school.id).move(db, status, "Verified")
    assert dance.redeems(code).status_code == 200
    assert dance.refreshes(tokens["refresh_token"]).status_code == 200


def test_an_access_token_never_outlives_the_authorisation(dance: Dance) -> None:
    code = dance.code()
    with sessions.begin() as db:
        db.execute(update(Authorisation).values(expires_at=ahead(100)))
    assert 95 <= dance.redeems(code).json()["expires_in"] <= 100


def test_tokens_are_stored_as_digests_only(dance: Dance) -> None:
    code = dance.code()
    tokens = dance.redeems(code).json()
    with sessions.read() as db:
        stored = repr([db.execute(select(table.__table__)).all() for table in (Token, AuthorizationCode)])
    assert not any(secret in stored for secret in (code, tokens["access_token"], tokens["refresh_token"]))
