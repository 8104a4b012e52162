"""RM Integris G2's web service, behind an interface that anything can stand in for.

The real wire format of G2 is not public: it is given to RM's partners under contract. What is here is the interface
that the rest of Gatehouse needs (`Connector`), and one implementation of it (`WebService`) that speaks a plain JSON
form of our own. It has been run against a simulator only, never against a G2. Whoever has RM's documents writes another
Connector, and nothing else changes. See `docs/integris.md`.
"""

import base64
import dataclasses
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import orjson
from pydantic import BaseModel, Field, ValidationError

from app import fetch

PUPILS, STAFF, CONTACTS, GROUPS = "pupils", "staff", "contacts", "groups"
KINDS = (PUPILS, STAFF, CONTACTS, GROUPS)
MOST_RECORDS = 100_000  # of one kind
MOST_PAGES = 2000  # of one kind
BYTES = 16 * 1024 * 1024  # of one page
SECONDS = 60.0  # for one page
Model = TypeVar("Model", bound=BaseModel)


class Unusable(Exception):
    """No data can be had; the text says why and what to do, for the school."""


class Stale(Exception):
    """The system does not know any more what changed since that token."""


class School(BaseModel):
    """Whose data the account opens, and the token of this moment: what changes from now on is since it."""

    dfe_number: str
    name: str = ""
    token: str = ""


class Page(BaseModel):
    """Some records of one kind (see `app/roster/sources/records.py`), and the ids of those that are no more.

    `next` is what to ask for the page after; empty at the end.
    """

    records: list[dict[str, Any]] = Field(default_factory=list)
    gone: list[str] = Field(default_factory=list)
    next: str = ""


class Connector(Protocol):
    """A school's system as it can be asked. Every method raises Unusable.

    An id is of one person or group of this system for ever; a person in several lists has one id in all of them.
    """

    def school(self) -> School: ...

    def page(self, kind: str, since: str, at: str) -> Page:
        """A page of one of KINDS, the first with an empty `at`.

        With an empty `since` all that is there; with a token what has changed after it: a person in every list that
        they are in, a pupil with all of their contacts. Raises Stale for a token that is too old.
        """


@dataclasses.dataclass(frozen=True)
class Collected:
    """The content of a batch, and the token to ask with when that batch has been taken in."""

    content: bytes
    token: str


def collect(connector: Connector, dfe_number: str, since: str = "") -> Collected:
    """Everything of this school, or what changed since a token, as the content of a batch. Raises Unusable."""
    school = connector.school()
    if "".join(filter(str.isdigit, school.dfe_number)) != dfe_number:
        raise Unusable("The account is one of another school’s. Make one in your own Integris, as the guide shows.")
    try:
        lists = {kind: _whole(connector, kind, since) for kind in KINDS}
    except Stale:
        since = ""
        lists = {kind: _whole(connector, kind, since) for kind in KINDS}
    told: dict[str, Any] = {"source": "integris", "is_full": not since}
    told |= {kind: records for kind, (records, _) in lists.items()}
    told["gone"] = {kind: gone for kind, (_, gone) in lists.items()}
    return Collected(orjson.dumps(told), school.token)


def _whole(connector: Connector, kind: str, since: str) -> tuple[list[dict[str, Any]], list[str]]:
    records: list[dict[str, Any]] = []
    gone: list[str] = []
    at = ""
    for _ in range(MOST_PAGES):
        page = connector.page(kind, since, at)
        records += page.records
        gone += page.gone
        if not page.next:
            return records, gone
        if max(len(records), len(gone)) > MOST_RECORDS:
            break
        at = page.next
    raise Unusable(f"Integris sends {kind} without an end. Tell RM, who run it.")


class WebService:
    """A Connector over HTTP with Basic credentials (RFC 7617): {address}/school and {address}/{kind}?since=…&at=…."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self._address = address.rstrip("/")
        told = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {told}", "Accept": "application/json"}

    def school(self) -> School:
        return _understood(School, self._get("school"))

    def page(self, kind: str, since: str, at: str) -> Page:
        return _understood(Page, self._get(f"{kind}?since={quote(since, safe='')}&at={quote(at, safe='')}"))

    def _get(self, path: str) -> bytes:
        try:
            answer = fetch.send("GET", f"{self._address}/{path}", headers=self._headers, seconds=SECONDS, most=BYTES)
        except (fetch.Refused, fetch.Failed) as away:
            raise Unusable(f"Integris cannot be reached. {away}.") from away
        if answer.status == 410:
            raise Stale
        if answer.status != 200:
            raise Unusable(_MEANINGS.get(answer.status) or f"Integris answers with an error ({answer.status}).")
        return answer.body


_MEANINGS = {
    401: "Integris does not accept the user ID or the password. Sign in with them yourself, then enter them again.",
    403: "Integris has web services switched off for this account, or no VLE role. See steps 2 and 3 of the guide.",
    404: "There is no web service at this address. Check it with RM.",
    429: "Integris asks us to wait. We try again at the next time.",
    503: "Integris is not available at the moment. We try again at the next time.",
}


def _understood(kind: type[Model], body: bytes) -> Model:
    try:
        return kind.model_validate_json(body)
    except ValidationError:
        raise Unusable(
            "Integris answers with something that is not understood. Tell us, and we look into it."
        ) from None
