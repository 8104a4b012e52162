from collections.abc import Iterator

import pytest

from tests.clients.site import Site, running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A real server, which knows nothing of our tests."""
    with running(tmp_path_factory.mktemp("developers")) as started:
        yield started
