"""The refresh grant (RFC 6749 section 6) with rotation and reuse detection (RFC 9700 section 4.14.2).

A refresh token works once. One that comes back afterwards was stolen, or its thief got there first: the whole family
ends. The exception is a lost response: within 30 seconds, and only while nobody has used the successor, the same app
gets another successor and the first one ends.

Bound to a key (RFC 9449 section 5), a stolen one is worth nothing. A confidential app then keeps its refresh token; a
public app, which proves itself by that key alone, must prove the same one each time, and its token rotates as well.
"""

import dataclasses
import datetime as dt
from typing import Any

from app.db import Session
from app.errors import OAuthError
from app.models import backing
from app.models.backing import HeldToken
from app.models.base import now
from app.models.token import Token
from app.oauth import dpop, store
from app.oauth.issue import Issued, TokenRequest
from app.oauth.store import Client
from app.secrets import digest, well_formed

LOST_RESPONSE = dt.timedelta(seconds=30)


@dataclasses.dataclass(frozen=True, slots=True)
class Refresh:
    digest: bytes
    client: Client
    token: str
    scope: str | None
    key_thumbprint: str | None


async def refresh(asked: TokenRequest) -> dict[str, Any]:
    """Exchange a refresh token. Raises OAuthError invalid_grant or invalid_scope."""
    token = asked.sent.required("refresh_token")
    if not well_formed(token, "gh_rt"):
        raise OAuthError("invalid_grant", "This is not a refresh token of ours.")
    call = Refresh(digest(token), asked.client, token, asked.sent.get("scope"), asked.key_thumbprint)
    issued = await store.write(_exchange, call)
    return issued.body()


def _exchange(db: Session, calls: list[Refresh]) -> list[Issued | OAuthError]:
    held = backing.locked_refresh_tokens(db, [call.digest for call in calls])
    faults = {call.digest: _fault(call, held.get(call.digest)) for call in calls}
    sound = {call.digest: _issue(call, held[call.digest]) for call in calls if faults[call.digest] is None}
    kept = {old for old, issued in sound.items() if issued.keeps_refresh_token}
    lost = {old for old in sound.keys() - kept if held[old].used_at}
    rotated = Token.rotate(db, [row for old in sound.keys() - kept - lost for row in sound[old].rows(old)])
    again = kept | {old for old in lost if Token.end_successor(db, backing.lineage(held[old]), old)}
    Token.add_all(db, [row for old in again for row in sound[old].rows(old)])
    won = rotated | again
    answers = [sound[call.digest] if call.digest in won else faults[call.digest] or _Reused() for call in calls]
    # Ending comes last, so that it takes in what this very group has added to a family.
    if reused := [held[call.digest] for call, said in zip(calls, answers, strict=True) if _is_reuse(said)]:
        Token.end_families(db, map(backing.lineage, reused))
    return answers


class _Reused(OAuthError):
    def __init__(self) -> None:
        super().__init__(
            "invalid_grant",
            "This refresh token, or an older one of its line, was used twice. Send the person to authorise again.",
        )


def _is_reuse(answer: Issued | OAuthError) -> bool:
    return isinstance(answer, _Reused)


def _fault(call: Refresh, token: HeldToken | None) -> OAuthError | None:
    if token is None or token.app_id != call.client.id:
        return OAuthError("invalid_grant", "This refresh token is not known, or is another app's.")
    if token.backing.fault:
        return OAuthError("invalid_grant", token.backing.fault)
    if token.key_thumbprint and call.key_thumbprint is None:
        return dpop.refused("This refresh token is bound to a key. Send a proof in the header DPoP.")
    if call.client.is_public and token.key_thumbprint not in (None, call.key_thumbprint):
        return OAuthError("invalid_grant", "This refresh token is bound to another key.")
    is_lost_response = token.used_at and now() - token.used_at <= LOST_RESPONSE
    if token.ended_at or (token.used_at and not is_lost_response):
        return _Reused()
    if call.scope is not None and not set(call.scope.split(" ")) <= set(token.scope.split()):
        return OAuthError("invalid_scope", "A refresh can ask for less than was granted, not for more or for nothing.")
    return None


def _issue(call: Refresh, token: HeldToken) -> Issued:
    scope = token.scope if call.scope is None else " ".join(dict.fromkeys(call.scope.split()))
    ids = (token.app_id, token.account_id, token.family)
    issued = Issued(token.backing, *ids, scope, token.scope, call.key_thumbprint)
    if token.key_thumbprint is None or call.client.is_public:
        return issued
    return dataclasses.replace(issued, refresh_token=call.token, keeps_refresh_token=True)
