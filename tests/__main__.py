"""`gatehouse test`: fetch what the tests need, check the code, run the suite on SQLite and on PostgreSQL.

Arguments go to pytest; with arguments, the checks are left out and only SQLite runs, unless `--postgres` is among them.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests import chromium, postgres
from tests.clients import packages

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    needed = _missing_packages()
    if needed and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing {', '.join(needed)} for the tests", flush=True)
        _install(needed)
        needed = _missing_packages()
    for package in needed:
        print(f"{package} is not installed: its tests are skipped and counted. apt-get install {package}", flush=True)
    if not packages.missing():
        packages.install()

    on_postgres = "--postgres" in arguments
    chosen = [argument for argument in arguments if argument != "--postgres"]
    if not arguments:
        checked = subprocess.run([sys.executable, "-m", "app", "check"], cwd=ROOT, check=False)
        if checked.returncode:
            return checked.returncode
    failed = 0
    if not on_postgres:
        failed = _pytest(chosen, {})
    if on_postgres or not arguments:
        try:
            with postgres.running() as url:
                failed = _pytest(chosen, {"GATEHOUSE_TEST_POSTGRES": url}) or failed
        except postgres.Missing as missing:
            print(f"{missing.text}. The suite ran on SQLite only.", flush=True)
    return failed


def _pytest(arguments: list[str], environment: dict[str, str]) -> int:
    parallel = [] if arguments else ["-n", str(os.cpu_count() or 2), "--dist", "loadgroup"]
    command = [sys.executable, "-m", "pytest", *parallel, *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=False).returncode


def _missing_packages() -> list[str]:
    """Debian packages of programs that the tests would use but do not find."""
    missing = []
    try:
        postgres.programs()
    except postgres.Missing:
        missing.append("postgresql")
    if chromium.program() is None:
        missing.append("chromium")
    if shutil.which("wrk") is None:
        missing.append("wrk")
    missing += packages.missing()
    return missing


def _install(packages: list[str]) -> None:
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *packages]):
        subprocess.run(command, env=os.environ | quiet, stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
