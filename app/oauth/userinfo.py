"""Userinfo (OpenID Connect Core section 5.3): who the person behind a token is, as far as the app may know."""

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.batch import Batch
from app.db import Session, sessions
from app.models.account import Account
from app.models.backing import Backing, HeldToken
from app.models.partner import App
from app.models.school import VERIFIED
from app.models.scope import EMAIL, OPENID, PROFILE
from app.oauth.bearer import held_token, refused
from app.oauth.request import is_form, parse
from app.web.answers import fresh


async def userinfo(request: Request) -> Response:
    """`sub` for whoever holds `openid`; name and address only while the school's word for them counts."""
    await _refuse_token_in_body(request)
    token = await held_token(request)
    held, scheme = token.held, token.scheme
    if held.backing.fault:
        raise refused(401, "invalid_token", held.backing.fault, scheme=scheme)
    if held.account_id is None or OPENID not in held.scope.split():
        raise refused(403, "insufficient_scope", f"This needs the scope {OPENID}.", scheme=scheme, scope=OPENID)
    claims = await _claims((held.app_id, held.account_id))
    if claims is None:
        raise refused(401, "invalid_token", "The person's account has ended.", scheme=scheme)
    told = {name: claims[name] for name in _may_tell(held)}
    return fresh(told)


async def _refuse_token_in_body(request: Request) -> None:
    """A token belongs into the header: bodies end in logs (RFC 6750 section 2.2 is a way that we do not offer)."""
    sent = parse(await request.body()) if is_form(request) else None
    if sent and ("access_token" in sent.values or sent.faults):
        raise refused(400, "invalid_request", "Send the access token in the Authorization header only.")


def _may_tell(held: HeldToken) -> list[str]:
    backing, told = held.backing, ["sub"]
    if isinstance(backing, Backing) and backing.school_status == VERIFIED and not backing.is_paused:
        scopes = set(held.scope.split()) & set(backing.scopes)
        told += ["name"] if PROFILE in scopes else []
        told += ["email", "email_verified"] if EMAIL in scopes else []
    return told


def _find(db: Session, calls: list[tuple[uuid.UUID, uuid.UUID]]) -> list[dict[str, Any] | None]:
    return [_found(db, *call) for call in calls]


def _found(db: Session, app_id: uuid.UUID, account_id: uuid.UUID) -> dict[str, Any] | None:
    app, account = db.get(App, app_id), db.get(Account, account_id)
    if app is None or account is None or account.ended_at:
        return None
    sub = app.partner.pairwise("account", account.id)
    # Nobody gets an account before a link or a password has reached them at this address.
    return {"sub": sub, "name": account.name, "email": account.email, "email_verified": True}


_claims: Batch[tuple[uuid.UUID, uuid.UUID], dict[str, Any] | None] = Batch(sessions.read_group, _find)
