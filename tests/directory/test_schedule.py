"""The register is brought up to date every day from a folder or a file that is replaced."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.directory import schedule
from app.directory.schedule import SCHOOLS_ZONE, newest, once
from app.models.base import now
from app.settings import ROOT
from tests.directory.build import directory, raw, rows


def old(path: Path, data: bytes) -> Path:
    """Written some minutes ago."""
    path.write_bytes(data)
    settled = now().timestamp() - 2 * schedule.SETTLED_SECONDS
    os.utime(path, (settled, settled))
    return path


def test_the_newest_of_a_folder_is_imported_once_and_the_next_one_when_it_is_there(tmp_path: Path) -> None:
    said: list[str] = []
    assert once(tmp_path, None, said.append) is None
    assert "There is no register" in said[-1]
    old(tmp_path / "edubasealldata20261129.csv", raw(*rows(2)))
    old(tmp_path / "edubasealldata20261130.csv", raw(*rows(3)))

    done = once(tmp_path, None, said.append)

    assert len(directory()) == 3 and "3 added" in said[-1]
    assert once(tmp_path, done, said.append) == done and len(said) == 2
    old(tmp_path / "edubasealldata20261201.csv", raw(*rows(4)))
    assert once(tmp_path, done, said.append) != done
    assert len(directory()) == 4


def test_a_bad_file_is_told_once_and_changes_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    done = once(old(tmp_path / "edubasealldata1.csv", raw(*rows(2))), None, said.append)
    bad = old(tmp_path / "edubasealldata2.csv", b"nothing of a register")
    done = once(tmp_path, done, said.append)
    assert done == (bad, bad.stat().st_mtime) and "was not imported" in said[-1]
    once(tmp_path, done, said.append)
    assert len(said) == 2 and len(directory()) == 2


def test_a_file_that_is_still_being_written_waits(tmp_path: Path) -> None:
    said: list[str] = []
    fresh = tmp_path / "edubasealldata1.csv"
    fresh.write_bytes(raw(*rows(2)))
    assert once(tmp_path, None, said.append) is None and said == []
    assert once(old(fresh, raw(*rows(2))), None, said.append) is not None
    assert newest(fresh) == fresh


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        ("2026-12-01T04:00:00+00:00", "2026-12-01T05:00:00+00:00"),
        ("2026-12-01T05:00:00+00:00", "2026-12-02T05:00:00+00:00"),
        ("2026-07-01T03:00:00+00:00", "2026-07-01T04:00:00+00:00"),  # summer time
    ],
)
def test_the_time_is_that_of_clocks_at_schools(moment: str, due: str) -> None:
    found = schedule._next(dt.datetime.fromisoformat(moment), dt.time(5))
    assert found == dt.datetime.fromisoformat(due) and found.tzinfo == SCHOOLS_ZONE


def test_it_runs_until_it_is_stopped(tmp_path: Path) -> None:
    old(tmp_path / "edubasealldata1.csv", raw(*rows(2)))
    stop, said = threading.Event(), list[str]()

    def hears(words: str) -> None:
        said.append(words)
        stop.set()

    schedule.run(tmp_path, dt.time(5), stop, hears)
    assert len(directory()) == 2 and len(said) == 1


@pytest.mark.once
def test_the_command_goes_on_and_ends_when_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app", "edubase", "import", str(tmp_path), "--schedule"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert "There is no register" in running.stdout.readline()
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
    wrong = subprocess.run([*command, "--at", "noon"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and "05:00" in wrong.stderr
