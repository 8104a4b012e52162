"""CSV as schools really send it: its encoding, its separator, its headings, and rows with their lines."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence

from app.roster.identifiers import text
from app.roster.incoming import Fault, Faulty, TooBig
from app.roster.sources.notes import Notes

SEPARATORS = (",", ";", "\t", "|")
LONGEST_FIELD = 100_000  # characters
MOST_COLUMNS = 500
MOST_ROWS = 400_000  # places in groups of a large school: a tenth of that


def decoded(file: str, content: bytes, notes: Notes) -> str:
    """The text of a file: UTF-8, UTF-16 by its mark, else windows-1252 (told). Raises Faulty."""
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return _without_nul(file, content.decode("utf-16"))
        return _without_nul(file, content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        pass
    try:
        found = content.decode("cp1252")
    except UnicodeDecodeError as wrong:
        line = content.count(b"\n", 0, wrong.start) + 1
        reason = f"The byte 0x{content[wrong.start]:02X} is in no encoding that we know. Save the file as UTF-8."
        raise Faulty(Fault(file, line, "", reason)) from None
    notes.forgive(file, 0, "", "It is not UTF-8: read as windows-1252")
    return _without_nul(file, found)


def _without_nul(file: str, found: str) -> str:
    if "\x00" in found:
        raise Faulty(Fault(file, found.count("\n", 0, found.index("\x00")) + 1, "", "This is not a text file."))
    return found


class Table:
    """A file's headings (trimmed, as they are written) and its rows."""

    def __init__(self, file: str, content: bytes, notes: Notes, *, is_strict: bool = True) -> None:
        """`is_strict`: a row with too few cells is a fault, and not what a spreadsheet left away."""
        self.file, self._notes, self._is_strict = file, notes, is_strict
        whole = decoded(file, content, notes)
        first = whole.split("\n", 1)[0]
        separator = max(SEPARATORS, key=first.count)
        csv.field_size_limit(LONGEST_FIELD)
        self._reader = csv.reader(io.StringIO(whole, newline=""), delimiter=separator, strict=True)
        self.columns = self._headings()

    def _headings(self) -> list[str]:
        cells = next(self._lines(), None)
        if cells is None:
            raise Faulty(Fault(self.file, 0, "", "The file is empty."))
        if len(cells) > MOST_COLUMNS:
            raise Faulty(Fault(self.file, 1, "", f"The file has more than {MOST_COLUMNS} columns."))
        named = [text(cell) for cell in cells]
        while named and not named[-1]:
            named.pop()
        seen: set[str] = set()
        for name in named:
            if not name:
                self._notes.fault(self.file, 1, "", "A column has no heading.")
            elif plain(name) in seen:
                self._notes.fault(self.file, 1, name, "Two columns have this heading.")
            seen.add(plain(name))
        self._notes.check()
        return named

    def _lines(self) -> Iterator[list[str]]:
        while True:
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as wrong:
                line = self._reader.line_num
                reason = f"The line cannot be read ({wrong}). Is a quotation mark missing?"
                raise Faulty(*self._notes.faults, Fault(self.file, line, "", reason)) from None
            if any(cell.strip() for cell in cells):
                yield cells

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """(line, a cell for each column, trimmed). Blank lines are left out; a row of another length is a fault."""
        wanted = len(self.columns)
        for count, cells in enumerate(self._lines(), 1):
            line = self._reader.line_num
            if count > MOST_ROWS:
                raise TooBig(Fault(self.file, line, "", f"The file has more than {MOST_ROWS:,} rows."))
            if len(cells) > wanted:
                if any(cell.strip() for cell in cells[wanted:]):
                    self._misfit(line, len(cells))
                    continue
                cells = cells[:wanted]  # noqa: PLW2901 - empty cells behind the last heading
            elif len(cells) < wanted and self._is_strict:
                self._misfit(line, len(cells))
                continue
            elif len(cells) < wanted:
                self._notes.forgive(self.file, line, "", "Fewer cells than headings: the others were taken as empty")
                cells = [*cells, *[""] * (wanted - len(cells))]  # noqa: PLW2901
            yield line, [text(cell) if not cell.isascii() or "  " in cell else cell.strip() for cell in cells]

    def _misfit(self, line: int, count: int) -> None:
        reason = f"The row has {count} cells, and there are {len(self.columns)} headings. Is a comma not in quotes?"
        self._notes.fault(self.file, line, "", reason)


def plain(heading: str) -> str:
    """A heading's letters and digits, whatever its capitals, blanks and signs."""
    return re.sub(r"[^a-z0-9]", "", heading.casefold())


def listed(cell: str) -> Sequence[str]:
    """A list within one cell, its parts separated by commas."""
    return [part for one in cell.split(",") if (part := one.strip())] if cell else ()
