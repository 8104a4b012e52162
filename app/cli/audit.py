"""`gatehouse audit`: is the record of decisions whole?"""

import json
from typing import Annotated

import typer

from app.cli.output import AsJson, say

app = typer.Typer(no_args_is_help=True, help="Check or export the audit.")


@app.command()
def verify(
    head: Annotated[str, typer.Option(help="NUMBER:HASH of an event exported earlier; shows a cut-off end.")] = "",
    as_json: AsJson = False,
) -> None:
    """Find edited, deleted and reordered events, and receipts that are not what was signed."""
    from app import audit
    from app.db import sessions
    from app.sharing import receipt_check

    number, _, digest = head.partition(":")
    if head and not (number.isdigit() and digest):
        raise typer.BadParameter("write it as NUMBER:HASH, as `gatehouse audit export` ends with")
    with sessions.read() as db:
        faults = audit.verify(db, (int(number), digest) if head else None)
        faults += receipt_check.altered(db)
    say(as_json, "\n".join(faults) or "The audit is whole.", faults=faults)
    raise typer.Exit(1 if faults else 0)


@app.command()
def invariants(as_json: AsJson = False) -> None:
    """Ask the tables themselves whether what must always hold does; fail, and say what does not."""
    from app import audit
    from app.db import sessions
    from app.models.invariants import faults

    with sessions.read() as db:
        broken = faults(db) + audit.verify(db)
    say(as_json, "\n".join(broken) or "Everything that must hold does.", faults=broken)
    raise typer.Exit(1 if broken else 0)


@app.command()
def export() -> None:
    """Print every event as one line of JSON, oldest first. Keep the last line elsewhere: it is the head."""
    from app import audit
    from app.db import sessions

    with sessions.read() as db:
        for event in audit.exported(db):
            typer.echo(json.dumps(event))
