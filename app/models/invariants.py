"""What must hold between the tables at every moment, asked of the rows themselves.

The auditor trusts no service: it calls none of the code that is meant to keep these true.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from app.db import Session
from app.models.account import Account
from app.models.account import Session as SignIn
from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.endpoint import DeviceRequest, Endpoint
from app.models.outbox import Message
from app.models.partner import AppScope
from app.models.school import CLOSED, REJECTED, VERIFIED, Registration, School
from app.models.scope import OPENID
from app.models.token import REFRESH, AuthorizationCode, Token
from app.models.verification import APPROVED, Verification

SHOWN = 5


def faults(db: Session) -> list[str]:
    """What does not hold, a sentence each and the first few ids that it is about; empty when all does."""
    broken = []
    for sentence, query in _broken().items():
        if found := db.scalars(query.limit(SHOWN)).all():
            broken.append(f"{sentence}: {', '.join(map(str, found))}")
    return broken + _scopes_beyond(db)


def _broken() -> dict[str, Select[Any]]:
    """Queries that find nothing while all is well, by the sentence that says what was found."""
    live = _live()
    granted = select(Token.family).join(Authorisation, Token.authorisation_id == Authorisation.id).where(live)
    unspent = select(Token.family).join(AuthorizationCode, AuthorizationCode.family == Token.family)
    alone = select(Token.family).where(live, Token.authorisation_id.is_(None), Token.endpoint_id.is_(None))
    leaves = select(Token.family).where(live, Token.purpose == REFRESH).group_by(Token.family)
    waiting = or_(Message.next_try_at.is_not(None), Message.failed_at.is_not(None), Message.sent_at.is_not(None))
    unproven = or_(Verification.id.is_(None), Verification.state != APPROVED)
    return {
        "A live token stands on an authorisation that has ended": granted.where(
            or_(Authorisation.ended_at.is_not(None), Authorisation.expires_at <= now())
        ),
        "A live token stands on a school that is Rejected or Closed": granted.join(
            School, Authorisation.school_id == School.id
        ).where(School.status.in_((REJECTED, CLOSED))),
        "A live token stands on an agent that was removed": select(Token.family)
        .join(Endpoint, Token.endpoint_id == Endpoint.id)
        .where(live, Endpoint.ended_at.is_not(None)),
        "A token is an agent's and an app's at once": select(Token.family).where(
            Token.endpoint_id.is_not(None), or_(Token.app_id.is_not(None), Token.authorisation_id.is_not(None))
        ),
        "Tokens of an agent came of a request that nobody collected": select(Token.family)
        .outerjoin(DeviceRequest, DeviceRequest.endpoint_id == Token.endpoint_id)
        .where(Token.endpoint_id.is_not(None), DeviceRequest.ended_at.is_(None)),
        "A live token that no school backs tells more than that somebody is back": alone.where(
            or_(Token.scope != OPENID, Token.purpose == REFRESH)
        ),
        "A token is not of the app that its authorisation is for": select(Token.family)
        .join(Authorisation, Token.authorisation_id == Authorisation.id)
        .where(Token.app_id.is_distinct_from(Authorisation.app_id)),
        "A token is of a person who is not there": select(Token.family)
        .outerjoin(Account, Token.account_id == Account.id)
        .where(Token.account_id.is_not(None), Account.id.is_(None)),
        "A token came of a code that nobody has used": unspent.where(AuthorizationCode.used_at.is_(None)),
        "One code has led to two live refresh tokens": leaves.having(func.count() > 1),
        "A Verified school was not approved": select(School.id)
        .outerjoin(Verification, Verification.school_id == School.id)
        .where(School.status == VERIFIED, unproven),
        "Whoever heard the code also approved": select(Verification.id).where(
            Verification.confirmed_by == Verification.decided_by, Verification.state == APPROVED
        ),
        "A completed registration has no school": select(Registration.id)
        .outerjoin(School, School.id == Registration.school_id)
        .where(Registration.completed_at.is_not(None), School.id.is_(None)),
        "A session outlived its account": select(SignIn.account_id)
        .join(Account, Account.id == SignIn.account_id)
        .where(Account.ended_at.is_not(None), SignIn.ended_at.is_(None), SignIn.expires_at > now()),
        "A message is neither waiting, nor sent, nor given up": select(Message.id).where(~waiting),
        "A message that waits has lost its content": select(Message.id).where(
            Message.next_try_at.is_not(None), Message.sealed.is_(None)
        ),
        "A message that was sent has kept its content": select(Message.id).where(
            Message.sent_at.is_not(None), Message.sealed.is_not(None)
        ),
    }


def _scopes_beyond(db: Session) -> list[str]:
    """Live tokens that carry more than their school granted or their app may ask for."""
    allowed: dict[object, set[str]] = {}
    for app_id, scope in db.execute(select(AppScope.app_id, AppScope.scope)):
        allowed.setdefault(app_id, set()).add(scope)
    carried = (
        select(Token.family, Token.app_id, Token.scope, Authorisation.scopes)
        .join(Authorisation, Token.authorisation_id == Authorisation.id)
        .where(_live())
        .execution_options(yield_per=1000)
    )
    return [
        f"A live token carries a scope that nobody granted: {family}"
        for family, app_id, scope, granted in db.execute(carried)
        if not set(scope.split()) <= set(granted) & allowed.get(app_id, set())
    ]


def _live() -> ColumnElement[bool]:
    return and_(Token.ended_at.is_(None), Token.used_at.is_(None), Token.expires_at > now())
