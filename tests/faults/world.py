"""A school that was really approved, two apps that it said yes to, and as many codes and tokens as a test wants.

`python -m tests.faults.world COUNT` migrates and fills the database of the settings, and prints what was made as JSON.
"""

import json
import sys
import uuid
from typing import Any, NamedTuple

from app.db import Session, sessions
from app.models.account import Account
from app.models.base import ahead, new_id, now
from app.models.school import VERIFIED, School
from app.models.token import ACCESS, REFRESH, AuthorizationCode, Token
from app.models.verification import APPROVED, Verification
from app.secrets import digest, new_secret
from tests import factories

CALLBACK = "https://partner.example/callback"
VERIFIER = "a-code-verifier-of-forty-three-letters-or-more"
CHALLENGE = "jMym9KtyIJeStJI1d4aoxAdTdXw1C0gAJzN9CSnvjFM"  # its S256


class Item(NamedTuple):
    """A code or token and the app that holds it; a public app has no secret."""

    client_id: str
    secret: str
    value: str
    family: str


def approve(db: Session, school: School) -> None:
    """Let two people of ours have approved the school, as the auditor wants of a Verified one."""
    case = Verification.of_school(db, school.id)
    assert case is not None
    caller, approver = factories.operator(db, "caller"), factories.operator(db, "approver")
    case.state, case.confirmed_by, case.decided_by = APPROVED, caller.id, approver.id


class World:
    """`school`, `admin`: whose data; codes and tokens are those of a confidential app and of a public one in turn."""

    def __init__(self, urn: int = 100001) -> None:
        with sessions.begin() as db:
            self.school: School = factories.school(db, urn, VERIFIED)
            self.admin: Account = factories.admin(db, self.school)
            approve(db, self.school)
            apps = [factories.app(db), factories.app(db, auth_method="none")]
            self._holders = [
                (
                    app,
                    secret if app.auth_method != "none" else "",
                    factories.authorisation(db, self.admin, self.school, app),
                )
                for app, secret in apps
            ]

    def codes(self, count: int) -> list[Item]:
        more = {"redirect_uri": CALLBACK, "code_challenge": CHALLENGE, "signed_in_at": now()}
        return self._items(count, "gh_ac", lambda row: AuthorizationCode(**row, **more))

    def refresh_tokens(self, count: int) -> list[Item]:
        return self._items(count, "gh_rt", lambda row: Token(purpose=REFRESH, **row))

    def access_tokens(self, count: int) -> list[Item]:
        return self._items(count, "gh_at", lambda row: Token(purpose=ACCESS, **row))

    def _items(self, count: int, prefix: str, made: Any) -> list[Item]:
        items = []
        with sessions.begin() as db:
            for number in range(count):
                app, secret, given = self._holders[number % 2]
                item = Item(app.client_id, secret, new_secret(prefix), str(new_id()))
                row = {
                    "digest": digest(item.value),
                    "family": uuid.UUID(item.family),
                    "app_id": app.id,
                    "account_id": self.admin.id,
                    "authorisation_id": given.id,
                    "scope": "school",
                    "expires_at": ahead(3600),
                }
                db.add(made(row))
                items.append(item)
        return items


if __name__ == "__main__":
    from alembic import command
    from alembic.config import Config

    from app.settings import ROOT

    command.upgrade(Config(str(ROOT / "alembic.ini")), "head")
    world, count = World(), int(sys.argv[1])
    print(
        json.dumps(
            {
                "codes": world.codes(count),
                "refresh_tokens": world.refresh_tokens(count),
                "access_tokens": world.access_tokens(count),
            }
        )
    )
