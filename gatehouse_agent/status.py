"""How the agent does, by what it remembers: the server is not asked."""

from __future__ import annotations

import datetime as dt
from typing import Any

from gatehouse_agent import __version__
from gatehouse_agent.errors import NotEnrolled
from gatehouse_agent.home import Home, Memory

WORKING, FAILING, DISABLED, NOT_ENROLLED = "working", "failing", "disabled", "not enrolled"
SILENT = 86_400  # seconds without a heartbeat after which the school is told


def told(home: Home, clock: float) -> dict[str, Any]:
    """`state` is one of the four words above; `problem` says what to do. `clock`: seconds since 1970."""
    memory, settings = home.memory(), home.settings()
    said: dict[str, Any] = {"version": __version__, "home": str(home.folder), "folder": settings.folder}
    try:
        enrolment = home.enrolment()
    except NotEnrolled as wrong:
        return {**said, "state": NOT_ENROLLED, "problem": str(wrong)}
    off = home.disabled()
    state, problem = (FAILING, memory.problem) if memory.problem else _heard(memory, clock)
    if off and dt.datetime.fromtimestamp(clock).astimezone().date().isoformat() <= off.until:
        state, problem = DISABLED, f"Switched off until {off.until}: {off.why}"
    last = memory.sent
    return {
        **said,
        "state": state,
        "problem": problem,
        "server": enrolment.server,
        "school": enrolment.school,
        "heard_at": _iso(memory.heard_at),
        "waiting": 1 if memory.outgoing else 0,
        "last_batch": {"id": last.batch, "sent_at": _iso(last.at), "state": last.state, "note": last.note}
        if last
        else None,
        "clock_behind_seconds": round(memory.offset),
    }


def lines(said: dict[str, Any]) -> list[str]:
    """The same for people."""
    shown = [("State", said["state"]), ("Problem", said["problem"])]
    if "server" in said:
        last, school = said["last_batch"], said["school"]
        sent = f"{last['sent_at']}, {last['state']}. {last['note']}".rstrip(". ") if last else "nothing yet"
        shown += [
            ("School", f"{school.get('name')}, URN {school.get('urn')}"),
            ("Server", f"{said['server']}, last heard us {said['heard_at'] or 'never'}"),
            ("Last export", sent),
            ("Under way", "one export" if said["waiting"] else ""),
            ("Clock", f"{said['clock_behind_seconds']} seconds behind" if said["clock_behind_seconds"] else ""),
        ]
    shown += [("Folder", said["folder"] or "not set"), ("State folder", said["home"]), ("Version", said["version"])]
    return [f"{name + ':':14}{value}" for name, value in shown if value]


def _heard(memory: Memory, clock: float) -> tuple[str, str]:
    if clock - memory.heard_at <= SILENT:
        return WORKING, ""
    if not memory.heard_at:
        return FAILING, 'It has sent nothing yet. Run "gatehouse-agent once", then start the service.'
    return FAILING, "Gatehouse has not heard this agent for more than a day. Is its service running?"


def _iso(at: float) -> str:
    """Of seconds since 1970, in UTC; "" for never."""
    return dt.datetime.fromtimestamp(at, dt.timezone.utc).isoformat(timespec="seconds") if at else ""
