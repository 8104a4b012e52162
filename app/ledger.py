"""Writing the access ledger: every answered data call, in groups, without making any call wait for a commit.

A call is put down in a file of this process before its answer leaves, and in the database within a fraction of a
second. A process that dies leaves its file behind; the next one to look (`recover`) reads it in, and a call that is in
both places counts once, by its id. When the database does not take what is put down, the file grows up to a limit;
beyond that no data is answered at all.
"""

import datetime as dt
import os
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import structlog

from app.db import DatabaseAway, PoolExhausted, sessions
from app.errors import Problem
from app.models.authorisation import Authorisation
from app.models.base import new_id, now
from app.models.ledger import Read, Refusal
from app.settings import settings

try:
    import fcntl
except ImportError:  # not on Windows: there a file that was left behind waits for a restart of its process
    fcntl = None  # type: ignore[assignment]

log = structlog.get_logger()

PAUSE_SECONDS = 0.5
MARKED_SECONDS = 60  # as `Authorisation.mark_read` has it
TOGETHER = 1000
MOST_WAITING = 50_000

Row = dict[str, Any]
Counted = tuple[uuid.UUID, dt.datetime, str, str]


class CannotBeRecorded(Problem):
    """Data that nobody could account for later is not given out."""

    status = 503
    title = "Storage cannot be reached"


class Writer:
    """What one process has answered and not yet written. `record` and `refused` may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._rows: list[Row] = []
        self._late: list[Row] = []  # taken by the writer; in the other file until they are in the database
        self._refused: Counter[Counted] = Counter()
        self._files: list[int] = []
        self._paths: list[Path] = []
        self._thread: threading.Thread | None = None
        self._marked: dict[uuid.UUID, float] = {}  # authorisation → when this process noted that it was read

    def record(
        self,
        *,
        school_id: uuid.UUID,
        app_id: uuid.UUID,
        authorisation_id: uuid.UUID,
        scopes: str,
        route: str,
        people: int,
        address: str,
    ) -> None:
        """Put one data call down, before its answer leaves. Raises CannotBeRecorded when too many wait already."""
        row: Row = {
            "id": new_id(),
            "school_id": school_id,
            "app_id": app_id,
            "authorisation_id": authorisation_id,
            "read_at": now(),
            "scopes": scopes,
            "route": route,
            "people": people,
            "address": address,
        }
        line = orjson.dumps(row) + b"\n"
        with self._lock:
            if len(self._rows) + len(self._late) >= MOST_WAITING:
                raise CannotBeRecorded(hint="Try again in a minute.")
            if not self._files:
                self._open()
            os.write(self._files[0], line)
            self._rows.append(row)
        self._start()

    def refused(self, app_id: uuid.UUID, route: str, error: str) -> None:
        """Count one refusal."""
        hour = now().replace(minute=0, second=0, microsecond=0)
        with self._lock:
            self._refused[app_id, hour, route, error] += 1
        self._start()

    def write(self) -> int:
        """Write what waits, now; how many calls. Raises what the database raises, and then everything waits on."""
        with self._writing:
            with self._lock:
                if not self._late:  # else the last try failed: the same again first
                    self._late, self._rows = self._rows, []
                    self._files.reverse()
                    self._paths.reverse()
                rows, counts = self._late, self._refused
                self._refused = Counter()
            try:
                for start in range(0, len(rows), TOGETHER):
                    some = rows[start : start + TOGETHER]
                    unmarked = self._unmarked(some)
                    with sessions.begin_group() as db:
                        Read.add(db, some)
                        if unmarked:
                            Authorisation.mark_read(db, unmarked)
                    self._marked |= dict.fromkeys(unmarked, time.monotonic())
                if counts:
                    with sessions.begin_group() as db:
                        Refusal.add(db, counts)
            except BaseException:
                with self._lock:
                    self._refused.update(counts)
                raise
            with self._lock:
                self._late = []
                if rows:
                    os.ftruncate(self._files[1], 0)
            return len(rows)

    def _unmarked(self, rows: list[Row]) -> set[uuid.UUID]:
        """The authorisations of these calls, but for those that this process noted less than a minute ago."""
        since = time.monotonic() - MARKED_SECONDS
        if len(self._marked) > MOST_WAITING:
            self._marked = {one: at for one, at in self._marked.items() if at > since}
        return {row["authorisation_id"] for row in rows if self._marked.get(row["authorisation_id"], since) <= since}

    def drain(self) -> None:
        """Write all that waits and let go of the files; what cannot be written stays in them."""
        try:
            while self.write():
                pass
        except (DatabaseAway, PoolExhausted) as away:
            log.error("ledger left in its file", error=type(away).__name__)
            return
        with self._lock:
            files, paths, self._files, self._paths = self._files, self._paths, [], []
            self._marked = {}
        for file, path in zip(files, paths, strict=True):
            path.unlink(missing_ok=True)
            os.close(file)

    def _open(self) -> None:
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(2):
            path = folder() / f"{uuid.uuid4().hex}.jsonl"
            file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY, 0o600)
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX)  # held for as long as this process lives
            self._paths.append(path)
            self._files.append(file)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._serve, name="ledger", daemon=True)
                    self._thread.start()

    def _serve(self) -> None:
        while True:
            time.sleep(PAUSE_SECONDS)
            try:
                self.write()
            except Exception as failed:
                log.error("ledger not written", error=type(failed).__name__)
                time.sleep(1)


def recover() -> int:
    """Read in what processes that died have left behind; how many calls. Safe to repeat."""
    left_behind = sorted(folder().glob("*.jsonl")) if fcntl else []
    return sum(map(_recovered, left_behind))


def _recovered(path: Path) -> int:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return 0  # its process lives
        rows = [row for row in map(_parsed, file.read().split(b"\n")) if row]
        for start in range(0, len(rows), TOGETHER):
            some = rows[start : start + TOGETHER]
            with sessions.begin() as db:
                Read.add(db, some)
                Authorisation.mark_read(db, {row["authorisation_id"] for row in some})
        path.unlink(missing_ok=True)
    return len(rows)


def folder() -> Path:
    return settings.data_dir / "ledger"


def _parsed(line: bytes) -> Row | None:
    """One line; None for the last one of a process that died while it wrote it."""
    try:
        row: Row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    for name in ("id", "school_id", "app_id", "authorisation_id"):
        row[name] = uuid.UUID(row[name])
    row["read_at"] = dt.datetime.fromisoformat(row["read_at"])
    return row


_writer = Writer()
record, refused, drain = _writer.record, _writer.refused, _writer.drain
