"""Waiting: for a server that is away, longer each time and never in step with the other schools' agents."""

from __future__ import annotations

import logging
import random
import threading
from typing import Callable, TypeVar

from gatehouse_agent.errors import Stopped, Unreachable

log = logging.getLogger(__name__)

TRIES = 8  # of one call, over about three minutes
SHORTEST, LONGEST, LONGEST_ASKED = 1.0, 60.0, 600.0  # seconds

T = TypeVar("T")
Wait = Callable[[float], None]


class Pause:
    """Waits that end at once when the agent is asked to stop."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def stop(self, *_: object) -> None:
        """Also a handler of signals."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        """Raises Stopped."""
        if self._stop.wait(seconds):
            raise Stopped


def patiently(work: Callable[[], T], wait: Wait) -> T:
    """The work's answer, tried again while it is Unreachable. Raises that in the end, or what `wait` raises."""
    for tried in range(TRIES - 1):
        try:
            return work()
        except Unreachable as wrong:
            if tried == 0:
                log.info("%s Trying again for some minutes.", wrong)
            wait(delay(tried, wrong.seconds))
    return work()


def delay(tried: int, asked: float | None) -> float:
    """Seconds until the next try, after `tried` tries before the one that failed; never less than was asked for."""
    own = random.uniform(0.5, 1) * min(LONGEST, SHORTEST * 2.0**tried)
    return max(own, min(asked or 0, LONGEST_ASKED))
