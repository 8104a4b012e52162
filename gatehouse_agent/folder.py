"""What stands in the folder of exports, and whether the MIS has finished writing it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

from gatehouse_agent.errors import AgentError, Unreachable

KINDS = (".csv", ".tsv", ".zip", ".xml")
PASSING = ("~$", ".")  # what Office and editors put beside a file that is open
LOOKS = 60  # in a row at files that go on changing


@dataclasses.dataclass(frozen=True, order=True)
class Found:
    """A file: its name, its size in bytes, when it was last changed in nanoseconds since 1970."""

    name: str
    size: int
    changed: int


@dataclasses.dataclass(frozen=True)
class Seen:
    """One look at the folder: its files by name."""

    folder: Path
    found: tuple[Found, ...]

    @property
    def text(self) -> str:
        """The same for the same files, and another when one of them was touched."""
        return "\n".join(f"{one.name}\t{one.size}\t{one.changed}" for one in self.found)


def look(folder: str) -> Seen:
    """Raises AgentError when there is no such folder, or it cannot be read."""
    if not folder:
        raise AgentError('No folder is set. Run "gatehouse-agent enrol" again with --folder and the MIS\'s folder.')
    try:
        with os.scandir(folder) as entries:
            found = [one for entry in entries if _counts(entry) and (one := _found(entry))]
    except OSError as wrong:
        raise AgentError(
            f"The folder {folder} cannot be read: {wrong.strerror}. Does it exist, and may the account of the agent"
            " read it and its files?"
        ) from wrong
    return Seen(Path(folder), tuple(sorted(found)))


def settled(folder: str, seconds: float, wait: Callable[[float], None]) -> Seen:
    """The folder, once nothing in it has changed for that long. Raises Unreachable when that does not happen."""
    seen = look(folder)
    for _ in range(LOOKS):
        wait(seconds)
        again = look(folder)
        if again == seen:
            return seen
        seen = again
    raise Unreachable(f"The files in {folder} go on changing. The agent tries again later.")


def _counts(entry: os.DirEntry[str]) -> bool:
    return entry.name.lower().endswith(KINDS) and not entry.name.startswith(PASSING) and entry.is_file()


def _found(entry: os.DirEntry[str]) -> Found | None:
    """None when it has gone meanwhile."""
    try:
        entry.name.encode()
        told = os.stat(entry.path)  # on Windows the entry's own may be older
    except FileNotFoundError:
        return None
    except UnicodeError:
        raise AgentError(
            "The name of a file in the folder is not Unicode. Let the MIS name its files in ASCII."
        ) from None
    return Found(entry.name, told.st_size, told.st_mtime_ns)
