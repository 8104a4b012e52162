"""Real processes and a real Chromium: `gatehouse demo` on free ports, in a data folder of its own."""

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
from playwright.sync_api import Browser

from app.settings import ROOT
from tests import logs_check
from tests.browser.people import Person
from tests.chromium import running
from tests.conftest import POSTGRES, WORKER
from tests.postgres import free_port, fresh

WITH_AND_WITHOUT = [
    pytest.param(True, id="with JavaScript"),
    pytest.param(False, id="without JavaScript", marks=pytest.mark.once),
]


@dataclasses.dataclass(frozen=True)
class Site:
    """A running demo: its addresses and its seeded accounts (contract.md's JSON)."""

    issuer: str
    partner: str
    seed: dict[str, Any]
    environment: dict[str, str]

    def audits(self) -> str:
        """What the independent auditor says of everything that has happened here."""
        command = [sys.executable, "-m", "app", "audit", "invariants"]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def operator(self, role: str) -> dict[str, Any]:
        found: dict[str, Any] = next(who for who in self.seed["operators"] if who["role"] == role)
        return found

    def school(self, status: str) -> dict[str, Any]:
        found: dict[str, Any] = next(school for school in self.seed["schools"] if school["status"] == status)
        return found

    def mails(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.issuer}/dev/outbox.json", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def link_for(self, address: str) -> str:
        """The link of the newest mail to this address, as soon as it is there."""
        for _ in range(100):
            for mail in reversed(self.mails()):
                if mail["to"] == address and mail["links"]:
                    return str(mail["links"][0])
            time.sleep(0.1)
        raise AssertionError(f"no mail with a link came for {address}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    issuer_port, partner_port = free_port(), free_port()
    environment = os.environ | {
        "GATEHOUSE_DATA_DIR": str(tmp_path_factory.mktemp("demo")),
        "GATEHOUSE_PORT": str(issuer_port),
        "GATEHOUSE_DEMO_PORT": str(partner_port),
        "GATEHOUSE_ENVIRONMENT": "development",
        "GATEHOUSE_DATABASE_URL": fresh(POSTGRES, f"gatehouse_{WORKER}_demo_{issuer_port}") if POSTGRES else "",
    }
    command = [sys.executable, "-m", "app", "demo", "--json"]
    running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        with running.stdout as said:
            seed = json.loads(said.readline())
        logs_check.known.note_seed(seed)
        made = Site(seed["issuer"], f"http://127.0.0.1:{partner_port}", seed, environment)
        for address in (f"{made.issuer}/health/ready", made.partner):
            _wait_for(address, running)
        yield made
    finally:
        running.terminate()
        running.wait(20)


@pytest.fixture(scope="module")  # while Playwright runs, no other test of this process could start an event loop
def chromium() -> Iterator[Browser]:
    with running() as browser:
        yield browser


@pytest.fixture
def people(chromium: Browser) -> Iterator["Any"]:
    """Call it for one more person with a browser of their own: `people("secretary", javascript=False)`."""
    opened = []

    def one_more(javascript: bool = True, phone: bool = False) -> Person:
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
        context = chromium.new_context(java_script_enabled=javascript, viewport=size, locale="en-GB")  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        opened.append(context)
        return Person(context.new_page(), javascript)

    yield one_more
    for context in opened:
        context.close()


def _wait_for(address: str, running: "subprocess.Popen[str]") -> None:
    for _ in range(300):
        assert running.poll() is None, "the demo ended before it answered"
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")
