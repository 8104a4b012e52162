"""A client of the older API, unchanged but for its address, over real HTTP."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.roster.person import Person
from app.settings import ROOT
from tests.postgres import free_port
from tests.roster.api import change
from tests.roster.groupcall import Old, joined
from tests.roster.test_oneroster_people import fill

SCRIPT = ROOT / "tests/roster/old_client.py"


@pytest.fixture
def address(server: ASGIApp) -> Iterator[str]:
    """Our server, listening on 127.0.0.1."""
    config = uvicorn.Config(server, port=free_port(), log_level="error", lifespan="off", ws="none")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        thread.join(0.01)
    yield f"http://127.0.0.1:{config.port}"
    running.should_exit = True
    thread.join()


@pytest.fixture
def old(client: TestClient) -> Old:
    made = joined(client, scopes=("school", "students", "groups"))
    fill(made.reader, lambda roster: [roster.pupil(name) for name in ("Ada", "Bob", "Cy", "Di", "Ed")])
    return made


def synchronises(old: Old, address: str, folder: Path, fails: int = 0) -> Any:
    """One night: what it says, or the words with which it ends."""
    given = {"ESTAB": old.estab, "RELYING_PARTY": old.reader.app.client_id, "PASSWORD": old.secret}
    command = [sys.executable, str(SCRIPT), address, str(folder / "kept.json")]
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == fails, done.stderr
    return done.stderr if fails else json.loads(done.stdout)


def test_an_old_client_reads_all_pages_and_then_what_changed(old: Old, address: str, tmp_path: Path) -> None:
    first = synchronises(old, address, tmp_path)

    assert first == {
        "Estab": old.estab,
        "Name": "Reading Room",
        "RelyingParty": old.reader.app.client_id,
        "Scopes": ["groups", "school", "students"],
        "counted": 5,
        "pupils": ["Ada", "Bob", "Cy", "Di", "Ed"],
        "gone": [],
    }
    fill(old.reader, lambda roster: roster.edit(Person, "given_name", "Bob", gone_at=now()))
    fill(old.reader, lambda roster: roster.pupil("Flo"))
    second = synchronises(old, address, tmp_path)
    assert (second["pupils"], second["gone"]) == (["Ada", "Cy", "Di", "Ed", "Flo"], ["Bob"])


def test_an_old_client_hears_that_its_school_has_paused(old: Old, address: str, tmp_path: Path) -> None:
    change(Authorisation, old.reader.authorisation.id, paused_at=now())

    told = synchronises(old, address, tmp_path, fails=1)

    assert told.startswith("AuthorisationPaused: ") and "currently paused" in told
    change(Authorisation, old.reader.authorisation.id, paused_at=None)
    assert synchronises(old, address, tmp_path)["counted"] == 5
