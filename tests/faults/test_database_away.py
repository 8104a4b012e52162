"""security.md c, d and protocol.md 66: the database goes, or the disk fills up, while requests run; then it is back.

The server is never restarted. An app that repeats whatever got a 503 goes on as if nothing had been.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from app.bench import postgres
from app.db import engine, is_sqlite
from app.oauth.store import KEPT_SECONDS
from app.roster.shapes import BASE
from app.settings import ROOT
from tests.conftest import POSTGRES
from tests.faults.processes import Answer, Server, environment_of, eventually, serving
from tests.faults.storage import rows
from tests.faults.world import Item, World

pytestmark = pytest.mark.xdist_group("database away")
on_postgresql = pytest.mark.skipif(not POSTGRES, reason="what PostgreSQL does when it is stopped")
on_sqlite = pytest.mark.skipif(not is_sqlite, reason="where SQLite writes; PostgreSQL's disk is PostgreSQL's affair")
APPS = 6


class App(threading.Thread):
    """An app that refreshes on and on, and repeats what was answered by 503."""

    def __init__(self, server: Server, item: Item) -> None:
        super().__init__()
        self.item, self.token = item, item.value
        self.successes, self.failures = 0, 0
        self.wrong: list[Answer] = []
        self._server = server
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.01) and not self.wrong:
            answer = self._server.refreshes(self.item, self.token)
            if answer is not None and answer.status == 200:
                self.token, self.successes = answer.json()["refresh_token"], self.successes + 1
            elif answer is not None and is_unavailable(answer):
                self.failures += 1
            else:
                self.wrong += [answer or Answer(0, {}, "no answer")]

    def ends(self) -> None:
        self._ended.set()
        self.join()


@contextmanager
def steady_load(server: Server, items: list[Item]) -> Iterator[list[App]]:
    """Apps at work; afterwards nothing wrong was ever said to one, and each can go on from where it is."""
    apps = [App(server, item) for item in items]
    for app in apps:
        app.start()
    try:
        yield apps
    finally:
        for app in apps:
            app.ends()
    assert [app.wrong for app in apps if app.wrong] == []
    for app in apps:
        answered = server.refreshes(app.item, app.token)
        assert answered is not None and answered.status == 200, answered


def all_succeed(apps: list[App]) -> None:
    """Wait until each has got another token."""
    before = [app.successes for app in apps]
    eventually(
        lambda: all(app.successes > count or app.wrong for app, count in zip(apps, before, strict=True)),
        "every app gets a token",
    )


def all_fail(apps: list[App]) -> None:
    """Wait until each is at least once more told to come back later."""
    before = [app.failures for app in apps]
    eventually(
        lambda: all(app.failures > count or app.wrong for app, count in zip(apps, before, strict=True)),
        "every app is told that storage is away",
    )


def is_unavailable(answer: Answer | None) -> bool:
    """503, when to come back, and nothing else."""
    said = answer is not None and answer.status == 503 and int(answer.headers["retry-after"]) > 0
    return said and "gh_" not in (answer.text if answer else "")


def status(answer: Answer | None) -> int:
    assert answer is not None
    return answer.status


class Postmaster:
    """A PostgreSQL server that can be stopped as by a crash, and started again on the same data and port."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self._pid = pid
        self._command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().rstrip("\0").split("\0")
        self._folder = os.readlink(f"/proc/{pid}/cwd")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Immediately: every connection breaks, and what was not committed is lost. Then it starts again."""
        os.kill(self._pid, signal.SIGQUIT)
        eventually(lambda: not self._is_there(), "PostgreSQL has stopped")
        try:
            yield
        finally:
            self._start()

    def _start(self) -> None:
        as_owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        binaries = postgres.programs()
        options = " ".join(self._command[3:])  # after the program, -D and the folder
        command = [*as_owner, str(binaries / "pg_ctl"), "-D", self._folder, "-o", options, "-w", "start"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self._folder, start_new_session=True)
        self._pid = int(Path(self._folder, "postmaster.pid").read_text().splitlines()[0])

    def breaks_connections(self) -> int:
        """End every connection but the one that asks; how many there were."""
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as administrator:
            ended = administrator.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            ).fetchone()
        assert ended
        return int(ended[0])

    def _is_there(self) -> bool:
        try:
            state = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        return state != "Z"


@pytest.fixture(scope="module")
def postmaster() -> Iterator[Postmaster]:
    with postgres.running("max_connections=100", "fsync=off") as (url, pid):
        yield Postmaster(url, pid)


Made = dict[str, list[Item]]


@pytest.fixture(scope="module")
def made(postmaster: Postmaster) -> Made:
    """Codes and tokens of a database of its own."""
    command = [sys.executable, "-m", "tests.faults.world", "20"]
    done = subprocess.run(command, cwd=ROOT, env=environment_of(postmaster.url), stdout=subprocess.PIPE, check=True)
    return {kind: [Item(*item) for item in items] for kind, items in json.loads(done.stdout).items()}


def check_invariants(database: str) -> None:
    command = [sys.executable, "-m", "app", "audit", "invariants"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment_of(database), stdout=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "Everything that must hold does.\n")


@on_postgresql
def test_66_postgresql_is_stopped_under_load_and_comes_back(postmaster: Postmaster, made: Made, tmp_path: Path) -> None:
    [code, _, other_code, *_], [access, *_] = made["codes"], made["access_tokens"]
    bearer = {"authorization": f"Bearer {access.value}"}
    calls: dict[str, Callable[[], Answer | None]] = {
        "token": lambda: server.redeems(code),
        "introspection": lambda: server.posts("/oauth/introspect", access, {"token": access.value}),
        "data": lambda: server.call("GET", f"{BASE}/schools", **bearer),
        "revocation": lambda: server.posts("/oauth/revoke", other_code, {"token": "gh_at_unknown"}),
        "page": lambda: server.call("GET", "/oauth/authorize?client_id=unknown", accept="text/html"),
    }
    with serving(tmp_path, 2, postmaster.url) as server, steady_load(server, made["refresh_tokens"][:APPS]) as apps:
        all_succeed(apps)
        assert [status(calls[name]()) for name in ("introspection", "data")] == [200, 200]
        with postmaster.stopped():
            all_fail(apps)
            eventually(lambda: status(server.call("GET", "/health/ready")) == 503, "it is not ready")
            assert status(server.call("GET", "/health/live")) == 200
            time.sleep(KEPT_SECONDS)  # from now on neither worker believes what it has kept
            for _ in range(4):  # of either worker
                assert {name: is_unavailable(call()) for name, call in calls.items()} == dict.fromkeys(calls, True)
            page = calls["page"]()
            assert page is not None and page.headers["content-type"].startswith("text/html")
        eventually(server.is_up, "it is ready again")
        all_succeed(apps)
        eventually(lambda: status(calls["introspection"]()) == 200, "introspection is back")
        redeemed = calls["token"]()
        assert redeemed is not None and redeemed.status == 200, "what was refused by 503 was not spent"
    check_invariants(postmaster.url)


@on_postgresql
def test_connections_that_break_under_load_cost_a_503_at_most(
    postmaster: Postmaster, made: Made, tmp_path: Path
) -> None:
    broken = 0
    with serving(tmp_path, 2, postmaster.url) as server, steady_load(server, made["refresh_tokens"][-APPS:]) as apps:
        for _ in range(5):
            all_succeed(apps)
            broken += postmaster.breaks_connections()
        all_succeed(apps)
    assert broken >= 5, "there was something to break"
    check_invariants(postmaster.url)


@contextmanager
def log_that_only_grows() -> Iterator[None]:
    """While somebody still reads what stands in SQLite's log, the log is not begun anew in the room that it has."""
    path = str(engine.url.database)
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as reader,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("PRAGMA busy_timeout = 0")
        is_busy = False
        while not is_busy:  # else somebody emptied the log before the reader came, and nothing of it is being read
            reader.rollback()
            reader.execute("CREATE TABLE only_for_a_moment (empty)")  # so that something does stand there
            reader.execute("DROP TABLE only_for_a_moment")
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM school").fetchone()
            is_busy = bool(other.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0])
        yield


@on_sqlite
def test_a_full_disk_leaves_nothing_half_written(world: World, tmp_path: Path) -> None:
    """Nor may it cost an answer that the log, which is on that disk as well, cannot be written."""
    [code, access, *tokens] = [*world.codes(1), *world.access_tokens(1), *world.refresh_tokens(APPS)]
    with serving(tmp_path) as server, log_that_only_grows(), steady_load(server, tokens) as apps:
        all_succeed(apps)
        server.is_out_of_disk(0)
        all_fail(apps)
        before = rows()
        for left in (0, 100, 5_000):  # nothing; less than a frame of the log; one, but not the group's last
            server.is_out_of_disk(os.path.getsize(f"{engine.url.database}-wal") + left if left else 0)
            for _ in range(5):
                assert is_unavailable(server.redeems(code))
            assert rows() == before
        assert status(server.posts("/oauth/introspect", access, {"token": access.value})) == 200, "reading goes on"
        assert status(server.call("GET", "/health/live")) == 200
        server.has_disk_again()
        all_succeed(apps)
        assert status(server.redeems(code)) == 200
