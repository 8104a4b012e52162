"""One agent at a time: two that send the same folder would get in each other's way."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from gatehouse_agent.errors import AgentError


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of the operating system on this file, which ends with the process however it ends.

    Raises AgentError when another process holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _take(descriptor)
        except OSError:
            raise AgentError(
                "Another gatehouse-agent is at work on this machine. Wait until it is done, or stop its service first:"
                ' "systemctl stop gatehouse-agent", or on Windows end the scheduled task.'
            ) from None
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
