"""Registering partners and apps (RFC 7591's metadata names): refused here is what no later check could make safe."""

import dataclasses
import re
import secrets
import uuid
import warnings
from typing import Any

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet, RSAKey

from app import audit
from app.db import Session
from app.errors import Problem
from app.models.partner import AUTH_METHODS, FAPI2, PROFILES, STANDARD, App, AppScope, AppSecret, Partner
from app.oauth import jws, metadata, redirect_uri
from app.secrets import digest, new_secret

PUBLIC, BY_KEY = "none", "private_key_jwt"


class NotRegistrable(Problem):
    title = "That app cannot be registered"


class NoSuchPartner(Problem):
    title = "There is no partner of that name"


@dataclasses.dataclass(frozen=True)
class Asking:
    """A scope that an app asks for, and why, in the partner's own words."""

    scope: str
    required: bool = True
    purpose: str = ""
    legal_basis: str | None = None
    special_condition: str | None = None


@dataclasses.dataclass(frozen=True)
class Draft:
    """An app as it is to be. Without `auth_method`, a key in FAPI 2 and a secret otherwise."""

    name: str
    redirect_uris: list[str]
    scopes: list[Asking]
    profile: str = STANDARD
    auth_method: str = ""
    jwks: dict[str, Any] | None = None
    post_logout_redirect_uris: list[str] = dataclasses.field(default_factory=list)
    is_live: bool = True
    retention: str | None = None
    initiate_login_uri: str | None = None

    @property
    def method(self) -> str:
        return self.auth_method or (BY_KEY if self.profile == FAPI2 else AUTH_METHODS[0])


def add_partner(
    db: Session, name: str, actor: uuid.UUID | None = None, **trust_card: str | None
) -> tuple[Partner, bool]:
    """The partner of this name, and whether it was made now; what was there already stays as it is."""
    found = Partner.by_name(db, name.strip())
    if found:
        return found, False
    partner = Partner(name=name.strip(), **trust_card)
    db.add(partner)
    db.flush()
    audit.record(db, "partner.added", actor=actor, subject=partner.id)
    return partner, True


def add_app(db: Session, partner_name: str, draft: Draft, actor: uuid.UUID | None = None) -> tuple[App, str | None]:
    """Register an app. The secret, where its method has one, is returned this once. Raises a Problem saying why not."""
    partner = Partner.by_name(db, partner_name.strip())
    if partner is None:
        raise NoSuchPartner(f"Make it first: gatehouse partner add {partner_name!r}.")
    return register(db, partner, draft, actor)


def register(db: Session, partner: Partner, draft: Draft, actor: uuid.UUID | None) -> tuple[App, str | None]:
    """As `add_app`, for a partner that was found already: the command, the portal and the API all end here."""
    check(draft)
    app = App(
        client_id=f"app_{secrets.token_hex(12)}",
        partner_id=partner.id,
        name=draft.name or partner.name,
        profile=draft.profile,
        auth_method=draft.method,
        redirect_uris=draft.redirect_uris,
        post_logout_redirect_uris=draft.post_logout_redirect_uris,
        jwks=draft.jwks,
        is_live=draft.is_live,
        retention=draft.retention,
        initiate_login_uri=draft.initiate_login_uri or None,
    )
    db.add(app)
    db.flush()
    for position, asking in enumerate(draft.scopes):
        row = dataclasses.asdict(asking)
        db.add(AppScope(app_id=app.id, position=position, **row))
    secret = None
    if draft.method not in (PUBLIC, BY_KEY):
        secret = new_secret("gh_cs")
        db.add(AppSecret(digest=digest(secret), app_id=app.id, hint=secret[-4:]))
    db.flush()
    db.refresh(app)
    audit.record(db, "app.added", actor=actor, subject=app.id, partner=str(partner.id), profile=app.profile)
    return app, secret


