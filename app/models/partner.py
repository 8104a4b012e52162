"""A partner company, its apps (OAuth clients), their secrets and the scopes they ask for, each with its purpose."""

import datetime as dt
import hmac
import uuid
from collections.abc import Collection, Sequence
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, String, Text, Uuid, column, delete, func, or_, select, table, update
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from app.db import Session, withdrawn
from app.models.base import Base, Instant, ago, new_id, now
from app.secrets import new_secret, seal, unseal

STANDARD, FAPI2, OIDC = "standard", "fapi2", "oidc"
PROFILES = (STANDARD, FAPI2, OIDC)
NOTED_SECONDS = 3600  # between two notes of when a secret was used
AUTH_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")


class Partner(Base):
    """A company, with what a school wants to know before it says yes (the trust card)."""

    __tablename__ = "partner"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text, unique=True)
    website: Mapped[str | None] = mapped_column(Text)
    ico_number: Mapped[str | None] = mapped_column(Text, doc="Registration at the Information Commissioner's Office")
    agreement_url: Mapped[str | None] = mapped_column(Text)
    breach_contact: Mapped[str | None] = mapped_column(Text)
    pairwise_sealed: Mapped[str] = mapped_column(
        Text, default=lambda: seal(new_secret("gh_pw"), "pairwise"), doc="The key of `pairwise`, for ever the same"
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    suspended_at: Mapped[dt.datetime | None]

    def pairwise(self, kind: str, of: uuid.UUID) -> str:
        """The id under which this partner, and no other, knows a thing: HMAC-SHA256 as a version 8 UUID (RFC 9562).

        `kind` ('school', 'account') keeps ids of different things apart. The key is stored (sealed), not derived from
        SECRET_KEYS: those are exchanged now and then, and an id that a partner has saved must never change.
        """
        return pairwise(self.pairwise_key, kind, of)

    @property
    def pairwise_key(self) -> bytes:
        return unseal(self.pairwise_sealed, "pairwise").encode()

    @classmethod
    def by_name(cls, db: Session, name: str) -> Self | None:
        return db.scalars(select(cls).where(cls.name == name)).first()

    @classmethod
    def locked(cls, db: Session, partner_id: uuid.UUID) -> Self | None:
        """The partner as it is now, kept so until this transaction ends."""
        found = select(cls).where(cls.id == partner_id).with_for_update(key_share=True)
        return db.scalars(found.execution_options(populate_existing=True)).first()

    @classmethod
    def page(cls, db: Session, words: str, page: int, rows: int) -> tuple[list[tuple[Self, int]], int]:
        """One page of partners by name, each with how many apps it has, and how many partners there are."""
        found = select(cls).where(cls.name.icontains(words, autoescape=True)) if words else select(cls)
        total = db.scalar(select(func.count()).select_from(found.subquery())) or 0
        apps = select(func.count()).where(App.partner_id == cls.id).correlate(cls).scalar_subquery()
        shown = found.add_columns(apps).order_by(func.lower(cls.name), cls.id).limit(rows).offset((page - 1) * rows)
        return [(row[0], row[1]) for row in db.execute(shown)], total


def pairwise(key: bytes, kind: str, of: uuid.UUID) -> str:
    """See `Partner.pairwise`; for whoever holds the key already."""
    made = bytearray(hmac.digest(key, f"{kind}:{of}".encode(), "sha256")[:16])
    made[6] = made[6] & 0x0F | 0x80
    made[8] = made[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(made)))


# `proposal.Document`, which this module cannot import.
_document = table(
    "document", column("id", Uuid), column("app_id", Uuid), column("kind", String), column("uploaded_at", Instant)
)


