"""Files that are whole or not there: a machine that loses power in between leaves the old one."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from gatehouse_agent.errors import AgentError, Damaged

FULL = (errno.ENOSPC, errno.EDQUOT)
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


def make_private(folder: Path) -> None:
    """Make the folder, if need be; only the account of the agent (on Windows also Administrators) can look into it."""
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        if sys.platform == "win32":
            _restrict(folder)
        elif folder.stat().st_mode & 0o077:
            folder.chmod(PRIVATE_FOLDER)
    except (OSError, subprocess.SubprocessError) as wrong:
        raise AgentError(
            f"The folder {folder} cannot be made private: {wrong}. Run this as root or Administrator, or name another"
            " folder with --home."
        ) from wrong


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` once all of it is on the disk. Raises AgentError for a full disk.

    Only the account of the agent can read it.
    """
    made = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), PRIVATE_FILE)
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, path)
        _sync(path.parent)
    except BaseException as wrong:
        with contextlib.suppress(OSError):
            made.unlink()
        if isinstance(wrong, OSError) and wrong.errno in FULL:
            raise AgentError(
                f"The disk that holds {path.parent} is full. Free some space on it; the agent then goes on by itself."
            ) from wrong
        raise


def write_json(path: Path, told: dict[str, Any]) -> None:
    with replacing(path) as file:
        file.write(json.dumps(told, indent=1, sort_keys=True).encode())


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file; empty when there is no such file. Raises Damaged, or AgentError."""
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except PermissionError as wrong:
        raise AgentError(
            f"{path} cannot be read by this account. Run this as the account that the agent runs as, or as root or"
            " Administrator."
        ) from wrong
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Damaged(f"{path} is damaged. Restore it from a backup, or delete it and run the last command again.")
    return told


def remove(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def _sync(folder: Path) -> None:
    """Let the new name itself reach the disk. Windows keeps names in a journal of its own."""
    if sys.platform != "win32":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _restrict(folder: Path) -> None:
    """Access for SYSTEM, Administrators and the owner, and for nobody by inheritance."""
    program = str(Path(os.environ["SYSTEMROOT"]) / "System32" / "icacls.exe")
    # Anybody may make folders in ProgramData: one that somebody else made is taken over, where that is allowed.
    subprocess.run(
        [program, str(folder), "/setowner", "*S-1-5-32-544", "/q"], check=False, capture_output=True, timeout=60
    )
    grants = [part for who in ("18", "32-544") for part in ("/grant:r", f"*S-1-5-{who}:(OI)(CI)F")]
    owner = ["/grant:r", "*S-1-3-4:(OI)(CI)F"]
    command = [program, str(folder), "/inheritance:r", *grants, *owner, "/q"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
