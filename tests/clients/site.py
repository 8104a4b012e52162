"""A real Gatehouse: a process with a data folder and a database of its own, and Estab Admins who say yes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pyotp
import pytest

from app.settings import ROOT
from tests import logs_check
from tests.conftest import POSTGRES, WORKER
from tests.pages import Browser
from tests.postgres import free_port, fresh

APPS = [
    ("reading-room", "client_secret_basic"),
    ("reading-room-oidc", "client_secret_post"),
    ("reading-room-mobile", "none"),
]
ONE_SERVER = pytest.mark.xdist_group("clients")  # one test process starts it, not each
SCHOOLS = "/ims/oneroster/rostering/v1p2/schools"
COMMAND = [sys.executable, "-m", "app"]


class School:
    """The Estab Admin of one school, signed in at a browser. A code of an authenticator works once, so nobody signs in
    a second time."""

    def __init__(self, issuer: str, known: dict[str, Any]) -> None:
        self.urn: int = known["urn"]
        self.name: str = known["name"]
        self._password: str = known["admin"]["password"]
        self.browser = Browser(issuer)
        self.browser.opens("/sign-in")
        self.browser.fills("Username or email address", known["admin"]["username"])
        self.browser.fills("Password", self._password)
        self.browser.presses("Sign in")
        self.browser.fills("Code from your authenticator app", pyotp.TOTP(known["admin"]["totp_secret"]).now())
        self.browser.presses("Continue")

    def authorises(self, address: str) -> str:
        """Open what an app asks for and say yes, if there is anything to say; where the browser leaves to."""
        self.browser.opens(address)
        if not self.browser.left_to:
            self.browser.presses("Authorise")
        return self.browser.left_to

    def lets_in(self, shown: dict[str, str]) -> str:
        """Type the code that an agent shows (RFC 8628) and approve it."""
        self.browser.opens(shown["verification_uri"])
        self.browser.fills("Code", shown["user_code"])
        self.browser.presses("Continue")
        self.browser.fills("Your password", self._password)
        self.browser.presses("Approve")
        return "approved"


class Site:
    """`issuer`: where it listens; `seed`: its schools and apps (contract.md's JSON); `school`: the one that says yes,
    `other_school`: one that a test may sign out."""

    def __init__(self, environment: dict[str, str], seed: dict[str, Any]) -> None:
        self.issuer: str = seed["issuer"]
        self.seed = seed
        self.school, self.other_school = (School(self.issuer, known) for known in seed["schools"][:2])
        self.environment = environment

    @property
    def data(self) -> str:
        """Where an app reads the schools that it may."""
        return f"{self.issuer}{SCHOOLS}"

    def metadata(self) -> dict[str, Any]:
        """For libraries that do not discover it themselves."""
        found: dict[str, Any] = httpx2.get(f"{self.issuer}/.well-known/openid-configuration").json()
        return found

    def app(self, client_id: str) -> dict[str, Any]:
        """A seeded app."""
        found: dict[str, Any] = next(app for app in self.seed["apps"] if app["client_id"] == client_id)
        return found

    def gatehouse(self, *arguments: str) -> dict[str, Any]:
        """Run a command beside the server; what it says as JSON."""
        return _json(self.environment, *arguments, "--json")

    def adds_app(self, *scopes: str, **options: str) -> dict[str, Any]:
        """One more app of the seeded partner, made as an operator makes it."""
        like = self.app("reading-room")
        given = [f"--scope={scope}" for scope in scopes]
        given += [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        given += [f"--redirect-uri={like['redirect_uris'][0]}"]
        return self.gatehouse("app", "add", like["partner"], *given)


@contextmanager
def running(folder: Path, workers: int = 1, **settings: str) -> Iterator[Site]:
    """`gatehouse serve` on a free port, with the demo's schools and apps."""
    port, partner_port = free_port(), free_port()
    environment = os.environ | {
        "GATEHOUSE_DATA_DIR": str(folder),
        "GATEHOUSE_PORT": str(port),
        "GATEHOUSE_DEMO_PORT": str(partner_port),
        "GATEHOUSE_ENVIRONMENT": "development",
        "GATEHOUSE_DATABASE_URL": fresh(POSTGRES, f"gatehouse_{WORKER}_clients_{port}") if POSTGRES else "",
        **settings,
    }
    seed = _json(environment, "demo", "--seed-only", "--json")
    logs_check.known.note_seed(seed)
    server = subprocess.Popen([*COMMAND, "serve", f"--workers={workers}"], cwd=ROOT, env=environment)
    try:
        _wait_for(f"{seed['issuer']}/health/ready", server)
        site = Site(environment, seed)
        yield site
        site.school.browser.client.close()
        site.other_school.browser.client.close()
    finally:
        server.terminate()
        server.wait(30)


def _json(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def _wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        assert server.poll() is None, "the server ended before it answered"
        try:
            httpx2.get(address, timeout=5)
            return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")
