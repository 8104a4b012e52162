"""protocol.md 44, 45 and the house decision on lost responses: a refresh token works once, and theft shows."""

from typing import Any

import pytest
from sqlalchemy import func, select, update
from starlette.types import ASGIApp

from app.db import sessions
from app.models.authorisation import REVOKED, Authorisation
from app.models.base import ago, ahead
from app.models.token import REFRESH, Token
from app.secrets import digest
from tests import factories
from tests.oauth.dance import Dance, at_once, refusal
from tests.pages import Browser


def live_leaves() -> int:
    """Refresh tokens that somebody could still use."""
    alive = (Token.purpose == REFRESH, Token.used_at.is_(None), Token.ended_at.is_(None))
    with sessions.read() as db:
        return db.scalar(select(func.count()).select_from(Token).where(*alive)) or 0


def time_passes(token: str, seconds: float) -> None:
    """Let the rotation of this refresh token have been so long ago."""
    with sessions.begin() as db:
        db.execute(update(Token).where(Token.digest == digest(token)).values(used_at=ago(seconds)))


def test_a_refresh_gives_a_new_pair_and_the_same_authorisation(dance: Dance) -> None:
    first = dance.tokens()
    second = dance.refreshes(first["refresh_token"])

    body = second.json()
    assert (second.status_code, second.headers["cache-control"]) == (200, "no-store")
    assert body["refresh_token"] != first["refresh_token"]
    assert (body["grant_id"], body["scope"], body["school"]) == (first["grant_id"], first["scope"], first["school"])
    assert dance.reads(body["access_token"]).status_code == 200
    assert dance.refreshes(body["refresh_token"]).status_code == 200


def test_44_a_refresh_may_ask_for_less_but_not_for_more(server: ASGIApp, browser: Browser, more_scopes: None) -> None:
    dance = Dance(server, browser, scopes=("school", "students"))
    with sessions.begin() as db:
        given = factories.authorisation(db, dance.admin, dance.school, dance.app, ("school", "students"))
    tokens = dance.redeems(_silent_code(dance, "school students")).json()
    assert (tokens["scope"], tokens["grant_id"]) == ("school students", str(given.id))

    for wider in ("school students.sen", "everything", "school students profile", " ", "\u00a0school"):
        assert refusal(dance.refreshes(tokens["refresh_token"], scope=wider)) == (400, "invalid_scope")

    narrow = dance.refreshes(tokens["refresh_token"], scope="students").json()
    assert narrow["scope"] == "students"
    assert dance.reads(narrow["access_token"]).status_code == 403
    whole = dance.refreshes(narrow["refresh_token"]).json()
    assert whole["scope"] == "school students", "the refresh token itself keeps everything"


def _silent_code(dance: Dance, scope: str) -> str:
    from tests.oauth.dance import sent_back

    dance.signs_in()
    return sent_back(dance.asks(prompt="none", scope=scope))["code"]


def test_44_another_apps_refresh_token_is_refused_and_stays_alive(dance: Dance) -> None:
    tokens = dance.tokens()
    with sessions.begin() as db:
        other, secret = factories.app(db, "Other App")
    stolen = dance.refreshes(tokens["refresh_token"], auth=(other.client_id, secret))
    assert refusal(stolen) == (400, "invalid_grant")
    assert dance.refreshes(tokens["refresh_token"]).status_code == 200


def test_45_a_rotated_token_that_comes_back_kills_the_family(dance: Dance) -> None:
    first = dance.tokens()
    second = dance.refreshes(first["refresh_token"]).json()
    third = dance.refreshes(second["refresh_token"]).json()
    assert dance.reads(third["access_token"]).status_code == 200

    assert refusal(dance.refreshes(first["refresh_token"])) == (400, "invalid_grant")

    for pair in (first, second, third):
        assert dance.reads(pair["access_token"]).status_code == 401
        assert refusal(dance.refreshes(pair["refresh_token"])) == (400, "invalid_grant")
    assert live_leaves() == 0
    assert dance.reads(dance.tokens()["access_token"]).status_code == 200, "the school's yes is not touched"


def test_45_a_family_that_dies_takes_no_other_with_it(dance: Dance) -> None:
    other = dance.tokens()
    first = dance.tokens()
    dance.refreshes(dance.refreshes(first["refresh_token"]).json()["refresh_token"])
    assert refusal(dance.refreshes(first["refresh_token"])) == (400, "invalid_grant")
    assert dance.reads(other["access_token"]).status_code == 200
    assert dance.refreshes(other["refresh_token"]).status_code == 200


