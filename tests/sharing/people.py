"""People and schools that the tests of data sharing share."""

import dataclasses
import uuid
from typing import Any

from app import audit
from app.db import Session, sessions
from app.models import account, event
from app.models.account import ADMIN, Account, Membership
from app.models.authorisation import Authorisation
from app.models.base import ahead, now
from app.models.outbox import Message
from app.models.partner import App
from app.models.school import VERIFIED, School
from app.models.token import ACCESS, AuthorizationCode, Token
from app.sharing.service import grant
from app.signin.session import Person
from tests import factories

ALL = ("school", "openid", "profile", "email")
PAGES = ("/school", "/school/apps", "/school/apps/{given}")


@dataclasses.dataclass
class World:
    """A Verified school, its admin, and an app that asks for every scope."""

    school: School
    admin: Account
    app: App

    def person(self, db: Session, who: Account | None = None) -> Person:
        return person(db, who or self.admin)


def world(urn: int = 100001, status: str = VERIFIED, **app: Any) -> World:
    with sessions.begin() as db:
        school = factories.school(db, urn, status)
        return World(school, factories.admin(db, school), factories.app(db, scopes=ALL, **app)[0])


def person(db: Session, who: Account) -> Person:
    held = account.Session(digest=b"", account_id=who.id, step="done", expires_at=ahead(60))
    return Person(who, held, Membership.of(db, who.id))


def colleague(of: School, role: str = ADMIN, **columns: Any) -> Account:
    with sessions.begin() as db:
        return factories.admin(db, of, role, **columns)


def authorised(here: World, scopes: tuple[str, ...] = ("school",)) -> Authorisation:
    with sessions.begin() as db:
        return factories.authorisation(db, here.admin, here.school, here.app, scopes)


def granted(here: World, *scopes: str) -> Authorisation:
    with sessions.begin() as db:
        return grant(db, person=here.person(db), school=here.school, app=here.app, scopes=list(scopes or ("school",)))


def active(here: World) -> list[Authorisation]:
    with sessions.read() as db:
        return [given for given in Authorisation.of_school(db, here.school.id) if given.is_active]


def actions(here: World) -> list[str]:
    with sessions.read() as db:
        assert audit.verify(db) == []
        return [row.action for row in event.of_school(db, here.school.id)]


def mails() -> int:
    with sessions.read() as db:
        return db.query(Message).count()


def token(given: Authorisation, here: World, scope: str = "school") -> bytes:
    digest = uuid.uuid4().bytes
    with sessions.begin() as db:
        db.add(
            Token(
                digest=digest,
                purpose=ACCESS,
                family=uuid.uuid4(),
                app_id=here.app.id,
                authorisation_id=given.id,
                scope=scope,
                expires_at=ahead(600),
            )
        )
    return digest


def code(given: Authorisation, here: World, scope: str) -> bytes:
    digest = uuid.uuid4().bytes
    with sessions.begin() as db:
        db.add(
            AuthorizationCode(
                digest=digest,
                app_id=here.app.id,
                account_id=here.admin.id,
                authorisation_id=given.id,
                redirect_uri="https://partner.example/callback",
                scope=scope,
                signed_in_at=now(),
                expires_at=ahead(60),
            )
        )
    return digest


def carries(kind: type[Token] | type[AuthorizationCode], digest: bytes) -> str:
    with sessions.read() as db:
        row: Any = db.get_one(kind, digest)
    return str(row.scope)


def lives(digest: bytes) -> bool:
    with sessions.read() as db:
        return db.get_one(Token, digest).ended_at is None


def state(given: Authorisation) -> str:
    with sessions.read() as db:
        return db.get_one(Authorisation, given.id).state
