"""The servers that are measured: ours, started with a database of its own, and peers, started or found running."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from app.bench import postgres
from app.bench.oauth_load import GET, ONCE, POST, READ, ROTATE, Call, Unanswered, ask, basic
from app.errors import Problem
from app.roster.shapes import BASE as ONEROSTER
from app.settings import ROOT

DISCOVERY, JWKS = "discovery", "jwks"
DATA, PEOPLE = "data", "data-people"  # the school’s own record, and a page of a hundred pupils
CREDENTIALS, REFRESH, CODE = "client_credentials", "refresh", "code"
INTROSPECTION, INTROSPECTIONS = "introspection", "introspection-512"  # of one token, and of many in turn
DATA_WORKS = (DATA, PEOPLE)  # what no other authorization server answers
WORKS = (DISCOVERY, JWKS, CREDENTIALS, INTROSPECTION, INTROSPECTIONS, REFRESH, CODE)
LONGEST_START = 60
OURS = (sys.executable, "-m", "app", "serve")
UNRECORDED = (sys.executable, "-m", "app.cli.unrecorded")


class DidNotStart(Problem):
    title = "A server did not start"


@dataclasses.dataclass(frozen=True, eq=False)
class Server:
    """`calls`: what can be asked of it, by work. Processes are roots; what they have started counts with them."""

    name: str
    is_ours: bool
    calls: dict[str, Call]
    processes: list[int] = dataclasses.field(default_factory=list)
    database_processes: list[int] = dataclasses.field(default_factory=list)
    start_seconds: float | None = None


@contextlib.contextmanager
def ours(
    database: str, workers: int, schools: int, mint: int, *, pupils: int = 0, recorded: bool = True
) -> Iterator[Server]:
    """Gatehouse on `sqlite` or `postgresql`, seeded, for as long as it is needed; if asked, without its ledger."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatehouse-bench-")))
        url, processes = "", []
        if database == "postgresql":
            url, process = stack.enter_context(postgres.running("max_connections=200"))
            processes = [process]
        port = postgres.free_port()
        base = f"http://127.0.0.1:{port}"
        settings = {
            "GATEHOUSE_ENVIRONMENT": "test",
            "GATEHOUSE_DATA_DIR": str(folder),
            "GATEHOUSE_DATABASE_URL": url,
            "GATEHOUSE_PORT": str(port),
            "GATEHOUSE_ISSUER": base,
        }
        command = [sys.executable, "-m", "app.bench.oauth_seed", str(schools), str(mint), str(folder), str(pupils)]
        seeded = subprocess.run(
            command, cwd=ROOT, env=os.environ | settings, check=False, stdout=subprocess.PIPE, text=True
        )
        if seeded.returncode:
            raise DidNotStart("Its database could not be filled; the reason stands above.")
        app = json.loads(seeded.stdout.splitlines()[-1])
        command = [*(OURS if recorded else UNRECORDED), "--workers", str(workers), "--port", str(port)]
        with _serving(command, settings, base, folder):
            pass  # the first start makes the signing key; what people wait for is every later one
        root, seconds = stack.enter_context(_serving(command, settings, base, folder))
        name = f"gatehouse {database}" if recorded else f"{database} without the ledger"
        yield Server(name, recorded, _our_calls(base, app, folder), [root], processes, seconds)


@contextlib.contextmanager
def _serving(command: list[str], settings: dict[str, str], base: str, folder: Path) -> Iterator[tuple[int, float]]:
    """The root process of the server, and the seconds until its first answer."""
    started = time.monotonic()
    log = folder / "log"
    with log.open("w") as out:
        server = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | settings, stdout=out, stderr=out, start_new_session=True
        )
    try:
        while time.monotonic() < started + LONGEST_START and server.poll() is None:
            with contextlib.suppress(Unanswered):
                ask(discovery(base))
                break
            time.sleep(0.01)
        else:
            raise DidNotStart(f"Its last words: {log.read_text()[-500:].strip()}")
        yield server.pid, time.monotonic() - started
    finally:
        end(server)


def end(server: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    """Stop a process that leads a session, and whatever it has started and left behind."""
    server.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _our_calls(base: str, app: dict[str, str], folder: Path) -> dict[str, Call]:
    auth = basic(app["client_id"], app["secret"])
    token, introspect = f"{base}/oauth/token", f"{base}/oauth/introspect"
    return {
        DISCOVERY: Call(discovery(base), GET),
        JWKS: Call(f"{base}/oauth/jwks", GET),
        DATA: Call(f"{base}{ONEROSTER}/orgs", READ, items=folder / "access.txt"),
        PEOPLE: Call(f"{base}{ONEROSTER}/students", READ, items=folder / "people.txt"),
        CREDENTIALS: Call(token, POST, auth, "grant_type=client_credentials"),
        **introspections(introspect, auth, folder),
        REFRESH: refresh(token, auth, folder / "refresh.txt"),
        CODE: code(token, auth, app["code_tail"], folder / "codes.txt"),
    }


def introspections(url: str, auth: str, folder: Path) -> dict[str, Call]:
    """Of the first token in `access.txt`, and of all that are there."""
    many, one = folder / "access.txt", folder / "access-1.txt"
    one.write_text(many.read_text().partition("\n")[0] + "\n")
    return {
        INTROSPECTION: Call(url, POST, auth, "token=", items=one),
        INTROSPECTIONS: Call(url, POST, auth, "token=", items=many),
    }


def refresh(url: str, auth: str, tokens: Path) -> Call:
    return Call(url, ROTATE, auth, "grant_type=refresh_token&refresh_token=", items=tokens)


def code(url: str, auth: str, more: str, codes: Path) -> Call:
    return Call(url, ONCE, auth, "grant_type=authorization_code&code=", more, codes)


def discovery(base: str) -> str:
    return f"{base}/.well-known/openid-configuration"
