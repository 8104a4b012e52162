"""Importing the register (GIAS, formerly EduBase): read and compare first, then swap in one transaction.

The file is read as a stream; rows that differ from the directory go to a temporary file. Only when the whole file has
proved good is the directory locked, and written in one go: until then, and after any failure, everybody finds what was
there before.

A record that is absent from the file stays as it was, and is counted. The register closes schools, it does not delete
them: a record is missing when somebody exported a part. A school registered under that URN must stay findable.
"""

import hashlib
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from app.db import Session, sessions
from app.directory import members
from app.directory.columns import READING, Binding
from app.directory.extract import Damaged, Files, Progress, Table, opened
from app.errors import Problem
from app.models import register
from app.models.establishment import CLOSED, RegisterImport

BATCH = 200


class Shrunk(Problem):
    status = 409
    title = "The file has far fewer rows than the last import"


class Overtaken(Problem):
    status = 409
    title = "Another import finished while this one was reading"


@dataclass
class Report:
    """What an import did. Every row read is added, changed, closed, unchanged or skipped; absent ones are not rows."""

    read: int = 0
    added: int = 0
    changed: int = 0
    closed: int = 0
    unchanged: int = 0
    absent: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    skipped_lines: dict[str, int] = field(default_factory=dict)
    links: members.Report | None = None
    groups: members.Report | None = None
    seconds: float = 0.0

    def skip(self, why: str, line: int) -> None:
        self.skipped[why] += 1
        self.skipped_lines.setdefault(why, line)


def is_empty(db: Session) -> bool:
    """Whether the directory has had no import yet."""
    return register.newest_import(db) is None


def import_files(
    file: Path,
    links: Path | None = None,
    groups: Path | None = None,
    *,
    force: bool = False,
    progress: Progress = lambda _stage, _fraction: None,
) -> Report:
    """Bring the directory up to date from a CSV or ZIP. Raises a `Problem` and changes nothing if any file is bad.

    `force` accepts a file with many fewer rows than the last, and nothing else. Safe to repeat.
    """
    started = time.perf_counter()
    with opened(file, links, groups, progress) as files, tempfile.TemporaryFile() as stage:
        plan = _Plan(files, stage, force, progress)
        plan.read()
        plan.apply()
    plan.report.seconds = round(time.perf_counter() - started, 2)
    return plan.report


