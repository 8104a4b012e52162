"""What stands behind codes and tokens: the school's authorisation, the school and the app, read in one go.

The authorisation is the truth and the token only points to it, so whoever meets a token asks here.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.db import Session, is_sqlite
from app.models.authorisation import REPLACED, RETURNED, REVOKED, Authorisation
from app.models.base import now
from app.models.establishment import Establishment
from app.models.partner import App, Partner
from app.models.school import UNVERIFIED, VERIFIED, School
from app.models.token import ACCESS, REFRESH, AuthorizationCode, Token

_COLUMNS = (
    App.id,
    App.suspended_at,
    Partner.suspended_at,
    Authorisation.id,
    Authorisation.scopes,
    Authorisation.expires_at,
    Authorisation.ended_at,
    Authorisation.end_reason,
    Authorisation.paused_at,
    Authorisation.resumes_on,
    School.id,
    School.status,
    School.name,
    School.urn,
    Establishment.la_code,
    Establishment.establishment_number,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Backing:
    """The field order is that of `_COLUMNS`."""

    app_id: uuid.UUID
    app_suspended_at: dt.datetime | None
    partner_suspended_at: dt.datetime | None
    authorisation_id: uuid.UUID
    scopes: list[str]
    expires_at: dt.datetime
    ended_at: dt.datetime | None
    end_reason: str | None
    paused_at: dt.datetime | None
    resumes_on: dt.date | None
    school_id: uuid.UUID
    school_status: str
    school_name: str
    urn: int
    la_code: str | None
    establishment_number: str | None

    @property
    def fault(self) -> str:
        """Why nothing may be read, and no token made, under it: a sentence. Empty while it stands.

        Being Unverified or paused is no fault: tokens go on, only the data waits.
        """
        if self.app_suspended_at or self.partner_suspended_at:
            return "This app is suspended."
        if self.end_reason == REVOKED:
            return "The school has revoked its authorisation."
        if self.end_reason == RETURNED:
            return "The app has given the authorisation back."
        if self.end_reason == REPLACED:
            return "The school has replaced its authorisation by another."
        if self.ended_at or self.expires_at <= now():
            return "The authorisation has expired."
        if self.school_status not in (UNVERIFIED, VERIFIED):
            return f"The school is {self.school_status}."
        return ""

    @property
    def dfe_number(self) -> str | None:
        """As people write it, `888/2999`; None where the register has no number."""
        return f"{self.la_code}/{self.establishment_number}" if self.establishment_number else None

    @property
    def is_paused(self) -> bool:
        """Paused, and the day on which it resumes by itself has not come."""
        return self.paused_at is not None and (self.resumes_on is None or now().date() < self.resumes_on)


@dataclasses.dataclass(frozen=True, slots=True)
class HeldCode:
    backing: Backing
    app_id: uuid.UUID
    account_id: uuid.UUID
    family: uuid.UUID
    redirect_uri: str
    scope: str
    code_challenge: str | None
    expires_at: dt.datetime
    used_at: dt.datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class HeldToken:
    """`successor_unused`: a rotated refresh token whose replacement nobody has presented, and which is alive."""

    backing: Backing
    app_id: uuid.UUID
    account_id: uuid.UUID | None
    family: uuid.UUID
    scope: str
    issued_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None
    ended_at: dt.datetime | None
    successor: bytes | None
    successor_unused: bool


def locked_codes(db: Session, digests: Iterable[bytes]) -> dict[bytes, HeldCode]:
    """Authorization codes as they are now, kept so until this transaction ends."""
    _lock(db, AuthorizationCode, digests)
    code = AuthorizationCode
    own = (
        code.digest,
        code.app_id,
        code.account_id,
        code.family,
        code.redirect_uri,
        code.scope,
        code.code_challenge,
        code.expires_at,
        code.used_at,
    )
    found = select(*own, *_COLUMNS).join_from(code, Authorisation, code.authorisation_id == Authorisation.id)
    rows = db.execute(_behind(found).where(code.digest.in_(digests)))
    return {row[0]: HeldCode(Backing(*row[9:]), *row[1:9]) for row in rows}


def refresh_tokens(db: Session, digests: Iterable[bytes]) -> dict[bytes, HeldToken]:
    return _tokens(db, REFRESH, digests)


def locked_refresh_tokens(db: Session, digests: Iterable[bytes]) -> dict[bytes, HeldToken]:
    """Refresh tokens as they are now, kept so until this transaction ends."""
    _lock(db, Token, digests)
    return _tokens(db, REFRESH, digests)


def access_tokens(db: Session, digests: Iterable[bytes]) -> dict[bytes, HeldToken]:
    return _tokens(db, ACCESS, digests)


def _tokens(db: Session, purpose: str, digests: Iterable[bytes]) -> dict[bytes, HeldToken]:
    successor = aliased(Token)
    own = (
        Token.digest,
        Token.app_id,
        Token.account_id,
        Token.family,
        Token.scope,
        Token.issued_at,
        Token.expires_at,
        Token.used_at,
        Token.ended_at,
        Token.successor,
    )
    unused = (successor.digest.is_not(None) & successor.used_at.is_(None) & successor.ended_at.is_(None)).label(
        "unused"
    )
    found = (
        select(*own, unused, *_COLUMNS)
        .join_from(Token, Authorisation, Token.authorisation_id == Authorisation.id)
        .outerjoin(successor, successor.digest == Token.successor)
    )
    rows = db.execute(_behind(found).where(Token.digest.in_(digests), Token.purpose == purpose))
    return {row[0]: HeldToken(Backing(*row[11:]), *row[1:11]) for row in rows}


def _behind(found: Any) -> Any:
    return (
        found.join(School, Authorisation.school_id == School.id)
        .join(App, Authorisation.app_id == App.id)
        .join(Partner, App.partner_id == Partner.id)
        .outerjoin(Establishment, Establishment.urn == School.urn)
    )


def _lock(db: Session, kind: type[AuthorizationCode] | type[Token], digests: Iterable[bytes]) -> None:
    """Queue everything that changes tokens of one authorisation: a family that ends must not gain a member unseen.

    In PostgreSQL alone: SQLite has one writer at a time anyway. Always by id, so that two groups do not wait for each
    other, and before the rows are read, so that what is read is what the previous holder left.
    """
    if is_sqlite:
        return
    behind = select(kind.authorisation_id).where(kind.digest.in_(digests))
    db.execute(
        select(Authorisation.id)
        .where(Authorisation.id.in_(behind))
        .order_by(Authorisation.id)
        .with_for_update(key_share=True)
    ).all()
