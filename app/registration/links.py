"""Verification links: signed, bound to one registration and one address, for one use, and only the newest works."""

import datetime as dt
import secrets
import uuid

from app.db import Session
from app.errors import Problem
from app.models.base import ago
from app.models.school import Registration
from app.secrets import digest, sign, signed
from app.settings import settings

PURPOSE = "verification link"
FOR_EVER = 10 * 365 * 86_400  # the row knows when the link was sent, and so when it ends


class LinkProblem(Problem):
    """A link that does not work, and which registration, and school, it belongs to, where that can be told."""

    status = 410

    def __init__(self, registration: Registration | None = None) -> None:
        self.registration_id = registration and registration.id
        self.school_id = registration and registration.school_id
        super().__init__()


class Tampered(LinkProblem):
    """Cut off, changed, or not ours."""

    status = 400
    title = "This link is not complete"


class Used(LinkProblem):
    title = "This link has been used already"


class Superseded(LinkProblem):
    title = "A newer link has replaced this one"


class Expired(LinkProblem):
    title = "This link has run out"


def new(registration_id: uuid.UUID, email: str) -> str:
    """A token for a link to this address. It says nothing to its bearer but the registration's id."""
    return sign([registration_id.hex, _mark(email), secrets.token_urlsafe(16)], PURPOSE)


def address(token: str) -> str:
    return f"{settings.issuer}/register/verify?token={token}"


def read(db: Session, token: str) -> Registration:
    """The registration that a link can complete now; reading spends nothing. Raises LinkProblem, each kind its own."""
    registration = owner(db, token)
    if registration is None:
        raise Tampered
    if registration.is_complete:
        raise Used(registration)
    if registration.link_digest != digest(token) or not _is_for(token, registration.email):
        raise Superseded(registration)
    if registration.link_sent_at is None or registration.link_sent_at <= oldest_sending():
        raise Expired(registration)
    return registration


def owner(db: Session, token: str) -> Registration | None:
    """The registration that a link was made for, whether or not the link still works."""
    body = _opened(token)
    return Registration.by_id(db, uuid.UUID(body[0])) if body else None


def oldest_sending() -> dt.datetime:
    """A link that was sent at this moment, or before it, has run out."""
    return ago(settings.verification_link_seconds)


def _mark(email: str) -> str:
    return digest(email).hex()[:16]


def _is_for(token: str, email: str) -> bool:
    body = _opened(token)
    return body is not None and body[1] == _mark(email)


def _opened(token: str) -> list[str] | None:
    found: list[str] | None = signed(token, PURPOSE, FOR_EVER)
    return found
