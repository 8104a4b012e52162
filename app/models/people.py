"""The people of a school, with the one rule that it is never without an Admin; and those of a partner."""

import dataclasses
import datetime as dt
import uuid

from sqlalchemy import ColumnElement, exists, func, or_, select, true, update

from app.db import Session, withdrawn
from app.models.account import ADMIN, Account, Membership, SecondStep
from app.models.account import Session as SignIn
from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.contact import Welcome
from app.models.passkey import Passkey


@dataclasses.dataclass(frozen=True)
class Colleague:
    """Somebody with a role at a school or a partner."""

    account: Account
    membership: Membership
    has_second_step: bool
    signed_in_at: dt.datetime | None


def of_school(db: Session, school_id: uuid.UUID) -> list[Colleague]:
    """Everybody with a role at a school, whoever came first first."""
    return _everybody(db, Membership.school_id == school_id)


def of_partner(db: Session, partner_id: uuid.UUID) -> list[Colleague]:
    """Everybody who has access for a partner, once each, whoever came first first."""
    found: dict[uuid.UUID, Colleague] = {}
    for one in _everybody(db, Membership.partner_id == partner_id):
        found.setdefault(one.account.id, one)  # somebody may have followed two links
    return [*found.values()]


def end_at_partner(db: Session, partner_id: uuid.UUID, account: Account) -> bool:
    """End somebody's access for a partner, and the links that they were sent; False when they have none any more."""
    # The links first: one that is followed meanwhile is waited for, and what it gave is then ended too.
    links = (Welcome.partner_id == partner_id, Welcome.ended_at.is_(None))
    theirs = or_(Welcome.account_id == account.id, Welcome.email == account.email)
    db.execute(update(Welcome).where(*links, theirs).values(ended_at=now()))
    mine = (Membership.partner_id == partner_id, Membership.account_id == account.id, Membership.ended_at.is_(None))
    won = bool(db.scalars(update(Membership).where(*mine).values(ended_at=now()).returning(Membership.id)).all())
    if won:
        withdrawn(db)
    return won


def _everybody(db: Session, here: ColumnElement[bool]) -> list[Colleague]:
    passkey, step = (
        exists().where(Passkey.account_id == Account.id),
        exists().where(SecondStep.account_id == Account.id),
    )
    last = select(func.max(SignIn.signed_in_at)).where(SignIn.account_id == Account.id).scalar_subquery()
    found = (
        select(Account, Membership, or_(passkey, step), last)
        .join(Membership, Membership.account_id == Account.id)
        .where(here, Membership.ended_at.is_(None), Account.ended_at.is_(None))
        .order_by(Membership.created_at, Membership.id)
        .execution_options(populate_existing=True)
    )
    return [Colleague(*row) for row in db.execute(found)]


def membership_of(db: Session, school_id: uuid.UUID, account_id: uuid.UUID) -> Membership | None:
    """Somebody's live membership of a school, as it is at this moment."""
    mine = (Membership.school_id == school_id, Membership.account_id == account_id, Membership.ended_at.is_(None))
    return db.scalars(select(Membership).where(*mine).execution_options(populate_existing=True)).first()


def change_role(db: Session, membership: Membership, role: str) -> bool:
    """Give a membership another role; False when it ended meanwhile. The school is locked by the caller."""
    mine = (Membership.id == membership.id, Membership.ended_at.is_(None), _leaves_an_admin(membership, role))
    changed = update(Membership).where(*mine).values(role=role).returning(Membership.id)
    won = db.execute(changed).scalar_one_or_none() is not None
    if won:
        withdrawn(db)
        db.refresh(membership)
    return won


def end(db: Session, membership: Membership, *, even_the_last: bool = False) -> bool:
    """End a membership once; False when it ended before, or is the school's last Admin. The school is locked."""
    mine = [Membership.id == membership.id, Membership.ended_at.is_(None)]
    if not even_the_last:
        mine.append(_leaves_an_admin(membership, None))
    ended = update(Membership).where(*mine).values(ended_at=now()).returning(Membership.id)
    won = db.execute(ended).scalar_one_or_none() is not None
    if won:
        withdrawn(db)
        db.refresh(membership)
    return won


def reconfirm(db: Session, school_id: uuid.UUID, granted_by: uuid.UUID, reason: str) -> None:
    """Flag what somebody has authorised: an Admin should say again that it is wanted. It stays in force."""
    theirs = (Authorisation.school_id == school_id, Authorisation.granted_by == granted_by)
    ids = select(Authorisation.id).where(*theirs, Authorisation.ended_at.is_(None))
    # In order of id, as whoever changes several does.
    for authorisation_id in db.scalars(ids.order_by(Authorisation.id)).all():
        flagged = update(Authorisation).where(Authorisation.id == authorisation_id, Authorisation.ended_at.is_(None))
        db.execute(flagged.values(reconfirm_since=now(), reconfirm_reason=reason))


def _leaves_an_admin(membership: Membership, role: str | None) -> ColumnElement[bool]:
    """Whether the school has an Admin when this membership has the role, or (None) is no more."""
    if role == ADMIN:
        return true()
    others = (
        select(Membership.id)
        .join(Account, Account.id == Membership.account_id)
        .where(Membership.school_id == membership.school_id, Membership.id != membership.id)
        .where(Membership.role == ADMIN, Membership.ended_at.is_(None), Account.ended_at.is_(None))
    )
    return or_(Membership.role != ADMIN, others.correlate(None).exists())
