"""The commands, as a technician types them."""

import datetime as dt
import json
import signal
import subprocess
from pathlib import Path

import pytest

from gatehouse_agent import cli, status, workstation
from gatehouse_agent.errors import AgentError
from gatehouse_agent.home import Home
from tests.agent import program
from tests.agent.fake import Fake

pytestmark = pytest.mark.once

AGENT = program.ROOT / ".venv/bin/gatehouse-agent"


@pytest.fixture
def installed(tmp_path: Path, fake: Fake, folder: Path) -> Path:
    """The state folder of an agent that was let in, by its own commands."""
    home = tmp_path / "state"
    program.enrol(home, fake.address, folder, lambda _code: None)
    return home


def says(home: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads(program.run(home, "status", "--json").stdout)
    return told


def test_from_enrolment_to_the_end(installed: Path, fake: Fake, folder: Path) -> None:
    assert installed.stat().st_mode & 0o777 == 0o700
    assert says(installed)["state"] == "failing", "nothing was sent yet"
    again = program.run(installed, "enrol", "--server", fake.address)
    assert (again.returncode, "enrolled already" in again.stderr) == (0, True)
    elsewhere = program.run(installed, "enrol", "--server", "https://elsewhere.example")
    assert (elsewhere.returncode, "unenrol" in elsewhere.stderr) == (1, True)

    done = program.once(installed)
    assert (done.returncode, done.stdout) == (0, "Gatehouse has the current export.\n")
    said = says(installed)
    assert (said["state"], said["folder"], said["waiting"]) == ("working", str(folder), 0)
    people = program.run(installed, "status").stdout
    assert "Elm Park School, URN 100001" in people and "received" in people

    assert program.run(installed, "unenrol").returncode == 0
    assert fake.removed and not (installed / "key.pem").exists() and not (installed / "enrolment.json").exists()
    assert says(installed)["state"] == "not enrolled"
    assert program.once(installed).returncode == 2


def test_neither_a_token_nor_a_name_is_ever_logged(installed: Path, fake: Fake, folder: Path) -> None:
    (folder / "Zoe Example.xml").write_text("<CTFile>Zoe Example</CTFile>")
    outputs = [program.once(installed)]
    fake.batches[-1].state = "refused"
    fake.batches[-1].faults = [{"file": "users.csv", "line": 2, "column": "", "reason": "Zoe Example"}]
    outputs += [program.once(installed), program.run(installed, "status"), program.run(installed, "unenrol")]
    text = (installed / "agent.log").read_text() + "".join(ran.stdout + ran.stderr for ran in outputs)
    assert "users.csv, line 2" in text
    for secret in (fake.device_code, fake.refresh_token, *fake.tokens, "gh_", "eyJ", "Zoe", "PRIVATE"):
        assert secret not in text


def test_switched_off_on_purpose_is_not_a_failure(installed: Path, fake: Fake) -> None:
    program.once(installed)
    until = (dt.datetime.now().astimezone().date() + dt.timedelta(days=30)).isoformat()
    assert program.run(installed, "disable", "--until", until, "--why", "The server moves").returncode == 0
    shown = program.run(installed, "status")
    assert (shown.returncode, "The server moves" in shown.stdout) == (0, True)
    sent = len(fake.batches)
    assert program.once(installed).returncode == 0
    assert (fake.beats[-1]["state"], len(fake.batches)) == ("disabled", sent)
    assert program.run(installed, "enable").returncode == 0
    assert says(installed)["state"] == "working"
    for wrong in ("tomorrow", "2020-01-01"):
        assert program.run(installed, "disable", "--until", wrong, "--why", "x").returncode == 2


def test_the_service_ends_when_it_is_asked_to_and_only_one_agent_works(installed: Path, fake: Fake) -> None:
    beaten = fake.after
    with program.start(installed, "run") as service:
        assert service.stderr
        while "has arrived" not in service.stderr.readline():
            pass
        second = program.once(installed)
        assert (second.returncode, "Another gatehouse-agent" in second.stderr) == (1, True)
        assert says(installed)["waiting"] == 0
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=60)
    assert (service.returncode, beaten) == (0, fake.after)
    assert program.once(installed).returncode == 0


def test_an_agent_that_was_removed_says_so_and_needs_no_network_for_it(installed: Path, fake: Fake) -> None:
    program.once(installed)
    fake.removed = True
    assert program.run(installed, "run").returncode == 1
    calls = len(fake.calls)
    again = program.run(installed, "run")
    assert (again.returncode, "removed this agent" in again.stderr, len(fake.calls)) == (2, True, calls)
    assert "removed this agent" in str(says(installed)["problem"])
    fake.answers = [True]
    assert program.run(installed, "enrol", "--server", fake.address).returncode == 0
    assert program.once(installed).returncode == 0


def test_unenrolling_where_the_server_is_away_deletes_nothing(installed: Path, fake: Fake) -> None:
    kept = (installed / "enrolment.json").read_text()
    (installed / "enrolment.json").write_text(kept.replace(fake.address, "http://127.0.0.1:1"))
    failed = program.run(installed, "unenrol")
    assert (failed.returncode, "Nothing was deleted" in failed.stderr) == (1, True)
    (installed / "enrolment.json").write_text(kept)
    assert program.run(installed, "unenrol").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [[], ["dance"], ["enrol"], ["enrol", "--server", "x", "--stable-seconds", "-1"], ["disable", "--why", "x"]],
)
def test_a_command_that_is_none_is_a_matter_of_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_persons_own_account_is_no_place_for_an_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert workstation.is_person(1000, "/bin/bash") and workstation.is_person(61_000, "/usr/bin/zsh")
    assert not workstation.is_person(0, "/bin/bash") and not workstation.is_person(999, "/bin/sh")
    assert not workstation.is_person(1001, "/usr/sbin/nologin") and not workstation.is_person(62_000, "")

    def refused() -> None:
        raise AgentError("This is a workstation.")

    monkeypatch.setattr(workstation, "check", refused)
    command = ["once", "--home", str(tmp_path / "home")]
    assert cli.main(command) == 1
    assert "This is a workstation" in capsys.readouterr().err and not (tmp_path / "home").exists()
    assert cli.main([*command, "--allow-workstation"]) == 2
    assert "not enrolled" in capsys.readouterr().err


def test_settings_that_somebody_wrote_wrongly_are_said(installed: Path) -> None:
    good = (installed / "settings.json").read_text()
    for wrong in ('{"folder": 7}', '{"stable_seconds": "ten"}', '{"look_seconds": -1}', "{"):
        (installed / "settings.json").write_text(wrong)
        ran = program.once(installed)
        assert (ran.returncode, "settings.json" in ran.stderr, "Traceback" in ran.stderr) == (1, True, False)
    (installed / "settings.json").write_text(good)
    assert program.once(installed).returncode == 0


def test_silence_of_more_than_a_day_is_a_failure(installed: Path) -> None:
    program.once(installed)
    home = Home(installed)
    heard = home.memory().heard_at
    assert status.told(home, heard + 80_000)["state"] == "working"
    said = status.told(home, heard + 90_000)
    assert (said["state"], "Is its service running?" in said["problem"]) == ("failing", True)


@pytest.mark.skipif(not AGENT.exists(), reason="this clone was not installed by ./gatehouse")
def test_the_clone_has_the_agent_whatever_folder_it_is_called_in(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not ours')")
    ran = subprocess.run([AGENT, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "0.1.0\n")
