"""What stands behind codes and tokens: the school's authorisation, the school and the app, read in one go.

The authorisation is the truth and the token only points to it, so whoever meets a token asks here.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select

from app.db import Session
from app.models.account import Account
from app.models.authorisation import REPLACED, RETURNED, REVOKED, Authorisation
from app.models.base import among, now, today
from app.models.establishment import Establishment
from app.models.partner import App, Partner
from app.models.prepared import Prepared
from app.models.school import UNVERIFIED, VERIFIED, School
from app.models.school_secret import SchoolSecret
from app.models.token import ACCESS, REFRESH, AuthorizationCode, Lineage, Token


class Backing(NamedTuple):
    """What one authorisation rests on. The field order is that of `_FIELDS`."""

    authorisation_id: uuid.UUID
    app_id: uuid.UUID
    app_suspended_at: dt.datetime | None
    partner_suspended_at: dt.datetime | None
    scopes: list[str]
    years: list[str] | None
    expires_at: dt.datetime
    ended_at: dt.datetime | None
    end_reason: str | None
    paused_at: dt.datetime | None
    resumes_on: dt.date | None
    school_id: uuid.UUID
    school_status: str
    school_name: str
    school_frozen_at: dt.datetime | None
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
        """Paused, and the day on which it resumes by itself has not come; or the school has frozen everything."""
        if self.school_frozen_at:
            return True
        return self.paused_at is not None and (self.resumes_on is None or today() < self.resumes_on)


class Personal(NamedTuple):
    """What a token rests on that tells who somebody is, and needs no school: its app and the person."""

    app_suspended_at: dt.datetime | None
    partner_suspended_at: dt.datetime | None
    account_ended_at: dt.datetime | None

    @property
    def fault(self) -> str:
        """As `Backing.fault`."""
        if self.app_suspended_at or self.partner_suspended_at:
            return "This app is suspended."
        return "This account has ended." if self.account_ended_at else ""


class HeldCode(NamedTuple):
    """The field order, after the backing, is that of `_CODE_FIELDS`."""

    backing: Backing | Personal
    digest: bytes
    app_id: uuid.UUID
    account_id: uuid.UUID
    family: uuid.UUID
    redirect_uri: str
    scope: str
    code_challenge: str | None
    details: list[dict[str, Any]] | None
    expires_at: dt.datetime
    used_at: dt.datetime | None
    key_thumbprint: str | None
    nonce: str | None
    methods: list[str]
    signed_in_at: dt.datetime


class HeldToken(NamedTuple):
    """The field order, after the backing, is that of `_TOKEN_FIELDS`."""

    backing: Backing | Personal
    digest: bytes
    app_id: uuid.UUID
    account_id: uuid.UUID | None
    family: uuid.UUID
    scope: str
    issued_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None
    ended_at: dt.datetime | None
    key_thumbprint: str | None


def lineage(held: HeldCode | HeldToken) -> Lineage:
    return (held.backing.authorisation_id if isinstance(held.backing, Backing) else None, held.family)


def locked_codes(db: Session, digests: Collection[bytes]) -> dict[bytes, HeldCode]:
    """Authorization codes as they are now, kept so until this transaction ends."""
    own, rows = len(_CODE_FIELDS), _LOCKED_CODE.rows(db, digests=list(digests))
    held = {row[1]: HeldCode(Backing(*row[own:]), *row[1:own]) for row in rows}
    if persons := _persons(db, _BEHIND_CODES, digests, held):
        rows = _CODE.rows(db, digests=list(persons))
        held |= {row[1]: HeldCode(persons[row[1]], *row[1:]) for row in rows}
    return held


def locked_refresh_tokens(db: Session, digests: Collection[bytes]) -> dict[bytes, HeldToken]:
    """Refresh tokens as they are now, kept so until this transaction ends."""
    return _backed_tokens(_LOCKED_TOKEN.rows(db, digests=list(digests), purpose=REFRESH))


def refresh_tokens(db: Session, digests: Collection[bytes]) -> dict[bytes, HeldToken]:
    return _backed_tokens(_BACKED_TOKEN.rows(db, digests=list(digests), purpose=REFRESH))


def access_tokens(db: Session, digests: Collection[bytes]) -> dict[bytes, HeldToken]:
    held = _backed_tokens(_BACKED_TOKEN.rows(db, digests=list(digests), purpose=ACCESS))
    if persons := _persons(db, _BEHIND_TOKENS, digests, held):
        rows = _TOKEN.rows(db, digests=list(persons), purpose=ACCESS)
        held |= {row[1]: HeldToken(persons[row[1]], *row[1:]) for row in rows}
    return held


def behind_secret(db: Session, digest: bytes) -> tuple[Backing, bool] | None:
    """What a school's secret stands on, kept so until this transaction ends, and whether the secret still works."""
    for row in _LOCKED_SECRET.rows(db, digests=[digest]):
        return Backing(*row[2:]), row[1] is None
    return None


def _backed_tokens(rows: Sequence[Any]) -> dict[bytes, HeldToken]:
    own = len(_TOKEN_FIELDS)
    return {row[1]: HeldToken(Backing(*row[own:]), *row[1:own]) for row in rows}


