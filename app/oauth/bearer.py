"""Bearer tokens at the data API (RFC 6750): is this token alive, and may it read this, at this moment?

`access = await read_token(request)` first, then `access.require("school")` where the data is. Both raise OAuthError.
"""

import dataclasses
import datetime as dt
import uuid

from starlette.requests import Request

from app.errors import OAuthError
from app.models.base import now
from app.models.school import VERIFIED
from app.oauth import metadata, store
from app.secrets import digest, well_formed


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """What a checked token opens: the data of one school, for one app, within these scopes."""

    authorisation_id: uuid.UUID
    school_id: uuid.UUID
    app_id: uuid.UUID
    scopes: frozenset[str]

    def require(self, *scopes: str) -> None:
        """Raises OAuthError insufficient_scope (403) unless the token carries all of these."""
        if not self.scopes.issuperset(scopes):
            needed = " ".join(scopes)
            raise refused(403, "insufficient_scope", f"This needs the scope {needed}.", scope=needed)


async def read_token(request: Request) -> Access:
    """The access that the request's token gives, judged by a state at most 0.8 s old. Raises OAuthError."""
    token = _presented(request)
    held = await store.access(digest(token)) if well_formed(token, "gh_at") else None
    if held is None or held.ended_at or held.expires_at <= now():
        raise refused(401, "invalid_token", "The access token is not known, has expired or was ended.")
    backing = held.backing
    if backing.fault:
        raise refused(401, "invalid_token", backing.fault)
    if backing.school_status != VERIFIED:
        raise refused(403, "school_unverified", "Gatehouse has not verified the school yet. Try again later.")
    if backing.is_paused:
        raise _paused(backing.resumes_on)
    scopes = frozenset(held.scope.split()) & frozenset(backing.scopes)
    return Access(backing.authorisation_id, backing.school_id, backing.app_id, scopes)


def refused(status: int, error: str, description: str, **more: str) -> OAuthError:
    """The refusal with its WWW-Authenticate header, which carries the code and everything else that the body says."""
    said = {"realm": "Gatehouse"}
    if error:
        said |= {"error": error, "error_description": description}
    said |= more | {"resource_metadata": metadata.PROTECTED_RESOURCE}
    challenge = ", ".join(f'{name}="{value}"' for name, value in said.items())
    return OAuthError(error, description, status, {"WWW-Authenticate": f"Bearer {challenge}"}, **more)


def _paused(resumes_on: dt.date | None) -> OAuthError:
    if resumes_on is None:
        return refused(403, "authorisation_paused", "The school has paused data sharing until further notice.")
    day = resumes_on.isoformat()
    words = f"The school has paused data sharing. It resumes on {day}."
    return refused(403, "authorisation_paused", words, resumes_on=day)


def _presented(request: Request) -> str:
    """The token of the Authorization header: the only place for it, and once."""
    if "access_token" in request.query_params:
        raise refused(400, "invalid_request", "Send the access token in the Authorization header only.")
    headers = request.headers.getlist("authorization")
    if len(headers) > 1:
        raise refused(400, "invalid_request", "Send one Authorization header.")
    scheme, _, token = (headers[0] if headers else "").partition(" ")
    if scheme.lower() != "bearer":
        raise refused(401, "", "Send an access token: Authorization: Bearer ...")
    return token.strip()
