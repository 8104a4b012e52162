"""Pushed authorization requests (RFC 9126): the app sends its request to us first, and the browser carries a reference.

What is pushed passes the same checks as what comes through a browser, so that the app, not the school, sees a mistake.
"""

import dataclasses
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.db import Session
from app.errors import OAuthError
from app.models.partner import App
from app.models.pushed_request import PushedRequest
from app.models.token import AuthorizationRequest
from app.oauth import dpop, grants, store
from app.oauth.checks import PUSHED, check, check_redirect_uri, kept
from app.oauth.client_auth import authenticate
from app.oauth.request import Parameters, form
from app.oauth.single_use import Sweep
from app.oauth.store import Client
from app.secrets import digest, new_secret, well_formed
from app.web import remembered
from app.web.answers import fresh
from app.web.throttle import Limit, Try, network

PREFIX = "gh_pr"
URN = PUSHED.removesuffix(f"{PREFIX}_")
SECONDS = 90  # until a browser must have brought the reference; what it leads to lives as long as any request
PUSHES_A_MINUTE = 300
_pushes = Limit(PUSHES_A_MINUTE, 60)


@dataclasses.dataclass(frozen=True, slots=True)
class Push:
    digest: bytes
    app_id: uuid.UUID
    parameters: dict[str, Any]


async def push(request: Request) -> Response:
    """201 with the reference. Raises OAuthError with what authorize would have found wrong, and TooManyTries."""
    sent = await form(request)
    client = await authenticate(request, sent)
    # Anybody can say that they are a public app: each network counts for itself there.
    Try(((_pushes, (client.id, network(request) if client.is_public else "")),)).count()
    _check(client, sent)
    sent = _bound(sent, await dpop.proven(request))
    secret = new_secret(PREFIX)
    await store.write(_keep, Push(digest(secret), client.id, kept(sent)))
    body = {"request_uri": URN + secret, "expires_in": SECONDS}
    return fresh(body, 201)


def _check(client: Client, sent: Parameters) -> None:
    if sent.get("request_uri"):
        raise OAuthError("invalid_request", "Push the parameters themselves, without request_uri.")
    if sent.get("client_id") not in (None, client.client_id):
        raise OAuthError("invalid_request", "The client_id is another than the one that authenticated.")
    check_redirect_uri(client, sent)
    check(client, dataclasses.replace(sent, pushed=True))


def _bound(sent: Parameters, proven: str | None) -> Parameters:
    """The request, bound to the key that the push proved to hold (RFC 9449 section 10.1)."""
    named = sent.get("dpop_jkt")
    if proven and named not in (None, proven):
        raise dpop.refused("The dpop_jkt is not the thumbprint of the key that signed the proof.")
    key = {"dpop_jkt": proven} if proven else {}
    return dataclasses.replace(sent, values=sent.values | key, pushed=True)


def _keep(db: Session, calls: list[Push]) -> list[OAuthError | None]:
    faults = [_about_a_grant(db, call) for call in calls]
    sound = [dataclasses.asdict(call) for call, fault in zip(calls, faults, strict=True) if fault is None]
    PushedRequest.add_all(db, sound, SECONDS)
    _sweep(db)
    return faults


def _about_a_grant(db: Session, call: Push) -> OAuthError | None:
    try:
        grants.named(db, call.app_id, Parameters(**call.parameters))
    except OAuthError as wrong:
        return wrong
    return None


_sweep = Sweep(PushedRequest.forget_old)


@dataclasses.dataclass(frozen=True, slots=True)
class Presented:
    """What a browser asks for; `begun` when this very browser has brought the same reference before."""

    sent: Parameters
    pushed: PushedRequest | None = None
    begun: AuthorizationRequest | None = None

    def goes_on_as(self, waiting: AuthorizationRequest) -> None:
        if self.pushed:
            self.pushed.request_id = waiting.id


def presented(request: Request, db: Session, sent: Parameters) -> Presented:
    """The request that a browser brings, by value or by reference. A reference opens once.

    One that does not open stays in the parameters, where `checks` refuses it. Never raises.
    """
    reference = sent.get("request_uri") or ""
    secret = reference.removeprefix(URN)
    if not reference.startswith(PUSHED) or not well_formed(secret, PREFIX):
        return Presented(sent)
    app = App.by_client_id(db, sent.get("client_id") or "")
    pushed = PushedRequest.of_app(db, digest(secret), app.id) if app else None
    if pushed is None:
        return Presented(sent)
    asked = Parameters(**pushed.parameters)
    if pushed.present(db):
        return Presented(asked, pushed)
    begun = remembered.found(request, db, pushed.request_id) if pushed.request_id else None
    if begun and not begun.completed_at:
        return Presented(asked, pushed, begun)
    return Presented(dataclasses.replace(asked, values=asked.values | {"request_uri": reference}))
