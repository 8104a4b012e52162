from collections.abc import Iterator
from typing import cast

import pytest
from starlette.testclient import TestClient

from tests.notify.hook_server import Hook, listening
from tests.pages import Browser
from tests.partners.caller import Caller, caller


@pytest.fixture
def mine(browser: Browser) -> Caller:
    return caller(cast(TestClient, browser.client))


@pytest.fixture
def theirs(browser: Browser) -> Caller:
    """Another partner's app."""
    return caller(cast(TestClient, browser.client))


@pytest.fixture
def hook() -> Iterator[Hook]:
    with listening() as opened:
        yield opened
