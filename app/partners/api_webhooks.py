"""The partner API's webhooks: add, change, rotate, remove, deliveries, dead letters, replay; and notices by polling."""

import datetime as dt
import uuid
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app import fetch
from app.db import Session, sessions
from app.errors import NotFound
from app.models.base import ago
from app.models.webhook import Delivery, Notice, Webhook
from app.notify import webhooks
from app.notify.notices import TYPES
from app.oauth.bearer import PartnerAccess
from app.partners import api, api_docs
from app.partners.api import Paging, caller, paging
from app.web import problems
from app.web.answers import fresh
from app.web.problems import ApiError, ApiRoute, Sent, body, nothing, number

router = APIRouter(prefix=api.PREFIX, route_class=ApiRoute, tags=["Webhooks"], dependencies=[Depends(api_docs.TOKEN)])

SETTLED_SECONDS = 3.0  # a notice is listed once no earlier one can still appear


class NewWebhook(Sent):
    url: str = Field(max_length=fetch.LONGEST_URL)
    events: list[str] = Field(default=[], max_length=len(TYPES))


class ChangedWebhook(Sent):
    url: str | None = Field(default=None, max_length=fetch.LONGEST_URL)
    events: list[str] | None = Field(default=None, max_length=len(TYPES))


@router.get("/webhooks", **api_docs.listed("webhooks", "Webhook"))
async def list_webhooks(request: Request) -> Response:
    """Every webhook of your app."""
    access = await caller(request)
    asked = paging(request, "webhooks", access)

    def read() -> dict[str, Any]:
        with sessions.read() as db:
            return asked.listed([_webhook(db, row) for row in Webhook.live(db, access.app_id)], None)

    return fresh(await run_in_threadpool(read))


@router.post("/webhooks", status_code=201, **api_docs.made("Webhook", NewWebhook))
async def add_webhook(request: Request) -> Response:
    """Add a webhook. Its secret is in this answer and in no other."""
    access = await caller(request)
    sent = await body(request, NewWebhook)

    def add() -> dict[str, Any]:
        _check(sent.url)
        with sessions.begin() as db:
            try:
                webhook, secret = webhooks.add(db, access.app_id, sent.url, sent.events)
            except webhooks.Unknown as wrong:
                raise problems.invalid([("events", wrong.hint)]) from wrong
            except webhooks.TooMany as full:
                raise ApiError("too_many_webhooks", full.title, full.hint, 409) from full
            return _webhook(db, webhook) | {"secret": secret}

    return fresh(await run_in_threadpool(add), 201)


@router.get("/webhooks/{webhook_id}", **api_docs.one("Webhook"))
async def one_webhook(request: Request, webhook_id: str) -> Response:
    """One webhook, without its secret."""
    access = await caller(request)

    def read() -> dict[str, Any]:
        with sessions.read() as db:
            return _webhook(db, _own(db, webhook_id, access))

    return fresh(await run_in_threadpool(read))


@router.patch("/webhooks/{webhook_id}", **api_docs.changed("Webhook", ChangedWebhook))
async def change_webhook(request: Request, webhook_id: str) -> Response:
    """Change its address, its types, or both; what is left out stays."""
    access = await caller(request)
    sent = await body(request, ChangedWebhook)

    def change() -> dict[str, Any]:
        if sent.url is not None:
            _check(sent.url)
        with sessions.begin() as db:
            webhook = _own(db, webhook_id, access)
            events = webhook.events if sent.events is None else sent.events
            try:
                webhooks.change(db, webhook, sent.url or webhook.url, events)
            except webhooks.Unknown as wrong:
                raise problems.invalid([("events", wrong.hint)]) from wrong
            return _webhook(db, webhook)

    return fresh(await run_in_threadpool(change))


@router.delete("/webhooks/{webhook_id}", status_code=204, **api_docs.done())
async def remove_webhook(request: Request, webhook_id: str) -> Response:
    """Remove it. What was on its way there is not sent."""
    access = await caller(request)

    def remove() -> None:
        with sessions.begin() as db:
            webhooks.remove(db, _own(db, webhook_id, access))

    await run_in_threadpool(remove)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


@router.post("/webhooks/{webhook_id}/rotate", **api_docs.one("Webhook"))
async def rotate_secret(request: Request, webhook_id: str) -> Response:
    """A new secret, in this answer and in no other. The one before it signs too for 24 hours."""
    access = await caller(request)
    await nothing(request)

    def rotate() -> dict[str, Any]:
        with sessions.begin() as db:
            webhook = _own(db, webhook_id, access)
            secret = webhooks.rotate(db, webhook)
            if secret is None:
                raise ApiError("409", "Another call has changed the secret meanwhile", "Read the answer of that.", 409)
            return _webhook(db, webhook) | {"secret": secret}

    return fresh(await run_in_threadpool(rotate))


