"""`gatehouse config`: what is set, from where."""

import os
from typing import Any

import typer
from pydantic import SecretStr

from app.cli.output import AsJson, say

app = typer.Typer(no_args_is_help=True, help="Show and check the settings.")


@app.callback()
def _group() -> None:
    """A group of its own, although it has one command."""


@app.command()
def check(as_json: AsJson = False) -> None:
    """Print each setting with its source, secrets masked; fail on settings that are not safe."""
    from app.settings import Settings, settings

    in_file = {name.lower() for name in _dotenv()}
    shown: dict[str, dict[str, Any]] = {}
    for name in Settings.model_fields:
        variable = f"GATEHOUSE_{name.upper()}"
        by_environment = variable.lower() in {key.lower() for key in os.environ}
        source = "environment" if by_environment else ".env" if variable.lower() in in_file else "default"
        shown[variable] = {"value": _masked(getattr(settings, name)), "source": source}
    lines = [f"{name} = {entry['value']}  ({entry['source']})" for name, entry in shown.items()]
    faults = settings.faults() + _faults_of_database(settings.is_production)
    say(as_json, "\n".join(lines + [f"Not safe: {fault}" for fault in faults]), settings=shown, faults=faults)
    raise typer.Exit(1 if faults else 0)


def _faults_of_database(is_production: bool) -> list[str]:
    from app.db import DatabaseAway, confines

    if not is_production:
        return []
    try:
        return [] if confines() else [SUPERUSER]
    except DatabaseAway:
        return ["DATABASE_URL: the database does not answer"]


SUPERUSER = (
    "DATABASE_URL: this user of the database is a superuser, or has BYPASSRLS, so row-level security keeps nothing"
    " apart. Make a plain one: CREATE ROLE gatehouse LOGIN; ALTER DATABASE … OWNER TO gatehouse"
)


def _dotenv() -> list[str]:
    from app.settings import ROOT

    try:
        with open(ROOT / ".env", encoding="utf-8") as file:
            return [line.partition("=")[0].strip() for line in file]
    except FileNotFoundError:
        return []


def _masked(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_masked, value))}]"
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        return text if text.startswith("sqlite") else "********"
    return "" if value is None else str(value)
