"""Networks, servers, disks, clocks and power that fail, and what the agent makes of it."""

import errno
import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatehouse_agent.errors import AgentError, Unreachable
from gatehouse_agent.home import Home
from gatehouse_agent.work import Agent
from tests.agent.fake import Drop, Fake, Say, faults, problem

pytestmark = pytest.mark.once

Made = Callable[[], Agent]


class Power(BaseException):
    """It went."""


@pytest.mark.parametrize(
    "fault",
    [
        Drop(),
        problem(503, "503", Retry_After="5"),
        problem(500, "500"),
        problem(429, "429", Retry_After="7"),
        problem(409, "409", Retry_After="60"),
        Say(502, "<html>Bad gateway</html>"),
        Say(200, "<html>Sign in to the network</html>"),
        Say(403, "<html>Blocked by the web filter</html>"),
    ],
    ids=["drop", "503", "500", "429", "409", "gateway", "portal", "filter"],
)
@pytest.mark.parametrize("within", ["/oauth/token", "/batches", "/chunks/1", "/complete"])
def test_what_passes_by_itself_is_waited_out(
    enrolled: Made, fake: Fake, waits: list[float], fault: Exception, within: str
) -> None:
    fake.before = faults(fault, fault, within=within)
    enrolled().work()
    [batch] = fake.complete()
    assert hashlib.sha256(batch.content).hexdigest() == batch.sha256
    asked = float(fault.headers.get("Retry-After", 0)) if isinstance(fault, Say) else 0
    assert len([wait for wait in waits if wait >= max(asked, 0.5)]) == 2


def test_an_answer_that_is_lost_changes_nothing(enrolled: Made, fake: Fake) -> None:
    for within in ("/batches", "/chunks/2", "/complete", "/oauth/token"):
        fake.batches.clear()
        agent = enrolled()
        agent.memory.sent = None
        fake.after = faults(Drop(), within=within)
        agent.work()
        assert [batch.state for batch in fake.batches] == ["received"]


def test_a_server_that_stays_away_is_said_and_the_next_round_goes_on(enrolled: Made, fake: Fake) -> None:
    agent = enrolled()
    fake.before = faults(*[None] * 3, *[problem(503, "503", "It is being mended.")] * 99, within="/agent/")
    with pytest.raises(Unreachable, match="being mended"):
        agent.work()
    assert "being mended" in enrolled().memory.problem
    sent = fake.batches[0].parts.copy()
    assert sent and fake.batches[0].state == "receiving"

    fake.before, fake.calls = faults(), []
    enrolled().work()

    [batch] = fake.complete()
    assert not {f"/agent/v1/batches/{batch.id}/chunks/{position}" for position in sent} & {
        path for _, path in fake.calls
    }
    assert enrolled().memory.problem == ""


def test_a_part_that_was_damaged_on_the_way_is_sent_again(enrolled: Made, fake: Fake) -> None:
    fake.before = faults(problem(400, "wrong_digest"), within="/chunks/0")
    enrolled().work()
    assert len(fake.complete()) == 1


def test_parts_that_the_server_lost_are_sent_again(enrolled: Made, fake: Fake) -> None:
    def lose(method: str, path: str) -> None:
        if path.endswith("/complete"):
            fake.before = faults()
            del fake.batches[0].parts[1]

    fake.before = lose
    enrolled().work()
    [batch] = fake.complete()
    assert hashlib.sha256(batch.content).hexdigest() == batch.sha256


def test_bytes_that_were_damaged_here_are_packed_anew(enrolled: Made, fake: Fake, home: Home) -> None:
    agent = enrolled()
    fake.before = faults(*[Drop()] * 99, within="/chunks/")
    with pytest.raises(Unreachable):
        agent.work()
    with open(home.outgoing, "r+b") as file:
        file.write(b"damaged")
    fake.before = faults()
    with pytest.raises(AgentError, match="did not take the export"):
        agent.work()
    agent.work()
    [batch] = fake.complete()
    assert zipfile.ZipFile(io.BytesIO(batch.content)).testzip() is None