def _persons(
    db: Session, behind: Prepared, digests: Collection[bytes], held: Collection[bytes]
) -> dict[bytes, Personal]:
    """What is behind those of the digests that no school backs."""
    others = [digest for digest in digests if digest not in held]
    return {row[0]: Personal(*row[1:]) for row in behind.rows(db, digests=others)} if others else {}


# Of tables, not of classes: rows, and no objects, are wanted.
_app, _partner, _school, _establishment = (
    App.__table__.c,
    Partner.__table__.c,
    School.__table__.c,
    Establishment.__table__.c,
)
_authorisation, _token, _code = Authorisation.__table__.c, Token.__table__.c, AuthorizationCode.__table__.c
_account = Account.__table__.c

_FIELDS = (
    _authorisation.id,
    _app.id,
    _app.suspended_at,
    _partner.suspended_at,
    _authorisation.scopes,
    _authorisation.years,
    _authorisation.expires_at,
    _authorisation.ended_at,
    _authorisation.end_reason,
    _authorisation.paused_at,
    _authorisation.resumes_on,
    _school.id,
    _school.status,
    _school.name,
    _school.frozen_at,
    _school.urn,
    _establishment.la_code,
    _establishment.establishment_number,
)


def _behind(found: Select[Any]) -> Select[Any]:
    """With everything that an authorisation rests on."""
    return (
        found.join(School.__table__, _authorisation.school_id == _school.id)
        .join(App.__table__, _authorisation.app_id == _app.id)
        .join(Partner.__table__, _app.partner_id == _partner.id)
        .outerjoin(Establishment.__table__, _establishment.urn == _school.urn)
    )


def _personal(digest: Any, app_id: Any, account_id: Any) -> Prepared:
    return Prepared(
        select(digest, _app.suspended_at, _partner.suspended_at, _account.ended_at)
        .join_from(digest.table, App.__table__, app_id == _app.id)
        .join(Partner.__table__, _app.partner_id == _partner.id)
        .join(Account.__table__, account_id == _account.id)
        .where(among(digest, "digests"))
    )


_BEHIND_TOKENS = _personal(_token.digest, _token.app_id, _token.account_id)
_BEHIND_CODES = _personal(_code.digest, _code.app_id, _code.account_id)


def _backed(table: Any, columns: tuple[Any, ...], which: Any) -> Select[Any]:
    """Rows and what is behind them; those with no authorisation are left out."""
    authorisation = Authorisation.__table__
    found = select(*columns, *_FIELDS).join_from(table, authorisation, table.c.authorisation_id == _authorisation.id)
    return _behind(found).where(which)


def _locked(found: Select[Any], table: Any) -> Prepared:
    """The same, kept until the transaction ends.

    Whatever changes tokens of one authorisation queues at it: a family that ends must not gain a member unseen. Always
    in one order, so that two groups do not wait for each other. PostgreSQL reads a row that it had to wait for anew;
    SQLite knows no such lock and needs none, because it has one writer at a time.
    """
    ordered = found.order_by(_authorisation.id, table.c.digest)
    return Prepared(ordered.with_for_update(key_share=True, of=(Authorisation.__table__, table)))


_TOKEN_FIELDS = (
    _token.authorisation_id,
    _token.digest,
    _token.app_id,
    _token.account_id,
    _token.family,
    _token.scope,
    _token.issued_at,
    _token.expires_at,
    _token.used_at,
    _token.ended_at,
    _token.key_thumbprint,
)
_CODE_FIELDS = (
    _code.authorisation_id,
    _code.digest,
    _code.app_id,
    _code.account_id,
    _code.family,
    _code.redirect_uri,
    _code.scope,
    _code.code_challenge,
    _code.details,
    _code.expires_at,
    _code.used_at,
    _code.key_thumbprint,
    _code.nonce,
    _code.methods,
    _code.signed_in_at,
)
_THESE_TOKENS = (
    among(_token.digest, "digests") & (_token.purpose == bindparam("purpose")) & _token.endpoint_id.is_(None)
)
_THESE_CODES = among(_code.digest, "digests")
_BACKED_TOKENS = _backed(Token.__table__, _TOKEN_FIELDS, _THESE_TOKENS)
_BACKED_CODES = _backed(AuthorizationCode.__table__, _CODE_FIELDS, _THESE_CODES)
_TOKEN = Prepared(select(*_TOKEN_FIELDS).where(_THESE_TOKENS))
_CODE = Prepared(select(*_CODE_FIELDS).where(_THESE_CODES))
_BACKED_TOKEN = Prepared(_BACKED_TOKENS)
_LOCKED_TOKEN = _locked(_BACKED_TOKENS, Token.__table__)
_LOCKED_CODE = _locked(_BACKED_CODES, AuthorizationCode.__table__)
_secret = SchoolSecret.__table__.c
_SECRETS = _backed(SchoolSecret.__table__, (_secret.digest, _secret.ended_at), among(_secret.digest, "digests"))
_LOCKED_SECRET = _locked(_SECRETS, SchoolSecret.__table__)
