"""A real server with the demo's schools and apps, for programs that know nothing of our tests."""

import dataclasses
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from app.settings import ROOT
from tests.conftest import POSTGRES, WORKER
from tests.postgres import free_port, fresh


@dataclasses.dataclass(frozen=True)
class Site:
    """A running server: its address and its seeded accounts (contract.md's JSON)."""

    issuer: str
    seed: dict[str, Any]

    @property
    def app(self) -> dict[str, Any]:
        """An ordinary app with a secret."""
        return self._first("apps", client_id="reading-room")

    @property
    def school(self) -> dict[str, Any]:
        return self._first("schools", status="Verified")

    def _first(self, kind: str, **like: str) -> dict[str, Any]:
        found: dict[str, Any] = next(row for row in self.seed[kind] if like.items() <= row.items())
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    port = free_port()
    environment = os.environ | {
        "GATEHOUSE_DATA_DIR": str(tmp_path_factory.mktemp("site")),
        "GATEHOUSE_PORT": str(port),
        "GATEHOUSE_ENVIRONMENT": "development",
        "GATEHOUSE_DATABASE_URL": fresh(POSTGRES, f"gatehouse_{WORKER}_site_{port}") if POSTGRES else "",
    }
    gatehouse = [sys.executable, "-m", "app"]
    seeded = subprocess.check_output([*gatehouse, "demo", "--seed-only", "--json"], cwd=ROOT, env=environment)
    running = subprocess.Popen([*gatehouse, "serve"], cwd=ROOT, env=environment)
    try:
        made = Site(f"http://127.0.0.1:{port}", json.loads(seeded))
        _wait_for(f"{made.issuer}/health/ready", running)
        yield made
    finally:
        running.terminate()
        running.wait(20)


def _wait_for(address: str, running: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        assert running.poll() is None, "the server ended before it answered"
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")
