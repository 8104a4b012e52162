"""Ids that count once, whoever asks at the same moment and in whichever process; and how they are forgotten."""

import itertools
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.db import sessions
from app.models.base import SWEPT_MOST, ago, ahead
from app.models.spent_id import ASSERTION, DPOP, RETURNED, SpentId
from app.oauth import single_use
from app.oauth.single_use import Spending
from app.secrets import digest
from tests.oauth.dance import Dance, at_once
from tests.oauth.proofs import Signer


def spending(name: str, purpose: str = DPOP) -> Spending:
    return Spending(purpose, digest(name), ahead(60))


def group(calls: list[Spending]) -> list[Any]:
    """As another process would run it: in a transaction of its own."""
    with sessions.begin() as db:
        return single_use._spend(db, calls)


def rows() -> int:
    with sessions.read() as db:
        return db.scalar(select(func.count()).select_from(SpentId)) or 0


def test_one_of_many_processes_uses_an_id_up() -> None:
    answers = at_once(12, lambda _: group([spending("one")]))
    assert sorted(answer for (answer,) in answers) == [False] * 11 + [True]
    assert group([spending("two")]) == [True]


def test_groups_that_share_ids_wait_for_each_other_and_each_id_has_one_winner() -> None:
    calls = [spending(str(number)) for number in range(20)]
    answers = at_once(6, lambda number: group(calls if number % 2 else calls[::-1]))
    assert sum(itertools.chain.from_iterable(answers)) == len(calls)


def test_purposes_are_apart() -> None:
    assert group([spending("one", DPOP), spending("one", ASSERTION), spending("one", RETURNED)]) == [True] * 3
    assert group([spending("one", ASSERTION), spending("two", DPOP)]) == [False, True]


def test_what_is_too_old_to_matter_is_forgotten(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    key = Signer()
    group([spending("old"), spending("older"), spending("young")])
    with sessions.begin() as db:
        db.execute(update(SpentId).where(SpentId.digest != digest("young")).values(expires_at=ago(1)))
    assert dance.redeems(dance.code(), headers=key.proves()).status_code == 200
    assert rows() == 4, "not with every call"
    monkeypatch.setattr(single_use._sweep, "_last", -1e9)
    assert dance.redeems(dance.code(), headers=key.proves()).status_code == 200
    assert rows() == 3
    assert group([spending("young")]) == [False]


def test_clearing_away_goes_on_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    deleted = iter([SWEPT_MOST, SWEPT_MOST, 3, 0])
    sweep = single_use.Sweep(lambda _db: next(deleted))
    monkeypatch.setattr(sweep, "_last", -1e9)
    with sessions.begin() as db:
        for _ in range(5):
            sweep(db)
    assert next(deleted) == 0, "three turns, and then a minute's rest"
