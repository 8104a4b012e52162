"""What the agent sends and says, against a small server over real HTTP. Nothing waits."""

import dataclasses
import io
import os
import platform
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gatehouse_agent.errors import AgentError, NotEnrolled, Removed, Unreachable
from gatehouse_agent.home import Disabled, Home
from gatehouse_agent.work import DAY, Agent
from tests.agent.fake import Fake

pytestmark = pytest.mark.once

Made = Callable[[], Agent]


def test_the_folder_arrives_as_one_zip_of_what_stands_in_it(enrolled: Made, fake: Fake, folder: Path) -> None:
    (folder / "notes.txt").write_text("no export")
    (folder / "~$users.csv").write_text("open in Excel")
    (folder / "users.csv.tmp").write_text("half of it")

    agent = enrolled()
    agent.work()
    agent.beat()

    [batch] = fake.complete()
    assert (batch.name, batch.size) == ("export.zip", len(batch.content))
    with zipfile.ZipFile(io.BytesIO(batch.content)) as packed:
        assert packed.namelist() == ["classes.csv", "users.csv"] and packed.testzip() is None
    [beat] = fake.beats
    assert (beat["state"], beat["problem"], beat["last_batch"], beat["waiting"]) == ("working", "", batch.id, 0)
    assert beat["source"] == {"kind": "folder", "where": str(folder)}


@pytest.mark.parametrize("name", ["School.ZIP", "900001_CTF.xml"])
def test_a_single_zip_or_xml_file_is_sent_as_it_is(enrolled: Made, fake: Fake, folder: Path, name: str) -> None:
    for path in folder.iterdir():
        path.unlink()
    (folder / name).write_bytes(os.urandom(3500))
    enrolled().work()
    [batch] = fake.complete()
    assert (batch.name, batch.content) == (name, (folder / name).read_bytes())


def test_of_several_zips_the_newest_is_sent_and_a_mixture_is_asked_about(
    enrolled: Made, fake: Fake, folder: Path
) -> None:
    for number, name in enumerate(("b.zip", "a.zip")):
        (folder / name).write_bytes(name.encode())
        os.utime(folder / name, (1e9 + number, 1e9 + number))
    with pytest.raises(AgentError, match="one export"):
        enrolled().work()
    for path in folder.glob("*.csv"):
        path.unlink()
    enrolled().work()
    assert [batch.content for batch in fake.complete()] == [b"a.zip"]


def test_unchanged_content_is_sent_once_a_day_and_changed_content_at_once(
    enrolled: Made, fake: Fake, folder: Path
) -> None:
    agent = enrolled()
    agent.work()
    agent.work()
    os.utime(folder / "users.csv", (1e9, 1e9))
    agent.work()
    assert len(fake.batches) == 1, "touched, but the same"
    (folder / "users.csv").write_text("sourcedId\n1\n")
    agent.work()
    assert len(fake.batches) == 2

    for batch in fake.batches:
        batch.state = "accepted"
    agent.clock = lambda: time.time() + DAY - 60
    agent.work()
    assert len(fake.batches) == 2
    agent.clock = lambda: time.time() + DAY + 60
    agent.work()
    assert len(fake.batches) == 3


def test_an_empty_folder_and_one_that_is_not_there_are_said(enrolled: Made, fake: Fake, folder: Path) -> None:
    agent = enrolled()
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(AgentError, match="holds no export yet"):
        agent.work()
    agent.beat()
    assert (fake.beats[-1]["state"], "holds no export" in fake.beats[-1]["problem"]) == ("failing", True)
    folder.rmdir()
    with pytest.raises(AgentError, match="cannot be read"):
        agent.work()
    folder.mkdir()
    (folder / "users.csv").write_text("sourcedId\n")
    agent.work()
    agent.beat()
    assert (fake.beats[-1]["state"], fake.beats[-1]["problem"]) == ("working", "")


