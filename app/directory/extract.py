"""Opening what the register publishes: CSV files or a ZIP of them, looked through byte by byte before a row is read."""

import codecs
import csv
import errno
import fnmatch
import hashlib
import io
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from app.errors import Problem

Progress = Callable[[str, float], None]

MOST_BYTES = 500_000_000  # eight times the whole register
MOST_RATIO, SMALL = (
    100,
    10_000_000,
)  # the register itself shrinks to a tenth; a small file may be as regular as it likes
REGISTER, LINKS, GROUPS = (
    "edubasealldata*.csv",
    "links_edubasealldata*.csv",
    ("alllinksdata*.csv", "allgroupsdata*.csv"),
)
_CHUNK = 1 << 20
_KNOWN_PACKING = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NOT_CP1252 = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")


class Unreadable(Problem):
    title = "The file could not be opened"


class NotTheRegister(Problem):
    title = "This is not a file of the school register"


class BadBytes(Problem):
    title = "The file holds bytes that are not text"


class Damaged(Problem):
    title = "The file is damaged"


class Unsafe(Problem):
    status = 413
    title = "This ZIP file is not safe to open"


@dataclass
class Table:
    """One CSV file, found to be text throughout. `line` is where reading has come to."""

    name: str
    file: IO[bytes]
    size: int = 0
    encoding: str = ""
    digest: bytes = b""
    header: list[str] = field(default_factory=list)
    line: int = 1

    def rows(self) -> Iterator[list[str]]:
        """The rows after the heading, each as wide as the heading. Raises `Damaged` at the first that is not."""
        self.file.seek(0)
        text = io.TextIOWrapper(self.file, self.encoding, newline="")
        reader = csv.reader(text, strict=True)
        width = len(self.header)
        try:
            next(reader, None)
            for row in reader:
                self.line = reader.line_num
                if len(row) == width:
                    yield row
                elif len(row) > width and not any(row[width:]):  # spreadsheets add empty columns
                    yield row[:width]
                elif any(row):
                    raise self._uneven(len(row))
        except (csv.Error, UnicodeDecodeError) as wrong:
            why = (
                "It ends in the middle of a row" if "end of data" in str(wrong) else "A quotation mark is out of place"
            )
            raise Damaged(f"{why}: see line {reader.line_num} of {self.name}. Download the file again.") from wrong
        finally:
            text.detach()

    def _uneven(self, width: int) -> Damaged:
        cut = "The file may have been cut off. " if width < len(self.header) else ""
        heading = f"the heading has {len(self.header)}"
        return Damaged(f"Line {self.line} of {self.name} has {width} columns, {heading}. {cut}Download the file again.")

    @property
    def fraction(self) -> float:
        """How far reading has come, 0 to 1."""
        return self.file.tell() / self.size


@dataclass
class Files:
    """The register, with its links and groups where they came along."""

    register: Table
    links: Table | None
    groups: list[Table]


@contextmanager
def opened(register: Path, links: Path | None, groups: Path | None, progress: Progress) -> Iterator[Files]:
    """Open and look through all that was given: `register` may be a ZIP that holds everything, `groups` a folder."""
    with ExitStack() as stack:
        found = list(_tables(register, stack, progress))
        main = found if len(found) == 1 else _matching(found, REGISTER)
        linked = list(_tables(links, stack, progress)) if links else _matching(found, LINKS)
        grouped = _matching(found, *GROUPS)
        if groups:
            grouped = [table for path in _in_folder(groups) for table in _tables(path, stack, progress)]
        if len(main) != 1 or len(linked) > 1:
            raise NotTheRegister(f"{register.name} should hold one file named {REGISTER} and at most one {LINKS}.")
        yield Files(main[0], linked[0] if linked else None, grouped)


def _matching(tables: list[Table], *patterns: str) -> list[Table]:
    return [table for table in tables if any(fnmatch.fnmatch(table.name.lower(), pattern) for pattern in patterns)]


def _in_folder(groups: Path) -> list[Path]:
    if not groups.is_dir():
        return [groups]
    found = [path for path in sorted(groups.iterdir()) if any(path.match(pattern) for pattern in GROUPS)]
    if not found:
        raise NotTheRegister(f"{groups.name} holds no file named {' or '.join(GROUPS)}.")
    return found


def _tables(path: Path, stack: ExitStack, progress: Progress) -> Iterator[Table]:
    """The CSV file at `path`, or those of the ZIP there."""
    try:
        file = stack.enter_context(path.open("rb"))
        start = file.read(4)
        file.seek(0)
    except OSError as wrong:
        raise Unreadable(f"{path.name}: {wrong.strerror}.") from wrong
    if start != b"PK\x03\x04":
        yield _looked_through(Table(path.name, file), file, None, path.stat().st_size, progress)
        return
    try:
        with zipfile.ZipFile(file) as archive:
            for member in _safe(archive, path.name):
                copy = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
                with archive.open(member) as packed:
                    table = Table(member.filename, copy)
                    yield _looked_through(table, packed, copy, member.file_size, progress)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError, OSError) as wrong:
        if isinstance(wrong, OSError) and wrong.errno != errno.EINVAL:  # our own disk, not a place outside the file
            raise
        raise Damaged(f"{path.name} is not a whole ZIP file. Download it again.") from wrong