@router.post("/webhooks/{webhook_id}/test", status_code=202, **api_docs.accepted())
async def send_test(request: Request, webhook_id: str) -> Response:
    """Send a notice of the type webhook.test to this webhook alone."""
    access = await caller(request)
    await nothing(request)

    def send() -> dict[str, Any]:
        with sessions.begin() as db:
            return {"notice_id": str(webhooks.send_test(db, _own(db, webhook_id, access)).id)}

    return fresh(await run_in_threadpool(send), 202)


@router.get("/webhooks/{webhook_id}/deliveries", **api_docs.listed("deliveries", "Delivery", state="failed"))
async def list_deliveries(request: Request, webhook_id: str) -> Response:
    """Its deliveries, newest first; with state=failed only those that were given up."""
    access = await caller(request)
    asked = paging(request, f"deliveries {webhook_id}", access, "state")
    if request.query_params.get("state", "failed") != "failed":
        raise ApiError("invalid_query", "The query cannot be read", "state is failed, or left out.")

    def read() -> dict[str, Any]:
        with sessions.read() as db:
            webhook = _own(db, webhook_id, access)
            rows = Delivery.page(db, webhook.id, asked.before, asked.most + 1, dead="state" in request.query_params)
            return asked.page([_delivery(*row) for row in rows], "id")

    return fresh(await run_in_threadpool(read))


@router.post("/webhooks/{webhook_id}/replay", status_code=202, **api_docs.accepted())
async def replay_all(request: Request, webhook_id: str) -> Response:
    """Send every delivery again that was given up."""
    access = await caller(request)
    await nothing(request)

    def replay() -> dict[str, Any]:
        with sessions.begin() as db:
            return {"replayed": Delivery.replay(db, _own(db, webhook_id, access).id)}

    return fresh(await run_in_threadpool(replay), 202)


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", status_code=202, **api_docs.accepted())
async def replay_one(request: Request, webhook_id: str, delivery_id: str) -> Response:
    """Send one delivery again, whether it arrived or was given up. One that waits is left alone."""
    access = await caller(request)
    await nothing(request)

    def replay() -> dict[str, Any]:
        with sessions.begin() as db:
            found = Delivery.of_webhook(db, number(delivery_id), _own(db, webhook_id, access).id)
            if found is None:
                raise NotFound
            return {"replayed": Delivery.replay(db, found.webhook_id, found.id)}

    return fresh(await run_in_threadpool(replay), 202)


@router.get("/notices", **api_docs.listed("notices", "Notice"))
async def list_notices(request: Request) -> Response:
    """What happened, oldest first, for whoever asks instead of being told. Keep `next`, and ask again from there."""
    access = await caller(request)
    asked = paging(request, "notices", access)
    return fresh(await run_in_threadpool(_notices, access, asked))


def _notices(access: PartnerAccess, asked: Paging) -> dict[str, Any]:
    place = (dt.datetime.fromisoformat(asked.place[0]), uuid.UUID(asked.place[1])) if asked.place else None
    with sessions.read() as db:
        rows = Notice.after(db, access.app_id, place, ago(SETTLED_SECONDS), asked.most)
    items = [{"id": str(row.id)} | webhooks.payload(row) for row in rows]
    last = [rows[-1].created_at.isoformat(), str(rows[-1].id)] if rows else asked.place
    return asked.listed(items, last)


def _own(db: Session, webhook_id: str, access: PartnerAccess) -> Webhook:
    webhook = Webhook.of_app(db, number(webhook_id), access.app_id)
    if webhook is None:
        raise NotFound
    return webhook


def _check(url: str) -> None:
    try:
        fetch.check(url)
    except (fetch.Refused, fetch.Failed) as wrong:
        raise ApiError("webhook_refused", "Nothing can be sent to that address", f"{wrong}.", 422) from wrong


def _webhook(db: Session, webhook: Webhook) -> dict[str, Any]:
    waiting, dead = Delivery.counts(db, webhook.id)
    return {
        "id": str(webhook.id),
        "url": webhook.url,
        "events": webhook.events,
        "created_at": webhook.created_at.isoformat(timespec="seconds"),
        "previous_secret_until": webhook.before_until and webhook.before_until.isoformat(timespec="seconds"),
        "waiting": waiting,
        "failed": dead,
    }


def _delivery(delivery: Delivery, notice: Notice) -> dict[str, Any]:
    moments = {"delivered_at": delivery.delivered_at, "failed_at": delivery.failed_at}
    moments["next_try_at"] = delivery.next_try_at
    return {
        "id": str(delivery.id),
        "notice_id": str(notice.id),
        "type": notice.type,
        "state": delivery.state.lower().replace(" ", "_"),
        "tries": delivery.tries,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        **{name: moment and moment.isoformat(timespec="seconds") for name, moment in moments.items()},
    }
