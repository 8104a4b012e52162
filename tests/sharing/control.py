"""What the tests of a school's control share: real tokens at the real data API, and what was mailed."""

import json
import re

from app.db import sessions
from app.models.authorisation import Authorisation
from app.models.outbox import Message
from app.models.webhook import Notice
from app.secrets import unseal
from tests.oauth.dance import Dance

ORGS = "/ims/oneroster/rostering/v1p2/orgs"


def given(dance: Dance) -> Authorisation:
    """The one authorisation that the school has given the app, as it is now."""
    with sessions.read() as db:
        return db.query(Authorisation).filter(Authorisation.app_id == dance.app.id).one()


def data(dance: Dance, token: str) -> str:
    """`200`, or the status and code of a refusal."""
    answered = dance.programs.get(ORGS, headers={"authorization": f"Bearer {token}"})
    if answered.status_code == 200:
        return "200"
    error = re.search(r'error="(\w+)"', answered.headers["www-authenticate"])
    return f"{answered.status_code} {error[1] if error else ''}"


def subjects() -> list[str]:
    """The subjects of all mail, oldest first."""
    with sessions.read() as db:
        rows = db.query(Message).order_by(Message.created_at, Message.id).all()
        return [json.loads(unseal(row.sealed, "outbox"))["subject"] for row in rows if row.sealed]


def texts() -> str:
    with sessions.read() as db:
        return "\n".join(unseal(row.sealed, "outbox") for row in db.query(Message).all() if row.sealed)


def notices() -> list[str]:
    with sessions.read() as db:
        return [row.type for row in db.query(Notice).order_by(Notice.id).all()]
