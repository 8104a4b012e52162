"""The agent as a program of its own, in a process of its own, as a technician starts it.

with start(home, "enrol", "--server", address) as program: ...
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"Type +(\S{4}-\S{4})")


def start(home: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """It runs; both its outputs are pipes."""
    command = [sys.executable, "-m", "gatehouse_agent", arguments[0], "--home", str(home), "--allow-workstation"]
    return subprocess.Popen(
        [*command, *arguments[1:]],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(home: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """It has run. What it logged is on our standard error too, where no secret may be."""
    with start(home, *arguments, **environment) as program:
        out, err = program.communicate(timeout=60)
    sys.stderr.write(err)
    return subprocess.CompletedProcess(program.args, program.returncode, out, err)


def enrol(home: Path, address: str, folder: Path, approve: Callable[[str], None]) -> str:
    """Enrol it for this folder. `approve` is given the code that it shows; what else it showed is returned."""
    with start(home, "enrol", "--server", address, "--folder", str(folder), "--stable-seconds", "0") as program:
        assert program.stdout and program.stderr
        shown = ""
        while not (code := CODE.search(shown)):
            line = program.stdout.readline()
            assert line, program.stderr.read()
            shown += line
        approve(code[1])
        shown += program.stdout.read()
        wrong = program.stderr.read()
    assert program.returncode == 0, wrong
    return shown


def once(home: Path) -> "subprocess.CompletedProcess[str]":
    """Let it send what is new."""
    return run(home, "once")
