"""JSON that strangers send, read so that no two readers see different things in it (RFC 8259 section 4)."""

import json
from typing import Any

DEEPEST = 8


def read(text: str, longest: int) -> Any:
    """Raises ValueError for what is no JSON, too long, deeper than 8, names a member twice, or holds NaN."""
    if len(text) > longest or _depth(text) > DEEPEST:
        raise ValueError("too large")
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)


def _depth(text: str) -> int:
    """At least how deep it goes: brackets inside texts count too, which costs nobody anything at this size."""
    opened = text.count("[") + text.count("{")
    if opened <= DEEPEST:
        return opened
    depth = deepest = 0
    for mark in text:
        depth += (mark in "[{") - (mark in "]}")
        deepest = max(deepest, depth)
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is named twice")
    return found


def _no_number(constant: str) -> Any:
    raise ValueError(constant)
