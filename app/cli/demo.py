"""`gatehouse demo`: everything on one machine, with invented schools, ready for a browser."""

import json
import os
import signal
import subprocess
import sys
from typing import Annotated, Any

import typer

from app.cli import serve
from app.cli.output import AsJson, failures
from app.settings import ROOT, settings


def demo(
    seed_only: Annotated[bool, typer.Option(help="Prepare the database, print its accounts, start nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set up a demo database and start Gatehouse, its worker and a demo partner. Safe to repeat."""
    if settings.is_production:
        typer.echo("The demo does not run with GATEHOUSE_ENVIRONMENT=production.", err=True)
        raise typer.Exit(1)
    for port in () if seed_only else (settings.port, settings.demo_port):
        serve.need_free("127.0.0.1", port)
    with failures():
        prepared = _prepare()
    typer.echo(json.dumps(prepared) if as_json else _sheet(prepared))
    if not seed_only:
        _serve(prepared)


def _prepare() -> dict[str, Any]:
    """Schema, register and accounts; what is there already stays as it is."""
    from app import samples
    from app.db import sessions
    from app.directory import gias

    _upgrade()
    with sessions.read() as db:
        is_empty = gias.is_empty(db)
    if is_empty:
        gias.import_files(ROOT / "seed/edubase_sample.csv", links=ROOT / "seed/edubase_sample_links.csv")
    with sessions.begin() as db:
        seeded = samples.seed(db)
    samples.seed_rosters()
    return seeded


def _upgrade() -> None:
    """Migrate, unless the newest migration is in place: loading alembic would cost a third of a second start."""
    from app import db

    if db.revision() != db.MIGRATION:
        from alembic import command

        from app.cli.database import configuration

        command.upgrade(configuration(), "head")


def _serve(prepared: dict[str, Any]) -> None:
    """Gatehouse and its worker in this process, the demo partner in another; both end together."""
    from app.chores import BESIDE, Chores
    from app.notify import outbox

    # uvicorn stops on a signal and then raises it again: let that lead through the clean-up below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    partner = _start_partner(prepared)
    stop_worker = outbox.in_background(Chores(), BESIDE)
    try:
        serve.serve(port=settings.port)
    except KeyboardInterrupt:
        pass
    finally:
        stop_worker()
        partner.terminate()
        partner.wait(10)


def _start_partner(prepared: dict[str, Any]) -> "subprocess.Popen[bytes]":
    app = next(app for app in prepared["apps"] if app["client_id"] == "reading-room")
    environment = {
        "DEMO_ISSUER": settings.issuer,
        "DEMO_CLIENT_ID": app["client_id"],
        "DEMO_CLIENT_SECRET": app["client_secret"],
        "DEMO_STORE": str(settings.data_dir / "demo-partner.json"),
    }
    command = [sys.executable, "-m", "uvicorn", "app.demo.partner:app", "--port", str(settings.demo_port)]
    quiet = ["--no-access-log", "--log-level", "warning"]
    return subprocess.Popen([*command, *quiet], cwd=ROOT, env=os.environ | environment)


def _sheet(prepared: dict[str, Any]) -> str:
    """The addresses and demo sign-ins, for people."""
    lines = [
        "",
        f"Gatehouse      {settings.issuer}",
        f"Demo partner   http://127.0.0.1:{settings.demo_port}",
        f"Mails, texts   {settings.issuer}/dev/outbox",
        "",
        "Demo sign-ins (password, then the code of an authenticator app that was given the key):",
    ]
    people = [
        (school["admin"]["username"], school["admin"], f"Estab Admin, {school['name']}, {school['status']}")
        for school in prepared["schools"]
    ]
    people += [(person["email"], person, f"onboarding team, {person['role']}") for person in prepared["operators"]]
    people += [(person["email"], person, "partner, Reading Room Ltd") for person in prepared["partner_users"]]
    for login, person, who in people:
        lines.append(f"  {login:<28} {person['password']}   {person['totp_secret'] or '(password only)'}   {who}")
    return "\n".join([*lines, "", "Stop with Ctrl+C.", ""])
