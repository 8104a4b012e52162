"""What backs OAuth: the remembered request, the code, the tokens. All are stored as digests of what travels."""

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any, Self, cast

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, String, Table, Text, Update, bindparam, select, update
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from app.db import Session, withdrawn
from app.models.base import Base, among, new_id, now
from app.models.prepared import Prepared, Rows

ACCESS, REFRESH = "access", "refresh"

Lineage = tuple[uuid.UUID | None, uuid.UUID]
"""What a code and its tokens share: the authorisation, where there is one, and the family. They are found by both."""


class AuthorizationRequest(Base):
    """A checked request of a partner (RFC 6749 section 4.1.1), kept for the browser that brought it.

    It outlives signing in and registering a school. Completing it is single-use.
    """

    __tablename__ = "authorization_request"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"), index=True)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    browser_digest: Mapped[bytes] = mapped_column(
        index=True, doc="Of the secret in the cookie of the browser that began it"
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime]
    completed_at: Mapped[dt.datetime | None]

    @classmethod
    def of_browser(cls, db: Session, request_id: uuid.UUID, browser_digest: bytes) -> Self | None:
        """The request, finished or not, if this browser began it and it has not expired."""
        mine = (cls.id == request_id, cls.browser_digest == browser_digest, cls.expires_at > now())
        return db.scalars(select(cls).where(*mine)).first()

    @classmethod
    def newest(cls, db: Session, browser_digest: bytes) -> Self | None:
        """The latest request of this browser that is neither completed nor expired."""
        found = select(cls).where(
            cls.browser_digest == browser_digest, cls.completed_at.is_(None), cls.expires_at > now()
        )
        return db.scalars(found.order_by(cls.created_at.desc(), cls.id.desc()).limit(1)).first()

    def complete(self, db: Session) -> bool:
        """Spend the request, and with it every other one of the same app in the same browser; one caller wins."""
        cls = AuthorizationRequest
        alike = (cls.app_id == self.app_id, cls.browser_digest == self.browser_digest, cls.completed_at.is_(None))
        # In one order, so that two decisions at the same moment wait for each other instead of locking each other out.
        still = db.scalars(select(cls.id).where(*alike).order_by(cls.id).with_for_update()).all()
        spent = update(cls).where(cls.id.in_(still), cls.completed_at.is_(None)).values(completed_at=now())
        return self.id in db.scalars(spent.returning(cls.id), execution_options={"synchronize_session": False}).all()


class AuthorizationCode(Base):
    """A code between the redirect and its exchange (RFC 6749 section 4.1.2). `used_at` is set by the one that wins."""

    __tablename__ = "authorization_code"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"))
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    authorisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("authorisation.id"), index=True)
    family: Mapped[uuid.UUID] = mapped_column(default=new_id, doc="Shared by every token that this code leads to")
    redirect_uri: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text)
    code_challenge: Mapped[str | None] = mapped_column(String(128), doc="RFC 7636, S256")
    key_thumbprint: Mapped[str | None] = mapped_column(String(43), doc="RFC 9449 dpop_jkt")
    details: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON, doc="RFC 9396 authorization_details, as granted")
    nonce: Mapped[str | None] = mapped_column(Text)
    signed_in_at: Mapped[dt.datetime]
    methods: Mapped[list[str]] = mapped_column(JSON, default=list, doc="RFC 8176 amr values")
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]

    @classmethod
    def spend(cls, db: Session, rows: list[dict[str, Any]]) -> set[bytes]:
        """Use up the codes that these token rows are made for, and add the rows; the digests of the unused ones."""
        return _made_for(db, _SPEND, rows)


