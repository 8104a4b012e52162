"""The Groupcall-style API of one app: an operator's leave, where secrets of schools go, and the management secret."""

import uuid
from urllib.parse import urlsplit

from app.audit import record
from app.db import Session
from app.models.base import now
from app.models.partner import FAPI2, App
from app.notify import hand_over, webhooks
from app.partners.apps import CannotChange
from app.secrets import digest, seal, unseal


def allow(db: Session, app: App, by: uuid.UUID | None, allowed: bool) -> None:
    """Let an app use it, or no longer. Never one of profile fapi2: GetToken takes a password (protocol.md 71)."""
    app = App.locked(db, app.id)
    if allowed and app.profile == FAPI2:
        raise CannotChange("An app of profile fapi2 cannot use the Groupcall-style API.")
    if (app.groupcall_at is not None) == allowed:
        raise CannotChange(f"It may {'use the Groupcall-style API already' if allowed else 'not use it'}.")
    app.groupcall_at = now() if allowed else None
    db.flush()
    record(db, "app.groupcall_allowed" if allowed else "app.groupcall_ended", actor=by, subject=app.id)


def set_address(db: Session, app: App, by: uuid.UUID, address: str) -> None:
    """Post the secrets of schools there, an address that was checked; empty: nowhere."""
    app = App.locked(db, app.id)
    if address:
        _check_works(app)
    if (app.authorisation_uri or "") == address:
        return
    app.authorisation_uri = address or None
    db.flush()
    record(db, "app.authorisation_address_changed", actor=by, subject=app.id, host=urlsplit(address).hostname)


def make_secret(db: Session, app: App, by: uuid.UUID, before: str) -> str:
    """The management secret, returned this once; `before` is the `secret_name` of the one whose place it takes.

    That one ends at once: each signature has one secret. Raises CannotChange where it is not the one that stands.
    """
    app = App.locked(db, app.id)
    _check_works(app)
    _check_stands(app, before)
    secret = webhooks.new_secret()
    app.management_sealed = seal(secret, "management")
    db.flush()
    record(db, "app.management_secret_made", actor=by, subject=app.id)
    return secret


def end_secret(db: Session, app: App, by: uuid.UUID, before: str) -> None:
    """Have no management secret any more. Raises CannotChange where `before` is not the one that stands."""
    app = App.locked(db, app.id)
    _check_stands(app, before)
    if not before:
        raise CannotChange("There is no management secret.")
    app.management_sealed = None
    db.flush()
    record(db, "app.management_secret_ended", actor=by, subject=app.id)


def send_again(db: Session, app: App, by: uuid.UUID) -> None:
    """Hand over a new secret of every school that lets the app in, for whoever came too late or has lost them."""
    app = App.locked(db, app.id)
    _check_works(app)
    if not app.authorisation_uri or not app.management_sealed:
        raise CannotChange("Give an address and make a management secret first.")
    if not hand_over.again(db, app):
        raise CannotChange("No school lets the app in now.")
    record(db, "app.school_secrets_sent", actor=by, subject=app.id)


def secret_name(app: App) -> str:
    """What a form calls the management secret that it replaces or ends; empty where there is none."""
    return digest(app.management_sealed).hex()[:16] if app.management_sealed else ""


def secret_hint(app: App) -> str:
    """Its last four characters, by which people know it; empty where there is none."""
    return unseal(app.management_sealed, "management")[-4:] if app.management_sealed else ""


def _check_stands(app: App, name: str) -> None:
    if secret_name(app) != name:
        raise CannotChange("The management secret has changed meanwhile. Look at it as it is now, and choose again.")


def _check_works(app: App) -> None:
    if not hand_over.takes_secrets(app):
        raise CannotChange("This app may not use the Groupcall-style API. Ask us to let it.")
    if app.is_suspended:
        raise CannotChange(f"{app.name} is suspended. Ask us to resume it first.")
