"""What a partner's apps have reached: their schools with the state of each, and what a Test app has really done."""

import dataclasses
import datetime as dt
import uuid
from typing import Any

from sqlalchemy import func, select

from app.db import Session
from app.models.account import ADMIN
from app.models.authorisation import RETURNED, Authorisation
from app.models.base import now
from app.models.endpoint import Endpoint
from app.models.establishment import Establishment
from app.models.invitation import OPEN_STATES, Invitation
from app.models.ledger import Read, Refusal
from app.models.partner import App
from app.models.school import UNVERIFIED, VERIFIED, School
from app.models.token import REFRESH, AuthorizationCode, AuthorizationRequest, Token

STATES = (
    *("Invited", "Authorised", "Unverified", "Waiting for endpoint", "Live", "Paused"),
    *("Suspended", "Closed", "Revoked", "Returned", "Expired"),
)


@dataclasses.dataclass(frozen=True)
class Reached:
    """One school and one app: where it stands, since when, and who did it (a role, never a person)."""

    app: str
    name: str
    urn: int
    state: str
    at: dt.datetime
    who: str
    authorisation_id: uuid.UUID | None


def schools(db: Session, partner_id: uuid.UUID) -> list[Reached]:
    """The schools of a partner's apps, by name: the newest authorisation of each app, and invitations before one."""
    newest = (
        select(Authorisation, School)
        .join(App, App.id == Authorisation.app_id)
        .join(School, School.id == Authorisation.school_id)
        .where(App.partner_id == partner_id)
        .order_by(Authorisation.granted_at.desc(), Authorisation.id.desc())
    )
    with_endpoint = set(db.scalars(select(Endpoint.school_id).distinct()))
    found: dict[tuple[uuid.UUID, int], Reached] = {}
    for row in db.execute(newest):
        key = (row[0].app_id, row[1].urn)
        if key not in found:
            found[key] = _reached(row[0], row[1], row[1].id in with_endpoint)
    for each in db.execute(_invited(partner_id)):
        invitation, name = each[0], each[1]
        key = (invitation.app_id, invitation.urn)
        if key not in found or found[key].state in ("Revoked", "Returned", "Expired"):
            known = name or f"URN {invitation.urn}"
            found[key] = Reached(
                invitation.app.name, known, invitation.urn, "Invited", invitation.created_at, "You", None
            )
    return sorted(found.values(), key=lambda one: (one.name.lower(), one.urn, one.app.lower()))


def school(db: Session, authorisation_id: uuid.UUID, partner_id: uuid.UUID) -> tuple[Authorisation, School] | None:
    """One authorisation of this partner's apps; another's is None, as if it were absent."""
    found = (
        select(Authorisation, School)
        .join(App, App.id == Authorisation.app_id)
        .join(School, School.id == Authorisation.school_id)
        .where(Authorisation.id == authorisation_id, App.partner_id == partner_id)
    )
    row = db.execute(found).first()
    return (row[0], row[1]) if row else None


def described(db: Session, given: Authorisation, of: School) -> Reached:
    """Where this one stands."""
    has = db.scalar(select(func.count()).select_from(Endpoint).where(Endpoint.school_id == of.id))
    return _reached(given, of, bool(has))


def _invited(partner_id: uuid.UUID) -> Any:
    return (
        select(Invitation, Establishment.name)
        .join(App, App.id == Invitation.app_id)
        .outerjoin(Establishment, Establishment.urn == Invitation.urn)
        .where(App.partner_id == partner_id, Invitation.state.in_(OPEN_STATES), Invitation.expires_at > now())
        .order_by(Invitation.created_at.desc())
    )


def _reached(given: Authorisation, of: School, has_endpoint: bool) -> Reached:
    state, at, who = "Authorised", given.granted_at, f"{ADMIN} of the school"
    if not given.is_active:
        state, at = given.state, given.over_at
        who = "You" if given.end_reason == RETURNED else "Gatehouse" if state == "Expired" else who
    elif of.status != VERIFIED:
        state = "Unverified" if of.status == UNVERIFIED else of.status
        at, who = (at, who) if of.status == UNVERIFIED else (of.status_at, "Gatehouse")
    elif given.is_paused or of.frozen_at:
        state, at = "Paused", of.frozen_at or given.paused_at or at
        who = "The school"
    elif given.last_read_at:
        state = "Live"
    elif not has_endpoint:
        state = "Waiting for endpoint"
    return Reached(given.app.name, of.name, of.urn, state, at, who, given.id)


@dataclasses.dataclass(frozen=True)
class Traces:
    """What is on record of one app: newest first, and at most fifty of each."""

    requests: list[AuthorizationRequest]
    codes: list[AuthorizationCode]
    refreshed_at: dt.datetime | None
    token_at: dt.datetime | None
    read_at: dt.datetime | None
    refused: dict[str, dt.datetime]  # error → the hour of the last one
    ended_at: dt.datetime | None


def traces(db: Session, app_id: uuid.UUID) -> Traces:
    """What this app has really done."""
    asked = select(AuthorizationRequest).where(AuthorizationRequest.app_id == app_id)
    coded = select(AuthorizationCode).where(AuthorizationCode.app_id == app_id)
    mine = Token.app_id == app_id
    refused = select(Refusal.error, func.max(Refusal.hour)).where(Refusal.app_id == app_id).group_by(Refusal.error)
    ended = (Authorisation.app_id == app_id, Authorisation.ended_at.is_not(None))
    return Traces(
        requests=list(db.scalars(asked.order_by(AuthorizationRequest.created_at.desc()).limit(50))),
        codes=list(db.scalars(coded.order_by(AuthorizationCode.expires_at.desc()).limit(50))),
        refreshed_at=db.scalar(select(func.max(Token.used_at)).where(mine, Token.purpose == REFRESH)),
        token_at=db.scalar(select(func.max(Token.issued_at)).where(mine)),
        read_at=db.scalar(select(func.max(Read.read_at)).where(Read.app_id == app_id)),
        refused={row[0]: row[1] for row in db.execute(refused)},
        ended_at=db.scalar(select(func.max(Authorisation.ended_at)).where(*ended)),
    )
