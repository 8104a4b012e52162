"""What processes cost, as Linux counts it in /proc: each figure is of some processes and all their descendants."""

import os
from collections.abc import Collection
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(roots: Collection[int]) -> float:
    """User and system time so far, of children that have ended too."""
    return sum(sum(map(int, fields[11:15])) for fields in _tree(roots).values()) / _TICKS


def memory_mb(roots: Collection[int]) -> float:
    """Resident memory; what processes share is divided between them (PSS), as it is there once."""
    return sum(_share_kb(int(pid)) for pid in _tree(roots)) * 1024 / 1e6


def _share_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it ended while we looked
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _tree(roots: Collection[int]) -> dict[int, list[str]]:
    """By process, the fields of /proc/PID/stat from the third on (proc(5))."""
    known = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            known[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
    wanted = {root for root in roots if root in known}
    while more := {pid for pid, fields in known.items() if int(fields[1]) in wanted} - wanted:
        wanted |= more
    return {pid: known[pid] for pid in wanted}
