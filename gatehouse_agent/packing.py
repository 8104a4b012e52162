"""One file out of the folder's, the same bytes for the same content, written and hashed in passing."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gatehouse_agent import files
from gatehouse_agent.errors import AgentError, Unreachable
from gatehouse_agent.folder import Found, Seen

PIECE = 64 * 1024  # bytes that are in memory at once
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in the ZIP: when it was packed says nothing about its content
AS_IT_IS = (".zip", ".xml")


@dataclasses.dataclass(frozen=True)
class Packed:
    """`name`: what the server calls it; `sha256` in hex, `size` in bytes."""

    name: str
    sha256: str
    size: int


def pack(seen: Seen, to: Path) -> Packed:
    """Pack what was seen, which is at least one file. Raises AgentError, or Unreachable when it changes meanwhile.

    A file that is packed already goes as it is; of several ZIPs, the newest holds what counts.
    """
    found = _chosen(seen)
    with files.replacing(to) as file:
        counted = _Counted(file)
        if len(found) == 1 and found[0].name.lower().endswith(AS_IT_IS):
            name = found[0].name
            for piece in _pieces(seen.folder, found[0]):
                counted.write(piece)
        else:
            name = "export.zip"
            _zip(seen.folder, found, counted)
        return Packed(name, counted.hash.hexdigest(), counted.size)


def _chosen(seen: Seen) -> tuple[Found, ...]:
    zips = [one for one in seen.found if one.name.lower().endswith(".zip")]
    if zips and len(zips) < len(seen.found):
        raise AgentError(
            f"The folder {seen.folder} holds a ZIP file and other files beside it. Let it hold one export: move the"
            " older of the two elsewhere."
        )
    return (max(zips, key=lambda one: one.changed),) if zips else seen.found


def _zip(folder: Path, found: tuple[Found, ...], to: _Counted) -> None:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as made:  # type: ignore[call-overload]
        for one in found:
            entry = zipfile.ZipInfo(one.name, EPOCH)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o600 << 16
            with made.open(entry, "w", force_zip64=one.size > zipfile.ZIP64_LIMIT // 2) as inside:
                for piece in _pieces(folder, one):
                    inside.write(piece)


def _pieces(folder: Path, one: Found) -> Iterator[bytes]:
    """The content, as it was when it was seen: anything else would mix two exports."""
    try:
        with open(folder / one.name, "rb") as file:
            while piece := file.read(PIECE):
                yield piece
            told = os.fstat(file.fileno())
    except OSError as wrong:
        raise Unreachable(
            f"A file in {folder} cannot be read: {wrong.strerror}. Is it open in another program, and may the account"
            " of the agent read it?"
        ) from wrong
    if (told.st_size, told.st_mtime_ns) != (one.size, one.changed):
        raise Unreachable(f"The files in {folder} changed while they were packed. The agent tries again later.")


class _Counted:
    """Hashes and counts what is written. It cannot seek, so that a ZIP is written from its beginning to its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> int:
        self.hash.update(piece)
        self.size += len(piece)
        return self._file.write(piece)

    def flush(self) -> None:
        self._file.flush()
