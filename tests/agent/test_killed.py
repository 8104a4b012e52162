"""Whenever the agent loses power, the next run ends with one complete batch, and no byte of it is wrong."""

import hashlib
import io
import os
import shutil
import signal
import zipfile
from pathlib import Path

import pytest

from tests.agent import program
from tests.agent.fake import Fake

pytestmark = [pytest.mark.once, pytest.mark.slow]


class Power:
    """Ends the program at the call of this number, counted from 0, once. -1: never."""

    def __init__(self) -> None:
        self.at = -1
        self.pid = 0
        self.seen = 0

    def __call__(self, method: str, path: str) -> None:
        if self.seen == self.at:
            os.kill(self.pid, signal.SIGKILL)
        self.seen += 1


def ends(home: Path, power: Power) -> int:
    """The exit code of one run."""
    with program.start(home, "once") as running:
        power.pid, power.seen = running.pid, 0
        running.communicate(timeout=60)
    return running.returncode


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_call_it_goes_on_and_sends_one_whole_batch(
    fake: Fake, folder: Path, tmp_path: Path, when: str
) -> None:
    fake.chunk_bytes = 4000
    power = Power()
    setattr(fake, when, power)
    program.enrol(tmp_path / "enrolled", fake.address, folder, lambda _code: None)
    killed = 0
    for at in range(99):
        home = shutil.copytree(tmp_path / "enrolled", tmp_path / f"home{at}")
        fake.batches = []
        power.at = at
        code = ends(home, power)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        killed += 1
        power.at = -1
        assert ends(home, power) == 0
        [batch] = fake.complete()
        assert fake.batches == [batch], f"killed at call {at}"
        assert hashlib.sha256(batch.content).hexdigest() == batch.sha256
        assert len(batch.parts) > 1
        with zipfile.ZipFile(io.BytesIO(batch.content)) as packed:
            assert {name: packed.read(name) for name in packed.namelist()} == {
                path.name: path.read_bytes() for path in folder.iterdir()
            }
    assert killed > 5


def test_killed_after_every_part_no_part_is_sent_twice(fake: Fake, folder: Path, tmp_path: Path) -> None:
    fake.chunk_bytes = 2000
    home = tmp_path / "home"
    program.enrol(home, fake.address, folder, lambda _code: None)
    fake.calls.clear()
    pids: list[int] = []

    def cut(method: str, path: str) -> None:
        if method == "PUT":
            os.kill(pids[-1], signal.SIGKILL)

    fake.after = cut
    code = -signal.SIGKILL
    while code == -signal.SIGKILL:
        with program.start(home, "once") as running:
            pids.append(running.pid)
            running.communicate(timeout=60)
        code = running.returncode

    assert code == 0
    [batch] = fake.complete()
    assert fake.batches == [batch]
    assert hashlib.sha256(batch.content).hexdigest() == batch.sha256
    sent = [path for method, path in fake.calls if method == "PUT"]
    assert len(sent) == len(set(sent)) == len(batch.parts) > 3
