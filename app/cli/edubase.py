"""`gatehouse edubase`: the school register."""

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.output import AsJson, failures, say

if TYPE_CHECKING:
    from app.directory.extract import Progress
    from app.directory.gias import Report
    from app.models.establishment import Establishment

app = typer.Typer(no_args_is_help=True, help="The school register (GIAS, formerly EduBase).")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="edubasealldata as CSV, or a ZIP that holds it.")],
    *,
    links: Annotated[Path | None, typer.Option(help="links_edubasealldata, if it is not in the ZIP.")] = None,
    groups: Annotated[Path | None, typer.Option(help="alllinksdata, or a folder that holds it.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Accept a file with many fewer rows than the last.")] = False,
    schedule: Annotated[
        bool, typer.Option("--schedule", help="Go on: the newest file of a folder, or the file itself, every day.")
    ] = False,
    at: Annotated[str, typer.Option(help="With --schedule: when, as at schools.")] = "05:00",
    as_json: AsJson = False,
) -> None:
    """Bring the directory up to date. A bad file changes nothing. Safe to repeat."""
    if schedule:
        _every_day(file, at)
        return
    from app.directory import gias

    with failures(), _progress() as progress:
        report = gias.import_files(file, links, groups, force=force, progress=progress)
    say(as_json, _told(report), **_facts(report))


def _every_day(place: Path, at: str) -> None:
    """Until it is stopped."""
    import datetime as dt
    import signal
    import threading

    from app.directory import schedule

    try:
        moment = dt.time.fromisoformat(at)
    except ValueError:
        raise typer.BadParameter("write it as 05:00", param_hint="--at") from None
    if not place.exists():
        raise typer.BadParameter(f"{place} is not there", param_hint="FILE")
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    with failures():
        schedule.run(place, moment, stop, typer.echo)


@app.command()
def search(
    text: str,
    by: Annotated[str, typer.Option(help="postcode, dfe, urn or name; a number is understood anyway.")] = "name",
    page: int = 1,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for a spreadsheet.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find establishments as the registration page does."""
    from app.db import sessions
    from app.directory import export
    from app.directory.search import find

    with sessions.read() as db:
        found = find(db, by, text, page)
    if as_csv:
        export.written(found.rows, sys.stdout)
        return
    lines = [f"{row.urn}  {row.dfe_number or '-':<8}  {row.name}, {_where(row)} ({row.status})" for row in found.rows]
    summary = (
        f"{found.total:,} found, page {found.page} of {found.pages}." if lines else f"Nothing for {found.searched}."
    )
    say(
        as_json,
        "\n".join([*filter(None, [found.understood]), *lines, summary]),
        total=found.total,
        page=found.page,
        pages=found.pages,
        understood=found.understood,
        establishments=[
            {
                "urn": row.urn,
                "dfe_number": row.dfe_number,
                "name": row.name,
                "type": row.type_name,
                "town": row.town,
                "postcode": row.postcode,
                "status": row.status,
            }
            for row in found.rows
        ],
    )


def _where(row: "Establishment") -> str:
    return ", ".join(part for part in (row.town, row.postcode) if part) or "no address"


@contextmanager
def _progress() -> Iterator["Progress"]:
    """A bar on standard error, so that standard output stays for the report."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<9}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        stages: dict[str, Any] = {}

        def show(stage: str, fraction: float) -> None:
            if stage not in stages:
                stages[stage] = bar.add_task(stage, total=1.0)
            bar.update(stages[stage], completed=fraction)

        yield show
        for stage in stages.values():
            bar.update(stage, completed=1.0)


def _told(report: "Report") -> str:
    lines = [
        f"Read {report.read:,} rows in {report.seconds:.1f} s: {report.added:,} added, {report.changed:,} changed, "
        f"{report.closed:,} closed, {report.unchanged:,} unchanged, {report.skipped.total():,} skipped."
    ]
    for why, rows in report.skipped.items():
        lines.append(f"Skipped {rows:,}: {why} (first on line {report.skipped_lines[why]:,}).")
    if report.absent:
        lines.append(f"{report.absent:,} establishments are not in the file; they stay as they were.")
    for name, part in (("Links", report.links), ("Memberships of groups", report.groups)):
        if part:
            lines.append(f"{name}: {part.added:,} put in, {part.removed:,} taken out.")
    return "\n".join(lines)


def _facts(report: "Report") -> dict[str, Any]:
    reasons = [
        {"reason": why, "rows": rows, "first_line": report.skipped_lines[why]} for why, rows in report.skipped.items()
    ]
    return {
        "read": report.read,
        "added": report.added,
        "changed": report.changed,
        "closed": report.closed,
        "unchanged": report.unchanged,
        "skipped": report.skipped.total(),
        "skipped_because": reasons,
        "absent": report.absent,
        "links": dataclasses.asdict(report.links) if report.links else None,
        "groups": dataclasses.asdict(report.groups) if report.groups else None,
        "seconds": report.seconds,
    }
