"""What people decided about one app, in sentences, read from the audit."""

import dataclasses
import datetime as dt
import uuid

from app.db import Session
from app.models import event
from app.models.account import Account
from app.models.authorisation import EXPIRED, Authorisation
from app.models.scope import SCOPES


@dataclasses.dataclass(frozen=True)
class Happening:
    """One line of the history. `who` is empty where nobody did it: time ran out."""

    at: dt.datetime
    what: str
    who: str


def of(db: Session, authorisation: Authorisation) -> list[Happening]:
    """Everything that this school ever decided about this app, newest first."""
    all_given = Authorisation.to_app(db, authorisation.school_id, authorisation.app_id)
    events = event.about(db, authorisation.school_id, [given.id for given in all_given])
    told = [Happening(row.happened_at, _sentence(row), _name(db, row.actor_id)) for row in events]
    told += [
        Happening(given.expires_at, "The authorisation reached its end date", "")
        for given in all_given
        if not given.is_active and (given.end_reason or EXPIRED) == EXPIRED
    ]
    return sorted(told, key=lambda happening: happening.at, reverse=True)


def _sentence(row: event.Event) -> str:
    if row.action == "authorisation.revoked":
        return "Revoked"
    titles = ", ".join(SCOPES[name].title for name in row.detail["scopes"] if name in SCOPES)
    if row.detail.get("renewed"):
        return "Authorised again for the same data, with a new end date"
    if row.detail.get("replaces"):
        return f"Authorised anew, in place of what was agreed before: {titles}"
    return f"Authorised: {titles}"


def _name(db: Session, account_id: uuid.UUID | None) -> str:
    account = db.get(Account, account_id) if account_id else None
    return account.name if account else "Gatehouse"
