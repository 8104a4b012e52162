from collections.abc import Iterator

import pytest
from starlette.types import ASGIApp

from tests.pages import Browser


@pytest.fixture
def page(server: ASGIApp) -> Iterator[Browser]:
    """The browser of the school's admin, once `signs_in` gave it a session."""
    with Browser(server) as opened:
        yield opened
