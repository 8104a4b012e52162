from collections.abc import Iterator

import pytest
from starlette.types import ASGIApp

from tests.endpoint.machine import Machine
from tests.factories import signs_in
from tests.oauth.agents import Agent
from tests.pages import Browser
from tests.roster.school_data import School as Export
from tests.roster.simulated_g2 import G2, running
from tests.sharing.people import World, world


@pytest.fixture
def machine(server: ASGIApp, browser: Browser) -> Machine:
    """A school's server with an agent that was let in."""
    return Machine(Agent(server, browser))


@pytest.fixture
def here(browser: Browser) -> World:
    made = world(102999)  # whose establishment number is 2999, as the simulator's
    signs_in(browser, made.admin)
    return made


@pytest.fixture
def g2() -> Iterator[G2]:
    with running(G2(Export(4))) as served:
        yield served
