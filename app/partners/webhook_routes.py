"""Where a partner looks after the webhooks of one app: add, choose types, rotate the secret, test, replay, remove."""

import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import fetch
from app.db import Session, sessions
from app.errors import NotFound, Problem
from app.models.base import now
from app.models.partner import App
from app.models.webhook import Delivery, Webhook
from app.notify import webhooks
from app.notify.notices import TYPES
from app.signin.session import Person, at_partner
from app.web.forms import Posted, shown
from app.web.pages import page, see_other

router = APIRouter(prefix="/partners/apps/{app_id}/webhooks", include_in_schema=False)

ROWS = 50
CHOOSABLE = tuple(kind for kind in TYPES if kind != "webhook.test")
DONE = {
    "changed": "Your changes are saved",
    "removed": "The webhook is removed, and nothing more is sent there",
    "test": "A test notice is on its way. Look at the deliveries below in a few seconds",
    "replay": "It is on its way again",
}


class BadAddress(Problem):
    """Nothing can be sent to that address."""

    status = 422
    title = "Nothing can be sent to that address"


@router.get("")
def ask(request: Request, app_id: uuid.UUID, done: str = "") -> Response:
    """Every webhook of the app."""
    with sessions.read() as db:
        _, app = _app(request, db, app_id)
        rows = [(webhook, *Delivery.counts(db, webhook.id)) for webhook in Webhook.live(db, app.id)]
    full = len(rows) >= webhooks.MOST
    return page(request, "partners/webhooks.html", app=app, rows=rows, full=full, notice=DONE.get(done, ""))


@router.get("/new")
def ask_new(request: Request, app_id: uuid.UUID) -> Response:
    """Where to, and of what."""
    with sessions.read() as db:
        _, app = _app(request, db, app_id)
    return _form(request, app, None)


@router.post("/new")
def add(request: Request, app_id: uuid.UUID, sent: Posted) -> Response:
    """Add it, and show its secret this once; or show the form again."""
    with sessions.read() as db:
        _, app = _app(request, db, app_id)
    try:
        _check(sent)
        with sessions.begin() as db:
            person, app = _app(request, db, app_id)
            webhook, secret = webhooks.add(db, app.id, sent["url"], _events(sent), person.account.id)
    except Problem as wrong:
        return _form(request, app, None, wrong.status, sent=sent, problems=shown(wrong))
    return _secret(request, app, webhook, secret)


@router.get("/{webhook_id}")
def detail(
    request: Request,
    app_id: uuid.UUID,
    webhook_id: uuid.UUID,
    *,
    before: uuid.UUID | None = None,
    failed: bool = False,
    done: str = "",
) -> Response:
    """One webhook and its deliveries, newest first; only those that were given up if `failed`."""
    with sessions.read() as db:
        _, app = _app(request, db, app_id)
        webhook = _own(db, app, webhook_id)
        waiting, dead = Delivery.counts(db, webhook.id)
        rows = Delivery.page(db, webhook.id, before, ROWS + 1, dead=failed)
    return page(
        request,
        "partners/webhooks_one.html",
        app=app,
        webhook=webhook,
        two=len(webhook.signs(now())) > 1,
        rows=rows[:ROWS],
        older=rows[ROWS - 1][0].id if len(rows) > ROWS else None,
        waiting=waiting,
        dead=dead,
        failed=failed,
        first=before is None,
        notice=DONE.get(done, ""),
    )


@router.get("/{webhook_id}/change")
def ask_change(request: Request, app_id: uuid.UUID, webhook_id: uuid.UUID) -> Response:
    """Another address, or other types."""
    with sessions.read() as db:
        _, app = _app(request, db, app_id)
        webhook = _own(db, app, webhook_id)
    return _form(request, app, webhook)


@router.post("/{webhook_id}/change")
def change(request: Request, app_id: uuid.UUID, webhook_id: uuid.UUID, sent: Posted) -> Response:
    """Save them, or show the form again."""
    with sessions.read() as db:
        _, app = _app(request, db, app_id)
        webhook = _own(db, app, webhook_id)
    try:
        _check(sent)
        with sessions.begin() as db:
            person, app = _app(request, db, app_id)
            webhooks.change(db, _own(db, app, webhook_id), sent["url"], _events(sent), person.account.id)
    except NotFound:
        raise
    except Problem as wrong:
        return _form(request, app, webhook, wrong.status, sent=sent, problems=shown(wrong))
    return see_other(f"{_path(app, webhook)}?done=changed")