def draft_of(app: App, **changed: Any) -> Draft:
    """An app as it is, with these members changed: what `check` then judges as a whole."""
    asked = [Asking(row.scope, row.required, row.purpose, row.legal_basis, row.special_condition) for row in app.scopes]
    usual: dict[str, Any] = {
        "name": app.name,
        "redirect_uris": app.redirect_uris,
        "scopes": asked,
        "profile": app.profile,
        "auth_method": app.auth_method,
        "jwks": app.jwks,
        "post_logout_redirect_uris": app.post_logout_redirect_uris,
        "is_live": app.is_live,
        "retention": app.retention,
        "initiate_login_uri": app.initiate_login_uri,
    }
    return Draft(**usual | changed)


def check(draft: Draft) -> None:
    """Raises a Problem saying why an app like that cannot be registered."""
    _check_name(draft.name)
    if draft.profile not in PROFILES:
        raise NotRegistrable(f"The profile is one of {', '.join(PROFILES)}.")
    if draft.method not in AUTH_METHODS:
        raise NotRegistrable(f"The authentication method is one of {', '.join(AUTH_METHODS)}.")
    if draft.profile == FAPI2 and draft.method != BY_KEY:
        raise NotRegistrable("An app of profile fapi2 authenticates by private_key_jwt.")
    if draft.method == BY_KEY and draft.jwks is None:
        raise NotRegistrable("private_key_jwt needs the app's public keys (JWKS).")
    if draft.jwks is not None:
        _check_keys(draft.jwks, draft.profile)
    if draft.method == BY_KEY and not any(map(_signs, (draft.jwks or {})["keys"])):
        raise NotRegistrable("None of the keys can sign for the app. Use P-256, Ed25519, or RSA of 2048 to 4096 bits.")
    if not draft.redirect_uris:
        raise NotRegistrable("An app needs a redirect address.")
    own = [draft.initiate_login_uri] if draft.initiate_login_uri else []
    for uri in draft.redirect_uris + draft.post_logout_redirect_uris + own:
        redirect_uri.check(uri)
    names = [asking.scope for asking in draft.scopes]
    if not names:
        raise NotRegistrable(f"An app asks for something: {', '.join(metadata.OFFERED)}.")
    for name in names:
        if name not in metadata.OFFERED:
            raise NotRegistrable(f"{name!r} cannot be asked for. An app may ask for: {', '.join(metadata.OFFERED)}.")
        if names.count(name) > 1:
            raise NotRegistrable(f"{name!r} is named twice.")


def _check_name(name: str) -> None:
    """It stands in our own mails, where nobody else's address may."""
    if re.search(r"[/\\@<>]|\w\.\w|www", name, re.IGNORECASE):
        raise NotRegistrable("The name of an app stands in our mails: leave addresses out of it.", "name")


def _signs(row: dict[str, Any]) -> bool:
    try:
        return bool(jws.key(row).algorithms)
    except jws.Unsound:
        return False


def _check_keys(jwks: dict[str, Any], profile: str) -> None:
    """Public keys only: whoever holds a private one could be the app."""
    rows = jwks.get("keys")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise NotRegistrable('The keys are not a JWK Set: {"keys": [...]} (RFC 7517).')
    for row in rows:
        if row.get("kty") == "oct":
            raise NotRegistrable("The JWK Set has a shared secret (oct) in it. Use a key pair.")
        if profile == FAPI2 and row.get("alg") == "RS256":
            raise NotRegistrable("An app of profile fapi2 signs with PS256, ES256 or EdDSA, not with RS256.")
    try:
        with warnings.catch_warnings(action="ignore", category=SecurityWarning):  # what it warns of is refused below
            keys = KeySet.import_key_set({"keys": rows}).keys
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as wrong:
        raise NotRegistrable("A key of the JWK Set cannot be read.") from wrong
    for key in keys:
        if key.is_private:
            raise NotRegistrable("The JWK Set has a private key in it. Keep that, and send the public half.")
        if isinstance(key, RSAKey) and key.public_key.key_size < 2048:
            raise NotRegistrable("An RSA key needs 2048 bits or more.")
