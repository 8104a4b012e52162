"""PostgreSQL without the trigram extension: the schema is complete all the same, only without that index."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from app.settings import ROOT
from tests.conftest import POSTGRES, WORKER

pytestmark = pytest.mark.skipif(not POSTGRES, reason="needs PostgreSQL")
NAME = f"gatehouse_{WORKER}_plain"


@pytest.fixture
def database() -> Iterator[str]:
    """Where a role of few rights may make tables but no extensions."""
    server = POSTGRES.rsplit("/", 1)[0]
    with psycopg.connect(POSTGRES, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{NAME}"')
        admin.execute(f'DROP ROLE IF EXISTS "{NAME}"')
        admin.execute(f'CREATE ROLE "{NAME}" LOGIN')
        admin.execute(f'CREATE DATABASE "{NAME}"')
        with psycopg.connect(f"{server}/{NAME}", autocommit=True) as inside:
            inside.execute(f'GRANT ALL ON SCHEMA public TO "{NAME}"')
        yield f"postgresql+psycopg://{NAME}@{server.rpartition('@')[2]}/{NAME}"
        admin.execute(f'DROP DATABASE "{NAME}" WITH (FORCE)')
        admin.execute(f'DROP ROLE "{NAME}"')


def upgrade(database: str, *command: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"GATEHOUSE_DATABASE_URL": database}
    return subprocess.run(
        [sys.executable, "-m", "alembic", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_where_the_extension_may_not_be_made_the_schema_goes_up_and_down(database: str) -> None:
    for step in (("upgrade", "head"), ("check",), ("downgrade", "base"), ("upgrade", "head")):
        done = upgrade(database, *step)
        assert done.returncode == 0, done.stderr

    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        found = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'").fetchall()
    assert not found


def test_where_it_may_the_index_is_there() -> None:
    with psycopg.connect(POSTGRES.rsplit("/", 1)[0] + f"/gatehouse_{WORKER}") as connection:
        found = connection.execute("SELECT 1 FROM pg_indexes WHERE indexname = 'establishment_search_idx'").fetchall()
    assert found
