"""protocol.md 66 and security.md a, b: storage that fails, and a process that dies, at the worst moment."""

import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.db import Session, sessions
from app.models.token import Token
from app.oauth import store
from app.settings import ROOT
from tests.oauth.dance import Dance, refusal


def away() -> AbstractContextManager[Session]:
    """A transaction that cannot begin."""
    raise OperationalError("BEGIN", {}, Exception("no connection"))


def is_unavailable(answered: Any) -> bool:
    assert refusal(answered) == (503, "temporarily_unavailable")
    return bool(answered.headers["retry-after"])


def tokens() -> int:
    with sessions.read() as db:
        return db.scalar(select(func.count()).select_from(Token)) or 0


def test_66_without_storage_there_is_no_token_and_the_code_is_kept(
    dance: Dance, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = dance.code()
    pair = dance.redeems(dance.code()).json()
    with monkeypatch.context() as broken:
        broken.setattr(store._writes, "_open_unit", away)
        assert is_unavailable(dance.redeems(code))
        assert is_unavailable(dance.refreshes(pair["refresh_token"]))
    assert dance.redeems(code).status_code == 200
    assert dance.refreshes(pair["refresh_token"]).status_code == 200


def test_66_storage_that_fails_halfway_leaves_nothing_behind(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    code = dance.code()
    pair = dance.redeems(dance.code()).json()
    with monkeypatch.context() as broken:
        broken.setattr(Token, "add_all", fails)
        assert is_unavailable(dance.redeems(code))
        assert is_unavailable(dance.refreshes(pair["refresh_token"]))
    assert tokens() == 2
    assert dance.redeems(code).status_code == 200
    assert dance.refreshes(pair["refresh_token"]).status_code == 200


def test_66_a_token_is_believed_no_longer_than_its_state_is_kept(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    token = dance.tokens()["access_token"]
    clock = [100.0]
    monkeypatch.setattr(store, "clock", lambda: clock[0])
    assert dance.reads(token).status_code == 200
    with monkeypatch.context() as broken:
        broken.setattr(store._access_tokens._read, "_open_unit", away)
        assert dance.reads(token).status_code == 200
        clock[0] += 0.81
        refused = dance.reads(token)
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
    assert dance.reads(token).status_code == 200


def test_an_unexpected_failure_is_a_500_that_tells_nothing(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    code = dance.code()
    with monkeypatch.context() as broken:
        broken.setattr("app.oauth.store._find_clients", None)
        broken.setattr(store._clients, "_read", None)
        store._clients._kept.clear()
        answered = dance.redeems(code)
        assert refusal(answered) == (500, "server_error")
        assert "NoneType" not in answered.text
    assert dance.redeems(code).status_code == 200


DIES = """
import os, signal, sys, uuid
from app.db import sessions
from app.models.token import Token
from app.oauth import authorization_code, store
from app.oauth.authorization_code import Redemption
from app.secrets import digest
when, code, verifier, client_id = sys.argv[1:]
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
if when == "before the tokens": Token.add_all = die
with sessions.begin() as db:
    client = store._find_clients(db, [client_id])[client_id]
    authorization_code._exchange(db, [Redemption(digest(code), client, "https://partner.example/callback", verifier, None)])
    if when == "before the commit": die()
die()
"""


def dies(dance: Dance, when: str, code: str) -> None:
    arguments = [when, code, dance.verifier, dance.app.client_id]
    ended = subprocess.run([sys.executable, "-c", DIES, *arguments], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize("when", ["before the tokens", "before the commit"])
def test_a_process_killed_in_an_exchange_has_done_nothing(dance: Dance, when: str) -> None:
    code = dance.code()
    dies(dance, when, code)
    assert tokens() == 0
    answered = dance.redeems(code)
    assert answered.status_code == 200
    assert dance.reads(answered.json()["access_token"]).status_code == 200


def test_a_process_killed_after_the_commit_has_used_the_code_for_good(dance: Dance) -> None:
    code = dance.code()
    dies(dance, "before the answer", code)
    assert tokens() == 2
    assert refusal(dance.redeems(code)) == (400, "invalid_grant")
    with sessions.read() as db:
        assert db.scalar(select(func.count()).select_from(Token).where(Token.ended_at.is_(None))) == 0
    assert dance.redeems(dance.code()).status_code == 200
