import pytest
from starlette.types import ASGIApp

from tests.oauth.dance import Dance
from tests.pages import Browser


@pytest.fixture
def dance(server: ASGIApp, browser: Browser) -> Dance:
    """A Verified school, its admin and an app with client_secret_basic."""
    return Dance(server, browser)
