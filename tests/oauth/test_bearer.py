"""protocol.md 55 to 57, 70: what the data API says to a token, and how fast a revocation holds."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update
from starlette.types import ASGIApp

from app.db import Session, sessions, withdrawn
from app.models.authorisation import EXPIRED, REPLACED, RETURNED, REVOKED, Authorisation
from app.models.base import ago, now
from app.models.partner import App
from app.models.school import School
from app.models.token import Token
from app.oauth import store
from app.secrets import sign
from app.settings import settings
from app.sharing.service import revoke
from app.signin.session import Person
from tests.oauth.dance import DATA, Dance
from tests.oauth.proofs import Signer, pushed
from tests.pages import Browser


def challenge(response: Any) -> dict[str, str]:
    header = response.headers["www-authenticate"]
    assert header.startswith("Bearer ")
    return dict(re.findall(r'([a-z_]+)="([^"]*)"', header))


def refused(response: Any) -> tuple[int, str]:
    """Status and code, which header and body agree on (70)."""
    said, body = challenge(response), response.json()
    assert (said["error"], said["error_description"]) == (body["error"], body["error_description"])
    return response.status_code, body["error"]


def test_55_no_token_is_401_without_an_error_code(dance: Dance) -> None:
    for headers in ({}, {"authorization": "Basic YTpi"}, {"authorization": ""}):
        answered = DATA.get("/data", headers=headers)
        assert answered.status_code == 401
        assert set(challenge(answered)) == {"realm", "resource_metadata", "algs"}
        assert ', DPoP algs="' in answered.headers["www-authenticate"], "both ways to come in"
        assert "error" not in answered.json()
    assert dance.reads(dance.tokens()["access_token"]).status_code == 200


@pytest.mark.parametrize(
    "token", ["", "x", "gh_at_", "gh_at_" + "A" * 49, "ünï", "a b", "gh_at_x, Bearer gh_at_y", "\t"]
)
def test_55_an_unknown_token_is_401_invalid_token(dance: Dance, token: str) -> None:
    answered = DATA.get("/data", headers=[(b"authorization", f"Bearer {token}".encode())])
    assert refused(answered) == (401, "invalid_token")
    good = dance.tokens()["access_token"]
    assert DATA.get("/data", headers={"authorization": f"bEARER {good}"}).status_code == 200


def test_55_an_expired_token_is_401(dance: Dance) -> None:
    token = dance.tokens()["access_token"]
    with sessions.begin() as db:
        db.execute(update(Token).values(expires_at=ago(0.001)))
    assert refused(dance.reads(token)) == (401, "invalid_token")
    assert dance.reads(dance.tokens()["access_token"]).status_code == 200


def test_55_expiry_holds_for_what_is_kept_too(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    token = dance.tokens()["access_token"]
    assert dance.reads(token).status_code == 200
    monkeypatch.setattr(store, "KEPT_SECONDS", 1e9)
    later = now() + dt.timedelta(seconds=601)
    with monkeypatch.context() as then:
        then.setattr("app.oauth.bearer.now", lambda: later)
        assert refused(dance.reads(token)) == (401, "invalid_token")
    assert dance.reads(token).status_code == 200


def test_55_a_lacking_scope_is_403_and_named(server: ASGIApp, browser: Browser, more_scopes: None) -> None:
    dance = Dance(server, browser, scopes=("students", "school"))
    tokens = dance.tokens(scope="students")
    answered = dance.reads(tokens["access_token"])
    assert refused(answered) == (403, "insufficient_scope")
    assert challenge(answered)["scope"] == answered.json()["scope"] == "school"
    dance.opens(scope="students school")
    dance.browser.ticks("Your school’s details")
    dance.browser.presses("Authorise")
    assert dance.reads(dance.redeems(dance.answered()["code"]).json()["access_token"]).status_code == 200


def test_55_an_unverified_school_has_tokens_but_no_data(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, status="Unverified")
    token = dance.tokens()["access_token"]
    assert refused(dance.reads(token)) == (403, "school_unverified")
    with sessions.begin() as db:
        assert db.get_one(School, dance.school.id).move(db, "Unverified", "Verified")
    assert dance.reads(token).status_code == 200


def test_55_a_pause_is_403_with_the_day_it_ends(dance: Dance) -> None:
    token = dance.tokens()["access_token"]
    tomorrow = (now() + dt.timedelta(days=1)).date()

    def pause(resumes_on: dt.date | None, paused: bool = True) -> None:
        with sessions.begin() as db:
            db.execute(update(Authorisation).values(paused_at=now() if paused else None, resumes_on=resumes_on))
            withdrawn(db)

    pause(tomorrow)
    answered = dance.reads(token)
    assert refused(answered) == (403, "authorisation_paused")
    assert challenge(answered)["resumes_on"] == answered.json()["resumes_on"] == tomorrow.isoformat()
    pause(None)
    assert refused(dance.reads(token)) == (403, "authorisation_paused")
    pause(now().date())
    assert dance.reads(token).status_code == 200, "the day has come"
    pause(tomorrow, paused=False)
    assert dance.reads(token).status_code == 200


@pytest.mark.parametrize("status", ["Suspended", "Closed", "Rejected"])
def test_55_a_school_out_of_good_standing_is_401_and_said_so(dance: Dance, status: str) -> None:
    token = dance.tokens()["access_token"]
    assert dance.reads(token).status_code == 200
    with sessions.begin() as db:
        assert db.get_one(School, dance.school.id).move(db, "Verified", status)
    answered = dance.reads(token)
    assert refused(answered) == (401, "invalid_token")
    assert status in answered.json()["error_description"]
    with sessions.begin() as db:
        assert db.get_one(School, dance.school.id).move(db, status, "Verified")
    assert dance.reads(token).status_code == 200


@pytest.mark.parametrize(
    ("reason", "words"), [(REVOKED, "revoked"), (RETURNED, "given"), (REPLACED, "replaced"), (EXPIRED, "expired")]
)
def test_55_an_authorisation_that_ended_is_401_and_said_so(dance: Dance, reason: str, words: str) -> None:
    token = dance.tokens()["access_token"]
    assert dance.reads(token).status_code == 200
    with sessions.begin() as db:
        assert Authorisation.of_school(db, dance.school.id)[0].end(db, reason, None)
    assert refused(dance.reads(token)) == (401, "invalid_token")
    with sessions.begin() as db:  # as if the token itself had not been ended
        db.execute(update(Token).values(ended_at=None))
        withdrawn(db)
    answered = dance.reads(token)
    assert refused(answered) == (401, "invalid_token")
    assert words in answered.json()["error_description"]
    assert dance.reads(dance.tokens()["access_token"]).status_code == 200


def test_55_a_suspended_app_is_401_and_said_so(dance: Dance) -> None:
    token = dance.tokens()["access_token"]
    with sessions.begin() as db:
        db.get_one(App, dance.app.id).suspended_at = now()
        withdrawn(db)
    answered = dance.reads(token)
    assert refused(answered) == (401, "invalid_token")
    assert "suspended" in answered.json()["error_description"]


def test_56_a_token_in_the_query_is_refused_even_beside_a_good_header(dance: Dance) -> None:
    token = dance.tokens()["access_token"]
    assert refused(DATA.get(f"/data?access_token={token}")) == (400, "invalid_request")
    assert refused(dance.reads(token, params={"access_token": token})) == (400, "invalid_request")
    assert dance.reads(token).status_code == 200


def test_two_authorization_headers_are_refused(dance: Dance) -> None:
    token = dance.tokens()["access_token"]
    twice = [("authorization", f"Bearer {token}")] * 2
    assert refused(DATA.get("/data", headers=twice)) == (400, "invalid_request")
    assert dance.reads(token).status_code == 200


def jwt(header: dict[str, Any], key: bytes | None = None, **claims: Any) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    usual = {"iss": settings.issuer, "aud": settings.issuer, "scope": "school", "exp": 9_999_999_999}
    signed = f"{part(header)}.{part(usual | claims)}"
    mac = b"" if key is None else hmac.digest(key, signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


FORGED: dict[str, Callable[[bytes], str]] = {
    "alg none": lambda key: jwt({"alg": "none"}),
    "HS256 with the public key": lambda key: jwt({"alg": "HS256"}, key),
    "HMAC with an empty key": lambda key: jwt({"alg": "HS256"}, b""),
    "a key of its own": lambda key: jwt({"alg": "HS256", "jwk": {"kty": "oct", "k": "YQ"}}, b"a"),
    "a key elsewhere": lambda key: jwt({"alg": "HS256", "jku": "https://evil.example/jwks"}, b"a"),
    "a certificate elsewhere": lambda key: jwt({"alg": "HS256", "x5u": "https://evil.example/x5u"}, b"a"),
    "kid traversal": lambda key: jwt({"alg": "HS256", "kid": "../../dev/null"}, b""),
    "unknown crit": lambda key: jwt({"alg": "HS256", "crit": ["new"]}, key),
    "array iss": lambda key: jwt({"alg": "HS256"}, key, iss=[settings.issuer]),
    "another aud": lambda key: jwt({"alg": "HS256"}, key, aud="https://other.example"),
    "an ID token": lambda key: jwt({"alg": "HS256", "typ": "JWT"}, key, sub="1", nonce="n"),
    "JSON serialisation": lambda key: json.dumps({"payload": "e30", "protected": "e30", "signature": ""}),
}


@pytest.mark.parametrize("kind", FORGED)
def test_57_nothing_that_is_not_a_token_of_ours_opens_anything(dance: Dance, kind: str) -> None:
    published = dance.programs.get("/oauth/jwks").content
    assert refused(dance.reads(FORGED[kind](published))) == (401, "invalid_token")
    assert dance.reads(dance.tokens()["access_token"]).status_code == 200


def test_57_a_secret_of_another_purpose_opens_nothing(dance: Dance) -> None:
    tokens = dance.tokens()
    code = dance.code()
    others = {
        "refresh token": tokens["refresh_token"],
        "code": code,
        "reference": pushed(dance).rpartition(":")[2],
        "client secret": dance.secret,
        "link of a mail": sign([str(dance.school.id), dance.admin.email], "verify email"),
        "assertion": Signer().assertion(dance.app.client_id),
        "proof": Signer().proof(),
    }
    for name, secret in others.items():
        assert refused(dance.reads(secret)) == (401, "invalid_token"), name
    assert dance.reads(dance.redeems(code).json()["access_token"]).status_code == 200


def _revoked(db: Session, dance: Dance) -> None:
    from tests.sharing.people import person

    who: Person = person(db, dance.admin)
    given = Authorisation.of_school(db, dance.school.id)[0]
    revoke(db, person=who, school=dance.school, authorisation_id=given.id)


def _suspended(db: Session, dance: Dance) -> None:
    assert db.get_one(School, dance.school.id).move(db, "Verified", "Suspended")


@pytest.mark.parametrize("withdraw", [_revoked, _suspended])
def test_a_withdrawal_holds_at_once_in_the_process_that_made_it(
    dance: Dance, withdraw: Callable[[Session, Dance], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "KEPT_SECONDS", 1e9)
    token = dance.tokens()["access_token"]
    assert dance.reads(token).status_code == 200
    with sessions.begin() as db:
        withdraw(db, dance)
    assert refused(dance.reads(token)) == (401, "invalid_token")


def test_a_withdrawal_elsewhere_holds_within_a_second(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.KEPT_SECONDS <= 0.8
    clock = [100.0]
    monkeypatch.setattr(store, "clock", lambda: clock[0])
    token = dance.tokens()["access_token"]
    assert dance.reads(token).status_code == 200
    with sessions.begin() as db:  # by another process: nothing tells this one
        db.execute(update(Authorisation).values(ended_at=now(), end_reason=REVOKED))
    clock[0] += 0.79
    assert dance.reads(token).status_code == 200
    clock[0] += 0.02
    assert refused(dance.reads(token)) == (401, "invalid_token")


def test_a_change_that_is_rolled_back_withdraws_nothing(dance: Dance) -> None:
    token = dance.tokens()["access_token"]

    def breaks_off() -> None:
        with sessions.begin() as db:
            _revoked(db, dance)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks_off()
    assert dance.reads(token).status_code == 200


def test_unknown_tokens_are_not_kept(dance: Dance) -> None:
    before = len(store._access_tokens._kept)
    for _ in range(5):
        dance.reads("gh_at_nothing")
        DATA.get("/data", headers={"authorization": f"Bearer {dance.secret}"})
    assert len(store._access_tokens._kept) <= before
