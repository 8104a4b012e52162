"""security.md a: `kill -9` anywhere in an exchange or a refresh. Afterwards each is wholly done or not done at all."""

import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from app.db import sessions
from app.models.token import ACCESS, REFRESH, AuthorizationCode, Token
from app.secrets import digest
from app.settings import ROOT
from tests.faults import LONG
from tests.faults.killable import COMMITTED, HALF_SENT, POINTS
from tests.faults.processes import Answer, Server, eventually, killable
from tests.faults.world import Item, World
from tests.oauth.dance import at_once

pytestmark = pytest.mark.xdist_group("killed")
LOAD = 6
DURABLE = (COMMITTED, HALF_SENT)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, _schema: None) -> Iterator[Server]:
    with killable(tmp_path_factory.mktemp("killable")) as started:
        yield started


def tokens(item: Item) -> list[Token]:
    """Every token of the family but the one that the item is."""
    mine = (Token.family == uuid.UUID(item.family), Token.digest != digest(item.value))
    with sessions.read() as db:
        return list(db.scalars(select(Token).where(*mine)))


def purposes(item: Item) -> list[str]:
    return sorted(token.purpose for token in tokens(item))


def live_leaves(item: Item) -> list[bytes]:
    live = (Token.purpose == REFRESH, Token.used_at.is_(None), Token.ended_at.is_(None))
    with sessions.read() as db:
        return list(db.scalars(select(Token.digest).where(Token.family == uuid.UUID(item.family), *live)))


def is_used(item: Item, kind: type[Token] | type[AuthorizationCode]) -> bool:
    with sessions.read() as db:
        return db.scalars(select(kind.used_at).where(kind.digest == digest(item.value))).one() is not None


def check_whole(item: Item, answer: Answer | None, kind: type[Token] | type[AuthorizationCode]) -> bool:
    """Done, with exactly one pair, or nothing has happened; what was answered is done. True when done."""
    is_done = is_used(item, kind)
    assert purposes(item) == ([ACCESS, REFRESH] if is_done else [])
    assert answer is None or (answer.status == 200 and is_done), answer
    return is_done


def is_active(server: Server, item: Item, token: str) -> bool:
    """By introspection, which a public app cannot ask for: the table has to do there."""
    if not item.secret:
        return any(known.digest == digest(token) and known.ended_at is None for known in tokens(item))
    said = server.posts("/oauth/introspect", item, {"token": token})
    assert said is not None and said.status == 200
    return bool(said.json()["active"])


def dies(server: Server, point: str, does: "list[Item]", how: str) -> list[Answer | None]:
    """The answers of parallel calls in the midst of which the server was killed; it is up again."""
    server.is_to_die_at(point)
    answers: list[Answer | None] = at_once(len(does), lambda number: getattr(server, how)(does[number]))
    assert server.has_died, f"nothing came to the point {point!r}"
    eventually(server.is_up, "the server is up again")
    return answers


@pytest.mark.parametrize("point", POINTS)
def test_a_server_killed_in_an_exchange_has_done_it_wholly_or_not_at_all(
    server: Server, world: World, point: str
) -> None:
    codes = world.codes(LOAD)

    answers = dies(server, point, codes, "redeems")

    done = [check_whole(code, answer, AuthorizationCode) for code, answer in zip(codes, answers, strict=True)]
    lost = [is_done for is_done, answer in zip(done, answers, strict=True) if answer is None]
    assert (point in DURABLE) in lost, "the call that died was past, or before, its commit"
    for code, answer, is_done in zip(codes, answers, done, strict=True):
        if answer:
            assert is_active(server, code, answer.json()["access_token"])
        again = server.redeems(code)
        assert again is not None
        if is_done:
            assert (again.status, again.json()["error"]) == (400, "invalid_grant")
            assert all(token.ended_at for token in tokens(code)), "its replay ended what the lost answer held"
        else:
            assert again.status == 200
            assert is_active(server, code, again.json()["access_token"])
        assert purposes(code) == [ACCESS, REFRESH], "never two pairs of one code"


@pytest.mark.parametrize("point", POINTS)
def test_45_a_server_killed_in_a_refresh_loses_no_school_its_access(server: Server, world: World, point: str) -> None:
    held = world.refresh_tokens(LOAD)

    answers = dies(server, point, held, "refreshes")

    done = [check_whole(item, answer, Token) for item, answer in zip(held, answers, strict=True)]
    lost = [is_done for is_done, answer in zip(done, answers, strict=True) if answer is None]
    assert (point in DURABLE) in lost, "the call that died was past, or before, its commit"
    for item, answer in zip(held, answers, strict=True):
        # Whoever lost the answer sends the old token again; whoever got it goes on with the new one.
        again = server.refreshes(item, answer.json()["refresh_token"] if answer else "")
        assert again is not None and again.status == 200, again
        body = again.json()
        assert live_leaves(item) == [digest(body["refresh_token"])], "one leaf, and its app holds it"
        assert is_active(server, item, body["access_token"])


def test_45_whoever_waits_longer_than_a_lost_response_lasts_is_refused_and_its_family_ends(
    server: Server, world: World
) -> None:
    [item] = world.refresh_tokens(1)
    assert dies(server, COMMITTED, [item], "refreshes") == [None]
    with sessions.begin() as db:
        used = db.get_one(Token, digest(item.value))
        assert used.used_at is not None
        used.used_at = used.used_at - (used.expires_at - used.issued_at)
    again = server.refreshes(item)
    assert again is not None and (again.status, again.json()["error"]) == (400, "invalid_grant")
    assert live_leaves(item) == []
    [control] = world.refresh_tokens(1)
    answered = server.refreshes(control)
    assert answered is not None and answered.status == 200


def test_kills_at_any_moment_of_a_steady_load_lose_nothing(server: Server, world: World) -> None:
    held = world.refresh_tokens(LOAD)
    ended = threading.Event()

    def lives(number: int) -> tuple[int, str]:
        """One app that refreshes on and on, and repeats what it got no answer to."""
        if number == LOAD:
            for _ in range(60 if LONG else 4):
                time.sleep(random.uniform(0.05, 0.4))
                os.kill(server.pid, signal.SIGKILL)
                eventually(server.is_up, "the server is up again")
            ended.set()
            return 0, ""
        token, count = held[number].value, 0
        while not ended.is_set():
            answer = server.refreshes(held[number], token)
            if answer:
                assert answer.status == 200, answer
                token, count = answer.json()["refresh_token"], count + 1
        return count, token

    lived = at_once(LOAD + 1, lives)

    for item, (count, token) in zip(held, lived[:LOAD], strict=True):
        assert count and live_leaves(item) == [digest(token)]
        answered = server.refreshes(item, token)
        assert answered is not None and answered.status == 200


def test_the_product_knows_nothing_of_failpoints() -> None:
    words = ("failpoint", "die-at", "tests.faults")
    sources: list[Path] = sorted((ROOT / "app").rglob("*.py"))
    assert len(sources) > 50
    assert [path for path in sources if any(word in path.read_text().lower() for word in words)] == []
