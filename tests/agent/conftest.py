from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatehouse_agent import enrolling
from gatehouse_agent.home import Home, Settings
from gatehouse_agent.work import Agent
from tests.agent.fake import Fake, serving


@pytest.fixture
def fake() -> Iterator[Fake]:
    with serving(Fake()) as served:
        yield served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the MIS puts its export: two files."""
    made = tmp_path / "export"
    made.mkdir()
    (made / "users.csv").write_text("sourcedId,givenName\n" + "".join(f"{n},Name{n * n}\n" for n in range(2000)))
    (made / "classes.csv").write_text("sourcedId,title\n1,7A\n")
    return made


@pytest.fixture
def home(tmp_path: Path, folder: Path) -> Home:
    made = Home(tmp_path / "home")
    made.folder.mkdir(0o700)
    made.keep_settings(Settings(str(folder), 0))
    return made


@pytest.fixture
def waits() -> list[float]:
    """How long the agent meant to wait, each time; it did not."""
    return []


@pytest.fixture
def enrolled(home: Home, fake: Fake, waits: list[float]) -> Callable[[], Agent]:
    """Makes the agent that was let in, as it is at each start of the program."""
    enrolling.enrol(home, fake.address, lambda _: None, lambda _: None)
    fake.calls.clear()
    return lambda: Agent(home, waits.append)