class Token(Base):
    """An access or refresh token; `purpose` is part of every look-up, so none passes for another."""

    __tablename__ = "token"
    __table_args__ = (Index(None, "authorisation_id", "family"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(10))
    family: Mapped[uuid.UUID]
    # App and person are no foreign keys: the check would lock one and the same row for every token that is made.
    app_id: Mapped[uuid.UUID | None] = mapped_column(doc="None for an agent's")
    account_id: Mapped[uuid.UUID | None] = mapped_column(doc="The person, where there is one")
    authorisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("authorisation.id"))
    endpoint_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("endpoint.id"), doc="The agent, where it is one's")
    scope: Mapped[str] = mapped_column(Text)
    key_thumbprint: Mapped[str | None] = mapped_column(String(43), doc="RFC 9449 cnf.jkt")
    issued_at: Mapped[dt.datetime] = mapped_column(default=now)
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None] = mapped_column(doc="A refresh token that was rotated")
    predecessor: Mapped[bytes | None] = mapped_column(doc="Digest of the code or refresh token that it was made for")
    ended_at: Mapped[dt.datetime | None]

    @classmethod
    def rotate(cls, db: Session, rows: list[dict[str, Any]]) -> set[bytes]:
        """Use up the refresh tokens that these rows replace, and add the rows; the digests of the unused ones."""
        return _made_for(db, _USE, rows)

    @classmethod
    def end_successor(cls, db: Session, lineage: Lineage, digest: bytes) -> bool:
        """End the refresh token that replaced this one, if nobody has used it."""
        successor = (_descends(lineage), cls.predecessor == digest, cls.purpose == REFRESH)
        still = (*successor, cls.used_at.is_(None), cls.ended_at.is_(None))
        return bool(_returned(db, update(cls).where(*still).values(ended_at=now()), cls.digest))

    @classmethod
    def add_all(cls, db: Session, rows: list[dict[str, Any]]) -> None:
        """Insert many tokens; each row names the same columns."""
        if rows:
            _ROWS.add(db, rows)

    @classmethod
    def end(cls, db: Session, digests: Iterable[bytes]) -> None:
        """End these tokens and no others."""
        cls._end(db, cls.digest.in_(digests))

    @classmethod
    def end_families(cls, db: Session, lineages: Iterable[Lineage]) -> None:
        """End every token that descends from the same codes."""
        for lineage in set(lineages):
            cls._end(db, _descends(lineage))

    @classmethod
    def _end(cls, db: Session, which: ColumnElement[bool]) -> None:
        if _returned(db, update(cls).where(which, cls.ended_at.is_(None)).values(ended_at=now()), cls.digest):
            withdrawn(db)


def _returned(db: Session, change: Update, column: InstrumentedAttribute[bytes]) -> set[bytes]:
    """What a conditional UPDATE changed. The rows are not read again here, so no loaded object needs to learn of it."""
    return set(db.scalars(change.returning(column), execution_options={"synchronize_session": False}))


def _made_for(db: Session, using: Prepared, rows: list[dict[str, Any]]) -> set[bytes]:
    digests = list({row["predecessor"] for row in rows})
    return _ROWS.add_for(db, using, "predecessor", rows, digests=digests, moment=now()) if rows else set()


def _descends(lineage: Lineage) -> ColumnElement[bool]:
    authorisation_id, family = lineage
    return (Token.authorisation_id == authorisation_id) & (Token.family == family)


_TOKENS = cast(Table, Token.__table__)
_ROWS = Rows(_TOKENS)
_USE = Prepared(
    update(_TOKENS)
    .where(among(_TOKENS.c.digest, "digests"), _TOKENS.c.purpose == REFRESH)
    .where(_TOKENS.c.used_at.is_(None), _TOKENS.c.ended_at.is_(None))
    .values(used_at=bindparam("moment"))
    .returning(_TOKENS.c.digest)
)
_CODES = cast(Table, AuthorizationCode.__table__)
_SPEND = Prepared(
    update(_CODES)
    .where(among(_CODES.c.digest, "digests"), _CODES.c.used_at.is_(None))
    .values(used_at=bindparam("moment"))
    .returning(_CODES.c.digest)
)


def end_all(db: Session, authorisation_id: uuid.UUID) -> None:
    """End every token, and spend every code, that one authorisation backs."""
    tokens = update(Token).where(Token.authorisation_id == authorisation_id, Token.ended_at.is_(None))
    codes = update(AuthorizationCode).where(
        AuthorizationCode.authorisation_id == authorisation_id, AuthorizationCode.used_at.is_(None)
    )
    db.execute(tokens.values(ended_at=now()))
    db.execute(codes.values(used_at=now()))


def take_away(db: Session, authorisation_id: uuid.UUID, lost: set[str]) -> None:
    """Take scopes from every token and code that one authorisation backs; what is left with nothing ends."""
    for kind, over in ((Token, Token.ended_at), (AuthorizationCode, AuthorizationCode.used_at)):
        backed = (kind.authorisation_id == authorisation_id, over.is_(None))
        for scope in db.scalars(select(kind.scope).where(*backed).distinct()).all():
            left = " ".join(name for name in scope.split() if name not in lost)
            cut = {kind.scope: left} if left else {over: now()}
            if left != scope:
                unread = {"synchronize_session": False}
                db.execute(update(kind).where(*backed, kind.scope == scope).values(cut), execution_options=unread)
