import pytest
from starlette.types import ASGIApp

from app.models.scope import SCOPES, Scope
from app.oauth import metadata
from tests.oauth.agents import Agent
from tests.oauth.dance import Dance
from tests.oauth.proofs import Signer
from tests.pages import Browser


@pytest.fixture
def dance(server: ASGIApp, browser: Browser) -> Dance:
    """A Verified school, its admin and an app with client_secret_basic."""
    return Dance(server, browser)


@pytest.fixture
def more_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two more kinds of data, so that an app can ask for something optional and something sensitive."""
    special = Scope(
        "students.sen", "Special educational needs", "Needs and provision.", "student", ("sen",), special=True
    )
    for scope in (Scope("students", "Pupils", "Names and year groups.", "student", ("givenName",)), special):
        monkeypatch.setitem(SCOPES, scope.name, scope)
    monkeypatch.setattr(metadata, "OFFERED", ["school", "students", "students.sen"])


@pytest.fixture
def key() -> Signer:
    """A key that proves what is bound to it."""
    return Signer()


@pytest.fixture
def agent(server: ASGIApp, browser: Browser) -> Agent:
    """An agent that wants to be let in, and the admin who may do that."""
    return Agent(server, browser)
