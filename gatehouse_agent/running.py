"""The service: it looks, sends and says how it does, until it is stopped or the school removes it."""

from __future__ import annotations

import logging
import time
from typing import Callable

from gatehouse_agent.errors import AgentError, NotEnrolled, Removed, Stopped, unexpected
from gatehouse_agent.work import Agent

log = logging.getLogger(__name__)


def run(agent: Agent, moment: Callable[[], float] = time.monotonic) -> None:
    """Returns when the agent is stopped. Raises Removed when the school has removed it.

    `moment`: seconds of a clock that nobody sets.
    """
    look_at = beat_at = moment()
    was_off, said = False, ""
    log.info("At work for %s: watching %s.", agent.enrolment.school.get("name"), agent.settings.folder or "no folder")
    try:
        while True:
            off = bool(agent.disabled())
            if off != was_off:
                log.info("Switched off on purpose." if off else "Switched on again.")
                beat_at = moment()
            if moment() >= look_at:
                said = _tell(agent.work, said)
                look_at = moment() + agent.settings.look_seconds
            if moment() >= beat_at:
                _tell(agent.beat, said)
                beat_at = moment() + agent.memory.interval
            was_off = off
            agent.wait(max(0.0, min(look_at, beat_at) - moment()))
    except Stopped:
        log.info("Stopped. What was under way goes on at the next start.")


def _tell(work: Callable[[], None], said: str) -> str:
    """Do it; what is wrong is logged unless it was `said` before. Whatever is wrong, the service goes on."""
    try:
        work()
    except (Removed, NotEnrolled, Stopped):
        raise
    except AgentError as wrong:
        problem = str(wrong)
    except Exception as wrong:
        problem = unexpected(wrong)
    else:
        problem = ""
    if problem and problem != said:
        log.warning("%s", problem)
    if said and not problem:
        log.info("All is well again.")
    return problem