def test_files_that_are_still_written_are_waited_for(enrolled: Made, fake: Fake, folder: Path, home: Home) -> None:
    home.keep_settings(dataclasses.replace(home.settings(), stable_seconds=10))
    agent = enrolled()
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) < 3:
            with open(folder / "users.csv", "a") as file:
                file.write("1,more\n")

    agent.wait = wait
    agent.work()
    assert waited[:3] == [10, 10, 10]
    with zipfile.ZipFile(io.BytesIO(fake.complete()[0].content)) as packed:
        assert packed.read("users.csv") == (folder / "users.csv").read_bytes()

    def always(seconds: float) -> None:
        with open(folder / "users.csv", "a") as file:
            file.write("1,more\n")

    (folder / "users.csv").write_text("anew")
    agent.wait = always
    with pytest.raises(Unreachable, match="go on changing"):
        agent.work()
    assert len(fake.batches) == 1


def test_what_became_of_an_export_is_followed_and_a_refusal_is_said_without_the_data(
    enrolled: Made, fake: Fake, home: Home
) -> None:
    agent = enrolled()
    agent.work()
    fake.batches[0].state = "refused"
    fake.batches[0].faults = [{"file": "users.csv", "line": 7, "column": "dob", "reason": "Zoe Example is no date"}]
    with pytest.raises(AgentError, match=r"users\.csv, line 7") as told:
        agent.work()
    assert "Zoe" not in str(told.value)
    with pytest.raises(AgentError, match="could not take in"):
        enrolled().work()
    assert len(fake.batches) == 1, "the same faults are not sent again the same day"
    (Path(home.settings().folder) / "users.csv").write_text("sourcedId\n")
    enrolled().work()
    fake.batches[1].state = "accepted"
    enrolled().work()
    sent = enrolled().memory.sent
    assert sent is not None and (sent.state, enrolled().memory.problem) == ("accepted", "")


def test_an_agent_that_the_school_removed_stops_and_says_so(enrolled: Made, fake: Fake) -> None:
    agent = enrolled()
    agent.work()
    fake.removed = True
    with pytest.raises(Removed, match="removed this agent"):
        agent.beat()
    calls = len(fake.calls)
    with pytest.raises(NotEnrolled, match="removed this agent"):
        enrolled()
    assert len(fake.calls) == calls


def test_an_agent_whose_school_is_suspended_waits_for_better_days(enrolled: Made, fake: Fake) -> None:
    fake.removed, fake.why = True, "The school is Suspended."
    with pytest.raises(AgentError, match="Suspended"):
        enrolled().work()
    fake.removed = False
    enrolled().work()
    assert len(fake.complete()) == 1


def test_switched_off_on_purpose_it_sends_nothing_until_that_day_is_over(
    enrolled: Made, fake: Fake, home: Home
) -> None:
    home.keep_disabled(Disabled("2027-01-31", "The server moves"))
    agent = enrolled()
    agent.clock = lambda: 1_800_000_000.0  # 15 January 2027
    agent.server._clock = agent.clock
    fake.skew = 1_800_000_000 - time.time()
    agent.work()
    agent.beat()
    assert fake.batches == []
    assert (fake.beats[-1]["state"], fake.beats[-1]["problem"]) == (
        "disabled",
        "Switched off until 2027-01-31: The server moves",
    )
    agent.clock = lambda: 1_800_000_000.0 + 20 * DAY
    agent.work()
    assert len(fake.complete()) == 1


def test_a_heartbeat_fits_what_the_server_takes(enrolled: Made, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = enrolled()
    agent.memory.problem = "x" * 900
    monkeypatch.setattr(platform, "platform", lambda: "Windows" * 90)
    agent.beat()
    [beat] = fake.beats
    assert (len(beat["problem"]), len(beat["platform"])) == (500, 200)
    assert enrolled().memory.heard_at == pytest.approx(time.time(), abs=60)
