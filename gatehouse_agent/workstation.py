"""Whether this is a place for an agent: a server that is always on, and not somebody's own computer."""

from __future__ import annotations

import os
import sys

from gatehouse_agent.errors import AgentError

FIRST_PERSON = 1000  # user ids below are the system's
NO_SHELLS = ("", "nologin", "false", "true", "sync")
WORKSTATION = 1  # VER_NT_WORKSTATION of Windows' OSVERSIONINFOEX


def check() -> None:
    """Raises AgentError on a workstation, or for a person's own account."""
    if sys.platform == "win32":
        import ctypes

        if sys.getwindowsversion().product_type == WORKSTATION:
            raise _refused("This is a workstation, not a server.")
        if not ctypes.windll.shell32.IsUserAnAdmin():
            raise _refused("This was not started as Administrator.")
    else:
        import pwd

        user = os.geteuid()
        try:
            shell = pwd.getpwuid(user).pw_shell
        except KeyError:  # made by systemd for a service
            shell = ""
        if is_person(user, shell):
            raise _refused("This is a person's own account, not one of the system.")


def is_person(user: int, shell: str) -> bool:
    """Of an account of Unix: its id, and the program that it signs in to."""
    return user >= FIRST_PERSON and os.path.basename(shell) not in NO_SHELLS


def _refused(what: str) -> AgentError:
    return AgentError(
        f"{what} The agent belongs on a server of the school that is always on, run as a service by the system (root,"
        " or as Administrator). If you know that this is right all the same, add --allow-workstation."
    )
