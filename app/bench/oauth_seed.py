"""Fills the empty database of the settings with schools, an app that they have all said yes to, tokens and codes.

Run as `python -m app.bench.oauth_seed SCHOOLS MINT FOLDER PUPILS`. Leaves `access.txt`, `refresh.txt` and `codes.txt`
in the folder, one a line, and prints what the app needs to know as JSON. With PUPILS, a few of the schools have so
many; the access tokens of these schools are in `people.txt`.
"""

import base64
import hashlib
import itertools
import json
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic import command
from alembic.config import Config

from app.bench.oauth_load import ROTATING
from app.db import Session, engine, is_sqlite, sessions
from app.models.account import Account
from app.models.authorisation import Authorisation
from app.models.base import ahead, new_id, now
from app.models.establishment import OPEN, Establishment
from app.models.partner import App, AppScope, AppSecret, Partner
from app.models.school import VERIFIED, School
from app.models.token import ACCESS, REFRESH, AuthorizationCode, Token
from app.secrets import digest, new_secret
from app.settings import ROOT

CALLBACK = "https://partner.example/callback"
VERIFIER = "a-code-verifier-of-forty-three-letters-or-more"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SCOPE = "school"
ROSTERS = 4  # schools whose people are read
A_DAY = 86_400
AT_ONCE = 5_000
FIRST_URN = 100_000


def seed(schools: int, mint: int, folder: Path, pupils: int) -> dict[str, str]:
    """The app's `client_id` and `secret`, and what follows a code when it is exchanged.

    Tokens and codes go round the schools: writes about one school queue.
    """
    command.upgrade(Config(str(ROOT / "alembic.ini")), "head")
    with sessions.begin() as db:
        app, secret = _app(db)
        account = Account(name="Sam Secretary", email="sam@bench.sch.example", password_hash="", username="bench")
        db.add(account)
        db.flush()
        joined = _schools(db, schools)
        yeses = [_authorisation(app, account, school) for school in joined]
        db.add_all(yeses)
    maker = _Maker(app, account, yeses)
    _fill(folder / "access.txt", ROTATING, "gh_at", lambda db, made: Token.add_all(db, maker.tokens(ACCESS, made)))
    _fill(folder / "refresh.txt", mint, "gh_rt", lambda db, made: Token.add_all(db, maker.tokens(REFRESH, made)))
    _fill(folder / "codes.txt", mint, "gh_ac", lambda db, made: db.add_all(maker.codes(made)))
    if pupils:
        maker = _Maker(app, account, yeses[:ROSTERS], f"{SCOPE} students")
        _fill_rosters(joined[:ROSTERS], pupils, maker, folder)
    if not is_sqlite:  # what autovacuum would have done before long
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    code_tail = f"&redirect_uri={quote(CALLBACK, safe='')}&code_verifier={VERIFIER}"
    return {"client_id": app.client_id, "secret": secret, "code_tail": code_tail}


def _fill_rosters(schools: list[School], pupils: int, maker: "_Maker", folder: Path) -> None:
    from app.bench.roster import taken  # noqa: PLC0415 - it needs the whole application
    from app.bench.roster_data import bundle  # noqa: PLC0415

    content = bundle(pupils)
    for school in schools:
        taken(school, content)
    _fill(folder / "people.txt", ROTATING, "gh_at", lambda db, made: Token.add_all(db, maker.tokens(ACCESS, made)))


def _app(db: Session) -> tuple[App, str]:
    partner = Partner(name="Bench Ltd")
    db.add(partner)
    db.flush()
    app = App(client_id="bench", partner_id=partner.id, name="Bench", redirect_uris=[CALLBACK], is_live=True)
    db.add(app)
    db.flush()
    secret = new_secret("gh_cs")
    db.add(AppSecret(app_id=app.id, digest=digest(secret)))
    for position, scope in enumerate((SCOPE, "students")):
        about = {"required": not position, "purpose": "To be measured"}
        db.add(AppScope(app_id=app.id, scope=scope, position=position, **about))
    return app, secret


def _schools(db: Session, schools: int) -> list[School]:
    urns = range(FIRST_URN, FIRST_URN + schools)
    db.add_all(
        Establishment(
            urn=urn,
            la_code="888",
            la_name="Lancashire",
            establishment_number=f"{urn % 10_000:04}",
            name=f"Bench Primary School {urn}",
            type_code="01",
            type_name="Community school",
            type_group_code="4",
            status_code=OPEN,
            digest=b"",
        )
        for urn in urns
    )
    made = [School(urn=urn, name=f"Bench Primary School {urn}", status=VERIFIED) for urn in urns]
    db.add_all(made)
    db.flush()
    return made


def _authorisation(app: App, account: Account, school: School) -> Authorisation:
    return Authorisation(
        id=new_id(),
        school_id=school.id,
        app_id=app.id,
        scopes=[SCOPE, "students"],
        granted_by=account.id,
        expires_at=ahead(365 * A_DAY),
    )


class _Maker:
    """Makes rows, each for the next school."""

    def __init__(self, app: App, account: Account, yeses: list[Authorisation], scope: str = SCOPE) -> None:
        self.app_id, self.account_id, self.scope = app.id, account.id, scope
        self.next_yes: Iterator[uuid.UUID] = itertools.cycle([yes.id for yes in yeses])

    def _row(self, secret: str) -> dict[str, Any]:
        return {
            "digest": digest(secret),
            "app_id": self.app_id,
            "account_id": self.account_id,
            "authorisation_id": next(self.next_yes),
            "scope": self.scope,
            "expires_at": ahead(A_DAY),
        }

    def tokens(self, purpose: str, secrets: Iterable[str]) -> list[dict[str, Any]]:
        shared = {"purpose": purpose, "issued_at": now()}
        return [self._row(secret) | shared | {"family": new_id()} for secret in secrets]

    def codes(self, secrets: Iterable[str]) -> list[AuthorizationCode]:
        more = {"redirect_uri": CALLBACK, "code_challenge": CHALLENGE, "signed_in_at": now()}
        return [AuthorizationCode(**self._row(secret) | more) for secret in secrets]


def _fill(file: Path, count: int, prefix: str, add: Callable[[Session, list[str]], None]) -> None:
    """Write so many new secrets into the file, and their rows into the database by the thousand."""
    secrets = [new_secret(prefix) for _ in range(count)]
    for start in range(0, count, AT_ONCE):
        with sessions.begin() as db:
            add(db, secrets[start : start + AT_ONCE])
    file.write_text("".join(f"{secret}\n" for secret in secrets))


if __name__ == "__main__":
    print(json.dumps(seed(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))))
