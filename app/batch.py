"""Group commit and grouped reads: calls that arrive together share one transaction.

A server under load receives many small independent calls at once. Each alone would cost a commit (an fsync); together
they cost one. Every caller still gets its own answer, and only after the commit that holds it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

from app.db import Session

Call = TypeVar("Call")
Answer = TypeVar("Answer")


class Batch(Generic[Call, Answer]):
    """Runs `work(db, calls)` for the calls that gathered while the previous group ran; one group at a time.

    `work` returns one answer per call, in order. A call that fails the whole group is retried alone, so that nobody
    suffers for a neighbour's mistake.
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
        self._waiting: list[tuple[Call, asyncio.Future[Answer]]] = []
        self._running: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batch")

    async def __call__(self, call: Call) -> Answer:
        """Answer one call after its group is committed. Raises what `work` raised for this call alone."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            outcomes = await loop.run_in_executor(self._thread, self._run, [call for call, _ in group])
            for (_, future), outcome in zip(group, outcomes, strict=True):
                if future.done():
                    continue
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _run(self, calls: list[Call]) -> list[Answer | Exception]:
        try:
            with self._open_unit() as db:
                return list(self._work(db, calls))
        except Exception as failed:
            if len(calls) == 1:
                return [failed]
        return [outcome for call in calls for outcome in self._run([call])]
