"""What needs an operator's yes: going Live, and what a Live app asks schools for. And suspending."""

import dataclasses
import uuid
from typing import Any

from app.audit import record
from app.db import Session, withdrawn
from app.errors import NotFound, Problem
from app.models import lawful
from app.models.base import now
from app.models.partner import OIDC, STANDARD, App, AppScope, Partner
from app.models.proposal import LIVE, Proposal
from app.models.receipt import partner_people
from app.models.scope import SCOPES
from app.notify import messages, notices
from app.partners.apps import CannotChange, missing, propose
from app.partners.service import check, draft_of

FIELDS = (
    ("required", "Required"),
    ("purpose", "Purpose"),
    ("legal_basis", "Lawful basis"),
    ("special_condition", "Article 9 condition"),
)


class NotReady(Problem):
    status = 409
    title = "The app is not ready to go Live"


@dataclasses.dataclass(frozen=True)
class Difference:
    """One scope as it is and as it would be. `kind` is New, Removed, Changed or Same.

    `lines` are (what, as it is, as it would be, whether they differ).
    """

    title: str
    kind: str
    special: bool
    lines: list[tuple[str, str, str, bool]]


def ask_live(db: Session, app: App, by: uuid.UUID) -> Proposal:
    """Ask the operators to let a Test app go Live. Raises NotReady or CannotChange."""
    app = App.locked(db, app.id)
    if app.is_live:
        raise CannotChange("The app is Live already.")
    if lacks := missing(app):
        raise NotReady(" ".join(lacks))
    return propose(db, app, LIVE, [dataclasses.asdict(one) for one in draft_of(app).scopes], by)


def withdraw(db: Session, app: App, by: uuid.UUID) -> None:
    """Take the partner's own request back. Raises CannotChange when it was decided meanwhile."""
    waiting = Proposal.open_of(db, app.id)
    if waiting is None or not waiting.decide(db, by, False, "Withdrawn by the partner"):
        raise CannotChange("Nothing waits for an answer any more.")
    record(db, "proposal.withdrawn", actor=by, subject=app.id, kind=waiting.kind)


def decide(db: Session, proposal_id: uuid.UUID, by: uuid.UUID, approved: bool, reason: str) -> Proposal:
    """An operator's yes or no. Of two who decide at once one wins; the other gets CannotChange."""
    found = db.get(Proposal, proposal_id)
    if found is None:
        raise NotFound
    app = App.locked(db, found.app_id)
    if approved:
        check(draft_of(app))
        if found.kind == LIVE and (lacks := missing(app)):
            raise NotReady(" ".join(lacks))
    if not found.decide(db, by, approved, reason):
        raise CannotChange("Somebody has decided about this request already, or it was withdrawn.")
    if approved:
        AppScope.replace(db, app, found.scopes)
    if approved and found.kind == LIVE:
        app.is_live, app.live_at = True, now()
        db.flush()
        notices.tell(db, app.id, "app.live", {"client_id": app.client_id, "live_at": app.live_at.isoformat()})
    people = partner_people(db, app.partner_id)
    messages.partner_told(db, people, app.name, f"{found.kind}_{'approved' if approved else 'refused'}", reason)
    record(db, "proposal.approved" if approved else "proposal.refused", actor=by, subject=app.id, kind=found.kind)
    return found


def differences(app: App, proposal: Proposal) -> list[Difference]:
    """Every scope that is asked for now or would be, those that change first."""
    before: dict[str, dict[str, Any]] = {
        row.scope: {name: getattr(row, name) for name, _ in FIELDS} for row in app.scopes
    }
    after = {row["scope"]: row for row in proposal.scopes}
    if proposal.kind == LIVE:
        before = {}
    found = [_difference(scope, before.get(scope), after.get(scope)) for scope in {**after, **before}]
    return sorted(found, key=lambda one: one.kind == "Same")


def _difference(scope: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> Difference:
    lines = []
    for name, label in FIELDS:
        was, will = _said(before, name), _said(after, name)
        if was or will:
            lines.append((label, was, will, was != will))
    differs = any(line[3] for line in lines)
    kind = "New" if before is None else "Removed" if after is None else "Changed" if differs else "Same"
    known = SCOPES.get(scope)
    return Difference(known.title if known else scope, kind, bool(known and known.special), lines)


def _said(row: dict[str, Any] | None, name: str) -> str:
    value = row.get(name) if row else None
    if name in ("legal_basis", "special_condition"):
        return lawful.words(value)
    return ("Required" if value else "Optional") if isinstance(value, bool) else value or ""


def suspend(db: Session, what: Partner | App, by: uuid.UUID, reason: str) -> None:
    """Let nothing of it work until it is resumed: within a second, its tokens open nothing."""
    _stand(db, what, by, reason, suspended=True)


def resume(db: Session, what: Partner | App, by: uuid.UUID, reason: str) -> None:
    _stand(db, what, by, reason, suspended=False)


def _stand(db: Session, what: Partner | App, by: uuid.UUID, reason: str, *, suspended: bool) -> None:
    kind = "app" if isinstance(what, App) else "partner"
    held = App.locked(db, what.id) if kind == "app" else Partner.locked(db, what.id)
    if held is None:
        raise NotFound
    if (held.suspended_at is not None) == suspended:
        raise CannotChange(f"It is {'suspended already' if suspended else 'not suspended'}.")
    held.suspended_at = now() if suspended else None
    db.flush()
    withdrawn(db)
    word = "suspended" if suspended else "resumed"
    partner_id = held.partner_id if isinstance(held, App) else held.id
    messages.partner_told(db, partner_people(db, partner_id), held.name, f"{kind}_{word}", reason)
    record(db, f"{kind}.{word}", actor=by, subject=held.id, reason=reason)


def set_oidc(db: Session, app: App, by: uuid.UUID, granted: bool) -> None:
    """Let a classic sign-in client use profile oidc, or no longer. Raises a Problem where its method forbids it."""
    app = App.locked(db, app.id)
    profile = OIDC if granted else STANDARD
    if app.profile == profile:
        raise CannotChange(f"Its profile is {profile} already.")
    check(draft_of(app, profile=profile))
    app.profile = profile
    db.flush()
    withdrawn(db)
    record(db, "app.profile_changed", actor=by, subject=app.id, profile=profile)
