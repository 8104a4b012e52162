"""One round of work: look, pack, send, hear what became of it, and say how the agent does."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import logging
import platform
import time
from typing import Any, Callable

from gatehouse_agent import __version__, folder, key, packing, uploading
from gatehouse_agent.errors import AgentError, Refused, Removed
from gatehouse_agent.files import remove
from gatehouse_agent.folder import Seen
from gatehouse_agent.home import Disabled, Home, Outgoing, Sent
from gatehouse_agent.patience import Wait, patiently
from gatehouse_agent.server import Server

log = logging.getLogger(__name__)

DAY = 86_400  # seconds in which unchanged content is sent once
UNDECIDED = ("receiving", "received", "held")
HELD, REFUSED = "held", "refused"
ALTERED = "altered_content"
INTERVALS = (60, 3600)  # seconds between heartbeats, at least and at most, whatever the server asks
LONGEST_PROBLEM, LONGEST_PLATFORM = 500, 200  # characters that the server takes


class Agent:
    """An enrolled agent at work. Raises NotEnrolled when it is made where there is none."""

    def __init__(self, home: Home, wait: Wait, clock: Callable[[], float] = time.time) -> None:
        self.home, self.wait, self.clock = home, wait, clock
        self.settings = home.settings()
        self.enrolment = home.enrolment()
        self.memory = home.memory()
        self.server = Server(self.enrolment.server, key.kept(home.key), self.enrolment.refresh_token, clock)
        self.server.offset = self.memory.offset

    def work(self) -> None:
        """Send what is new, unless it is switched off. What is wrong is remembered, then raised as AgentError."""
        if self.disabled():
            return
        try:
            self._send_what_is_new()
            problem = self._follow()
        except Removed as wrong:
            self.memory.removed = str(wrong)
            self.home.keep_memory(self.memory)
            raise
        except AgentError as wrong:
            self._remember(str(wrong))
            raise
        except OSError as wrong:
            self._remember(f"The state folder {self.home.folder} cannot be used: {wrong}. Is its disk all right?")
            raise AgentError(self.memory.problem) from wrong
        self._remember(problem)
        if problem:
            raise AgentError(problem)

    def beat(self) -> None:
        """Say how the agent does. Raises AgentError."""
        off = self.disabled()
        state = "disabled" if off else "failing" if self.memory.problem else "working"
        problem = f"Switched off until {off.until}: {off.why}" if off else self.memory.problem
        told = {
            "version": __version__,
            "platform": platform.platform()[:LONGEST_PLATFORM],
            "clock": dt.datetime.fromtimestamp(self.clock(), dt.timezone.utc).isoformat(timespec="seconds"),
            "state": state,
            "source": {"kind": "folder", "where": self.settings.folder[-300:]},
            "problem": problem[:LONGEST_PROBLEM],
            "last_batch": self.memory.sent.batch if self.memory.sent else None,
            "waiting": 1 if self.memory.outgoing else 0,
        }
        try:
            answer = patiently(lambda: self.server.call("POST", "/heartbeat", told), self.wait)
        except Removed as wrong:
            self.memory.removed = str(wrong)
            self.home.keep_memory(self.memory)
            raise
        self._hear(answer)

    def disabled(self) -> Disabled | None:
        """Until when and why it is switched off; None once that day is over."""
        off = self.home.disabled()
        today = dt.datetime.fromtimestamp(self.clock()).astimezone().date().isoformat()
        return off if off and today <= off.until else None

    def _send_what_is_new(self) -> None:
        seen = folder.look(self.settings.folder)
        if not self._is_news(seen.text):
            return
        outgoing = self.memory.outgoing
        if outgoing is None or outgoing.seen != seen.text or not self.home.outgoing.exists():
            outgoing = self._pack()
        if outgoing is None:
            return
        try:
            batch, state = uploading.send(self.server, self.home, self.memory, outgoing, self.wait)
        except Refused as wrong:
            if wrong.code == ALTERED:  # the bytes that we kept are damaged: the next round packs them anew
                self._let_go()
            raise AgentError(f"Gatehouse did not take the export. {wrong}") from wrong
        log.info("The export has arrived at Gatehouse: %s bytes, batch %s.", f"{outgoing.size:,}", batch)
        self.memory.sent = Sent(outgoing.seen, outgoing.sha256, batch, self.clock(), state)
        self._let_go()

    def _is_news(self, seen: str) -> bool:
        sent = self.memory.sent
        return sent is None or sent.seen != seen or not 0 <= self.clock() - sent.at < DAY

    def _pack(self) -> Outgoing | None:
        """What is to be sent; None when it is what was sent less than a day ago."""
        seen: Seen = folder.settled(self.settings.folder, self.settings.stable_seconds, self.wait)
        if not seen.found:
            kinds = ", ".join(f"*{kind}" for kind in folder.KINDS)
            raise AgentError(f"The folder {seen.folder} holds no export yet ({kinds}). Let the MIS write one into it.")
        self._let_go()
        packed = packing.pack(seen, self.home.outgoing)
        sent = self.memory.sent
        if sent and sent.sha256 == packed.sha256 and 0 <= self.clock() - sent.at < DAY:
            sent.seen = seen.text
            self._let_go()
            return None
        log.info("The export is packed: %d files, %s bytes.", len(seen.found), f"{packed.size:,}")
        self.memory.outgoing = Outgoing(seen.text, packed.name, packed.sha256, packed.size)
        self.home.keep_memory(self.memory)
        return self.memory.outgoing

    def _let_go(self) -> None:
        self.memory.outgoing = None
        self.home.keep_memory(self.memory)
        remove(self.home.outgoing)

    def _follow(self) -> str:
        """What is wrong with what was sent last, in a sentence; "" when nothing is."""
        sent = self.memory.sent
        if sent and sent.state in UNDECIDED:
            told = uploading.follow(self.server, sent.batch, self.wait)
            if told.get("state") != sent.state:
                sent.state, sent.note = told.get("state", "unknown"), _note(told)
                log.info("Batch %s is %s. %s", sent.batch, sent.state, sent.note)
        return sent.note if sent and sent.state == REFUSED else ""

    def _remember(self, problem: str) -> None:
        self.memory.offset, self.memory.problem = self.server.offset, problem
        with contextlib.suppress(AgentError, OSError):  # a full disk is told, not remembered
            self.home.keep_memory(self.memory)

    def _hear(self, answer: dict[str, Any]) -> None:
        shortest, longest = INTERVALS
        self.memory.heard_at = self.clock()
        self.memory.interval = min(max(float(answer["interval_seconds"]), shortest), longest)
        self._remember(self.memory.problem)
        if answer["school"] != self.enrolment.school:
            self.enrolment = dataclasses.replace(self.enrolment, school=answer["school"])
            self.home.keep_enrolment(self.enrolment)


def _note(told: dict[str, Any]) -> str:
    """In words that name nobody: the reasons themselves may quote the data, and stay on the school's page."""
    state, faults = told.get("state"), told.get("faults") or []
    if state == REFUSED and faults:
        first = faults[0]
        where = f"{first.get('file') or 'the file'}, line {first.get('line') or 1}"
        return (
            f"Gatehouse could not take in the last export: {len(faults)} faults, the first in {where}. The school's"
            " page about its data says what they are. Correct them in the MIS, then export again."
        )
    if state == REFUSED:
        return "Gatehouse could not take in the last export. The school's page about its data says why."
    if state == HELD:
        return "It waits for an Admin of the school: " + " ".join(told.get("held") or [])
    return ""