class _Plan:
    """What one import will do to the directory, worked out before anything is locked."""

    def __init__(self, files: Files, stage: IO[bytes], force: bool, progress: Progress) -> None:
        self.report = Report()
        self._files = files
        self._table = files.register
        self._binding = Binding(files.register)
        self._stage = stage
        self._force = force
        self._progress = progress
        self._words: set[str] = set()
        self._staged = 0

    def read(self) -> None:
        """Read everything, and put aside what differs from the directory."""
        with sessions.read() as db:
            self._before = register.newest_import(db)
            last = RegisterImport.latest(db)
            self._rows_before = last.rows if last else 0
            self._known = register.digests(db)
            self._links = members.links(db, self._files.links, self._force) if self._files.links else None
            self._groups = members.groups(db, self._files.groups, self._force) if self._files.groups else None
            if self._known:
                for batch in self._differing(db):
                    self._stage.write(orjson.dumps(batch, default=bytes.hex) + b"\n")
                    self._staged += 1

    def apply(self) -> None:
        """Make it so, in one transaction. Rows for an empty directory have not been put aside: they are read here."""
        report = self.report
        with sessions.begin() as db:
            register.lock(db)
            if register.newest_import(db) != self._before:
                raise Overtaken("Nothing was changed. Import the file again if it is the newer one.")
            if self._staged or not self._known:
                register.write(db, self._binding.columns, self._aside() if self._known else self._differing(db))
                register.add_words(db, self._words)
            if self._links is not None:
                report.links = members.Report(*register.swap_links(db, self._links))
            if self._groups is not None:
                report.groups = members.Report(*register.swap_groups(db, self._groups))
            db.add(
                RegisterImport(
                    file_name=self._table.name,
                    file_digest=self._table.digest,
                    rows=report.read,
                    added=report.added,
                    changed=report.changed,
                    closed=report.closed,
                    unchanged=report.unchanged,
                )
            )

    def _differing(self, db: Session) -> Iterator[list[tuple[Any, ...]]]:
        """Batches of the rows to write. Raises the reason, at the latest after the last, why this file must not be."""
        report, known, sha256 = self.report, self._known, hashlib.sha256
        lines: dict[int, int] = {}
        batch: list[tuple[int, bytes, tuple[str, ...]]] = []
        for row in self._table.rows():
            cells = self._binding.cells(row)
            report.read += 1
            urn = _urn(cells[0])
            if urn is None:
                report.skip("URN is blank or unreadable", self._table.line)
                continue
            if urn in lines:
                raise _duplicate(self._table, urn, lines[urn])
            lines[urn] = self._table.line
            digest = sha256("|".join((READING, *cells)).encode()).digest()
            if known.get(urn) == digest:
                report.unchanged += 1
            else:
                batch.append((urn, digest, cells))
            if len(batch) == BATCH:
                yield self._counted(db, batch, lines)
                batch = []
            if report.read % BATCH == 0:
                self._progress("Reading", self._table.fraction)
        if batch:
            yield self._counted(db, batch, lines)
        report.absent = len(known.keys() - lines.keys())
        self._refuse_bad()

    def _counted(
        self, db: Session, batch: list[tuple[int, bytes, tuple[str, ...]]], lines: dict[int, int]
    ) -> list[tuple[Any, ...]]:
        """The rows of a batch. Counts what each will do, and gathers the words of its name and place."""
        columns, report = self._binding.columns, self.report
        rows, unusable = self._binding.rows(batch)
        for urn, why in unusable.items():
            report.skip(why, lines[urn])
        held = register.stored(db, columns[1:-1], [row[0] for row in rows if row[0] in self._known])
        status, name, place = (columns.index(column) for column in ("status_code", "name_key", "place_key"))
        for row in rows:
            before = held.get(row[0])
            if before is None:
                report.added += 1
            elif before == row[1:-1]:  # written otherwise in the file, the same to us
                report.unchanged += 1
            elif row[status] == CLOSED != before[status - 1]:
                report.closed += 1
            else:
                report.changed += 1
        self._words.update(" ".join(f"{row[name]} {row[place]}" for row in rows).split())
        return rows

    def _aside(self) -> Iterator[list[tuple[Any, ...]]]:
        """The batches that were put aside."""
        self._stage.seek(0)
        for number, line in enumerate(self._stage, 1):
            yield [(*row, bytes.fromhex(digest)) for *row, digest in orjson.loads(line)]
            self._progress("Writing", number / self._staged)

    def _refuse_bad(self) -> None:
        """Raise the reason why this whole file must not become the directory, if there is one."""
        report, table = self.report, self._table
        unusable = report.skipped.total()
        if not report.read:
            raise Damaged(f"{table.name} holds a heading and no establishments.")
        if unusable == report.read or unusable > max(10, report.read // 100):
            why, count = report.skipped.most_common(1)[0]
            line = report.skipped_lines[why]
            raise Damaged(
                f"{unusable:,} of {report.read:,} rows are unusable: {why} ({count:,}, first on line {line})."
            )
        if not self._force and members.has_shrunk(report.read, self._rows_before):
            raise Shrunk(
                f"{table.name} has {report.read:,} rows; the last had {self._rows_before:,}."
                " Check that it is whole. If it is, import it with --force."
            )


def _urn(cell: str) -> int | None:
    text = cell if cell.isdecimal() else cell.strip()
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else None


def _duplicate(table: Table, urn: int, line: int) -> Damaged:
    return Damaged(f"URN {urn} is on line {line} and again on line {table.line} of {table.name}. Download it again.")
