from collections.abc import Iterator

import pytest

from tests.clients import packages
from tests.clients.site import Site, running


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("clients")) as started:
        yield started


@pytest.fixture(scope="session")
def site_with_nonces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that wants its nonce in every DPoP proof (RFC 9449 section 8)."""
    with running(tmp_path_factory.mktemp("clients-nonces"), GATEHOUSE_DPOP_NONCE="true") as started:
        yield started


@pytest.fixture(scope="session")
def npm() -> None:
    """The libraries of npm are there; skips the test, counted, where there is nothing to fetch and run them with."""
    if absent := packages.missing():
        pytest.skip(f"{' and '.join(absent)}: not installed")
    packages.install()
