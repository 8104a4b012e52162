"""What people decided about one app, in sentences, read from the audit."""

from collections.abc import Iterable

from app.db import Session
from app.models import event
from app.models.account import Account
from app.models.authorisation import EXPIRED, Authorisation
from app.models.event import Happening
from app.models.scope import SCOPES

US = "Gatehouse"
SENTENCES = {
    "authorisation.paused": "Paused",
    "authorisation.resumed": "Resumed",
    "authorisation.revoked": "Revoked",
    "authorisation.returned": "The app gave the authorisation back",
    "authorisation.kept": "Kept as it was agreed to before",
    "school.frozen": "Everything was frozen",
    "school.unfrozen": "The freeze of everything ended",
}  # that it expired, its end date says


def of(db: Session, authorisation: Authorisation) -> list[Happening]:
    """Everything that this school ever decided about this app, newest first."""
    all_given = Authorisation.to_app(db, authorisation.school_id, authorisation.app_id)
    events = event.about(db, authorisation.school_id, [authorisation.school_id, *(given.id for given in all_given)])
    first = min(given.granted_at for given in all_given)
    who = Account.names(db, [row.actor_id for row in events])
    told = [
        Happening(row.happened_at, _sentence(row), who.get(row.actor_id, US) if row.actor_id else US)
        for row in events
        if row.happened_at >= first and _sentence(row)
    ]
    told += [
        Happening(given.expires_at, "The authorisation reached its end date", "")
        for given in all_given
        if not given.is_active and (given.end_reason or EXPIRED) == EXPIRED
    ]
    return sorted(told, key=lambda happening: happening.at, reverse=True)


def _sentence(row: event.Event) -> str:
    """Empty for what is told elsewhere."""
    if row.action != "authorisation.granted":
        return SENTENCES.get(row.action, "")
    scopes, before = row.detail["scopes"], row.detail.get("before")
    if row.detail.get("replaces"):  # as events were told before an authorisation could change
        return f"Authorised anew, in place of what was agreed before: {_titles(scopes)}"
    if row.detail.get("reworded"):
        return "Agreed to what the app says now about the same data"
    if row.detail.get("renewed") or (before is not None and set(before) == set(scopes)):
        return "Authorised again for the same data, with a new end date"
    if before is None:
        return f"Authorised: {_titles(scopes)}"
    added = _titles(scope for scope in scopes if scope not in before)
    ended = _titles(scope for scope in before if scope not in scopes)
    said = [f"added: {added}"] * bool(added) + [f"ended: {ended}"] * bool(ended)
    return f"Authorised with changes, {'; '.join(said)}"


def _titles(scopes: Iterable[str]) -> str:
    return ", ".join(SCOPES[name].title for name in scopes if name in SCOPES)
