"""What goes wrong, in words for a school's technician: what it is, and what to do next."""

from __future__ import annotations

import traceback
from pathlib import Path


class AgentError(Exception):
    """It cannot go on until somebody has done what the text says."""


class NotEnrolled(AgentError):
    """This machine has no agent that Gatehouse knows, or has it no longer."""


class Removed(AgentError):
    """The school has removed this agent, for good."""


class Unreachable(AgentError):
    """It may work later, by itself. `seconds`: how long the server asks to wait; None when it does not say."""

    def __init__(self, text: str, seconds: float | None = None) -> None:
        super().__init__(text)
        self.seconds = seconds


class Refused(AgentError):
    """The server's no to one call. `code` is the error's own word (RFC 9457 type, RFC 6749 error)."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status, self.code = status, code


class Damaged(AgentError):
    """A file of the state folder cannot be what the agent wrote."""


class Stopped(Exception):
    """The agent was asked to end, and ends at the next safe point."""


def unexpected(wrong: Exception) -> str:
    """For a mistake of our own: where it is. Not what Python says of it, which may quote a file's name or content."""
    place = traceback.extract_tb(wrong.__traceback__)[-1]
    where = f"{type(wrong).__name__} in {Path(place.filename).name}, line {place.lineno}"
    return f"Something unexpected went wrong: {where}. Tell the support of Gatehouse if it happens again."
