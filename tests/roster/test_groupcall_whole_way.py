"""A client of the older API, unchanged but for its address, over real HTTP."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from lxml import html
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.db import sessions
from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.invitation import Invitation
from app.models.roster.person import Person
from app.secrets import seal
from app.settings import ROOT, settings
from tests import factories
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


def example(client: TestClient, element_id: str, address: str) -> str:
    """A program of the page for developers, as a reader takes it, with our address in it."""
    page: Any = html.document_fromstring(client.get("/developers/groupcall").text)
    text = str(page.get_element_by_id(element_id).text_content())
    assert settings.issuer in text
    return text.replace(settings.issuer, address)


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


def test_the_program_on_the_page_invites_a_school(client: TestClient, address: str) -> None:
    secret = "whsec_b2YgdGhlIHBhZ2UgZm9yIGRldmVsb3BlcnM"
    with sessions.begin() as db:
        factories.school(db, is_test=True)
        sealed, scopes = seal(secret, "management"), ("school", "students")
        app = factories.app(db, scopes=scopes, groupcall_at=now(), management_sealed=sealed, is_live=False)[0]
    command, given = [sys.executable, "-c", example(client, "register", address)], {"CLIENT_ID": app.client_id}

    wrong = subprocess.run(command, env=given | {"MANAGEMENT_SECRET": "x"}, capture_output=True, text=True, check=False)
    right = subprocess.run(command, env=given | {"MANAGEMENT_SECRET": secret}, capture_output=True, check=True)

    assert wrong.returncode and "401" in wrong.stderr
    (told,) = json.loads(right.stdout)["Schools"]
    assert told == {"LeaCode": "888", "DfesCode": "0001", "Status": "OK", "Message": ""}
    with sessions.read() as db:
        assert [(one.app_id, one.urn) for one in db.query(Invitation)] == [(app.id, 100001)]


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_calls_on_the_page_get_a_token_and_read(client: TestClient, old: Old, address: str) -> None:
    given = {"ESTAB": old.estab, "CLIENT_ID": old.reader.app.client_id, "SCHOOL_SECRET": old.secret}
    given |= {"TOKEN": old.token(), "PATH": os.environ["PATH"]}
    command = ["sh", "-eu", "-c", example(client, "token", address)]

    done = subprocess.run(command, env=given, capture_output=True, text=True, check=True)

    assert done.stdout.startswith('{"token":"gh_at_') and '"Forename":"Ada"' in done.stdout
