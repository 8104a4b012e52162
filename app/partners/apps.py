"""What a partner does with its own apps: details, scopes, credentials. Each change is judged as a whole by `check`."""

import dataclasses
import hashlib
import json
import uuid
from typing import Any
from urllib.parse import urlsplit

from app.audit import record
from app.db import Session, withdrawn
from app.errors import NotFound, Problem
from app.models import lawful
from app.models.partner import App, AppScope, AppSecret, Partner
from app.models.proposal import SCOPES as ABOUT_SCOPES
from app.models.proposal import Proposal
from app.models.scope import SCOPES
from app.partners.service import BY_KEY, PUBLIC, Asking, NotRegistrable, check, draft_of
from app.secrets import digest, new_secret

MOST_SECRETS = 2
STRENGTH = {PUBLIC: 0, "client_secret_basic": 1, "client_secret_post": 1, BY_KEY: 2}


class CannotChange(Problem):
    """The app, as it stands now, does not let this be done."""

    status = 409
    title = "That cannot be changed now"


def own(db: Session, partner: Partner, app_id: uuid.UUID) -> App:
    """An app of this partner. Raises NotFound for another's."""
    found = App.of_partner(db, app_id, partner.id)
    if found is None:
        raise NotFound
    return found


def missing(app: App) -> list[str]:
    """What the app, or its partner, still needs before it may go Live, one sentence each."""
    partner, lacks = app.partner, []
    if not partner.ico_number:
        lacks.append("Give your ICO registration number.")
    if not partner.agreement_url:
        lacks.append("Give the address of your data sharing agreement, or upload it.")
    if not partner.breach_contact:
        lacks.append("Give a contact for when data is lost or stolen.")
    if not app.retention:
        lacks.append("Say how long the app keeps data.")
    if any(urlsplit(uri).scheme != "https" for uri in app.redirect_uris):
        lacks.append("Every redirect address of a Live app is https.")
    return lacks + [lack.hint for lack in lacking_reasons(draft_of(app).scopes)]


def change_details(
    db: Session,
    app: App,
    by: uuid.UUID | None,
    *,
    name: str,
    retention: str,
    redirect_uris: list[str],
    post_logout_redirect_uris: list[str],
    initiate_login_uri: str,
) -> None:
    """Its name, how long data is kept, and the addresses that a browser may be sent to. Raises a Problem."""
    app = App.locked(db, app.id)
    new: dict[str, Any] = {
        "name": name,
        "retention": retention or None,
        "redirect_uris": redirect_uris,
        "post_logout_redirect_uris": post_logout_redirect_uris,
        "initiate_login_uri": initiate_login_uri or None,
    }
    check(draft_of(app, **new))
    changed = [field for field, value in new.items() if getattr(app, field) != value]
    if not changed:
        return
    _check_nobody_judges(db, app)
    if app.is_live and "name" in changed:
        raise CannotChange("Schools know a Live app by its name. Ask us to change it.", "name")
    lacked = missing(app)
    for field in changed:
        setattr(app, field, new[field])
    if app.is_live and (lacks := [lack for lack in missing(app) if lack not in lacked]):
        raise CannotChange(" ".join(lacks))
    db.flush()
    withdrawn(db)  # an address may be gone
    record(db, "app.changed", actor=by, subject=app.id, fields=sorted(changed))


def change_card(db: Session, partner: Partner, by: uuid.UUID, card: dict[str, str | None]) -> None:
    """What schools read about the partner. Raises CannotChange for what they, or an operator, rely on now."""
    partner = Partner.locked(db, partner.id) or partner
    changed = [name for name, value in card.items() if (getattr(partner, name) or None) != (value or None)]
    apps = App.every_of(db, partner.id)
    for app in apps if changed else ():
        _check_nobody_judges(db, app)
    emptied = [name for name in changed if not card[name] and name != "website"]
    if emptied and any(app.is_live for app in apps):
        raise CannotChange("Schools of your Live app rely on it. Give another one instead of none.", emptied[0])
    for name in changed:
        setattr(partner, name, card[name])
    db.flush()
    record(db, "partner.changed", actor=by, subject=partner.id, fields=changed)


def _check_nobody_judges(db: Session, app: App) -> None:
    """What an operator says yes to must be what they have read."""
    if Proposal.open_of(db, app.id):
        raise CannotChange(f"We are looking at {app.name} as it is. Take that request back first, on the app’s page.")


def change_scopes(db: Session, app: App, by: uuid.UUID, asked: list[Asking]) -> bool:
    """What it asks schools for: at once where it is a Test app, else an operator decides. Whether it holds now."""
    app = App.locked(db, app.id)
    check(draft_of(app, scopes=asked))
    check_reasons(asked)
    rows = [dataclasses.asdict(one) for one in asked]
    if app.is_live:
        propose(db, app, ABOUT_SCOPES, rows, by)
        return False
    if Proposal.open_of(db, app.id):
        raise CannotChange("The app waits to go Live with the scopes that it has. Withdraw that request first.")
    AppScope.replace(db, app, rows)
    record(db, "app.scopes_changed", actor=by, subject=app.id, scopes=list(app.asks))
    return True


def propose(db: Session, app: App, kind: str, rows: list[dict[str, Any]], by: uuid.UUID) -> Proposal:
    """Put it before the operators. One waits at a time. The app must be locked."""
    if Proposal.open_of(db, app.id):
        raise CannotChange("Another request about this app waits for us. Wait for the answer, or withdraw it.")
    made = Proposal(app_id=app.id, kind=kind, scopes=rows, asked_by=by)
    db.add(made)
    db.flush()
    record(db, "proposal.asked", actor=by, subject=app.id, kind=kind)
    return made


