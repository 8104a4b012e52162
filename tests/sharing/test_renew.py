"""Twelve more months for the same scopes: by an Admin, once for each press."""

import datetime as dt

from app.db import sessions
from app.models.account import DPO
from app.models.authorisation import Authorisation
from app.models.base import ago, ahead, now
from app.sharing.ending import renew
from tests.factories import signs_in
from tests.oauth.dance import at_once
from tests.pages import Browser
from tests.sharing.control import notices
from tests.sharing.people import actions, authorised, colleague, lives, mails, person, state, token, world

DAY = 86_400


def ends(given: Authorisation) -> dt.datetime:
    with sessions.read() as db:
        return db.get_one(Authorisation, given.id).expires_at


def moved(given: Authorisation, seconds: float) -> None:
    with sessions.begin() as db:
        db.get_one(Authorisation, given.id).expires_at = ahead(seconds)


def test_an_admin_renews_what_ends_soon_and_its_tokens_live_on(page: Browser) -> None:
    here = world()
    running = authorised(here, ("school", "email"))
    held = token(running, here)
    moved(running, 5 * DAY)
    signs_in(page, here.admin)

    page.opens("/school")
    assert "Ends soon" in page.text
    page.opens(f"/school/apps/{running.id}")
    page.presses("Renew for 12 months")

    assert "Renewed: Reading Room may go on" in page.text and "Ends soon" not in page.text
    assert ends(running) > ahead(360 * DAY) and lives(held)
    assert "with a new end date" in page.text
    assert notices() == ["authorisation.renewed"] and mails() == 1


def test_two_renewals_at_once_are_one() -> None:
    here = world()
    running = authorised(here)
    before = ends(running)

    def act(_: int) -> None:
        with sessions.begin() as db:
            who = person(db, here.admin)
            renew(db, person=who, school=here.school, authorisation_id=running.id, before=before)

    at_once(8, act)

    assert actions(here) == ["authorisation.granted"] and notices() == ["authorisation.renewed"]


def test_pressing_again_on_an_old_page_renews_nothing(page: Browser) -> None:
    here = world()
    running = authorised(here)
    signs_in(page, here.admin)
    old = ends(running).isoformat()

    page.posts(f"/school/apps/{running.id}/renew", ends=old)
    page.posts(f"/school/apps/{running.id}/renew", ends=old)
    for nonsense in ("", "nonsense", "0001-01-01", "9999-12-31T23:59:59-12:00"):
        page.posts(f"/school/apps/{running.id}/renew", ends=nonsense)
    assert notices() == ["authorisation.renewed"]

    page.posts(f"/school/apps/{running.id}/renew", ends=ends(running).isoformat())
    assert notices() == ["authorisation.renewed"] * 2


def test_what_has_ended_is_not_renewed_and_only_an_admin_renews(page: Browser) -> None:
    here = world()
    running = authorised(here)
    signs_in(page, colleague(here.school, DPO))
    page.posts(f"/school/apps/{running.id}/renew", 403, ends=ends(running).isoformat())
    signs_in(page, here.admin)
    with sessions.begin() as db:
        db.get_one(Authorisation, running.id).expires_at = ago(1)
    page.posts(f"/school/apps/{running.id}/renew", ends=ends(running).isoformat())
    assert state(running) == "Expired" and ends(running) < now()

    moved(running, 60)
    page.posts(f"/school/apps/{running.id}/renew", ends=ends(running).isoformat())
    assert state(running) == "Active" and ends(running) > ahead(300 * DAY)


def test_a_suspended_app_is_not_renewed(page: Browser) -> None:
    here = world()
    running = authorised(here)
    signs_in(page, here.admin)
    with sessions.begin() as db:
        db.merge(here.app).suspended_at = now()
    page.posts(f"/school/apps/{running.id}/renew", 409, ends=ends(running).isoformat())
    assert notices() == []

    with sessions.begin() as db:
        db.merge(here.app).suspended_at = None
    page.posts(f"/school/apps/{running.id}/renew", ends=ends(running).isoformat())
    assert notices() == ["authorisation.renewed"]
