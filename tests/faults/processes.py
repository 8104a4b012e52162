"""Real server processes on the database of this test process (or another's), and plain calls to them."""

import base64
import http.client
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from app.bench.oauth_servers import end
from app.settings import ROOT, settings
from tests.faults.world import CALLBACK, VERIFIER, Item
from tests.postgres import free_port

PATIENCE = 120


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]  # names in lower case
    text: str

    def json(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.text)
        return said


class Server:
    """`process`: the root of its processes; `folder`: where a killable one is told when to die (see `killable.py`)."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        self.port = port
        self.process = process
        self._order = folder / "die-at"
        self._pid = folder / "pid"

    def call(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer | None:
        """One call on a connection of its own; None when the answer was lost on the way."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"accept": "*/*"} | headers)
            answered = connection.getresponse()
            text = answered.read().decode()
        except (ConnectionError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return Answer(answered.status, {name.lower(): value for name, value in answered.getheaders()}, text)

    def posts(self, path: str, item: Item, sent: dict[str, str], **headers: str) -> Answer | None:
        """Call an endpoint for programs as the app of this item does."""
        if item.secret:
            pair = base64.b64encode(f"{item.client_id}:{item.secret}".encode()).decode()
            headers["authorization"] = f"Basic {pair}"
        else:
            sent = {"client_id": item.client_id} | sent
        form = {"content-type": "application/x-www-form-urlencoded"}
        return self.call("POST", path, urlencode(sent), **form, **headers)

    def redeems(self, item: Item) -> Answer | None:
        sent = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.posts("/oauth/token", item, sent | {"code": item.value})

    def refreshes(self, item: Item, token: str = "") -> Answer | None:
        sent = {"grant_type": "refresh_token", "refresh_token": token or item.value}
        return self.posts("/oauth/token", item, sent)

    def is_up(self) -> bool:
        answered = self.call("GET", "/health/ready")
        return answered is not None and answered.status == 200

    def is_to_die_at(self, point: str) -> None:
        self._order.write_text(point)

    @property
    def has_died(self) -> bool:
        """Whether the order was carried out."""
        return not self._order.exists()

    @property
    def pid(self) -> int:
        """The process that answers now."""
        return int(self._pid.read_text())

    def is_out_of_disk(self, most: int) -> None:
        """Let no file of the server grow beyond so many bytes, root or not."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def has_disk_again(self) -> None:
        self.is_out_of_disk(resource.RLIM_INFINITY)


def eventually(true: Callable[[], bool], what: str) -> None:
    """Wait for something, with a patience that only a broken world exhausts."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, f"in {PATIENCE} seconds never: {what}"
        time.sleep(0.05)


@contextmanager
def serving(folder: Path, workers: int = 1, database: str = "") -> Iterator[Server]:
    """`gatehouse serve`, on this process's database or another one."""
    port = free_port()
    command = [sys.executable, "-m", "app", "serve", f"--workers={workers}", f"--port={port}"]
    with _started(command, port, folder, database) as server:
        yield server


@contextmanager
def killable(folder: Path) -> Iterator[Server]:
    """The server behind a supervisor that starts it again whenever it was killed."""
    port = free_port()
    command = [sys.executable, "-m", "tests.faults.killable", str(port), str(folder)]
    with _started(command, port, folder, "") as server:
        yield server


@contextmanager
def _started(command: list[str], port: int, folder: Path, database: str) -> Iterator[Server]:
    environment = environment_of(database)
    log = folder / "log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=out, start_new_session=True
        )
    server = Server(port, process, folder)
    try:
        eventually(lambda: server.is_up() or process.poll() is not None, "the server answers")
        assert process.poll() is None, log.read_text()[-2000:]
        yield server
        assert process.poll() is None, log.read_text()[-2000:]
    finally:
        end(process)


def environment_of(database: str = "") -> dict[str, str]:
    """The settings of this process, whose issuer every server here goes by; `database` replaces its own."""
    known = os.environ | {"GATEHOUSE_ISSUER": settings.issuer}
    return known | ({"GATEHOUSE_DATABASE_URL": database} if database else {})
