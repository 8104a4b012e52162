"""A school with data, an app that it has authorised, and its Admin at a browser."""

import dataclasses
from typing import Any

from app.db import sessions
from app.models.app_user import AppUser
from app.models.partner import App
from app.models.roster.batch import ACCEPTED
from app.sync import service
from app.sync.facts import Plan
from app.web.throttle import forget_all
from tests import factories
from tests.pages import Browser
from tests.roster.school_data import School as Export
from tests.roster.sending import Sender
from tests.sharing.test_roles import proven

SCOPES = ("school", "students", "students.upn", "students.contact", "staff", "staff.contact", "groups")


@dataclasses.dataclass
class Here:
    sender: Sender
    app: App
    export: Export

    @property
    def path(self) -> str:
        return f"/school/sync/{self.app.id}"

    def sends(self, export: Export) -> None:
        """New data of the school's MIS."""
        self.export = export
        batch = self.sender.sends(export.oneroster())
        if batch.state != ACCEPTED:
            batch = self.sender.confirms(batch)
        assert batch.state == ACCEPTED, batch.faults or batch.held_for

    def users(self) -> dict[str, AppUser]:
        """By username."""
        with sessions.read(school=self.sender.school.id) as db:
            return {one.username: one for one in AppUser.of_app(db, self.sender.school.id, self.app.id)}

    def plan(self) -> Plan:
        with sessions.read(school=self.sender.school.id) as db:
            return service.look(db, self.sender.school.id, self.app.id).plan

    def signs_in(self, browser: Browser) -> None:
        forget_all()
        proven(browser, self.sender.admin)


def here(
    pupils: int = 24, scopes: tuple[str, ...] = SCOPES, *, urn: int = 100001, to: App | None = None, **app: Any
) -> Here:
    """`to`: the app, where there is one already."""
    sender, export = Sender(urn), Export(pupils)
    with sessions.begin() as db:
        made = to or factories.app(db, scopes=scopes, **app)[0]
        factories.authorisation(db, sender.admin, sender.school, made, scopes)
    found = Here(sender, made, export)
    found.sends(export)
    return found


def finishes(browser: Browser, of: Here) -> None:
    """Press Finish on the summary as it is now."""
    browser.opens(f"{of.path}/summary")
    browser.presses("Finish")
