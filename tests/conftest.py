"""One database for each worker process: SQLite, or PostgreSQL when GATEHOUSE_TEST_POSTGRES names a server.

The settings are read when `app.settings` is first imported, so the environment is prepared here, before that.
"""

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
POSTGRES = os.environ.get("GATEHOUSE_TEST_POSTGRES", "")
_MEMORY = "/dev/shm"  # what a test writes need not survive a power cut, and a slow disk would cost minutes
_in_memory = os.path.isdir(_MEMORY) and shutil.disk_usage(_MEMORY).free > 4 << 30
_data = tempfile.TemporaryDirectory(prefix="gatehouse-tests-", dir=_MEMORY if _in_memory else None)

for name in [name for name in os.environ if name.startswith("GATEHOUSE_") and "_TEST_" not in name]:
    del os.environ[name]
os.environ["GATEHOUSE_ENVIRONMENT"] = "test"
os.environ["GATEHOUSE_DATA_DIR"] = _data.name
if POSTGRES:
    with psycopg.connect(POSTGRES, autocommit=True) as _server:
        _server.execute(f'DROP DATABASE IF EXISTS "gatehouse_{WORKER}"')
        _server.execute(f'CREATE DATABASE "gatehouse_{WORKER}"')
    _url = POSTGRES.rsplit("/", 1)[0] + f"/gatehouse_{WORKER}"
    os.environ["GATEHOUSE_DATABASE_URL"] = _url.replace("postgresql://", "postgresql+psycopg://")

from tests import logs_check

logs_check.watch()  # before anything takes what it listens to by its name

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from starlette.types import ASGIApp

from app import ledger
from app.db import close, engine
from app.models import Base
from app.settings import ROOT
from app.web import throttle
from tests.pages import Browser

# How fast input is made says something about the machine alone, which may have other work.
hypothesis.settings.register_profile("suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("suite")


def pytest_report_header() -> str:
    return f"database: {engine.dialect.name}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leave out what was shown on SQLite and says nothing about the database; it is counted."""
    if POSTGRES:
        shown = [item for item in items if item.get_closest_marker("once")]
        items[:] = [item for item in items if not item.get_closest_marker("once")]
        config.hook.pytest_deselected(items=shown)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test whose logs hold a secret fail at its end."""
    report = yield
    if call.when == "teardown":
        logs_check.judge(report)
    return report


@pytest.fixture(scope="session", autouse=True)
def _schema() -> Iterator[None]:
    command.upgrade(Config(str(ROOT / "alembic.ini")), "head")
    yield
    close()
    _administrator.dispose()


# Row-level security shows the rosters to the server's own user school by school, and hides them here.
_administrator = create_engine(engine.url.set(username="postgres"), pool_size=1) if POSTGRES else engine

_TABLES = [table.name for table in reversed(Base.metadata.sorted_tables) if table.name != "signing_key"]
# One question which tables hold anything: emptying the others too would take most of the time of a short test.
_FULL = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in _TABLES)


@pytest.fixture(autouse=True)
def _empty(_schema: None) -> None:
    """Each test starts with empty tables, and nobody has failed at anything yet. Signing keys, slow to make, stay."""
    ledger.drain()
    with _administrator.connect() as looking:
        full = set(looking.scalars(text(_FULL)))
    if full:
        with _administrator.begin() as emptying:
            for name in filter(full.__contains__, _TABLES):
                emptying.execute(text(f'DELETE FROM "{name}"'))
    throttle.forget_all()


@pytest.fixture(scope="session")
def server() -> ASGIApp:
    from app.main import create_app

    return create_app()


@pytest.fixture
def browser(server: ASGIApp) -> Iterator[Browser]:
    """A browser without JavaScript that checks every page it opens."""
    with Browser(server) as opened:
        yield opened


@pytest.fixture
def other_browser(server: ASGIApp) -> Iterator[Browser]:
    """Somebody else's browser."""
    with Browser(server) as opened:
        yield opened


@pytest.fixture
def data_dir() -> Path:
    return Path(_data.name)
