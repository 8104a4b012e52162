"""Text messages by GOV.UK Notify: https://docs.notifications.service.gov.uk/python.html

The template there holds one placeholder, `((text))`, and nothing else.
"""

import logging
import uuid
from typing import Any
from urllib.parse import unquote, urlsplit

from notifications_python_client.errors import HTTPError
from notifications_python_client.notifications import NotificationsAPIClient

from app.notify.content import Content, Undeliverable

TIMEOUT_SECONDS = 30
FOR_GOOD = (400, 413)  # this text to this number; whatever else Notify answers may be another tomorrow

# What the outbox says of a failure is enough; the client's own words may repeat what it was sent.
logging.getLogger("notifications_python_client").setLevel(logging.CRITICAL)


class NotSent(Exception):
    """Notify answered something else than yes."""


def send(url: str, content: Content, message_id: uuid.UUID) -> None:
    """Hand one text to Notify at `url` (see SMS_URL), with the message's id as its reference.

    Raises Undeliverable when Notify refuses it for good; anything else that it raises is worth another try.
    """
    where = urlsplit(url)
    port = f":{where.port}" if where.port else ""
    base = f"{where.scheme}://{where.hostname}{port}"
    make: Any = NotificationsAPIClient  # it has no types
    client = make(unquote(where.password or ""), base_url=base, timeout=TIMEOUT_SECONDS)
    try:
        client.send_sms_notification(
            phone_number=content.to,
            template_id=where.path.strip("/"),
            personalisation={"text": content.text},
            reference=str(message_id),
        )
    except HTTPError as failed:
        said = f"Notify answered {failed.status_code} ({_kinds(failed)})"
        raise (Undeliverable if failed.status_code in FOR_GOOD else NotSent)(said) from None
    finally:
        client.request_session.close()


def _kinds(failed: HTTPError) -> str:
    """Which errors Notify named; its sentences, which may repeat the number, are left out."""
    errors = failed.message if isinstance(failed.message, list) else []
    kinds = [str(error.get("error", "")) for error in errors if isinstance(error, dict)]
    return ", ".join(kind for kind in kinds if kind.isalpha()) or "no reason that we know"
