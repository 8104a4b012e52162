"""The development outbox: where mails and texts go on a machine without a mail server. One JSON object a line."""

import json
import os
import uuid
from typing import Any

from app.models.base import now
from app.notify.content import Content
from app.settings import settings


def keep(channel: str, content: Content, message_id: uuid.UUID) -> None:
    """Append a message. One write, so that several workers may share the file."""
    record = {
        "id": str(message_id),
        "channel": channel,
        "to": content.to,
        "subject": content.subject,
        "text": content.text,
        "links": content.links,
        "sent_at": now().isoformat(timespec="milliseconds"),
    }
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    file = os.open(settings.data_dir / "outbox.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, json.dumps(record).encode() + b"\n")
    finally:
        os.close(file)


def kept() -> list[dict[str, Any]]:
    """Every message, oldest first; one that was delivered twice shows once."""
    try:
        lines = (settings.data_dir / "outbox.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return []
    records = [json.loads(line) for line in lines if line.endswith("}")]  # a line cut off by a full disk is no message
    return list({record["id"]: record for record in records}.values())
