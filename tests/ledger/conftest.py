"""A partner's program."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.settings import settings


@pytest.fixture
def client(server: ASGIApp) -> Iterator[TestClient]:
    with TestClient(server, base_url=settings.issuer, raise_server_exceptions=False) as opened:
        yield opened
