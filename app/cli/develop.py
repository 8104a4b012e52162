"""`gatehouse check` and `gatehouse test`: what a developer and the CI run."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import typer

from app.settings import ROOT

TOOLS = Path(sys.executable).parent


def check() -> None:
    """Format, lint, types, layers, migrations, known vulnerabilities (where their list can be reached)."""
    with tempfile.TemporaryDirectory() as folder:
        empty = {"GATEHOUSE_DATA_DIR": folder, "GATEHOUSE_DATABASE_URL": "", "GATEHOUSE_ENVIRONMENT": "test"}
        passed = [
            _step("format", "ruff", "format", "--check", "--quiet", "."),
            _step("lint", "ruff", "check", "--quiet", "."),
            _step("types", "mypy", "--no-error-summary"),
            _step("layers", "lint-imports", "--no-logo"),
            _step("migrations run", "alembic", "upgrade", "head", environment=empty),
            _step("migrations match the models", "alembic", "check", environment=empty),
            _vulnerabilities(),
        ]
    raise typer.Exit(0 if all(passed) else 1)


def test(context: typer.Context) -> None:
    """Set up what the tests need and run them all; further arguments go to pytest."""
    raise typer.Exit(subprocess.run([sys.executable, "-m", "tests", *context.args], cwd=ROOT, check=False).returncode)


def _step(name: str, tool: str, *arguments: str, environment: dict[str, str] | None = None) -> bool:
    done = _run(tool, *arguments, environment=environment or {})
    typer.echo(f"{name}: {'ok' if done.returncode == 0 else 'FAILED'}")
    if done.returncode:
        typer.echo(done.stdout + done.stderr)
    return done.returncode == 0


def _vulnerabilities() -> bool:
    """Hold the lock against the list of known vulnerabilities; where the list cannot be reached, say so and pass."""
    lock = str(ROOT / "requirements/run.lock")
    done = _run(
        "pip-audit", "--disable-pip", "--require-hashes", "-r", lock, "--progress-spinner", "off", environment={}
    )
    found = done.returncode == 1 and "known vulnerabilit" in done.stderr
    reached = found or (done.returncode == 0 and "could not be audited" not in done.stdout)
    typer.echo(f"known vulnerabilities: {'FAILED' if found else 'ok' if reached else 'skipped, list not reachable'}")
    if found:
        typer.echo(done.stdout)
    return not found


def _run(tool: str, *arguments: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [str(TOOLS / tool), *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
