"""protocol.md 60: what a token is worth at this moment (RFC 7662)."""

from typing import Any

from sqlalchemy import update
from starlette.types import ASGIApp

from app.db import sessions, withdrawn
from app.models.authorisation import REVOKED, Authorisation
from app.models.base import ago
from app.models.school import School
from app.models.token import Token
from app.settings import settings
from tests import factories
from tests.oauth.dance import Dance, refusal
from tests.pages import Browser

DEAD = {"active": False}


def looks_at(dance: Dance, token: str, **changed: Any) -> Any:
    return dance.posts({"token": token}, path="/oauth/introspect", **changed)


def test_60_an_access_token_is_described(dance: Dance) -> None:
    tokens = dance.tokens()
    answered = looks_at(dance, tokens["access_token"])
    said = answered.json()
    assert answered.headers["cache-control"] == "no-store"
    assert said.pop("exp") - said.pop("iat") == 600
    assert said == {
        "active": True,
        "iss": settings.issuer,
        "client_id": dance.app.client_id,
        "scope": "school",
        "token_type": "Bearer",
        "grant_id": tokens["grant_id"],
        "school_status": "Verified",
        "authorisation_status": "active",
    }


def test_60_a_refresh_token_lives_as_long_as_the_authorisation(dance: Dance) -> None:
    tokens = dance.tokens()
    said = looks_at(dance, tokens["refresh_token"], token_type_hint="access_token").json()
    assert said["active"] and "token_type" not in said
    with sessions.read() as db:
        assert said["exp"] == int(Authorisation.of_school(db, dance.school.id)[0].expires_at.timestamp())
    fresh = dance.refreshes(tokens["refresh_token"]).json()
    assert looks_at(dance, fresh["refresh_token"]).json()["active"]
    with sessions.begin() as db:
        withdrawn(db)
    assert looks_at(dance, tokens["refresh_token"]).json() == DEAD, "rotated out"


def test_60_only_who_asks_with_proof_is_told(dance: Dance, server: ASGIApp, browser: Browser) -> None:
    token = dance.tokens()["access_token"]
    assert refusal(looks_at(dance, token, auth=None)) == (401, "invalid_client")
    assert refusal(looks_at(dance, token, auth=(dance.app.client_id, "x"))) == (401, "invalid_client")
    public = Dance(server, browser, urn=100002, name="Public", auth_method="none")
    assert refusal(looks_at(public, public.tokens()["access_token"])) == (401, "invalid_client")
    assert looks_at(dance, token).json()["active"]


def test_60_what_is_dead_unknown_or_foreign_is_inactive_and_nothing_more(dance: Dance) -> None:
    tokens = dance.tokens()
    with sessions.begin() as db:
        other, secret = factories.app(db, "Other App")
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert looks_at(dance, token, auth=(other.client_id, secret)).json() == DEAD
    for unknown in ("x", "eyJhbGciOiJub25lIn0.e30.", tokens["access_token"][:-1], "ünï"):
        assert looks_at(dance, unknown).json() == DEAD
    with sessions.begin() as db:
        db.execute(update(Token).values(expires_at=ago(1)))
        withdrawn(db)
    assert looks_at(dance, tokens["access_token"]).json() == DEAD
    assert looks_at(dance, dance.tokens()["access_token"]).json()["active"]
    with sessions.begin() as db:
        Authorisation.of_school(db, dance.school.id)[0].end(db, REVOKED, None)
    for token in tokens["access_token"], tokens["refresh_token"]:
        assert looks_at(dance, token).json() == DEAD


def test_60_a_pause_is_said_and_leaves_the_token_active(dance: Dance) -> None:
    token = dance.tokens()["access_token"]
    with sessions.begin() as db:
        db.execute(update(Authorisation).values(paused_at=ago(1)))
        withdrawn(db)
    said = looks_at(dance, token).json()
    assert (said["active"], said["authorisation_status"]) == (True, "paused")


def test_60_unverified_is_active_and_suspended_is_not(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, status="Unverified")
    token = dance.tokens()["access_token"]
    said = looks_at(dance, token).json()
    assert (said["active"], said["school_status"]) == (True, "Unverified")
    with sessions.begin() as db:
        school = db.get_one(School, dance.school.id)
        assert school.move(db, "Unverified", "Verified") and school.move(db, "Verified", "Suspended")
    assert looks_at(dance, token).json() == DEAD
    with sessions.begin() as db:
        assert db.get_one(School, dance.school.id).move(db, "Suspended", "Verified")
    assert looks_at(dance, token).json()["active"]
