"""A partner that has invited a school, and the people who follow the link."""

import datetime as dt
import json
import uuid
from typing import Any

from sqlalchemy import select

from app.db import Session, sessions
from app.models.invitation import Invitation
from app.models.outbox import Message
from app.models.partner import App
from app.models.school import VERIFIED, School
from app.models.webhook import Notice
from app.notify.content import Content
from app.secrets import unseal
from app.settings import settings
from app.sharing import invitations
from tests import factories

EMAIL = "ada@madeup-primary.sch.example"


class Invited:
    """`school` and `admin` exist when `registered`; `send=False` leaves the sending to the test."""

    def __init__(
        self,
        urn: int = 100001,
        *,
        send: bool = True,
        registered: bool = False,
        scopes: tuple[str, ...] = ("school", "openid"),
        contact_name: str = "Ada Bright",
        reference: str | None = None,
        **app: Any,
    ) -> None:
        self.urn, self.contact_name, self.scopes = urn, contact_name, scopes
        with sessions.begin() as db:
            self.app: App
            self.app, self.secret = factories.app(db, scopes=scopes, **app)
            self.partner_name, self.partner_id = self.app.partner.name, self.app.partner_id
            if registered:
                self.school: School = factories.school(db, urn, VERIFIED)
                self.admin = factories.admin(db, self.school)
            else:
                factories.establishment(db, urn)
        if send:
            self.id = self.send(reference=reference).id

    def send(self, **changed: Any) -> Invitation:
        usual: dict[str, Any] = {
            "urn_or_dfe": str(self.urn),
            "contact_name": self.contact_name,
            "contact_email": EMAIL,
            "scopes": list(self.scopes),
        }
        with sessions.begin() as db:
            app = db.get_one(App, self.app.id)
            return invitations.send(db, app=app, **usual | changed)

    def row(self, db: Session) -> Invitation:
        return db.get_one(Invitation, self.id)

    def age(self, **by: int) -> None:
        """Let so much time go by for the invitation."""
        with sessions.begin() as db:
            row, ago = self.row(db), dt.timedelta(**by)
            row.created_at, row.expires_at = row.created_at - ago, row.expires_at - ago
            row.reminded_at = row.reminded_at and row.reminded_at - ago
            row.decided_at = row.decided_at and row.decided_at - ago

    def mail(self) -> Content:
        return mails()[-1]

    def link(self) -> str:
        """That of the newest mail of an invitation."""
        return next(mail.links[0] for mail in reversed(mails()) if "/invitation?" in "".join(mail.links))

    @property
    def path(self) -> str:
        return self.link().removeprefix(settings.issuer)

    def told(self) -> list[str]:
        """The states that the partner was told of, in order."""
        with sessions.read() as db:
            found = db.scalars(select(Notice).where(Notice.type.startswith("invitation.")).order_by(Notice.created_at))
            return [notice.data["state"] for notice in found]


def mails() -> list[Content]:
    with sessions.read() as db:
        rows = db.scalars(select(Message).order_by(Message.created_at, Message.id))
        return [Content(**json.loads(unseal(row.sealed or "", "outbox"))) for row in rows]


def state(here: Invited, invitation_id: uuid.UUID | None = None) -> str:
    with sessions.read() as db:
        return db.get_one(Invitation, invitation_id or here.id).state
