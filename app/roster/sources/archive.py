"""A ZIP opened as a stranger's: bounded by what comes out of it and not by what it says of itself."""

import io
import lzma
import zipfile
import zlib

from app.roster.incoming import Fault, Faulty, TooBig

MOST_FILES = 100
MOST_UNPACKED = 96 * 1024 * 1024  # bytes, of all files together
MOST_RATIO, SMALL = 200, 4 * 1024 * 1024  # what is larger than that, and packed closer, is no table
STEP = 1024 * 1024
IGNORED = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, ValueError)


def is_zip(content: bytes) -> bool:
    """By its first bytes; an empty ZIP begins otherwise, and holds nothing to read."""
    return content.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def files(name: str, content: bytes) -> dict[str, bytes]:
    """Every file in it by its own name, folders left out. Raises Faulty, or TooBig."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            members = [
                member for member in opened.infolist() if not member.is_dir() and not _is_ignored(member.filename)
            ]
            _check(name, members)
            return _unpacked(name, opened, members)
    except (*_BROKEN, RuntimeError) as broken:
        reason = "This ZIP is damaged. Make it again, and check that it opens on your own computer."
        raise Faulty(Fault(name, 0, "", reason)) from broken


def _is_ignored(path: str) -> bool:
    return any(part in path for part in IGNORED)


def _check(name: str, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_FILES:
        raise TooBig(Fault(name, 0, "", f"This ZIP holds more than {MOST_FILES} files."))
    for member in members:
        parts = member.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or ":" in parts[0] or not member.filename.isprintable():
            raise Faulty(Fault(name, 0, "", "A file in this ZIP has a path that leads elsewhere. Zip the files alone."))
        if member.flag_bits & 1:
            raise Faulty(Fault(name, 0, "", "This ZIP has a password. Zip the files without one."))
    if any(_own(member).lower() == "[content_types].xml" for member in members):
        raise Faulty(Fault(name, 0, "", "This is an Excel workbook or a document. Save it as CSV, then send that."))


def _own(member: zipfile.ZipInfo) -> str:
    return member.filename.replace("\\", "/").rpartition("/")[2]


def _unpacked(name: str, opened: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    left = MOST_UNPACKED
    for member in members:
        own = _own(member)
        if own in found:
            raise Faulty(Fault(name, 0, "", f"This ZIP holds {own} twice. Which is the right one?"))
        held = bytearray()
        with opened.open(member) as packed:
            while part := packed.read(STEP):
                held += part
                left -= len(part)
                if left < 0 or len(held) > max(SMALL, MOST_RATIO * member.compress_size):
                    raise TooBig(Fault(name, 0, "", "What is in this ZIP is too large to be a school’s data."))
        if is_zip(bytes(held[:4])):
            raise Faulty(Fault(own, 0, "", "This is a ZIP within the ZIP. Zip the files themselves."))
        found[own] = bytes(held)
    return found
