"""`gatehouse bench`: measurements that anybody can repeat."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.output import AsJson, failures
from app.settings import ROOT

app = typer.Typer(no_args_is_help=True, help="Measure, beside something measured in the same run.")


@app.callback()
def _group() -> None:
    """Measure, beside something measured in the same run."""


@app.command()
def edubase(
    rows: Annotated[int, typer.Option(help="How many rows to invent from the sample.", min=300)] = 52_000,
    file: Annotated[Path | None, typer.Option(help="A register to measure with instead.", exists=True)] = None,
    database_url: Annotated[str, typer.Option(help="An empty database; a new SQLite file when left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """Import the register twice and search it, in a database of its own that is gone afterwards."""
    from app.bench.edubase import multiplied

    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        if file is None:
            file = Path(folder, "edubasealldata.csv")
            multiplied(rows, file)
        settings = {"GATEHOUSE_DATA_DIR": folder, "GATEHOUSE_DATABASE_URL": database_url}
        command = [sys.executable, "-m", "app.bench.edubase", str(file.resolve())]
        ran = subprocess.run(
            command, check=False, cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE, text=True
        )
    if ran.returncode:
        raise typer.Exit(1)
    figures = json.loads(ran.stdout)
    typer.echo(json.dumps(figures) if as_json else _table(figures))


@app.command()
def oauth(
    *,
    peer: Annotated[
        list[str] | None,
        typer.Option(help="A start script with its argument, or http://id:secret@host/. May be repeated."),
    ] = None,
    work: Annotated[
        list[str] | None,
        typer.Option(help="discovery, jwks, client_credentials, introspection, refresh, code: all, or those named."),
    ] = None,
    database: Annotated[str, typer.Option(help="sqlite, postgresql or both.")] = "both",
    connections: Annotated[list[int] | None, typer.Option(help="8 and 64 when left out. May be repeated.")] = None,
    seconds: Annotated[int, typer.Option(help="How long each run lasts.", min=1)] = 4,
    rounds: Annotated[int, typer.Option(help="Runs of each work; the table shows medians.", min=1)] = 3,
    workers: Annotated[int, typer.Option(help="Processes of our server.", min=1)] = 2,
    schools: Annotated[int, typer.Option(help="How many have said yes to the app.", min=1)] = 1_000,
    mint: Annotated[int, typer.Option(help="Codes, and refresh tokens, that each server gets.", min=512)] = 40_000,
    markdown: Annotated[bool, typer.Option(help="Print tables for docs/performance.md.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start our server on databases of its own, drive it with wrk, and each peer in turn with it."""
    from app.bench import oauth_report
    from app.bench.oauth import Plan, measure

    plan = Plan(
        works=tuple(work or Plan.works),
        databases=("sqlite", "postgresql") if database == "both" else (database,),
        peers=tuple(peer or ()),
        connections=tuple(connections or Plan.connections),
        seconds=seconds,
        rounds=rounds,
        workers=workers,
        schools=schools,
        mint=mint,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it, too, cleans up
    with failures():
        result = measure(plan, lambda sentence: typer.echo(sentence, err=True))
    shape = oauth_report.as_json if as_json else oauth_report.as_markdown if markdown else oauth_report.as_text
    typer.echo(shape(plan, result))


@app.command()
def ledger(
    *,
    database: Annotated[str, typer.Option(help="sqlite or postgresql.")] = "sqlite",
    connections: Annotated[list[int] | None, typer.Option(help="8 and 64 when left out. May be repeated.")] = None,
    seconds: Annotated[int, typer.Option(help="How long each run lasts.", min=1)] = 4,
    rounds: Annotated[int, typer.Option(help="Runs of each; the table shows medians.", min=1)] = 5,
    workers: Annotated[int, typer.Option(help="Processes of our server.", min=1)] = 2,
    schools: Annotated[int, typer.Option(help="How many have said yes to the app.", min=4)] = 1_000,
    pupils: Annotated[int, typer.Option(help="Of each school whose people are read.", min=20)] = 1_500,
    markdown: Annotated[bool, typer.Option(help="Print a table for docs/performance.md.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read data from our server, in turn with the same server without the access ledger: what the ledger costs."""
    from app.bench import oauth_report
    from app.bench.oauth import Plan, measure_ledger

    chosen = tuple(connections or Plan.connections)
    plan = Plan(
        databases=(database,),
        connections=chosen,
        seconds=seconds,
        rounds=rounds,
        workers=workers,
        mint=512,
        schools=schools,
        pupils=pupils,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it, too, cleans up
    with failures():
        result = measure_ledger(plan, lambda sentence: typer.echo(sentence, err=True))
    shape = oauth_report.as_json if as_json else oauth_report.as_markdown if markdown else oauth_report.as_text
    typer.echo(shape(plan, result))


@app.command()
def roster(
    pupils: Annotated[int, typer.Option(help="Of each school.", min=20)] = 1_500,
    schools: Annotated[list[int] | None, typer.Option(help="1 when left out. May be repeated, growing.")] = None,
    database_url: Annotated[str, typer.Option(help="An empty database; a new SQLite file when left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """Take a school's roster in, and read the whole of it, beside dumping the same rows."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        settings = {"GATEHOUSE_DATA_DIR": folder, "GATEHOUSE_DATABASE_URL": database_url}
        command = [sys.executable, "-m", "app.bench.roster", str(pupils), *map(str, sorted(schools or [1]))]
        ran = subprocess.run(
            command, check=False, cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE, text=True
        )
    if ran.returncode:
        raise typer.Exit(1)
    figures = json.loads(ran.stdout.splitlines()[-1])
    typer.echo(json.dumps(figures) if as_json else _roster_table(figures))


@app.command()
def sync(
    pupils: Annotated[int, typer.Option(help="Of the school.", min=20)] = 1_500,
    as_json: AsJson = False,
) -> None:
    """Plan and finish the sync of a school with an app, and make its login cards."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        command = [sys.executable, "-m", "app.bench.sync", str(pupils)]
        settings = {"GATEHOUSE_DATA_DIR": folder, "GATEHOUSE_DATABASE_URL": ""}
        ran = subprocess.run(
            command, check=False, cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE, text=True
        )
    if ran.returncode:
        raise typer.Exit(1)
    figures = json.loads(ran.stdout.splitlines()[-1])
    lines = [f"{name.replace('_', ' '):22} {value:>6}" for name, value in figures.items()]
    typer.echo(json.dumps(figures) if as_json else "\n".join(lines))


def _roster_table(figures: dict[str, Any]) -> str:
    lines = [f"{figures['pupils']:,} pupils in each school, {figures['bundle_kb']} kB, on {figures['database']}"]
    for at in figures["at"]:
        lines += [
            f"with {at['schools']} schools",
            f"  first intake             {at['first']:.2f} s",
            f"  the same file            {at['the_same_file']:.2f} s",
            f"  unchanged, read anew     {at['unchanged']:.2f} s",
            f"  3 % changed              {at['changed']:.2f} s",
            f"  whole school read        {at['read_whole']:.2f} s, {at['read_ratio']} x the rows dumped alone",
        ]
    return "\n".join([*lines, f"memory at most {figures['peak_rss_mb']} MB"])


def _table(figures: dict[str, Any]) -> str:
    lines = [
        f"{figures['rows']:,} rows, {figures['file_mb']} MB, into {figures['database']}",
        f"parsing the file alone   {figures['csv_parse_seconds']:.2f} s",
        f"first import             {figures['first_import_seconds']:.2f} s, {figures['first_import_ratio']} x",
        f"second, unchanged        {figures['second_import_seconds']:.2f} s, {figures['second_import_ratio']} x",
        f"memory at most           {figures['peak_rss_mb']} MB, {figures['above_idle_mb']} MB above idle",
    ]
    for kind, times in figures["searches"].items():
        lines.append(f"{kind:<24} p50 {times['p50_ms']:.2f} ms, p99 {times['p99_ms']:.2f} ms")
    return "\n".join(lines)
