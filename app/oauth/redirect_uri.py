"""Redirect URIs (RFC 6749 section 3.1.2, RFC 9700 section 2.1): which may be registered, and how one is filled in."""

import re
from urllib.parse import quote, urlencode, urlsplit

from app.errors import Problem

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_AUTHORITY = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[::1\])(:(?P<port>[0-9]{1,5}))?")


class NotRegistrable(Problem):
    title = "That redirect address cannot be registered"


def check(uri: str) -> None:
    """Raises NotRegistrable, saying why, unless the address is one whose owner alone can receive what we send there."""
    if not re.fullmatch(r"[!-~]+", uri) or set(uri) & set('"<>\\^`{|}'):
        raise NotRegistrable(f"{uri!a} has blanks or characters that no address may hold.")
    if "#" in uri:
        raise NotRegistrable(f"{uri} has a fragment (#). Leave it out.")
    if "*" in uri:
        raise NotRegistrable(f"{uri} has a wildcard (*). Register each address in full.")
    scheme, separator, rest = uri.partition("://")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    if not separator or scheme.lower() not in ("https", "http"):
        raise NotRegistrable(f"{uri} must start with https://")
    if "@" in authority:
        raise NotRegistrable(f"{uri} has a user name or password before the host. Leave it out.")
    found = _AUTHORITY.fullmatch(authority)
    if not found or int(found["port"] or 1) not in range(1, 65_536):
        raise NotRegistrable(f"{uri} needs a plain host name, and at most a port after it.")
    if scheme.lower() == "http" and found["host"].lower() not in LOOPBACK:
        raise NotRegistrable(f"{uri} must be https. Plain http is for {', '.join(LOOPBACK)} only.")
    if "/../" in f"{urlsplit(uri).path}/":
        raise NotRegistrable(f"{uri} climbs up in its path (..). Write it without.")


def filled(uri: str, answer: dict[str, str | None]) -> str:
    """The registered address with our answer added to its query; what is None stays out."""
    query = urlencode({name: value for name, value in answer.items() if value is not None}, quote_via=quote)
    return f"{uri}{'&' if '?' in uri else '?'}{query}"
