"""Where signing in leads: only ever to a path of our own."""

import re
from urllib.parse import unquote

_VISIBLE_ASCII = re.compile(r"/[\x21-\x5b\x5d-\x7e]{0,2000}")  # no blanks, no control characters, no backslash


def own_path(text: str) -> str | None:
    r"""The text, if every browser and every proxy takes it for a path of this site; else None.

    `//e`, `/\e`, `/%2f/e` and `/%09/e` are refused: something on the way may decode them, and then they name a host.
    """
    if not _VISIBLE_ASCII.fullmatch(text):
        return None
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    for _ in range(5):
        if "//" in path or "\\" in path or not path.isprintable():
            return None
        decoded = unquote(path)
        if decoded == path:
            return text
        path = decoded
    return None
