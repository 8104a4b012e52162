"""What every route of the partner API shares: who calls, how often, and how lists are read (see `web/problems.py`).

A caller is one app, by a token of the grant client_credentials with the scope `partner`; it sees its own app's affairs
and nothing else. Lists are read by an opaque signed cursor: `{"items": [...], "next": "..." or null}`.
"""

import dataclasses
import uuid
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from app.oauth import bearer
from app.oauth.bearer import PartnerAccess
from app.secrets import sign, signed
from app.web.problems import ApiError
from app.web.throttle import Limit

SCOPE = "partner"
PREFIX = "/partner/v1"
LIMIT, MOST = 50, 200  # items on a page
CURSOR_SECONDS = 10 * 365 * 86_400  # a cursor of notices is a place that its reader keeps
CALLS = Limit(600, 60)  # of one app, in each of our processes


@dataclasses.dataclass(frozen=True)
class Paging:
    """Which part of a list is asked for: `most` items behind `place` (None: from its beginning)."""

    name: str
    most: int
    place: Any

    @property
    def before(self) -> uuid.UUID | None:
        """The id behind which the list goes on, where its places are ids."""
        return uuid.UUID(self.place) if self.place else None

    def page(self, items: Sequence[dict[str, Any]], by: str) -> dict[str, Any]:
        """A page of these, of which one more than `most` was looked for; its places are the members `by`."""
        kept = items[: self.most]
        return self.listed(kept, kept[-1][by] if len(items) > self.most else None)

    def listed(self, items: Sequence[dict[str, Any]], next_place: Any | None) -> dict[str, Any]:
        """A page. Without `next_place` there is no more."""
        return {"items": list(items), "next": None if next_place is None else sign(next_place, self.name)}


async def caller(request: Request) -> PartnerAccess:
    """The app that calls. Raises OAuthError, or ApiError when it calls too often."""
    access = await bearer.read_partner(request)
    access.require(SCOPE)
    if seconds := CALLS.wait(access.app_id):
        slow = ApiError("429", "Too many calls", f"Wait {seconds} seconds, then go on more slowly.", 429)
        slow.headers["Retry-After"] = str(seconds)
        raise slow
    CALLS.failed(access.app_id)
    return access


def paging(request: Request, kind: str, access: PartnerAccess, *known: str) -> Paging:
    """`limit` and `after` of the query; `known` are its other parameters. Raises ApiError.

    A cursor is of one list of one app: it opens nothing elsewhere.
    """
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given or name not in ("limit", "after", *known):
            allowed = ", ".join(("limit", "after", *known))
            raise ApiError("invalid_query", "The query cannot be read", f"Parameters, each once: {allowed}.")
        given[name] = value
    limit = given.get("limit", str(LIMIT))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 3 and 1 <= int(limit) <= MOST):
        raise ApiError("invalid_query", "The query cannot be read", f"limit is a whole number from 1 to {MOST}.")
    name = f"partner cursor {kind} {access.app_id}"
    place = None
    if after := given.get("after"):
        place = signed(after, name, CURSOR_SECONDS)
        if place is None:
            words = "Send as `after` what this list gave you as `next`, or leave it out to begin anew."
            raise ApiError("invalid_cursor", "The cursor is not one of this list", words)
    return Paging(name, int(limit), place)
