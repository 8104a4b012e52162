"""What the agent keeps in its state folder, so that it goes on after anything.

settings.json   what to watch: the technician may edit it while the agent does not run
enrolment.json  the server, the school and the refresh token; key.pem: the key pair
memory.json     what was sent, and what is under way; outgoing: the very bytes that are under way
disabled.json   there while the agent is switched off on purpose
agent.log, lock
"""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any, TypeVar

from gatehouse_agent import files
from gatehouse_agent.errors import AgentError, Damaged, NotEnrolled

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Settings:
    """`folder`: where the MIS puts its export. Seconds: without change until a file counts as whole; between looks."""

    folder: str = ""
    stable_seconds: float = 10
    look_seconds: float = 60


@dataclasses.dataclass(frozen=True)
class Enrolment:
    """`school`: {"urn", "name", "status"}, as the server last said."""

    server: str
    refresh_token: str
    endpoint_id: str
    school: dict[str, Any]


@dataclasses.dataclass
class Outgoing:
    """Content that is packed and not yet known to be complete at the server. `seen`: see `folder.Seen.text`."""

    seen: str
    name: str
    sha256: str
    size: int
    batch: str | None = None


@dataclasses.dataclass
class Sent:
    """Content that the server has whole. `at`: seconds since 1970; `state` and `note`: what became of it."""

    seen: str
    sha256: str
    batch: str
    at: float
    state: str = "received"
    note: str = ""


@dataclasses.dataclass
class Memory:
    """`problem`: what somebody has to do something about; "" when all is well."""

    outgoing: Outgoing | None = None
    sent: Sent | None = None
    problem: str = ""
    heard_at: float = 0  # the server, when it last took a heartbeat
    interval: float = 300  # seconds between two heartbeats
    offset: float = 0  # seconds that the server's clock is ahead of ours
    removed: str = ""  # why the server knows this agent no more


@dataclasses.dataclass(frozen=True)
class Disabled:
    """Switched off on purpose. `until`: the last day of it, as 2027-01-31."""

    until: str
    why: str


class Home:
    """The state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = folder / "key.pem"
        self.outgoing = folder / "outgoing"
        self.lock = folder / "lock"
        self.log = folder / "agent.log"
        self._settings = folder / "settings.json"
        self._enrolment = folder / "enrolment.json"
        self._memory = folder / "memory.json"
        self._disabled = folder / "disabled.json"

    def settings(self) -> Settings:
        """Raises AgentError when somebody has written into it what cannot be."""
        told = files.read_json(self._settings)
        made = _made(Settings, told, self._settings)
        seconds = (made.stable_seconds, made.look_seconds)
        if not isinstance(made.folder, str) or any(type(one) not in (int, float) or one < 0 for one in seconds):
            raise AgentError(
                f"{self._settings}: folder is a text, and the seconds are numbers from 0. Correct it, then try again."
            )
        return made

    def keep_settings(self, settings: Settings) -> None:
        files.write_json(self._settings, dataclasses.asdict(settings))

    def enrolment(self) -> Enrolment:
        """Raises NotEnrolled."""
        told = files.read_json(self._enrolment)
        if not told:
            raise NotEnrolled('This machine is not enrolled. Run "gatehouse-agent enrol --server https://..." first.')
        if removed := self.memory().removed:
            raise NotEnrolled(removed)
        return _made(Enrolment, told, self._enrolment)

    def keep_enrolment(self, enrolment: Enrolment) -> None:
        files.write_json(self._enrolment, dataclasses.asdict(enrolment))

    def memory(self) -> Memory:
        """Empty when it is damaged: at worst, something is sent twice."""
        try:
            told = files.read_json(self._memory)
            outgoing, sent = told.pop("outgoing", None), told.pop("sent", None)
            made = _made(Memory, told, self._memory)
            made.outgoing = _made(Outgoing, outgoing, self._memory) if outgoing else None
            made.sent = _made(Sent, sent, self._memory) if sent else None
        except Damaged:
            return Memory()
        return made

    def keep_memory(self, memory: Memory) -> None:
        files.write_json(self._memory, dataclasses.asdict(memory))

    def disabled(self) -> Disabled | None:
        told = files.read_json(self._disabled)
        return _made(Disabled, told, self._disabled) if told else None

    def keep_disabled(self, disabled: Disabled | None) -> None:
        if disabled:
            files.write_json(self._disabled, dataclasses.asdict(disabled))
        else:
            files.remove(self._disabled)

    def forget(self) -> None:
        """All but the settings, the lock and the log; also what a write that was cut off has left."""
        files.remove(self._enrolment, self.key, self.outgoing, self._memory, self._disabled)
        files.remove(*self.folder.glob("*.new"))


def usual_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "Gatehouse Agent"
    else:  # noqa: RET505 -- a type checker on Windows would find the rest unreachable
        return Path("/var/lib/gatehouse-agent")


def _made(kind: type[T], told: dict[str, Any], path: Path) -> T:
    """What another version of the agent has added is left out. Raises Damaged when something is lacking."""
    try:
        return kind(**{name: value for name, value in told.items() if name in kind.__annotations__})
    except TypeError:
        raise Damaged(f"{path} is damaged. Delete it, and run the last command again.") from None
