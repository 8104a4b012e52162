"""Group commit: calls that gather share a transaction, and none of them notices the others."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.batch import Batch
from app.db import Session, sessions
from app.models.base import ahead
from app.models.partner import Partner
from tests.oauth.dance import at_once


class Units:
    """Counts the transactions, and can hold the first one open until the calls have gathered."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.go = threading.Event()
        self.go.set()

    @contextmanager
    def begin(self) -> Iterator[Session]:
        self.go.wait(10)
        with sessions.begin() as db:
            yield db

    def add(self, db: Session, names: list[str]) -> list[str | Exception]:
        """Add a partner for each name. `bad` breaks the unit, `no` is refused without breaking it."""
        self.sizes.append(len(names))
        answers: list[str | Exception] = []
        for name in names:
            if name.startswith("bad"):
                raise ValueError(name)
            db.add(Partner(name=name, created_at=ahead(0)))
            answers.append(LookupError(name) if name.startswith("no") else name.upper())
        db.flush()
        return answers


def partners() -> set[str]:
    with sessions.read() as db:
        return set(db.scalars(select(Partner.name)))


async def gathered(units: Units, batch: "Batch[str, Any]", *names: str) -> list[Any]:
    """The outcomes of calls that are all waiting before the first group starts."""
    units.go.clear()
    calls = [asyncio.ensure_future(batch(name)) for name in ("first", *names)]
    await asyncio.sleep(0)
    units.go.set()
    return list(await asyncio.gather(*calls, return_exceptions=True))[1:]


def test_calls_that_gather_share_a_transaction_and_each_gets_its_own_answer() -> None:
    units = Units()
    names = [f"p{number}" for number in range(50)]

    outcomes = asyncio.run(gathered(units, Batch(units.begin, units.add), *names))

    assert outcomes == [name.upper() for name in names]
    assert partners() == {"first", *names}
    assert sum(units.sizes) == 51 and len(units.sizes) <= 3


def test_a_group_is_no_larger_than_it_may_be() -> None:
    units = Units()
    outcomes = asyncio.run(gathered(units, Batch(units.begin, units.add, most=10), *"abcdefghijklmnopqrstuvwxy"))
    assert outcomes == list("ABCDEFGHIJKLMNOPQRSTUVWXY")
    assert max(units.sizes) == 10


def test_nobody_suffers_for_a_neighbours_mistake() -> None:
    units = Units()
    outcomes = asyncio.run(gathered(units, Batch(units.begin, units.add), "a", "bad", "b", "no", "c"))
    assert [repr(outcome) for outcome in outcomes] == ["'A'", "ValueError('bad')", "'B'", "LookupError('no')", "'C'"]
    assert partners() == {"first", "a", "b", "no", "c"}, "a refusal is an answer: what was done with it stays"


def test_an_answer_comes_only_after_the_commit() -> None:
    units = Units()
    seen: list[set[str]] = []

    async def run() -> None:
        batch: Batch[str, Any] = Batch(units.begin, units.add)
        await batch("a")
        seen.append(partners())

    asyncio.run(run())
    assert seen == [{"a"}]


def test_when_storage_is_away_nobody_waits_for_all_the_others_to_find_out() -> None:
    tries: list[int] = []

    def work(_db: Session, names: list[str]) -> list[str | Exception]:
        tries.append(len(names))
        raise OperationalError("SELECT", {}, Exception("away"))

    units = Units()
    outcomes = asyncio.run(gathered(units, Batch(units.begin, work), *(str(number) for number in range(40))))
    assert all(isinstance(outcome, OperationalError) for outcome in outcomes)
    assert len(tries) <= 6


def test_a_caller_that_went_away_takes_nobody_with_it() -> None:
    units = Units()

    async def run() -> Any:
        batch: Batch[str, Any] = Batch(units.begin, units.add)
        units.go.clear()
        impatient, patient = asyncio.ensure_future(batch("a")), asyncio.ensure_future(batch("b"))
        await asyncio.sleep(0)
        impatient.cancel()
        units.go.set()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        return await patient, await batch("c")

    assert asyncio.run(run()) == ("B", "C")


def test_many_event_loops_may_share_a_batch() -> None:
    units = Units()
    batch: Batch[str, Any] = Batch(units.begin, units.add)
    outcomes = at_once(20, lambda number: asyncio.run(batch(f"p{number}")))
    assert outcomes == [f"P{number}" for number in range(20)]
    assert asyncio.run(batch("after")) == "AFTER"
