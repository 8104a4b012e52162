"""Small files of the register, written as the real one is: what a test says matters, the rest is usual."""

import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any

from sqlalchemy import text

from app.db import sessions
from app.directory.columns import COLUMNS
from app.settings import ROOT

SAMPLE = ROOT / "seed/edubase_sample.csv"
SAMPLE_LINKS = ROOT / "seed/edubase_sample_links.csv"
SAMPLE_GROUPS = ROOT / "seed/edubase_sample_groups"
HEADER = next(csv.reader([SAMPLE.read_text("cp1252").partition("\n")[0]]))
OFSTED = ["OfstedLastInsp", "OfstedSpecialMeasures (code)", "OfstedSpecialMeasures (name)", "OfstedRating (name)"]
LAYOUTS = {
    135: HEADER,
    139: [*HEADER[:55], *OFSTED, *HEADER[55:]],
    140: [*HEADER[:55], *OFSTED, "RSCRegion (name)", *HEADER[55:]],
}
BARE = {"URN", "StatutoryLowAge", "StatutoryHighAge", "UKPRN"}

USUAL: dict[str, Any] = {
    "la_code": "888",
    "la_name": "Lancashire",
    "name": "Made-up Primary School",
    "type_code": "01",
    "type_name": "Community school",
    "type_group_code": "4",
    "status_code": "1",
    "phase_name": "Primary",
    "open_date": "01-09-1999",
    "low_age": 4,
    "high_age": 11,
    "gender_name": "Mixed",
    "number_of_pupils": "210",
    "street": "Mill Lane",
    "town": "Anytown",
    "postcode": "YO7 8SR",
    "telephone": "01632960001",
    "head_title": "Ms",
    "head_first_name": "Ada",
    "head_last_name": "Bright",
    "last_changed": "02-03-2026",
}


def row(urn: int = 100000, **cells: Any) -> dict[str, str]:
    """A record by the names of our columns (or the file's own headings)."""
    known = USUAL | {"establishment_number": f"{urn % 10000:04}", "ukprn": str(10_000_000 + urn)} | cells | {"urn": urn}
    return {COLUMNS.get(name, name): str(value) for name, value in known.items()}


def rows(count: int, first: int = 100000, **cells: Any) -> list[dict[str, str]]:
    return [row(urn, **cells) for urn in range(first, first + count)]


def raw(*records: dict[str, str], header: list[str] = HEADER, encoding: str = "cp1252") -> bytes:
    """As the register is published: text in quotes, whole numbers bare, CRLF."""
    lines = [",".join(f'"{heading}"' for heading in header)]
    for record in records:
        cells = [(heading, record.get(heading, "")) for heading in header]
        lines.append(",".join(cell if heading in BARE and cell else _quoted(cell) for heading, cell in cells))
    return ("\r\n".join(lines) + "\r\n").encode(encoding)


def resaved(*records: dict[str, str], encoding: str = "cp1252") -> bytes:
    """As a spreadsheet saves it: zeros lost, other dates, few quotes, long numbers rounded."""
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER, restval="")
    writer.writeheader()
    for record in records:
        spoilt = {}
        for heading, cell in record.items():
            value = re.sub(r"^([0-9]{2})-([0-9]{2})-([0-9]{4})$", r"\1/\2/\3", cell)
            spoilt[heading] = str(int(value)) if re.fullmatch(r"0[0-9]+", value) else value
        writer.writerow(spoilt | {"UPRN": "1.00E+11"})
    return out.getvalue().encode(encoding)


def links(*pairs: tuple[int, int, str]) -> bytes:
    lines = ['"URN","LinkURN","LinkName","LinkType","LinkEstablishedDate"']
    lines += [f'{urn},{other},"Some School","{kind}","01-09-2015"' for urn, other, kind in pairs]
    return ("\r\n".join(lines) + "\r\n").encode("cp1252")


def zipped(**members: bytes) -> bytes:
    """A ZIP; in the names of members `__` stands for a dot and `_of_` for a slash."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", ".").replace("_of_", "/"), data)
    return out.getvalue()


def saved(folder: Path, data: bytes, name: str = "edubasealldata20261124.csv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def directory() -> list[dict[str, Any]]:
    """Everything that people see of the directory, by URN."""
    with sessions.read() as db:
        found = db.execute(text("SELECT * FROM establishment ORDER BY urn")).mappings().all()
    return [{name: value for name, value in one.items() if name != "digest"} for one in found]


def _quoted(cell: str) -> str:
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'
