"""An app's SCIM 2.0 service (RFC 7643, RFC 7644), as we call it: users and groups, found, made and patched.

Nothing is ever deleted there: who leaves becomes inactive.
"""

import dataclasses
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from app import fetch

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PAGE = 100
MOST = 50_000  # resources that we read of one list
LIST_SECONDS = 90.0  # for all pages of one list together
BYTES = 4_000_000  # of an answer
SECONDS = 30.0
AWAY = (408, 429, 500, 502, 503, 504)

Resource = dict[str, Any]


class Refused(Exception):
    """The service says no, and would again: the text says why, as it told us."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Away(Exception):
    """The service cannot be used now. `wait` are the seconds that it asks for, if it does."""

    def __init__(self, text: str, wait: int | None = None) -> None:
        super().__init__(text)
        self.wait = wait


@dataclasses.dataclass(frozen=True)
class Service:
    """One app's service, for one school. Each call raises Refused or Away."""

    base: str
    token: str

    def every(self, kind: str) -> Iterator[Resource]:
        """All resources of a kind, 'Users' or 'Groups', page by page (RFC 7644 section 3.4.2.4)."""
        start, until = 1, time.monotonic() + LIST_SECONDS
        while start <= MOST:
            if time.monotonic() > until:
                raise Away("The app took too long to list what it has")
            answer = self._call("GET", f"/{kind}?startIndex={start}&count={PAGE}")
            page = [one for one in answer.get("Resources") or () if isinstance(one, dict)]
            yield from page
            start += len(page)
            total = answer.get("totalResults")
            if not page or not isinstance(total, int) or start > total:
                return

    def find(self, kind: str, attribute: str, value: str) -> Resource | None:
        """The first one whose attribute is this (RFC 7644 section 3.4.2.2)."""
        told = orjson.dumps(value).decode()
        answer = self._call("GET", f"/{kind}?filter={quote(f'{attribute} eq {told}')}&count=2")
        found = answer.get("Resources") or ()
        # A service that does not filter gives others: they are none of those that were asked for.
        return next((one for one in found if isinstance(one, dict) and one.get(attribute) == value), None)

    def make(self, kind: str, resource: Mapping[str, Any]) -> Resource:
        return self._call("POST", f"/{kind}", resource)

    def patch(self, kind: str, resource_id: str, changes: Mapping[str, Any]) -> None:
        """Let these attributes have these values (RFC 7644 section 3.5.2.3)."""
        operations = [{"op": "replace", "path": name, "value": value} for name, value in changes.items()]
        body = {"schemas": [PATCH], "Operations": operations}
        self._call("PATCH", f"/{kind}/{quote(resource_id, safe='')}", body)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Resource:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/scim+json, application/json"}
        if body is not None:
            headers["Content-Type"] = "application/scim+json"
        content = orjson.dumps(body) if body is not None else b""
        url = f"{self.base.rstrip('/')}{path}"
        try:
            answer = fetch.send(method, url, headers=headers, content=content, seconds=SECONDS, most=BYTES)
        except fetch.Refused as wrong:
            raise Refused(0, f"The app’s address cannot be used: {wrong}") from wrong
        except fetch.Failed as wrong:
            raise Away(f"The app did not answer: {wrong}") from wrong
        if answer.status in AWAY:
            told = answer.headers.get("retry-after", "")
            wait = int(told) if told.isascii() and told.isdigit() else None
            raise Away(f"The app answered {answer.status}", wait)
        if not 200 <= answer.status < 300:
            raise Refused(answer.status, _said(answer))
        if not answer.body:
            return {}
        try:
            found = orjson.loads(answer.body)
        except orjson.JSONDecodeError as wrong:
            raise Refused(answer.status, "The app’s answer is no JSON") from wrong
        return found if isinstance(found, dict) else {}


def _said(answer: fetch.Answer) -> str:
    """What the service said of its refusal (RFC 7644 section 3.12), cut short: it is shown to people."""
    try:
        told = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        told = {}
    detail = told.get("detail") or told.get("scimType") if isinstance(told, dict) else ""
    return f"The app answered {answer.status}" + (f": {str(detail)[:200]}" if detail else "")
