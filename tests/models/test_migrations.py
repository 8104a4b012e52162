"""Migrations on a database of their own: up, down, up, and no difference to the models."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import ROOT
from tests import postgres
from tests.conftest import POSTGRES, WORKER


@pytest.fixture
def database(tmp_path: Path) -> str:
    if not POSTGRES:
        return f"sqlite:///{tmp_path}/migrated.db"
    return postgres.fresh(POSTGRES, f"gatehouse_{WORKER}_migrated")


def alembic(database: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "alembic", *arguments]
    environment = os.environ | {"GATEHOUSE_DATABASE_URL": database}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_schema_goes_up_down_and_up_again_and_matches_the_models(database: str) -> None:
    for step in (["upgrade", "head"], ["downgrade", "base"], ["upgrade", "head"], ["check"]):
        done = alembic(database, *step)
        assert done.returncode == 0, f"{step}: {done.stdout}{done.stderr}"


def test_a_schema_that_lacks_a_migration_is_noticed(database: str) -> None:
    assert alembic(database, "check").returncode != 0

    assert alembic(database, "upgrade", "head").returncode == 0
    assert alembic(database, "check").returncode == 0
