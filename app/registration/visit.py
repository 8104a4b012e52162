"""How far this browser has come: a signed cookie that names the school chosen, the registration begun, the one done."""

import dataclasses
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.secrets import sign, signed
from app.settings import settings
from app.web import cookies


@dataclasses.dataclass(frozen=True)
class Visit:
    """Every field is empty until its step is done. Nothing in it is proof of a later step: the database is."""

    urn: int | None = None
    registration_id: uuid.UUID | None = None
    school_id: uuid.UUID | None = None


def of(request: Request) -> Visit:
    """What this browser carries; nothing 72 hours after its last step."""
    found: Any = signed(request.cookies.get(cookies.name("registration"), ""), "registration", _seconds())
    if not found:
        return Visit()
    urn, registration_id, school_id = found
    return Visit(urn, registration_id and uuid.UUID(registration_id), school_id and uuid.UUID(school_id))


def keep(response: Response, visit: Visit) -> None:
    """Let the browser carry this from now on."""
    ids = [found and found.hex for found in (visit.registration_id, visit.school_id)]
    cookies.put(response, "registration", sign([visit.urn, *ids], "registration"), _seconds())


def _seconds() -> int:
    return settings.first_password_seconds