@router.post("/{webhook_id}/rotate")
def rotate(request: Request, app_id: uuid.UUID, webhook_id: uuid.UUID) -> Response:
    """Another secret, shown this once. Pressed twice at the same time, one of them wins."""
    with sessions.begin() as db:
        person, app = _app(request, db, app_id)
        webhook = _own(db, app, webhook_id)
        secret = webhooks.rotate(db, webhook, person.account.id)
    return _secret(request, app, webhook, secret) if secret else see_other(_path(app, webhook))


@router.post("/{webhook_id}/test")
def send_test(request: Request, app_id: uuid.UUID, webhook_id: uuid.UUID) -> Response:
    """Send a notice that something is tried."""
    with sessions.begin() as db:
        _, app = _app(request, db, app_id)
        webhook = _own(db, app, webhook_id)
        webhooks.send_test(db, webhook)
    return see_other(f"{_path(app, webhook)}?done=test")


@router.post("/{webhook_id}/replay")
def replay_all(request: Request, app_id: uuid.UUID, webhook_id: uuid.UUID) -> Response:
    """Send everything again that was given up."""
    with sessions.begin() as db:
        _, app = _app(request, db, app_id)
        webhook = _own(db, app, webhook_id)
        Delivery.replay(db, webhook.id)
    return see_other(f"{_path(app, webhook)}?done=replay")


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay")
def replay_one(request: Request, app_id: uuid.UUID, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> Response:
    """Send one again."""
    with sessions.begin() as db:
        _, app = _app(request, db, app_id)
        webhook = _own(db, app, webhook_id)
        if Delivery.of_webhook(db, delivery_id, webhook.id) is None:
            raise NotFound
        Delivery.replay(db, webhook.id, delivery_id)
    return see_other(f"{_path(app, webhook)}?done=replay")


@router.get("/{webhook_id}/remove")
def ask_remove(request: Request, app_id: uuid.UUID, webhook_id: uuid.UUID) -> Response:
    """Say what removing does."""
    with sessions.read() as db:
        _, app = _app(request, db, app_id)
        webhook = _own(db, app, webhook_id)
        waiting, _ = Delivery.counts(db, webhook.id)
    return page(request, "partners/webhooks_remove.html", app=app, webhook=webhook, waiting=waiting)


@router.post("/{webhook_id}/remove")
def remove(request: Request, app_id: uuid.UUID, webhook_id: uuid.UUID) -> Response:
    """Remove it. Pressed twice, it is done once."""
    with sessions.begin() as db:
        person, app = _app(request, db, app_id)
        webhook = Webhook.of_app(db, webhook_id, app.id)
        if webhook:
            webhooks.remove(db, webhook, person.account.id)
    return see_other(f"/partners/apps/{app.id}/webhooks?done=removed")


def _app(request: Request, db: Session, app_id: uuid.UUID) -> tuple[Person, App]:
    person, partner = at_partner(request, db)
    app = db.get(App, app_id)
    if app is None or app.partner_id != partner.id:
        raise NotFound
    return person, app


def _own(db: Session, app: App, webhook_id: uuid.UUID) -> Webhook:
    webhook = Webhook.of_app(db, webhook_id, app.id)
    if webhook is None:
        raise NotFound
    return webhook


def _path(app: App, webhook: Webhook) -> str:
    return f"/partners/apps/{app.id}/webhooks/{webhook.id}"


def _check(sent: Mapping[str, str]) -> None:
    """Look where the address leads, outside any write unit: the name server may take its time."""
    if not sent.get("url"):
        raise BadAddress("Enter the address that notices are sent to.", "url", "There is no address")
    try:
        fetch.check(sent["url"])
    except (fetch.Refused, fetch.Failed) as wrong:
        raise BadAddress(f"{wrong}.", "url") from wrong


def _events(sent: Mapping[str, str]) -> list[str]:
    return [kind for kind in CHOOSABLE if sent.get(f"events-{kind}") == "yes"]


def _form(request: Request, app: App, webhook: Webhook | None, status: int = 200, **more: Any) -> Response:
    return page(request, "partners/webhooks_form.html", status, app=app, webhook=webhook, kinds=CHOOSABLE, **more)


def _secret(request: Request, app: App, webhook: Webhook, secret: str) -> Response:
    shown_once = page(request, "partners/webhooks_secret.html", app=app, webhook=webhook, secret_value=secret)
    shown_once.headers["Referrer-Policy"] = "no-referrer"
    return shown_once
