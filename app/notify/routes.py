"""The development outbox, for people and for programs. Outside development and test it does not exist."""

import datetime as dt
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.db import sessions
from app.errors import NotFound
from app.models.outbox import Message
from app.notify import development
from app.notify.content import Content
from app.settings import settings
from app.web.pages import page, when

router = APIRouter(include_in_schema=False)


@router.get("/dev/outbox")
def read(request: Request) -> Response:
    """Every mail and text, newest first, and what could not be delivered."""
    _only_in_development()
    with sessions.read() as db:
        dead = Message.dead(db)
    messages = [_readable(record) for record in development.kept()[::-1][:200]]
    return page(request, "notify/outbox.html", messages=messages, dead=dead[:50])


@router.get("/dev/outbox.json")
def listed() -> Response:
    """Every mail and text, oldest first, as `[{channel, to, subject, text, links, sent_at}]`."""
    _only_in_development()
    return JSONResponse(development.kept(), headers={"Cache-Control": "no-store"})


def _readable(record: dict[str, Any]) -> dict[str, Any]:
    content = Content(record["to"], record["subject"], record["text"], record["links"])
    return record | {"paragraphs": content.paragraphs, "when": when(dt.datetime.fromisoformat(record["sent_at"]))}


def _only_in_development() -> None:
    if settings.is_production:
        raise NotFound(hint="Check the address, or start again from the first page.")
