"""Lists for PostgreSQL's driver, in binary: as text, each digest would be escaped letter by letter."""

import struct
from typing import Any

from psycopg.types.array import ListBinaryDumper

_HEAD = struct.Struct("!iiIii")
_BYTEA = 17  # the type's number in every PostgreSQL


class ArrayDumper(ListBinaryDumper):
    """A list of byte strings goes through here for every token; the others go the driver's way."""

    def dump(self, obj: list[Any]) -> Any:
        if not obj or type(obj[0]) is not bytes:
            return super().dump(obj)
        # Dimensions, whether there are nulls, element type, length, first index; then each element behind its length.
        return _HEAD.pack(1, 0, _BYTEA, len(obj), 1) + b"".join([len(item).to_bytes(4, "big") + item for item in obj])