class App(Base):
    """An OAuth client (RFC 6749 section 2). Its secret, when it has one, is in `AppSecret`."""

    __tablename__ = "app"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[str] = mapped_column(String(64), unique=True)
    partner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("partner.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    profile: Mapped[str] = mapped_column(String(10), default=STANDARD)
    auth_method: Mapped[str] = mapped_column(String(30), default="client_secret_basic")
    redirect_uris: Mapped[list[str]] = mapped_column(JSON)
    post_logout_redirect_uris: Mapped[list[str]] = mapped_column(JSON, default=list)
    jwks: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    is_live: Mapped[bool] = mapped_column(default=False, doc="A Test app sees only seeded test schools")
    retention: Mapped[str | None] = mapped_column(Text, doc="How long the partner keeps data, in words")
    initiate_login_uri: Mapped[str | None] = mapped_column(
        Text, doc="Where a sign-in that began here goes on (OpenID Connect Core section 4)"
    )
    live_at: Mapped[dt.datetime | None] = mapped_column(doc="An operator let it go Live")
    groupcall_at: Mapped[dt.datetime | None] = mapped_column(doc="An operator let it use the Groupcall-style API")
    authorisation_uri: Mapped[str | None] = mapped_column(Text, doc="Where the secret of each school is posted")
    management_sealed: Mapped[str | None] = mapped_column(
        Text, doc="The management secret, sealed 'management': it signs, so it must be read again"
    )
    scim_url: Mapped[str | None] = mapped_column(
        Text, doc="Base address of its SCIM 2.0 service; {urn} and {dfe_number} stand for the school's"
    )
    scim_token_sealed: Mapped[str | None] = mapped_column(Text, doc="The bearer token of that, sealed 'scim'")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    suspended_at: Mapped[dt.datetime | None]

    logo_id: Mapped[uuid.UUID | None] = column_property(
        select(_document.c.id)
        .where(_document.c.app_id == id, _document.c.kind == "logo")
        .order_by(_document.c.uploaded_at.desc(), _document.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )

    partner: Mapped[Partner] = relationship(lazy="joined")
    scopes: Mapped[list["AppScope"]] = relationship(lazy="selectin", order_by="AppScope.position")

    @classmethod
    def by_client_id(cls, db: Session, client_id: str) -> Self | None:
        return db.scalars(select(cls).where(cls.client_id == client_id)).first()

    @classmethod
    def by_client_ids(cls, db: Session, client_ids: Collection[str]) -> list[Self]:
        return list(db.scalars(select(cls).where(cls.client_id.in_(client_ids))))

    @classmethod
    def every_of(cls, db: Session, partner_id: uuid.UUID) -> list[Self]:
        """The apps of a partner, Live ones first, by name."""
        found = select(cls).where(cls.partner_id == partner_id)
        return list(db.scalars(found.order_by(cls.is_live.desc(), func.lower(cls.name), cls.id)))

    @classmethod
    def of_partner(cls, db: Session, app_id: uuid.UUID, partner_id: uuid.UUID) -> Self | None:
        """One app of this partner; another partner's is None, as if it were absent."""
        return db.scalars(select(cls).where(cls.id == app_id, cls.partner_id == partner_id)).first()

    @classmethod
    def locked(cls, db: Session, app_id: uuid.UUID) -> Self:
        """The app as it is now, kept so until this transaction ends: changes of one app queue here."""
        db.execute(select(cls.id).where(cls.id == app_id).with_for_update(key_share=True))
        return db.get_one(cls, app_id, populate_existing=True)

    @classmethod
    def pairwise_key_of(cls, db: Session, app_id: uuid.UUID) -> bytes:
        """The key of `Partner.pairwise` of an app's partner."""
        sealed = db.execute(select(Partner.pairwise_sealed).join(cls).where(cls.id == app_id)).scalar_one()
        return unseal(sealed, "pairwise").encode()

    @property
    def logo_url(self) -> str:
        """Where its logo is; empty where it has none."""
        return f"/partners/logo/{self.id}.png?v={str(self.logo_id)[-8:]}" if self.logo_id else ""

    @property
    def is_public(self) -> bool:
        return self.auth_method == "none"

    @property
    def asks(self) -> tuple[str, ...]:
        """The scopes that it may ask for."""
        return tuple(row.scope for row in self.scopes)

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None or self.partner.suspended_at is not None


class AppScope(Base):
    """A scope that an app may ask for: required or optional, with the partner's purpose in its own words."""

    __tablename__ = "app_scope"

    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"), primary_key=True)
    scope: Mapped[str] = mapped_column(String(40), primary_key=True)
    position: Mapped[int]
    required: Mapped[bool]
    purpose: Mapped[str] = mapped_column(Text)
    legal_basis: Mapped[str | None] = mapped_column(Text)
    special_condition: Mapped[str | None] = mapped_column(Text, doc="UK GDPR Article 9, for special-category data")
    changed_at: Mapped[dt.datetime] = mapped_column(default=now, doc="Its purpose, or whether it is required, is new")

    @classmethod
    def replace(cls, db: Session, app: App, rows: Sequence[dict[str, Any]]) -> None:
        """Let an app ask for these and nothing else; a row that says the same as before keeps its day."""
        before = {row.scope: row for row in app.scopes}
        same = {
            row["scope"]: before[row["scope"]].changed_at
            for row in rows
            if row["scope"] in before
            and (before[row["scope"]].purpose, before[row["scope"]].required) == (row["purpose"], row["required"])
        }
        db.execute(delete(cls).where(cls.app_id == app.id), execution_options={"synchronize_session": False})
        for gone in app.scopes:
            db.expunge(gone)
        for position, row in enumerate(rows):
            db.add(cls(app_id=app.id, position=position, changed_at=same.get(row["scope"]) or now(), **row))
        db.flush()
        db.refresh(app)
        withdrawn(db)  # a scope may be gone


class AppSecret(Base):
    """A client secret, stored as SHA-256. Two may be active while one replaces the other.

    `hint` is its last four characters, by which people tell it from the other.
    """

    __tablename__ = "app_secret"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    app_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app.id"), index=True)
    hint: Mapped[str] = mapped_column(String(4), default="")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    ended_at: Mapped[dt.datetime | None]
    last_used_at: Mapped[dt.datetime | None] = mapped_column(doc="To the hour: see `mark_used`")

    @classmethod
    def active(cls, db: Session, app_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, dict[bytes, dt.datetime | None]]:
        """The digests of the secrets that each of these apps may authenticate with now, and their last use."""
        found = select(cls.app_id, cls.digest, cls.last_used_at)
        digests: dict[uuid.UUID, dict[bytes, dt.datetime | None]] = {}
        for app_id, digest, used in db.execute(found.where(cls.app_id.in_(app_ids), cls.ended_at.is_(None))):
            digests.setdefault(app_id, {})[digest] = used
        return digests

    @classmethod
    def mark_used(cls, db: Session, digests: Collection[bytes]) -> None:
        """Note that these were used just now; a note less than an hour old stands. Never waits for somebody else."""
        stale = or_(cls.last_used_at.is_(None), cls.last_used_at <= ago(NOTED_SECONDS))
        found = select(cls.digest).where(cls.digest.in_(digests), stale).with_for_update(skip_locked=True)
        mine = list(db.scalars(found))
        if mine:
            db.execute(update(cls).where(cls.digest.in_(mine)).values(last_used_at=now()))

    @classmethod
    def of_app(cls, db: Session, app_id: uuid.UUID) -> list[Self]:
        """The active secrets of an app, oldest first."""
        found = select(cls).where(cls.app_id == app_id, cls.ended_at.is_(None))
        return list(db.scalars(found.order_by(cls.created_at, cls.digest)))

    def end(self, db: Session) -> bool:
        """End it once; False when it had ended already."""
        ended = update(AppSecret).where(AppSecret.digest == self.digest, AppSecret.ended_at.is_(None))
        won = db.scalars(
            ended.values(ended_at=now()).returning(AppSecret.digest),
            execution_options={"synchronize_session": False},
        ).first()
        if won is not None:
            withdrawn(db)
        return won is not None
