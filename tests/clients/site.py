"""A real Gatehouse: a process with a data folder and a database of its own, and an Estab Admin who says yes."""

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

from app.settings import ROOT
from tests.conftest import POSTGRES, WORKER
from tests.pages import Browser
from tests.postgres import free_port, fresh

APPS = [
    ("reading-room", "client_secret_basic"),
    ("reading-room-oidc", "client_secret_post"),
    ("reading-room-mobile", "none"),
]
SCHOOLS = "/ims/oneroster/rostering/v1p2/schools"


class Site:
    """`issuer`: where it listens; `seed`: its schools and apps (contract.md's JSON); `school`: the admin's browser."""

    def __init__(self, issuer: str, seed: dict[str, Any], school: Browser) -> None:
        self.issuer = issuer
        self.seed = seed
        self.school = school

    @property
    def data(self) -> str:
        """Where an app reads the schools that it may."""
        return f"{self.issuer}{SCHOOLS}"

    @property
    def says_yes(self) -> dict[str, Any]:
        """The school whose admin does."""
        found: dict[str, Any] = self.seed["schools"][0]
        return found

    def app(self, client_id: str) -> dict[str, Any]:
        found: dict[str, Any] = next(app for app in self.seed["apps"] if app["client_id"] == client_id)
        return found

    def authorises(self, address: str) -> str:
        """The school's admin opens what the app asks for and says yes; the address at which the app is answered."""
        self.school.opens(address)
        if not self.school.left_to:
            self.school.presses("Authorise")
        return self.school.left_to

    def signs_in(self) -> None:
        admin = self.says_yes["admin"]
        self.school.opens("/sign-in")
        self.school.fills("Username or email address", admin["username"])
        self.school.fills("Password", admin["password"])
        self.school.presses("Sign in")
        self.school.fills("Code from your authenticator app", pyotp.TOTP(admin["totp_secret"]).now())
        self.school.presses("Continue")


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Site]:
    """`gatehouse serve` on a free port, its demo schools and apps seeded, an Estab Admin signed in."""
    port, partner_port = free_port(), free_port()
    environment = os.environ | {
        "GATEHOUSE_DATA_DIR": str(folder),
        "GATEHOUSE_PORT": str(port),
        "GATEHOUSE_DEMO_PORT": str(partner_port),
        "GATEHOUSE_ENVIRONMENT": "development",
        "GATEHOUSE_DATABASE_URL": fresh(POSTGRES, f"gatehouse_{WORKER}_clients_{port}") if POSTGRES else "",
        **settings,
    }
    command = [sys.executable, "-m", "app"]
    seeded = subprocess.run(
        [*command, "demo", "--seed-only", "--json"], cwd=ROOT, env=environment, stdout=-1, check=True
    )
    seed = json.loads(seeded.stdout)
    server = subprocess.Popen([*command, "serve"], cwd=ROOT, env=environment)
    try:
        _wait_for(f"{seed['issuer']}/health/ready", server)
        with Browser(seed["issuer"]) as school:
            site = Site(seed["issuer"], seed, school)
            site.signs_in()
            yield site
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        assert server.poll() is None, "the server ended before it answered"
        try:
            httpx2.get(address, timeout=5)
            return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")
