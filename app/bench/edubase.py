"""The register at full size: what an import costs beside parsing the file alone, and what a search takes.

Run as `python -m app.bench.edubase FILE`, in an environment that names an empty database: a process of its own, so
that its memory is its own. Prints figures as JSON.
"""

import csv
import json
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config

from app import db
from app.db import sessions
from app.directory import gias
from app.directory.extract import opened
from app.directory.search import find
from app.errors import Problem
from app.settings import ROOT

SAMPLE = ROOT / "seed/edubase_sample.csv"
SEARCHES = 500
_STARTS = (
    "Ashl Barn Beck Birk Brad Brock Burl Cald Chad Clar Cold Cran Dal Dray Elm Fal Fenn Gar Glen Gris Hal Harb Hex"
)
_STARTS += (
    " Holl Ing Kel Kirk Lang Lind Lock Mard Mel Mill Nant Nor Oak Orm Pel Pent Quar Rad Rams Rip Ros Sandr Sel Shel"
)
_STARTS += " Skel Stan Stock Sulg Tad Thorn Tor Uls Wad Wal War Wel Whit Wind Wool Wyn Yarr"
_ENDS = "bourne bury by combe cott dale den field ford gate ham hurst ley mere ness ridge stead thorpe ton wick worth"


class NotEmpty(Problem):
    title = "The database is not empty"


def multiplied(rows: int, into: Path) -> None:
    """Write a register of that many invented rows, each unlike the others, in the style of the sample."""
    chance = random.Random(rows)
    with SAMPLE.open(encoding="cp1252", newline="") as file:
        reader = csv.DictReader(file)
        samples, header = list(reader), reader.fieldnames or []
    with into.open("w", encoding="cp1252", newline="") as file:
        out = csv.DictWriter(file, header, quoting=csv.QUOTE_ALL)
        out.writeheader()
        for number in range(rows):
            row = dict(chance.choice(samples))
            row["URN"] = str(100_000 + number)
            row["EstablishmentNumber"] = row["EstablishmentNumber"] and f"{chance.randrange(1000, 9999)}"
            row["EstablishmentName"] = f"{_place(chance)} {row['EstablishmentName'].split(' ', 1)[-1]}"
            row["Locality"] = row["Locality"] and _place(chance)
            row["Town"] = row["Town"] and _place(chance)
            letters = "".join(chance.choices("ABDEFGHJLNPQRSTUWXYZ", k=2))
            row["Postcode"] = row["Postcode"] and f"{row['Postcode'].split()[0]} {chance.randrange(10)}{letters}"
            out.writerow(row)


def _place(chance: random.Random) -> str:
    return chance.choice(_STARTS.split()) + chance.choice(_ENDS.split())


def measure(file: Path) -> dict[str, Any]:
    """Import a register into the empty database of the settings, import it again, search it. Times in seconds."""
    if db.revision() is not None:
        raise NotEmpty("Give a database that holds no tables; they are dropped afterwards.")
    _migrate("head")
    try:
        idle, parses = _peak_mb(), [_parsed(file)]
        first = gias.import_files(file)
        parses.append(_parsed(file))
        again = [gias.import_files(file).seconds for _ in range(3)]
        parse = statistics.median([*parses, _parsed(file)])
        peak = _peak_mb()
        return {
            "database": db.engine.dialect.name,
            "rows": first.read,
            "file_mb": round(file.stat().st_size / 1e6, 1),
            "csv_parse_seconds": round(parse, 3),
            "first_import_seconds": first.seconds,
            "first_import_ratio": round(first.seconds / parse, 2),
            "second_import_seconds": statistics.median(again),
            "second_import_ratio": round(statistics.median(again) / parse, 2),
            "peak_rss_mb": round(peak),
            "above_idle_mb": round(peak - idle),
            "searches": dict(_searches(file)),
        }
    finally:
        _migrate("base")


def _parsed(file: Path) -> float:
    """Seconds to do nothing but parse the file."""
    with opened(file, None, None, lambda _stage, _fraction: None) as files:
        encoding = files.register.encoding
        started = time.perf_counter()
        with file.open(encoding=encoding, newline="") as text:
            for _ in csv.reader(text):
                pass
        return time.perf_counter() - started


def _searches(file: Path) -> Iterator[tuple[str, dict[str, float]]]:
    chance = random.Random(1)
    with opened(file, None, None, lambda _stage, _fraction: None) as files:
        header = files.register.header
        every = [dict(zip(header, row, strict=True)) for row in files.register.rows() if chance.random() < 0.05]
    chosen = chance.choices([row for row in every if row["Postcode"] and row["EstablishmentNumber"]], k=SEARCHES)
    kinds: dict[str, tuple[str, Callable[[dict[str, str]], str]]] = {
        "postcode": ("postcode", lambda row: row["Postcode"]),
        "part of a postcode": ("postcode", lambda row: row["Postcode"].split()[0]),
        "LA/DfE number": ("dfe", lambda row: f"{row['LA (code)'].zfill(3)}/{row['EstablishmentNumber'].zfill(4)}"),
        "URN": ("urn", lambda row: row["URN"]),
        "name": ("name", lambda row: row["EstablishmentName"]),
        "name with a typo": ("name", lambda row: _mistyped(row["EstablishmentName"], chance)),
    }
    for kind, (by, asked) in kinds.items():
        yield kind, _timed(by, [asked(row) for row in chosen])


def _timed(by: str, asked: list[str]) -> dict[str, float]:
    """Milliseconds that half, and 99 of 100, take; and the share that found something."""
    times, found = [], 0
    for q in asked:
        started = time.perf_counter()
        with sessions.read() as session:
            found += bool(find(session, by, q).total)
        times.append((time.perf_counter() - started) * 1000)
    cuts = statistics.quantiles(times, n=100)
    return {"p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2), "found": round(found / len(asked), 3)}


def _mistyped(name: str, chance: random.Random) -> str:
    """The first two words and a half, the longest of them with two letters swapped or one left out."""
    words = name.split()[:3]
    at = max(range(len(words)), key=lambda place: len(words[place]))
    word = words[at]
    if len(word) > 3:
        place = chance.randrange(1, len(word) - 2)
        swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        words[at] = chance.choice((swapped, word[:place] + word[place + 1 :]))
    return " ".join(words)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)


def _migrate(revision: str) -> None:
    configuration = Config(str(ROOT / "alembic.ini"))
    (command.downgrade if revision == "base" else command.upgrade)(configuration, revision)


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
