"""A private PostgreSQL for the length of a test run, on a free port of 127.0.0.1."""

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


class Missing(Exception):
    """PostgreSQL is not on this machine; the text says what to install."""


def programs() -> Path:
    """The folder of the newest PostgreSQL server programs. Raises Missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).parent
    raise Missing("PostgreSQL is not installed. On Debian or Ubuntu: apt-get install postgresql")


@contextmanager
def running() -> Iterator[str]:
    """Start a server, give its URL (an administrator's, database `postgres`), and stop it again."""
    binaries = programs()
    with tempfile.TemporaryDirectory(prefix="gatehouse-postgres-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        # The server refuses to run as root, so its own user owns the files and runs it.
        user = "postgres" if os.geteuid() == 0 else getpass.getuser()
        owner = pwd.getpwnam(user)
        for path in (Path(folder), data):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        prefix = ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []
        port = free_port()
        quick = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off -c max_connections=200"
        log = Path(folder) / "data/server.log"

        def run(*command: str) -> None:
            subprocess.run([*prefix, *command], check=True, stdout=subprocess.DEVNULL, cwd=folder)

        run(
            str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"
        )
        control = str(binaries / "pg_ctl")
        run(control, "-D", str(data), "-o", quick, "-l", str(log), "-w", "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            run(control, "-D", str(data), "-m", "immediate", "stop")


def fresh(server: str, name: str) -> str:
    """An empty database of that name on a running server, as the URL that GATEHOUSE_DATABASE_URL takes."""
    with psycopg.connect(server, autocommit=True) as administrator:
        administrator.execute(f'DROP DATABASE IF EXISTS "{name}"')
        administrator.execute(f'CREATE DATABASE "{name}"')
    return server.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + f"/{name}"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
