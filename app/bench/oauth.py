"""The authorization server under load, beside peers in the same run: `gatehouse bench oauth`."""

import contextlib
import dataclasses
import statistics
from collections.abc import Callable, Iterator

from app.bench import processes
from app.bench.oauth_load import Call, Run, need_wrk, run
from app.bench.oauth_peers import peer
from app.bench.oauth_servers import DATA_WORKS, WORKS, Server, ours
from app.errors import Problem

SQLITE, POSTGRESQL = "sqlite", "postgresql"
CONNECTIONS = (8, 64)
WARM_UP_SECONDS = 1


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to measure. `mint`: how many codes and refresh tokens each server gets; `pupils`: of a school."""

    works: tuple[str, ...] = WORKS
    databases: tuple[str, ...] = (SQLITE, POSTGRESQL)
    peers: tuple[str, ...] = ()
    connections: tuple[int, ...] = CONNECTIONS
    seconds: int = 4
    rounds: int = 3
    workers: int = 2
    schools: int = 1_000
    mint: int = 40_000
    pupils: int = 1_500


@dataclasses.dataclass(frozen=True)
class Figure:
    """Medians of the rounds: requests a second, milliseconds, CPU seconds of server and database for 1,000 requests.

    With a fault there are none.
    """

    rate: float | None = None
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None
    fault: str = ""


@dataclasses.dataclass(frozen=True)
class Result:
    """`figures`: (work, connections) → server's name → Figure. `memory_mb`: by server, after all the work."""

    servers: list[Server]
    figures: dict[tuple[str, int], dict[str, Figure]]
    memory_mb: dict[str, float]


class NotAWork(Problem):
    title = "There is nothing of that name to measure"


def measure(plan: Plan, tell: Callable[[str], None]) -> Result:
    """Start every server, measure each work of all of them, and leave nothing behind. Raises Problem."""
    for given, known in ((plan.works, WORKS), (plan.databases, (SQLITE, POSTGRESQL))):
        if unknown := [name for name in given if name not in known]:
            raise NotAWork(f"{', '.join(unknown)}: choose of {', '.join(known)}.")
    need_wrk()
    with contextlib.ExitStack() as stack:
        servers: list[Server] = []
        for database in plan.databases:
            tell(f"starting gatehouse on {database}")
            servers.append(stack.enter_context(ours(database, plan.workers, plan.schools, plan.mint)))
        for named in plan.peers:
            tell(f"starting {named.rpartition('@')[2]}")
            servers.append(stack.enter_context(peer(named, plan.mint)))
        return _measured(servers, plan, tell)


def measure_ledger(plan: Plan, tell: Callable[[str], None]) -> Result:
    """What the access ledger costs: data calls, beside the same server that does not write them down."""
    need_wrk()
    with contextlib.ExitStack() as stack:
        [database] = plan.databases
        servers: list[Server] = []
        for recorded in (True, False):
            tell(f"starting gatehouse on {database}{'' if recorded else ', without the ledger'}")
            server = ours(database, plan.workers, plan.schools, plan.mint, pupils=plan.pupils, recorded=recorded)
            servers.append(stack.enter_context(server))
        return _measured(servers, dataclasses.replace(plan, works=DATA_WORKS), tell)


def _measured(servers: list[Server], plan: Plan, tell: Callable[[str], None]) -> Result:
    figures: dict[tuple[str, int], dict[str, Figure]] = {}
    for work, connections in ((work, connections) for work in plan.works for connections in plan.connections):
        tell(f"{work}, {connections} connections")
        asked = {server: server.calls[work] for server in servers if work in server.calls}
        figures[work, connections] = dict(_beside(asked, connections, plan))
    memory = {server.name: processes.memory_mb(server.processes) for server in servers if server.processes}
    return Result(servers, figures, memory)


def _beside(asked: dict[Server, Call], connections: int, plan: Plan) -> Iterator[tuple[str, Figure]]:
    """The same work of each server in turn, round by round, so that a busy minute hits them alike."""
    shares = (plan.rounds + 1) * len(plan.connections)
    faults = {server: call.fault() for server, call in asked.items()}
    for server, call in asked.items():
        faults[server] = faults[server] or run(call, connections, WARM_UP_SECONDS, shares).fault
    done: dict[Server, list[tuple[Run, float]]] = {server: [] for server in asked}
    for _ in range(plan.rounds):
        for server, call in asked.items():
            if faults[server]:
                continue
            roots = server.processes + server.database_processes
            before = processes.cpu_seconds(roots)
            ran = run(call, connections, plan.seconds, shares)
            done[server].append((ran, processes.cpu_seconds(roots) - before))
            faults[server] = ran.fault
    for server in asked:
        yield server.name, _figure(done[server], faults[server], has_cpu=bool(server.processes))


def _figure(done: list[tuple[Run, float]], fault: str, has_cpu: bool) -> Figure:
    if fault:
        return Figure(fault=fault)
    cpu = statistics.median(seconds / ran.requests * 1000 for ran, seconds in done) if has_cpu else None
    rate, p50, p99 = (statistics.median(getattr(ran, name) for ran, _ in done) for name in ("rate", "p50", "p99"))
    return Figure(rate, p50, p99, cpu)
