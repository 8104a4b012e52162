"""A PostgreSQL of one's own, on a free port of 127.0.0.1, for as long as it is needed."""

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

from app.errors import Problem

USER = "gatehouse"


class NoPostgres(Problem):
    title = "PostgreSQL is not installed"


def programs() -> Path:
    """The folder of the newest PostgreSQL server programs. Raises NoPostgres."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).parent
    raise NoPostgres("On Debian or Ubuntu: apt-get install postgresql")


@contextmanager
def running(*options: str) -> Iterator[tuple[str, int]]:
    """Start a server, give its URL (`postgresql+psycopg://…`, of an empty database) and process; end it.

    Options are of the form `name=value`; without any, what it has committed survives a power cut.
    """
    binaries = programs()
    # The server refuses to run as root, so its own user owns the files and runs it.
    is_root = os.geteuid() == 0
    owner = pwd.getpwnam("postgres" if is_root else getpass.getuser())
    with tempfile.TemporaryDirectory(prefix="gatehouse-postgres-") as folder:
        data = Path(folder, "data")
        data.mkdir()
        for path in (Path(folder), data):
            os.chown(path, owner.pw_uid, owner.pw_gid)

        def run(program: str, *arguments: str) -> None:
            command = ["runuser", "-u", owner.pw_name, "--"] if is_root else []
            command += [str(binaries / program), "-D", str(data), *arguments]
            # In a session of its own, so that Ctrl-C reaches this program alone, which then stops the server in order.
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, start_new_session=True)

        run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        port = free_port()
        chosen = ["listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={folder}", *options]
        run(
            "pg_ctl", "-o", " ".join(f"-c {option}" for option in chosen), "-l", str(data / "server.log"), "-w", "start"
        )
        try:
            process = int((data / "postmaster.pid").read_text().splitlines()[0])
            # A user as an installation has it: no superuser, whom row-level security would not bind.
            with psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", autocommit=True) as administrator:
                administrator.execute(f"CREATE ROLE {USER} LOGIN CREATEDB CREATEROLE")
                administrator.execute(f"CREATE DATABASE {USER} OWNER {USER}")
            yield f"postgresql+psycopg://{USER}@127.0.0.1:{port}/{USER}", process
        finally:
            run("pg_ctl", "-m", "immediate", "-w", "stop")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
