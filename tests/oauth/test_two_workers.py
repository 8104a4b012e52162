"""Several processes at one database: each has a queue of its own, so here every call gets a transaction of its own."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select, update

from app.db import sessions
from app.errors import OAuthError
from app.models.authorisation import REVOKED, Authorisation
from app.models.base import ago
from app.models.token import REFRESH, Token
from app.oauth import authorization_code, refresh_token, store
from app.oauth.authorization_code import Redemption
from app.oauth.issue import Issued
from app.oauth.refresh_token import Refresh
from app.oauth.store import Client
from app.secrets import digest
from tests.oauth.dance import CALLBACK, Dance, at_once


def client(dance: Dance) -> Client:
    with sessions.read() as db:
        return store._find_clients(db, [dance.app.client_id])[dance.app.client_id]


def alone(work: Callable[..., list[Any]], *calls: Any) -> Any:
    with sessions.begin() as db:
        return work(db, list(calls))[0]


def alive(purpose: str = REFRESH) -> int:
    wanted = (Token.purpose == purpose, Token.used_at.is_(None), Token.ended_at.is_(None))
    with sessions.read() as db:
        return db.scalar(select(func.count()).select_from(Token).where(*wanted)) or 0


def is_issued(answer: Any) -> bool:
    assert isinstance(answer, Issued | OAuthError)
    return isinstance(answer, Issued)


def test_one_code_leads_to_one_pair_and_the_replays_end_it(dance: Dance) -> None:
    call = Redemption(digest(dance.code()), client(dance), CALLBACK, dance.verifier, None)

    answers = at_once(12, lambda _: alone(authorization_code._exchange, call))

    assert sum(map(is_issued, answers)) == 1
    assert alive() == 0
    with sessions.read() as db:
        assert db.scalar(select(func.count()).select_from(Token)) == 2
    again = Redemption(digest(dance.code()), client(dance), CALLBACK, dance.verifier, None)
    assert is_issued(alone(authorization_code._exchange, again))


def test_parallel_refreshes_leave_at_most_one_leaf(dance: Dance) -> None:
    token = dance.tokens()["refresh_token"]
    call = Refresh(digest(token), client(dance), token, None, None)

    answers = at_once(12, lambda _: alone(refresh_token._exchange, call))

    assert any(map(is_issued, answers))
    assert alive() == 1, "within 30 seconds each is a lost response of the one before"


def test_reuse_beside_a_refresh_leaves_nothing_alive(dance: Dance) -> None:
    first = dance.tokens()["refresh_token"]
    second = dance.refreshes(first).json()["refresh_token"]
    with sessions.begin() as db:
        db.execute(update(Token).where(Token.digest == digest(first)).values(used_at=ago(31)))
    calls = [Refresh(digest(token), client(dance), token, None, None) for token in (first, second) * 6]

    at_once(12, lambda number: alone(refresh_token._exchange, calls[number]))

    assert alive() == 0
    assert alive("access") == 0


def test_a_revocation_beside_exchanges_leaves_nothing_alive(dance: Dance) -> None:
    pairs = [dance.tokens()["refresh_token"] for _ in range(6)]
    calls = [Refresh(digest(token), client(dance), token, None, None) for token in pairs]

    def run(number: int) -> Any:
        if number < len(calls):
            return alone(refresh_token._exchange, calls[number])
        with sessions.begin() as db:
            return Authorisation.of_school(db, dance.school.id)[0].end(db, REVOKED, None)

    at_once(len(calls) + 1, run)

    assert alive() == 0
    assert alive("access") == 0


def test_groups_that_share_their_members_wait_for_each_other_and_all_are_answered(dance: Dance) -> None:
    tokens = [dance.tokens()["refresh_token"] for _ in range(6)]
    calls = [Refresh(digest(token), client(dance), token, None, None) for token in tokens]

    def group(number: int) -> list[Any]:
        mine = calls if number % 2 else list(reversed(calls))
        with sessions.begin() as db:
            return refresh_token._exchange(db, mine)

    answers = [answer for group_ in at_once(4, group) for answer in group_]

    assert all(map(is_issued, answers)), "each group is a lost response of the one before"
    assert alive() == len(tokens)