def _safe(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """The members that are read, none of which is unpacked before all have been found harmless."""
    members = archive.infolist()
    if any(member.filename == "[Content_Types].xml" for member in members):
        raise NotTheRegister(f"{name} is a workbook. Open it in a spreadsheet and save it as CSV.")
    for member in members:
        if any(mark in member.filename for mark in ("/", "\\", ":", "..")):
            raise Unsafe(f"{name} holds {member.filename!r}, a path. Only plain file names are opened.")
    found = [member for member in members if member.filename.lower().endswith(".csv")]
    size = sum(member.file_size for member in found)
    packed = sum(member.compress_size for member in found)
    if size > MOST_BYTES or size > max(SMALL, MOST_RATIO * packed):
        raise Unsafe(f"{name} would unpack to {size:,} bytes, far more than the register needs.")
    if not found:
        raise NotTheRegister(f"{name} holds no CSV file.")
    if any(member.flag_bits & 1 or member.compress_type not in _KNOWN_PACKING for member in found):
        raise NotTheRegister(f"{name} is locked or packed in an unusual way. Unpack it and give the CSV file.")
    return found


def _looked_through(table: Table, source: IO[bytes], copy: IO[bytes] | None, size: int, progress: Progress) -> Table:
    """Read every byte once: what text it is, its digest, its heading. A `copy` is kept of what cannot be read twice."""
    text, digest = _Text(), hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        text.look(chunk)
        if copy:
            copy.write(chunk)
        progress("Checking", min(text.count / (size or 1), 1))
    table.size, table.digest = text.count, digest.digest()
    table.encoding = _encoding(table, text)
    table.header = _header(table)
    return table


class _Text:
    """Finds, chunk by chunk, the first byte that is no text at all, not UTF-8, and not Windows-1252."""

    def __init__(self) -> None:
        self.count = 0
        self.not_text: int | None = None
        self.not_utf8: int | None = None
        self.not_cp1252: int | None = None
        self.has_utf8_letters = False
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def look(self, chunk: bytes) -> None:
        if self.not_text is None and (at := chunk.find(b"\0")) >= 0:
            self.not_text = self.count + at
        if self.not_cp1252 is None and (found := [at for byte in _NOT_CP1252 if (at := chunk.find(byte)) >= 0]):
            self.not_cp1252 = self.count + min(found)
        if self.not_utf8 is None:
            held = len(self._decoder.getstate()[0])
            try:
                self.has_utf8_letters |= not self._decoder.decode(chunk).isascii()
            except UnicodeDecodeError as wrong:
                at = max(wrong.start - held, 0)
                self.has_utf8_letters |= not chunk[:at].isascii()
                self.not_utf8 = self.count + at
        self.count += len(chunk)

    def end(self) -> None:
        if self.not_utf8 is None and self._decoder.getstate()[0]:
            self.not_utf8 = self.count - 1


def _encoding(table: Table, text: _Text) -> str:
    """UTF-8, else Windows-1252 as the register is published; raises `BadBytes`, with line and byte, if neither."""
    text.end()
    table.file.seek(0)
    start = table.file.read(400).lstrip()
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadBytes(f"{table.name} is UTF-16. Save it as CSV UTF-8.")
    if start[:1] == b"<":
        raise NotTheRegister(f"{table.name} is a web page, perhaps an error message. Download the register again.")
    if text.not_text is None and text.not_utf8 is None:
        return "utf-8-sig"
    # If it was UTF-8 until there, then as Windows-1252 its names would be gibberish.
    at = text.not_utf8 if text.has_utf8_letters else text.not_cp1252
    at = at if text.not_text is None else text.not_text
    if at is None:
        return "cp1252"
    line, byte = _place(table.file, at)
    where = f"Byte 0x{byte:02X} on line {line:,} of {table.name} (byte {at + 1:,} of the file)"
    raise BadBytes(f"{where} is neither UTF-8 nor Windows-1252.")


def _place(file: IO[bytes], at: int) -> tuple[int, int]:
    """The line that a byte is on, and the byte."""
    file.seek(0)
    line, left = 1, at
    while left > 0:
        chunk = file.read(min(left, _CHUNK))
        line, left = line + chunk.count(b"\n"), left - len(chunk)
    return line, file.read(1)[0]


def _header(table: Table) -> list[str]:
    """The names of the columns. Raises `NotTheRegister` when the first line cannot be a heading."""
    table.file.seek(0)
    text = io.TextIOWrapper(table.file, table.encoding, newline="")
    try:
        first = text.readline(_CHUNK)
        header = [name.strip() for name in next(csv.reader([first], strict=True), [])]
    except csv.Error:
        header = []
    finally:
        text.detach()
    while header and not header[-1]:
        header.pop()
    if not table.size:
        raise NotTheRegister(f"{table.name} is empty. Download it again.")
    if not header or len(header) == 1:
        if max(";\t|", key=first.count) in first:
            raise NotTheRegister(f"The columns of {table.name} are not separated by commas. Save it as CSV.")
        raise NotTheRegister(f"The first line of {table.name} is not a heading with the names of columns.")
    return header
