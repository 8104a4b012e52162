"""Rich authorization requests (RFC 9396): the one type `school_data` says in detail what a scope says in a word.

{"type": "school_data", "datatypes": ["school"], "identifier": "100001"}

`datatypes` are names of scopes; `identifier`, which may be left out, is the URN of the one school that is meant.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

from app import strict_json
from app.errors import OAuthError
from app.models.partner import App
from app.models.scope import SCOPES
from app.oauth.issue import Issued
from app.oauth.request import Parameters
from app.oauth.store import Client

TYPE = "school_data"
PARAMETER = "authorization_details"
LONGEST, MOST = 5_000, 20
MEMBERS = {"type", "datatypes", "identifier"}

Detail = dict[str, Any]


def asked(sent: Parameters) -> list[Detail]:
    """The details of a request; none where it has none. Raises OAuthError invalid_authorization_details."""
    text = sent.get(PARAMETER)
    if text is None:
        return []
    try:
        found = strict_json.read(text, LONGEST)
    except ValueError:
        raise _refused("it must be a JSON array, not deep, each member once.") from None
    if not isinstance(found, list) or not 0 < len(found) <= MOST:
        raise _refused(f"it must be a JSON array of 1 to {MOST} objects.")
    for one in found:
        _check(one)
    if len({one["identifier"] for one in found if "identifier" in one}) > 1:
        raise _refused("one request is about one school.")
    return found


def datatypes(sent: Parameters) -> list[str]:
    """The scopes that the details ask for, each once."""
    return list(dict.fromkeys(name for one in asked(sent) for name in one["datatypes"]))


def urn(sent: Parameters) -> int | None:
    """The one school that may decide, where the details name one."""
    return next((int(one["identifier"]) for one in asked(sent) if "identifier" in one), None)


def check(app: App | Client, sent: Parameters) -> None:
    """Raises OAuthError invalid_authorization_details for what cannot be asked for, or not by this app."""
    allowed = {scope for scope in app.asks if scope in SCOPES and not SCOPES[scope].identity}
    if not allowed.issuperset(datatypes(sent)):
        raise _refused(f"this app may ask for the datatypes {' '.join(sorted(allowed))}.")


def granted(sent: Parameters, scopes: Collection[str], school_urn: int) -> list[Detail] | None:
    """What was granted of the details that were asked for (section 7); None where none were asked for."""
    found = [_granted(one["datatypes"], scopes, school_urn) for one in asked(sent)]
    return [one for one in found if one["datatypes"]] or None


def beside(issued: Issued) -> dict[str, list[Detail]]:
    """What the answer to a code says besides the scope: the details that were granted, as far as they still are."""
    held, scopes = (issued.code.details if issued.code else None) or [], issued.scope.split()
    cut = [one | {"datatypes": [name for name in one["datatypes"] if name in scopes]} for one in held]
    left = [one for one in cut if one["datatypes"]]
    return {PARAMETER: left} if left else {}


def covering(scopes: Collection[str], school_urn: int) -> list[Detail]:
    """A grant in these terms."""
    return [_granted(scopes, scopes, school_urn)]


def _granted(names: Iterable[str], scopes: Collection[str], school_urn: int) -> Detail:
    return {"type": TYPE, "datatypes": [name for name in names if name in scopes], "identifier": str(school_urn)}


def _check(one: Any) -> None:
    if not isinstance(one, dict) or one.get("type") != TYPE:
        raise _refused(f"the one type here is {TYPE}.")
    if not MEMBERS.issuperset(one):
        raise _refused("the members here are type, datatypes and identifier.")
    names = one.get("datatypes")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise _refused("datatypes must be an array of names of scopes.")
    if len(set(names)) != len(names):
        raise _refused("datatypes must name each scope once.")
    identifier = one.get("identifier", "100000")
    if not isinstance(identifier, str) or not re.fullmatch(r"[1-9][0-9]{4,8}", identifier):
        raise _refused("identifier must be the URN of a school, as a string.")


def _refused(what: str) -> OAuthError:
    return OAuthError("invalid_authorization_details", f"{PARAMETER}: {what}")