def test_a_lost_response_loses_no_school(dance: Dance) -> None:
    first = dance.tokens()
    dance.refreshes(first["refresh_token"])
    time_passes(first["refresh_token"], 29)

    again = dance.refreshes(first["refresh_token"])

    assert again.status_code == 200
    assert live_leaves() == 1
    assert dance.refreshes(again.json()["refresh_token"]).status_code == 200


def test_a_response_may_be_lost_twice(dance: Dance) -> None:
    first = dance.tokens()
    for _ in range(3):
        last = dance.refreshes(first["refresh_token"])
        assert last.status_code == 200
        assert live_leaves() == 1
    assert dance.refreshes(last.json()["refresh_token"]).status_code == 200


def test_after_thirty_seconds_it_is_reuse(dance: Dance) -> None:
    first = dance.tokens()
    second = dance.refreshes(first["refresh_token"]).json()
    time_passes(first["refresh_token"], 31)
    assert refusal(dance.refreshes(first["refresh_token"])) == (400, "invalid_grant")
    assert refusal(dance.refreshes(second["refresh_token"])) == (400, "invalid_grant")
    assert live_leaves() == 0


def test_of_two_successors_the_first_is_dead_and_betrays_a_thief(dance: Dance) -> None:
    first = dance.tokens()
    mine = dance.refreshes(first["refresh_token"]).json()
    thiefs = dance.refreshes(first["refresh_token"]).json()
    assert live_leaves() == 1

    assert refusal(dance.refreshes(mine["refresh_token"])) == (400, "invalid_grant")

    assert refusal(dance.refreshes(thiefs["refresh_token"])) == (400, "invalid_grant")
    assert dance.reads(thiefs["access_token"]).status_code == 401


def test_45_parallel_refreshes_never_leave_two_live_leaves(dance: Dance) -> None:
    first = dance.tokens()

    answered = at_once(20, lambda _: dance.refreshes(first["refresh_token"]))

    assert {one.status_code for one in answered} <= {200, 400}
    assert any(one.status_code == 200 for one in answered)
    assert live_leaves() <= 1
    alive = [one for one in answered if one.status_code == 200 and _is_live(one.json()["refresh_token"])]
    assert len(alive) == live_leaves()
    if alive:
        assert dance.refreshes(alive[0].json()["refresh_token"]).status_code == 200


def _is_live(token: str) -> bool:
    with sessions.read() as db:
        row = db.get_one(Token, digest(token))
        return row.used_at is None and row.ended_at is None


def test_45_reuse_against_refresh_in_the_same_moment_leaves_nothing_alive(dance: Dance) -> None:
    first = dance.tokens()
    second = dance.refreshes(first["refresh_token"]).json()
    time_passes(first["refresh_token"], 31)
    sent = [first["refresh_token"], second["refresh_token"]] * 5

    at_once(10, lambda number: dance.refreshes(sent[number]))

    assert live_leaves() == 0
    with sessions.read() as db:
        assert db.scalar(select(func.count()).select_from(Token).where(Token.ended_at.is_(None))) == 0
    assert dance.refreshes(dance.tokens()["refresh_token"]).status_code == 200


def test_a_refresh_token_dies_with_the_authorisation(dance: Dance) -> None:
    tokens = dance.tokens()
    with sessions.begin() as db:
        Authorisation.of_school(db, dance.school.id)[0].end(db, REVOKED, None)
    assert refusal(dance.refreshes(tokens["refresh_token"])) == (400, "invalid_grant")
    assert dance.refreshes(dance.tokens()["refresh_token"]).status_code == 200


def test_a_refresh_token_lives_as_long_as_the_authorisation_even_when_that_is_renewed(dance: Dance) -> None:
    tokens = dance.tokens()
    with sessions.begin() as db:
        db.execute(update(Authorisation).values(expires_at=ago(1)))
    assert refusal(dance.refreshes(tokens["refresh_token"])) == (400, "invalid_grant")
    with sessions.begin() as db:
        db.execute(update(Token).values(expires_at=ago(1)))
        db.execute(update(Authorisation).values(expires_at=ahead(1000)))
    renewed = dance.refreshes(tokens["refresh_token"]).json()
    assert dance.reads(renewed["access_token"]).status_code == 200


def test_a_pause_does_not_stop_refreshing(dance: Dance) -> None:
    tokens = dance.tokens()
    with sessions.begin() as db:
        db.execute(update(Authorisation).values(paused_at=ago(1)))
    renewed = dance.refreshes(tokens["refresh_token"])
    assert renewed.status_code == 200
    assert dance.reads(renewed.json()["access_token"]).status_code == 403


@pytest.mark.parametrize("sent", [{"refresh_token": None}, {"refresh_token": ""}])
def test_40_a_refresh_names_its_token(dance: Dance, sent: dict[str, Any]) -> None:
    assert refusal(dance.refreshes("x", **sent)) == (400, "invalid_request")
