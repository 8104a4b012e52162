import pytest
from starlette.types import ASGIApp

from tests.endpoint.machine import Machine
from tests.oauth.agents import Agent
from tests.pages import Browser


@pytest.fixture
def machine(server: ASGIApp, browser: Browser) -> Machine:
    """A school's server with an agent that was let in."""
    return Machine(Agent(server, browser))
