"""A partner's program, and a process that holds nothing."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.oauth import store
from app.settings import settings


@pytest.fixture
def client(server: ASGIApp) -> Iterator[TestClient]:
    with TestClient(server, base_url=settings.issuer, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is held from one call to the next."""
    monkeypatch.setattr(store, "KEPT_SECONDS", 0)
