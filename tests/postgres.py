"""A private PostgreSQL for the length of a test run: quick, because nothing of it has to last."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from app.bench import postgres
from app.bench.postgres import NoPostgres as Missing
from app.bench.postgres import free_port, programs

__all__ = ["Missing", "free_port", "fresh", "programs", "running"]


@contextmanager
def running() -> Iterator[str]:
    """Start a server, give its URL (of a user who may make databases), and stop it again. Raises Missing."""
    with postgres.running("fsync=off", "max_connections=200") as (url, _process):
        yield url.replace("+psycopg", "")


def fresh(server: str, name: str) -> str:
    """An empty database of that name on a running server, as the URL that GATEHOUSE_DATABASE_URL takes."""
    with psycopg.connect(server, autocommit=True) as administrator:
        administrator.execute(f'DROP DATABASE IF EXISTS "{name}"')
        administrator.execute(f'CREATE DATABASE "{name}"')
    return server.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + f"/{name}"
