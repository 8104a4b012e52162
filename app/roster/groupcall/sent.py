"""What Groupcall-style clients send, read once: bodies in JSON or as a form, and query strings; names have no case."""

import dataclasses
import json
import re
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.requests import Request

from app import strict_json
from app.roster.groupcall.errors import BAD_REQUEST, Refused

PAGE_SIZE, MOST = 100, 5000
LONGEST_BODY = 500_000  # characters
LONGEST_PARAMETER = 4000
_SEEN = ("page", "pagesize", "options", "select", "changedrows", "onlygetdbstatus", "take", "type")


def body(content: bytes) -> dict[str, Any]:
    """The members of a JSON object or of a form. Raises Refused."""
    try:
        text = content.decode()
        if not text.lstrip().startswith("{"):
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=50))
        told = strict_json.read(text, LONGEST_BODY)
        json.dumps(told, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        words = "The body cannot be read. Send one JSON object in UTF-8, each member once."
        raise Refused(400, BAD_REQUEST, words) from None
    return dict(told)


def text_of(sent: dict[str, Any], name: str) -> str:
    """A member by its name in lower case: a text, or a number as a text; empty where it is absent."""
    for key, value in sent.items():
        if key.lower() == name and isinstance(value, (str, int)) and not isinstance(value, bool):
            return str(value).strip()[:LONGEST_PARAMETER].replace("\x00", "")
    return ""


def estab_of(text: str) -> str:
    """A school's number without what people write between its parts: `888/2999` is 8882999."""
    return re.sub(r"[\s/-]", "", text)


@dataclasses.dataclass(frozen=True)
class Asked:
    """How a list is asked for. `select` is empty for every field; `changed` is the cursor of a change set."""

    page: int = 1
    size: int = PAGE_SIZE
    options: frozenset[str] = frozenset()
    select: frozenset[str] = frozenset()
    changed: str = ""
    status_only: bool = False
    take: int = PAGE_SIZE
    group_type: str = ""

    @property
    def beside(self) -> str:
        """The query string that asks for the same, but for the page and the cursor."""
        told = [f"&pageSize={self.size}"]
        told += [f"&type={quote(self.group_type)}"] if self.group_type else []
        told += [f"&options={','.join(sorted(self.options))}"] if self.options else []
        return "".join(told + ([f"&select={','.join(sorted(self.select))}"] if self.select else []))


def asked(request: Request) -> Asked:
    """What the query says. Parameters of other systems are passed over. Raises Refused."""
    given: dict[str, str] = {}
    for name, value in parse_qsl(request.url.query, keep_blank_values=True):
        if name.lower() in _SEEN and given.setdefault(name.lower(), value) != value:
            raise Refused(400, BAD_REQUEST, f"{name.lower()} is given twice.")
    if any(len(value) > LONGEST_PARAMETER for value in given.values()):
        raise Refused(400, BAD_REQUEST, f"A parameter has at most {LONGEST_PARAMETER} characters.")
    return Asked(
        page=_number(given, "page", 1, 10**9),
        size=_number(given, "pagesize", PAGE_SIZE, MOST),
        options=_names(given.get("options", "")),
        select=_names(given.get("select", "")),
        changed=given.get("changedrows", ""),
        status_only=given.get("onlygetdbstatus", "").lower() in ("true", "1"),
        take=_number(given, "take", PAGE_SIZE, 1000),
        group_type=given.get("type", ""),
    )


def _number(given: dict[str, str], name: str, usual: int, most: int) -> int:
    text = given.get(name) or str(usual)
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= most):
        raise Refused(400, BAD_REQUEST, f"{name} is a whole number from 1 to {most}.")
    return int(text)


def _names(text: str) -> frozenset[str]:
    """Names between commas; none is longer, or stranger, than a name of ours can be."""
    return frozenset(name for name in map(str.strip, text.split(",")) if re.fullmatch(r"[A-Za-z]{1,40}", name))
