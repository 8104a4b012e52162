"""Token revocation (RFC 7009): an app gives a token back. The school's authorisation is not touched."""

import dataclasses

from starlette.requests import Request
from starlette.responses import Response

from app.db import Session
from app.errors import OAuthError
from app.models import backing
from app.models.token import Token
from app.oauth import client_credentials, store
from app.oauth.client_auth import authenticate
from app.oauth.request import form
from app.oauth.store import Client
from app.secrets import digest


@dataclasses.dataclass(frozen=True, slots=True)
class Return:
    digest: bytes
    client: Client


async def revoke(request: Request) -> Response:
    """200 for one's own token and for one that nobody knows; another app's stays alive and is refused."""
    sent = await form(request)
    client = await authenticate(request, sent)
    token = sent.required("token")
    if partner := await client_credentials.alive(token):
        await client_credentials.give_back(partner, client)
    else:
        await store.write(_end, Return(digest(token), client))
    return Response(headers={"Cache-Control": "no-store"})


def _end(db: Session, calls: list[Return]) -> list[OAuthError | None]:
    """A refresh token takes its whole family with it (section 2.1); an access token goes alone."""
    digests = [call.digest for call in calls]
    refresh, access = backing.locked_refresh_tokens(db, digests), backing.access_tokens(db, digests)
    held = refresh | access
    own = {call.digest for call in calls if call.digest in held and held[call.digest].app_id == call.client.id}
    if own:
        Token.end(db, own & access.keys())
        Token.end_families(db, {backing.lineage(refresh[digest]) for digest in own & refresh.keys()})
    return [
        OAuthError("invalid_grant", "This token is another app's.") if call.digest in held.keys() - own else None
        for call in calls
    ]
