"""What goes wrong, in words for a school's technician: what it is, and what to do next."""

from __future__ import annotations


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


class Stopped(Exception):
    """The agent was asked to end, and ends at the next safe point."""
