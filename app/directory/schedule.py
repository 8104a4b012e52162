"""The register brought up to date every day: the newest file of a folder, or a file that is replaced."""

import datetime as dt
import threading
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from app.db import DatabaseAway
from app.directory import gias
from app.directory.gias import Report
from app.errors import Problem
from app.models.base import now

log = structlog.get_logger()

SCHOOLS_ZONE = ZoneInfo("Europe/London")
SETTLED_SECONDS = 60  # a file that was written a moment ago may still be growing
PATTERNS = ("edubasealldata*.csv", "*.zip")


def newest(place: Path) -> Path | None:
    """The file itself, or the last of a folder's registers by name, which holds its day; None while there is none."""
    if place.is_file():
        return place
    found = [path for pattern in PATTERNS for path in place.glob(pattern) if path.is_file()]
    return max(found, key=lambda path: (path.name, path.stat().st_mtime), default=None)


def run(place: Path, at: dt.time, stop: threading.Event, said: Callable[[str], None]) -> None:
    """Import now what has not been imported, then each day at that time at schools, until stopped."""
    done: tuple[Path, float] | None = None
    while not stop.is_set():
        done = once(place, done, said)
        stop.wait((_next(now(), at) - now()).total_seconds())


def once(place: Path, done: tuple[Path, float] | None, said: Callable[[str], None]) -> tuple[Path, float] | None:
    """Import the newest file unless it is `done` (path and time of change); what is done then. A bad file is told."""
    file = newest(place)
    if file is None:
        said(f"There is no register in {place}. It is looked for again tomorrow.")
        return done
    mark = file, file.stat().st_mtime
    if mark == done or mark[1] > now().timestamp() - SETTLED_SECONDS:
        return done
    try:
        report: Report = gias.import_files(file)
    except Problem as wrong:
        log.error("the register was not imported", file=file.name, why=wrong.text)
        said(f"{file.name} was not imported: {wrong.text}")
        return mark
    except DatabaseAway as away:
        log.error("database away", error=type(away).__name__)
        said("The database cannot be reached. Nothing was changed; it is tried again tomorrow.")
        return done
    said(f"{file.name}: {report.added:,} added, {report.changed:,} changed, {report.closed:,} closed.")
    return mark


def _next(moment: dt.datetime, at: dt.time) -> dt.datetime:
    """The next time that clocks at schools show `at`."""
    local = moment.astimezone(SCHOOLS_ZONE)
    due = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return due if due > local else due + dt.timedelta(days=1)
