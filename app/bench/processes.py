"""What processes cost, as Linux counts it in /proc: each figure is of some processes and all their descendants."""

import os
from collections.abc import Collection
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(roots: Collection[int]) -> float:
    """User and system time so far, of children that have ended too."""
    return sum(sum(map(int, fields[11:15])) for fields in _tree(roots)) / _TICKS


def memory_mb(roots: Collection[int]) -> float:
    """Resident memory; what processes share is counted for each."""
    return sum(int(fields[21]) for fields in _tree(roots)) * _PAGE / 1e6


def _tree(roots: Collection[int]) -> list[list[str]]:
    """The fields of /proc/PID/stat from the third on (proc(5))."""
    known = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            known[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
    wanted = {root for root in roots if root in known}
    while more := {pid for pid, fields in known.items() if int(fields[1]) in wanted} - wanted:
        wanted |= more
    return [known[pid] for pid in wanted]
