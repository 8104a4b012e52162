"""What `gatehouse bench oauth` prints: for people, for docs/performance.md, for programs."""

import dataclasses
import datetime as dt
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from app.bench.oauth import Figure, Plan, Result
from app.bench.oauth_servers import Server

_COLUMNS = ("work", "connections", "ours /s", "peer /s", "ratio", "p50 ms", "p99 ms", "p99 ratio", "CPU s per 1,000")


def as_text(plan: Plan, result: Result) -> str:
    lines = [_machine(), _method(plan)]
    for title, rows in _tables(result):
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        lines += ["", title, *(_aligned(row, widths) for row in rows)]
    return "\n".join([*lines, "", *_about_servers(result), *_faults(result)])


def as_markdown(plan: Plan, result: Result) -> str:
    lines = [_machine(), _method(plan)]
    for title, (head, *rows) in _tables(result):
        lines += ["", f"**{title}**", "", _row(head), "|".join(["", *("---" for _ in head), ""]), *map(_row, rows)]
    return "\n".join([*lines, "", *(f"- {line}" for line in (*_about_servers(result), *_faults(result)))])


def as_json(plan: Plan, result: Result) -> str:
    figures = [
        {"work": work, "connections": connections, "server": name} | dataclasses.asdict(figure)
        for (work, connections), by_server in result.figures.items()
        for name, figure in by_server.items()
    ]
    ratios = [
        {"work": work, "connections": connections, "ours": mine.name, "peer": peer.name}
        | {name: _ratio(getattr(one, name), getattr(other, name)) for name in ("rate", "p50", "p99", "cpu")}
        for mine, peer in _pairs(result)
        if peer
        for (work, connections), one, other in _beside(result, mine, peer)
        if other
    ]
    servers = [
        {"name": server.name, "start_seconds": server.start_seconds, "memory_mb": result.memory_mb.get(server.name)}
        for server in result.servers
    ]
    plain = {"machine": _machine(), "plan": dataclasses.asdict(plan), "servers": servers}
    return json.dumps(plain | {"figures": figures, "ratios": ratios})


def _tables(result: Result) -> Iterator[tuple[str, list[list[str]]]]:
    """A title and rows, the head first, for each of ours beside each peer, or alone where there is none."""
    for mine, peer in _pairs(result):
        rows = [list(_COLUMNS)]
        for (work, connections), one, other in _beside(result, mine, peer):
            rows.append([work, str(connections), *_cells(one, other)])
        if peer is None:
            rows = [[cell for place, cell in enumerate(row) if place not in (3, 4, 7)] for row in rows]
        yield f"{mine.name} beside {peer.name}" if peer else mine.name, rows


def _pairs(result: Result) -> list[tuple[Server, Server | None]]:
    peers: list[Server | None] = [server for server in result.servers if not server.is_ours]
    return [(mine, peer) for mine in result.servers if mine.is_ours for peer in peers or [None]]


def _beside(
    result: Result, mine: Server, peer: Server | None
) -> Iterator[tuple[tuple[str, int], Figure, Figure | None]]:
    for key, by_server in result.figures.items():
        yield key, by_server[mine.name], by_server.get(peer.name) if peer else None


def _cells(one: Figure, other: Figure | None) -> list[str]:
    other = other or Figure()
    ratio, slower = _ratio(one.rate, other.rate), _ratio(one.p99, other.p99)
    return [
        "failed" if one.fault else f"{one.rate:,.0f}",
        "failed" if other.fault else "" if other.rate is None else f"{other.rate:,.0f}",
        "" if ratio is None else f"{ratio:.2f} x",
        _both(one.p50, other.p50, 1),
        _both(one.p99, other.p99, 1),
        "" if slower is None else f"{slower:.2f} x",
        _both(one.cpu, other.cpu, 3),
    ]


def _ratio(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else round(one / other, 3)


def _both(one: float | None, other: float | None, digits: int) -> str:
    """Ours, and behind a stroke the peer's."""
    mine, theirs = ("–" if value is None else f"{value:.{digits}f}" for value in (one, other))
    return mine if theirs == "–" else f"{mine} / {theirs}"


def _about_servers(result: Result) -> Iterator[str]:
    for server in result.servers:
        facts = []
        if server.name in result.memory_mb:
            facts.append(f"{result.memory_mb[server.name]:.0f} MB of memory after the work")
        if server.start_seconds is not None:
            facts.append(f"{server.start_seconds:.2f} s from its second start to the first answer")
        yield f"{server.name}: {', '.join(facts) or 'not started here'}"


def _faults(result: Result) -> Iterator[str]:
    for (work, connections), by_server in result.figures.items():
        for name, figure in by_server.items():
            if figure.fault:
                yield f"{work} of {name} at {connections} connections failed: {figure.fault}"


def _machine() -> str:
    cores, system = os.cpu_count(), f"{platform.system()} {platform.release()}"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = Path("/proc/loadavg").read_text().split()[0]
    return (
        f"{dt.datetime.now(dt.UTC):%d %B %Y}: {cores} cores, {memory:.0f} GiB, {system},"
        f" Python {platform.python_version()}; load of the last minute {load}, the bench itself included."
    )


def _method(plan: Plan) -> str:
    return (
        f"Medians of {plan.rounds} rounds, {plan.seconds} s for each server in turn; {plan.workers} workers,"
        f" {plan.schools:,} schools, {plan.mint:,} codes and as many refresh tokens; wrk with one thread."
    )


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _aligned(row: list[str], widths: list[int]) -> str:
    first, *rest = (
        f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *rest])
