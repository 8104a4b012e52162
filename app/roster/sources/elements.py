"""XML read as a stranger's: without a DTD or entities, bounded in depth and size, a record at a time in memory."""

import codecs
import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.parsers import expat  # what defusedxml adds is to refuse a DTD, and that is done here

from app.roster.identifiers import text
from app.roster.incoming import Fault, Faulty, TooBig

DEEPEST = 30
LONGEST = 1000  # characters of one element that is read
MOST_PARTS = 5000  # elements of one record that are read
MOST_ELEMENTS = 2_000_000  # of the file
STEP = 256 * 1024  # bytes: no tag and no comment is longer
_DECLARED = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_ENCODINGS = {
    **dict.fromkeys(("utf-8", "utf8", "us-ascii", "ascii"), "utf-8"),
    # Who says Latin-1 means windows-1252: else ’ becomes a control character.
    **dict.fromkeys(("windows-1252", "cp1252", "iso-8859-1", "latin-1", "latin1"), "windows-1252"),
    "utf-16": "utf-16",
}


@dataclasses.dataclass(slots=True)
class Element:
    """One that is known. `name` is in lower case and without a prefix; `text` is trimmed and of NFC."""

    name: str
    line: int
    text: str = ""
    parts: dict[str, list["Element"]] = dataclasses.field(default_factory=dict)

    def each(self, name: str) -> Sequence["Element"]:
        return self.parts.get(name, ())

    def said(self, *names: str) -> str:
        """The first text among parts of the first name that has one; else empty."""
        for name in names:
            for part in self.parts.get(name, ()):
                if part.text:
                    return part.text
        return ""


def is_xml(content: bytes) -> bool:
    """Whether its first mark is one of XML, behind a byte order mark or none."""
    start = content[:200]
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        start = start.removeprefix(mark)
    return start.replace(b"\x00", b"").lstrip()[:1] == b"<"


@dataclasses.dataclass(frozen=True)
class Shape:
    """What is read of a kind of file. Names but `root` are in lower case.

    A record holds elements of `known` names. Another's own text is left out and its parts count as those of what is
    around it, so that a wrapper more or less changes nothing; of `skipped` ones nothing is read.
    """

    root: str
    records: Mapping[str, Callable[[Element], None]]
    known: frozenset[str]
    skipped: frozenset[str]


def follow(name: str, content: bytes, shape: Shape) -> None:
    """Give each record to its function, in the order of the file. Raises Faulty, or TooBig."""
    encoding = _encoding(name, content)
    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True
    _Reader(name, parser, shape)
    try:
        for start in range(0, len(content), STEP):
            parser.Parse(content[start : start + STEP])
            # One that never ends would be looked through from its start at every step.
            if start - parser.CurrentByteIndex > STEP:
                raise TooBig(Fault(name, parser.CurrentLineNumber, "", "A tag or a comment in it is far too long."))
        parser.Parse(b"", True)
    except expat.ExpatError as wrong:
        raise Faulty(_not_well_formed(name, content, encoding, wrong)) from None


def _encoding(name: str, content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    declared = _DECLARED.match(content.removeprefix(codecs.BOM_UTF8))
    if declared is None:
        return "utf-8"
    named = declared[1].decode("ascii", "replace")
    if named.lower() not in _ENCODINGS:
        reason = f"The file says that its encoding is {named}, which is not read here. Save it as UTF-8."
        raise Faulty(Fault(name, 1, "", reason))
    return _ENCODINGS[named.lower()]


def _not_well_formed(name: str, content: bytes, encoding: str, wrong: expat.ExpatError) -> Fault:
    if encoding == "utf-8":
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as undecoded:
            line = content.count(b"\n", 0, undecoded.start) + 1
            if line <= wrong.lineno:
                reason = f"The byte 0x{content[undecoded.start]:02X} is not UTF-8. Export the file again as UTF-8."
                return Fault(name, line, "", reason)
    said = expat.ErrorString(wrong.code)
    return Fault(name, wrong.lineno, "", f"This is not well-formed XML ({said}). Export the file again.")


class _Reader:
    """Follows the parser; a record is given away at its end."""

    def __init__(self, name: str, parser: Any, shape: Shape) -> None:
        self._name, self._parser, self._shape = name, parser, shape
        self._path: list[Element | None] = []  # None for one that is not known
        self._open: list[Element] = []  # the known ones of the path, the record first
        self._skipping = 0  # how deep we are in what is skipped
        self._count = self._parts = self._length = 0
        self._text: list[str] = []
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self._refuse
        self._listen()

    def _listen(self) -> None:
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        self._parser.CharacterDataHandler = self._told

    def _fault(self, column: str, reason: str) -> Fault:
        return Fault(self._name, self._parser.CurrentLineNumber, column[:40], reason)

    def _refuse(self, *_: Any) -> None:
        raise Faulty(
            self._fault("", "It has a DOCTYPE, which this kind of file has not. Export it again from your MIS.")
        )

    def _start(self, written: str, _attributes: Any) -> None:
        own = written.rpartition(":")[2].lower()
        if not self._path and own != self._shape.root.lower():
            raise Faulty(self._fault(written, f"This XML does not begin with {self._shape.root}. Which file is it?"))
        self._check(written, len(self._path))
        if own in self._shape.skipped:
            # Most of some files: what is skipped costs as little as it can.
            self._skipping = 1
            self._parser.StartElementHandler, self._parser.EndElementHandler = self._skip, self._skipped
            self._parser.CharacterDataHandler = None
            return
        wanted = self._shape.known if self._open else self._shape.records
        self._path.append(self._add(own, written) if own in wanted else None)
        self._text, self._length = [], 0

    def _check(self, written: str, depth: int) -> None:
        self._count += 1
        if self._count > MOST_ELEMENTS:
            raise TooBig(self._fault(written, "The file is too large to be a school’s data."))
        if depth >= DEEPEST:
            raise Faulty(self._fault(written, "Elements are nested too deep. Export the file again."))

    def _skip(self, written: str, _attributes: Any) -> None:
        self._skipping += 1
        self._check(written, self._skipping + len(self._path))

    def _skipped(self, _written: str) -> None:
        self._skipping -= 1
        if not self._skipping:
            self._listen()
            self._text, self._length = [], 0

    def _add(self, own: str, written: str) -> Element:
        made = Element(own, self._parser.CurrentLineNumber)
        self._parts = self._parts + 1 if self._open else 1
        if self._parts > MOST_PARTS:
            raise TooBig(self._fault(written, f"This record holds more than {MOST_PARTS:,} elements."))
        if self._open:
            self._open[-1].parts.setdefault(own, []).append(made)
        self._open.append(made)
        return made

    def _told(self, told: str) -> None:
        if not self._path or self._path[-1] is None:
            return
        self._length += len(told)
        if self._length > LONGEST:
            raise Faulty(self._fault(self._path[-1].name, f"This element is longer than {LONGEST:,} characters."))
        self._text.append(told)

    def _end(self, _written: str) -> None:
        element = self._path.pop()
        if element is not None:
            element.text = text("".join(self._text))
            self._open.pop()
            if not self._open:
                self._shape.records[element.name](element)
        self._text, self._length = [], 0
