"""`gatehouse bench`: measurements that anybody can repeat."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.output import AsJson
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
