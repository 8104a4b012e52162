"""Comparing an e-mail address with a school's website by registrable domain (publicsuffix.org).

`*.sch.uk` is a wildcard suffix: the school's own name stands below its authority's, so `a.kent.sch.uk` and
`b.kent.sch.uk` are two schools, and `kent.sch.uk` is nobody's.
"""

import ipaddress
import re
from functools import cache
from pathlib import Path

from publicsuffixlist import PublicSuffixList

FREE_MAIL = frozenset((Path(__file__).parent / "free_mail.txt").read_text().split())

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}")


def of_website(website: str | None) -> str | None:
    """The host of a website as the register writes it: with or without a scheme, `http:www.a.sch.uk` too."""
    text = re.sub(r"^(?:https?[:;]?[/\\]{1,3}|https?:)+", "", (website or "").strip().lower())
    return _host(re.split(r"[/\\?#\s,;]", text, maxsplit=1)[0].rpartition("@")[2].partition(":")[0])


def of_email(email: str) -> str | None:
    """The host of an e-mail address."""
    return _host(email.strip().lower().rpartition("@")[2])


def registrable(host: str | None) -> str | None:
    """The part of a host that one owner registered, such as `st-marys.kent.sch.uk`; None for a bare suffix."""
    if not host:
        return None
    # The sample register puts its invented schools under sch.example, as real ones stand under sch.uk.
    if host.endswith(".sch.example"):
        return ".".join(host.split(".")[-3:])
    found = _suffixes().privatesuffix(host)
    return str(found) if found else None


def is_free_mail(host: str | None) -> bool:
    """Whether anyone can get an address there for nothing."""
    return registrable(host) in FREE_MAIL


def _host(text: str) -> str | None:
    try:
        name = text.strip(".").encode("idna").decode().lower()
    except UnicodeError:
        return None
    if len(name) > 253 or not _HOST.fullmatch(name) or _is_address(name):
        return None
    return name


def _is_address(name: str) -> bool:
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