def test_a_batch_that_somebody_gave_up_is_begun_anew(enrolled: Made, fake: Fake) -> None:
    fake.before = faults(*[None] * 4, *[Drop()] * 99, within="/agent/")
    with pytest.raises(Unreachable):
        enrolled().work()
    fake.batches[0].state = "cancelled"
    fake.before = faults()
    enrolled().work()
    assert [batch.state for batch in fake.batches] == ["cancelled", "received"]


def test_a_batch_that_somebody_gives_up_while_it_is_sent_is_begun_anew(enrolled: Made, fake: Fake) -> None:
    def give_up(method: str, path: str) -> None:
        if path.endswith("/chunks/1"):
            fake.before = faults()
            fake.batches[0].state = "cancelled"

    fake.before = give_up
    enrolled().work()
    assert [batch.state for batch in fake.batches] == ["cancelled", "received"]


def test_an_export_that_changes_while_it_is_sent_is_sent_as_it_is_now(enrolled: Made, fake: Fake, folder: Path) -> None:
    agent = enrolled()
    fake.before = faults(*[None] * 4, *[Drop()] * 99, within="/agent/")
    with pytest.raises(Unreachable):
        agent.work()
    (folder / "users.csv").write_text("sourcedId\nnew\n")
    fake.before = faults()
    enrolled().work()
    [batch] = fake.complete()
    with zipfile.ZipFile(io.BytesIO(batch.content)) as packed:
        assert packed.read("users.csv") == b"sourcedId\nnew\n"


def test_a_clock_that_is_wrong_and_a_nonce_that_is_asked_for_are_healed_in_passing(enrolled: Made, fake: Fake) -> None:
    for skew in (-7200.0, 86_400.0, 3.0):
        fake.skew, fake.nonce = skew, f"nonce{skew}"
        fake.batches.clear()
        agent = enrolled()
        agent.memory.sent = None
        agent.work()
        assert len(fake.complete()) == 1
        if abs(skew) > 60:
            assert enrolled().server.offset == pytest.approx(skew, abs=3)


def test_a_token_that_ran_out_is_renewed_once(enrolled: Made, fake: Fake) -> None:
    def expire(method: str, path: str) -> None:
        if path.endswith("/chunks/1"):
            fake.before = faults()
            fake.tokens.clear()

    fake.before = expire
    enrolled().work()
    assert len(fake.complete()) == 1
    assert len([path for _, path in fake.calls if path == "/oauth/token"]) == 2

    fake.before = faults(*[problem(401, "invalid_token", "The school is Suspended.")] * 9, within="/heartbeat")
    with pytest.raises(AgentError, match="Suspended"):
        enrolled().beat()
    fake.before = faults()
    enrolled().beat()


def test_a_full_disk_is_said_and_leaves_no_half_file(
    enrolled: Made, fake: Fake, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = enrolled()
    before = {path.name: path.read_bytes() for path in home.folder.iterdir()}

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(AgentError, match="is full"):
            agent.work()
    assert {path.name: path.read_bytes() for path in home.folder.iterdir()} == before
    enrolled().work()
    assert len(fake.complete()) == 1


@pytest.mark.parametrize("late", [False, True])
def test_power_that_goes_at_any_write_costs_nothing(
    enrolled: Made, fake: Fake, home: Home, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    """`late`: just after a file took its place, not before."""
    real = os.replace
    start = {path.name: path.read_bytes() for path in home.folder.iterdir()}
    for at in range(99):
        for path in home.folder.iterdir():
            path.unlink()
        for name, content in start.items():
            (home.folder / name).write_bytes(content)
        fake.batches.clear()
        writes: list[Any] = []

        def replace(made: Path, path: Path, at: int = at, writes: list[Any] = writes) -> None:
            writes.append(path)
            if len(writes) - 1 != at:
                return real(made, path)
            if late:
                real(made, path)
            raise Power

        agent = enrolled()
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", replace)
            try:
                agent.work()
            except Power:
                pass
            else:
                break
        enrolled().work()
        [batch] = fake.complete()
        assert fake.batches == [batch], at
        assert hashlib.sha256(batch.content).hexdigest() == batch.sha256
    assert at > 3
