"""Group commit and grouped reads: calls that arrive together share one transaction.

A server under load receives many small independent calls at once. Each alone would cost a commit (an fsync); together
they cost one. Every caller still gets its own answer, and only after the commit that holds it.
"""

import asyncio
import dataclasses
import queue
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from app.db import DatabaseAway, PoolExhausted, Session

ROUNDS = 2  # of the event loop: one to write the answers, one to read what they lead to
LONGEST_WAIT = 0.05  # seconds
LONGEST_PATIENCE = 0.001
PAUSE = 0.0002

Call = TypeVar("Call")
Answer = TypeVar("Answer")


class Batch(Generic[Call, Answer]):
    """Runs `work(db, calls)` for the calls that gathered while the previous group ran; one group at a time.

    `work` returns one answer per call, in order; an answer may be an exception, which its caller gets raised after the
    commit. What `work` itself raises rolls the group back; then each call is tried alone, so that nobody suffers for
    a neighbour's mistake. Callers may be of any number of event loops.
    """

    def __init__(
        self,
        open_unit: Callable[[], AbstractContextManager[Session]],
        work: Callable[[Session, list[Call]], list[Answer]],
        most: int = 200,
    ) -> None:
        self._open_unit = open_unit
        self._work = work
        self._most = most
        self._waiting: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    async def __call__(self, call: Call) -> Answer:
        """Answer one call after its group is committed. Raises what this call alone came to."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.put(_Waiting(call, loop, future))
        if self._thread is None or not self._thread.is_alive():
            self._start()
        return await future

    def _start(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._serve, name="batch", daemon=True)
                self._thread.start()

    def _serve(self) -> None:
        expected, took = 1, 0.0
        while True:
            group = [self._waiting.get()]
            started = time.monotonic()
            _let_gather(group[0].loop)
            # Whoever was answered just now tends to be back in a moment, and a larger group costs each member less.
            patience = min(took / 2, LONGEST_PATIENCE)
            while len(group) + self._waiting.qsize() < expected and time.monotonic() - started < patience:
                time.sleep(PAUSE)
            while len(group) < self._most and not self._waiting.empty():
                group.append(self._waiting.get())
            started = time.monotonic()
            outcomes = self._outcomes([waiting.call for waiting in group])
            took = time.monotonic() - started
            expected = min(len(group) + self._waiting.qsize(), self._most)
            _deliver(group, outcomes)

    def _outcomes(self, calls: list[Call]) -> list[Answer | Exception]:
        together = self._unit(calls)
        if not isinstance(together, Exception):
            return together
        if len(calls) == 1:
            return [together]
        outcomes: list[Answer | Exception] = []
        for call in calls:
            alone = self._unit([call])
            if isinstance(alone, DatabaseAway | PoolExhausted):
                # The rest would only wait to hear the same.
                return outcomes + [alone] * (len(calls) - len(outcomes))
            outcomes += [alone] if isinstance(alone, Exception) else alone
        return outcomes

    def _unit(self, calls: list[Call]) -> list[Answer | Exception] | Exception:
        try:
            with self._open_unit() as db:
                answers: list[Answer | Exception] = list(self._work(db, calls))
        except Exception as failed:
            return failed
        return answers


@dataclasses.dataclass(frozen=True, slots=True)
class _Waiting:
    call: Any
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


def _let_gather(loop: asyncio.AbstractEventLoop) -> None:
    """Wait until the event loop has gone round, so that what has arrived meanwhile can join the group.

    Half of the callers are being answered while the other half waits: without this, two halves would take turns for
    ever and pay for twice as many transactions.
    """
    gathered = threading.Event()

    def turn(left: int) -> None:
        if left:
            loop.call_soon(turn, left - 1)
        else:
            gathered.set()

    try:
        loop.call_soon_threadsafe(turn, ROUNDS)
    except RuntimeError:  # that loop has closed
        return
    gathered.wait(LONGEST_WAIT)


def _deliver(group: list[_Waiting], outcomes: list[Any]) -> None:
    """Wake the callers: one call into each event loop, not one for each caller."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for waiting, outcome in zip(group, outcomes, strict=True):
        by_loop.setdefault(waiting.loop, []).append((waiting.future, outcome))
    for loop, answered in by_loop.items():
        try:
            loop.call_soon_threadsafe(_answer, answered)
        except RuntimeError:  # that loop has closed: nobody is there to be told
            continue


def _answer(answered: list[tuple["asyncio.Future[Any]", Any]]) -> None:
    for future, outcome in answered:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