def check_reasons(asked: list[Asking]) -> None:
    """Raises the first of `lacking_reasons`."""
    if lacks := lacking_reasons(asked):
        raise lacks[0]


def lacking_reasons(asked: list[Asking]) -> list[NotRegistrable]:
    """What no scope goes without: a purpose, a lawful basis from the list, a listed condition where it is special."""
    lacks = []
    for one in asked:
        title, name = SCOPES[one.scope].title, one.scope
        if not one.purpose.strip():
            lacks.append(NotRegistrable(f"Say what “{title}” is for.", f"purpose-{name}"))
        if one.legal_basis not in lawful.BASES:
            words = f"Choose the lawful basis for “{title}” from the list."
            lacks.append(NotRegistrable(words, f"legal_basis-{name}"))
        if SCOPES[name].special and one.special_condition not in lawful.CONDITIONS:
            words = f"Choose the Article 9 condition for “{title}” from the list."
            lacks.append(NotRegistrable(words, f"special_condition-{name}"))
    return lacks


def make_secret(db: Session, app: App, by: uuid.UUID | None) -> str:
    """One more secret, returned this once. Two are active at most: raises CannotChange for a third."""
    app = App.locked(db, app.id)
    _check_not_suspended(app)
    if app.auth_method in (PUBLIC, BY_KEY):
        raise CannotChange(f"The app authenticates by {app.auth_method}, which has no secret.")
    if len(AppSecret.of_app(db, app.id)) >= MOST_SECRETS:
        raise CannotChange("Two secrets are active already. End the one that you no longer use first.")
    secret = new_secret("gh_cs")
    db.add(AppSecret(digest=digest(secret), app_id=app.id, hint=secret[-4:]))
    db.flush()
    withdrawn(db)  # so that it works at once
    record(db, "app.secret_made", actor=by, subject=app.id)
    return secret


def end_secret(db: Session, app: App, by: uuid.UUID | None, name: str) -> None:
    """End the secret with this name (see `secret_name`). Raises NotFound where it is not an active one of this app."""
    app = App.locked(db, app.id)
    found = next((one for one in AppSecret.of_app(db, app.id) if secret_name(one) == name), None)
    if found is None or not found.end(db):
        raise NotFound
    record(db, "app.secret_ended", actor=by, subject=app.id)


def secret_name(secret: AppSecret) -> str:
    """What addresses call it: enough of its digest to tell it from the other one."""
    return secret.digest.hex()[:16]


def change_authentication(db: Session, app: App, by: uuid.UUID | None, method: str, pasted: str) -> None:
    """How it authenticates, and its public keys (JWK Set, JSON). Empty `pasted` keeps the keys. Raises a Problem.

    Nothing weaker than what an operator let go Live, or is looking at: whoever takes over one account of a partner
    must not open the way for stolen secrets to real schools.
    """
    app = App.locked(db, app.id)
    _check_not_suspended(app)
    jwks = keys(pasted) if pasted.strip() else app.jwks
    try:
        check(draft_of(app, auth_method=method, jwks=jwks))
    except NotRegistrable as wrong:
        raise NotRegistrable(wrong.hint, "jwks" if method == BY_KEY else "auth_method") from wrong
    changed = [name for name, value in (("auth_method", method), ("jwks", jwks)) if getattr(app, name) != value]
    if not changed:
        return
    if STRENGTH[method] < STRENGTH[app.auth_method] and (app.is_live or Proposal.open_of(db, app.id)):
        stands = "is Live" if app.is_live else "waits to go Live"
        raise CannotChange(
            f"{app.name} {stands} with {app.auth_method}, and {method} is weaker. Create a Test app that authenticates"
            " like that, and ask us to let it go Live instead.",
            "auth_method",
        )
    app.auth_method, app.jwks = method, jwks
    db.flush()
    withdrawn(db)
    record(db, "app.authentication_changed", actor=by, subject=app.id, fields=changed, method=method)


def end_key(db: Session, app: App, by: uuid.UUID | None, name: str) -> None:
    """Take one public key (see `key_name`) out. The last one that an app needs stays: raises a Problem."""
    app = App.locked(db, app.id)
    before = list((app.jwks or {}).get("keys", []))
    rows = [row for row in before if key_name(row) != name]
    if len(rows) == len(before):
        raise NotFound
    if not rows and app.auth_method == BY_KEY:
        raise CannotChange("It is the only key, and the app authenticates by it. Paste the new key first.")
    jwks = {"keys": rows} if rows else None
    check(draft_of(app, jwks=jwks))
    app.jwks = jwks
    db.flush()
    withdrawn(db)
    record(db, "app.key_ended", actor=by, subject=app.id)


def _check_not_suspended(app: App) -> None:
    """Nothing new that opens something is made meanwhile; ending what there is stays possible."""
    if app.is_suspended:
        what = app.partner.name if app.partner.suspended_at else app.name
        raise CannotChange(f"{what} is suspended: it gets no new secrets, keys or methods. Ask us to resume it first.")


def key_name(row: dict[str, Any]) -> str:
    """What addresses call a public key."""
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:16]


def keys(pasted: str) -> dict[str, Any]:
    """A JWK Set from what was pasted: a set, or one key."""
    try:
        found = json.loads(pasted)
    except (ValueError, RecursionError) as wrong:
        raise NotRegistrable("The keys cannot be read as JSON.", "jwks") from wrong
    if not isinstance(found, dict):
        raise NotRegistrable('The keys are not a JWK Set: {"keys": [...]} (RFC 7517).', "jwks")
    return found if "keys" in found else {"keys": [found]}
