from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from app.cli import app as gatehouse
from tests.faults.world import World


@pytest.fixture
def world(_empty: None) -> World:
    return World()


@pytest.fixture(autouse=True)
def _audited(_empty: None) -> Iterator[None]:
    """After each test here `gatehouse audit invariants` finds nothing."""
    yield
    done = CliRunner().invoke(gatehouse, ["audit", "invariants"])
    assert (done.exit_code, done.output) == (0, "Everything that must hold does.\n")
