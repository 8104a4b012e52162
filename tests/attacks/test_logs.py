"""security.md 13: never a secret in a log. `logs_check` watches every test; here it is shown to see, and provoked."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from app import logs
from app.db import DatabaseAway, sessions
from app.logs import mask
from app.secrets import new_secret
from app.settings import ROOT
from tests import factories, logs_check
from tests.clients.site import COMMAND, _wait_for
from tests.conftest import POSTGRES, WORKER
from tests.oauth.proofs import Signer
from tests.postgres import free_port, fresh

pytestmark = pytest.mark.once


def test_the_checker_sees_what_leaks() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-rfE", "--tb=no"]
    own = {name: value for name, value in os.environ.items() if "PYTEST" not in name and "POSTGRES" not in name}
    ran = subprocess.run(
        [*command, "tests/attacks/leaking.py"], cwd=ROOT, env=own, capture_output=True, text=True, check=False
    )
    failed = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    assert len([line for line in failed if "::test_leak" in line]) == 5, ran.stdout
    assert not [line for line in failed if "::test_no_leak" in line]
    assert "6 passed, 5 errors" in ran.stdout, ran.stdout


BREAKS = """
import sys, uvicorn
from app.oauth import authorize, consent, userinfo
def breaks(*_, **__): raise ValueError(sys.argv[2])
def away(*_, **__):
    from app.db import DatabaseAway
    raise DatabaseAway(sys.argv[2], {"sent": sys.argv[2]}, ValueError(sys.argv[2]))
authorize.identified = breaks
userinfo.held_token = breaks
consent.remembered.found = away
uvicorn.run("app.main:create_app", factory=True, host="127.0.0.1", port=int(sys.argv[1]), access_log=False,
            log_level="warning")
"""


@pytest.fixture(scope="module")
def secrets() -> dict[str, str]:
    """As they could stand in the message of an exception."""
    made = {name: new_secret(prefix) for name, prefix in (("access_token", "gh_at"), ("code", "gh_ac"))}
    made |= {
        name: os.urandom(24).hex() for name in ("code_verifier", "password", "client_secret", "token", "device_code")
    }
    return made | {"dpop": Signer().proof(), "client_assertion": Signer().assertion("app_1"), "user_code": "BCDF-GHJK"}


@pytest.fixture(scope="module", params=["json", "console"])
def log(
    request: pytest.FixtureRequest, secrets: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """A server that breaks with secrets in its hands, and the file that its standard error goes to."""
    port, folder = free_port(), tmp_path_factory.mktemp("broken")
    issuer = f"http://127.0.0.1:{port}"
    settings = {
        "GATEHOUSE_DATA_DIR": str(folder),
        "GATEHOUSE_PORT": str(port),
        "GATEHOUSE_ENVIRONMENT": "development",
        "GATEHOUSE_LOG_FORMAT": request.param,
        "GATEHOUSE_DATABASE_URL": fresh(POSTGRES, f"gatehouse_{WORKER}_broken_{port}") if POSTGRES else "",
    }
    environment = os.environ | settings
    subprocess.run([*COMMAND, "db", "upgrade"], cwd=ROOT, env=environment, check=True, capture_output=True)
    path = folder / "server.log"
    message = "cannot read " + "&".join(f"{name}={secret}" for name, secret in secrets.items())
    with path.open("wb") as errors:
        command = [sys.executable, "-c", BREAKS, str(port), message]
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=errors, stdout=errors)
        try:
            _wait_for(f"{issuer}/health/ready", server)
            yield issuer, path
        finally:
            server.terminate()
            server.wait(30)


def test_no_failure_of_a_running_server_writes_a_secret(log: tuple[str, Path], secrets: dict[str, str]) -> None:
    issuer, path = log
    known = logs_check.Known()
    for name, secret in secrets.items():
        known.note(name, secret)
    headers = {"authorization": f"Bearer {secrets['access_token']}", "dpop": secrets["dpop"], "accept": "text/html"}
    asked = "&".join(f"{name}={secret}" for name, secret in secrets.items())
    statuses = [
        httpx2.get(f"{issuer}{address}?{asked}", headers=headers).status_code
        for address in (
            "/oauth/authorize",
            "/oauth/userinfo",
            "/oauth/authorize/00000000-0000-0000-0000-000000000000",
            "/x",
        )
    ]
    assert statuses == [500, 500, 503, 404]
    with socket.create_connection(("127.0.0.1", urlsplit(issuer).port or 0)) as raw:
        raw.sendall(
            f"GET /oauth/authorize?{asked}\x80 HTTP/1.1\r\nhost: {urlsplit(issuer).netloc}\r\n\r\n".encode("latin-1")
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    written = path.read_text()
    assert "unexpected failure" in written and "ValueError" in written and "database away" in written
    assert "Invalid HTTP request" in written
    assert known.found_in(written) == set()


def test_an_error_of_the_database_does_not_tell_what_was_to_be_stored() -> None:
    with sessions.begin() as db:
        factories.account(db, "first@madeup-primary.sch.example", username="100001")
    with pytest.raises(DatabaseAway) as failed, sessions.begin() as db:
        factories.account(db, "second@madeup-primary.sch.example", username="100001")
    assert "second@" not in str(failed.value) and "argon2" not in str(failed.value)
    assert "unique" in str(failed.value).lower()


@pytest.mark.parametrize(
    "line",
    [
        "GET /x?code={}&state=1",
        "next=%2Fx%3Fcode%3D{}",
        "{{'password': '{}'}}",
        '{{"client_secret":"{}"}}',
        "code_verifier={} is too short",
        "client_assertion={}",
        "[type=string_too_short, input_value='{}', input_type=str]",
        "https://ours.example/register/verify?token={}",
    ],
)
def test_a_secret_is_masked_wherever_its_name_stands_before_it(line: str) -> None:
    assert "Kingfisher-7" not in mask(line.format("Kingfisher-7"))
    assert mask("POST /oauth/token 400 invalid_grant: the code is unknown") == (
        "POST /oauth/token 400 invalid_grant: the code is unknown"
    )


LONG = "Kingfisher-7-Kingfisher-7"


@pytest.mark.parametrize(
    "value",
    [f"gh_at_{LONG}", {"code": LONG}, [f"password={LONG}"], f"token={LONG}".encode(), ValueError(f"secret={LONG}")],
)
def test_a_secret_is_masked_whatever_kind_of_value_it_stands_in(value: object) -> None:
    said = logs._masked(None, "error", {"event": "odd", "found": value, "client_secret": LONG, "status": 400})
    assert "Kingfisher" not in repr(said)
    assert (said["event"], said["status"]) == ("odd", 400)
