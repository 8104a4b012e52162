"""A school with a new URN takes over what the school before it had authorised."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import IT, Account
from app.models.authorisation import Authorisation
from app.models.base import ago, now
from app.models.establishment import CLOSED as REGISTER_CLOSED
from app.models.establishment import Establishment, EstablishmentLink
from app.models.school import CLOSED, UNVERIFIED, VERIFIED, School
from app.onboarding import decisions
from tests import factories
from tests.pages import Browser

OLD, NEW = 100001, 100002


@pytest.fixture
def old() -> Authorisation:
    """What the old school had authorised when the register closed it."""
    with sessions.begin() as db:
        school = factories.school(db, OLD, VERIFIED)
        app, _ = factories.app(db, scopes=("school", "openid"))
        given = factories.authorisation(db, factories.admin(db, school), school, app, ("school", "openid"))
        decisions.close(db, school, None, "It has closed.")
        db.get_one(Establishment, OLD).status_code = REGISTER_CLOSED
        db.add(EstablishmentLink(urn=OLD, link_urn=NEW, link_type="Successor", link_name="Academy"))
    return given


def academy(status: str = VERIFIED) -> tuple[School, Account]:
    with sessions.begin() as db:
        school = factories.school(db, NEW, status)
        return school, factories.admin(db, school)


def of(school: School) -> list[Authorisation]:
    with sessions.read() as db:
        return Authorisation.of_school(db, school.id)


def ticks(browser: Browser, old: Authorisation, status: int = 200) -> None:
    browser.posts("/school/conversion", status, **{f"app-{old.id}": "yes"})


def test_what_is_carried_over_waits_paused_until_it_is_confirmed(browser: Browser, old: Authorisation) -> None:
    school, admin = academy()
    factories.signs_in(browser, admin)

    browser.opens("/school")
    browser.follows("Choose what to carry over")
    assert "Made-up Primary School 100001 (URN 100001)" in browser.text
    browser.ticks("Reading Room by " + old.app.partner.name)
    browser.presses("Carry over, paused")

    (given,) = of(school)
    assert (given.state, given.scopes, given.carried_from) == ("Paused", ["school", "openid"], old.id)
    assert given.expires_at == old.expires_at and given.reconfirm_since and given.reconfirm_reason == "conversion"
    browser.opens("/school/conversion")
    assert "Nothing to carry over" in browser.text


def test_what_had_ended_before_the_school_closed_is_not_offered(browser: Browser, old: Authorisation) -> None:
    with sessions.begin() as db:
        db.get_one(Authorisation, old.id).ended_at = ago(86_400)
    school, admin = academy()
    factories.signs_in(browser, admin)

    ticks(browser, old, 422)
    assert of(school) == []

    with sessions.begin() as db:
        db.get_one(Authorisation, old.id).ended_at = now()
    ticks(browser, old)
    assert len(of(school)) == 1


@pytest.mark.parametrize("reason", ["unverified", "no link", "still open", "suspended app"])
def test_nobody_else_is_offered_anything(browser: Browser, old: Authorisation, reason: str) -> None:
    school, admin = academy(UNVERIFIED if reason == "unverified" else VERIFIED)
    with sessions.begin() as db:
        if reason == "no link":
            for link in db.query(EstablishmentLink):
                db.delete(link)
        elif reason == "still open":
            db.get_one(Establishment, OLD).status_code = "1"
        elif reason == "suspended app":
            db.merge(old.app).suspended_at = now()
    factories.signs_in(browser, admin)

    browser.opens("/school/conversion")
    assert "Nothing to carry over" in browser.text
    ticks(browser, old, 409 if reason == "unverified" else 422)
    assert of(school) == []


def test_only_an_admin_decides(browser: Browser, old: Authorisation) -> None:
    school, admin = academy()
    with sessions.begin() as db:
        it = factories.admin(db, school, IT)
    factories.signs_in(browser, it)
    ticks(browser, old, 403)
    factories.signs_in(browser, admin)
    ticks(browser, old)
    assert len(of(school)) == 1


def test_carried_over_by_two_at_once_it_is_there_once(server: ASGIApp, old: Authorisation) -> None:
    school, admin = academy()
    start = threading.Barrier(4)

    def once(browser: Browser) -> int:
        start.wait()
        return browser.client.post("/school/conversion", data={f"app-{old.id}": "yes"}).status_code

    # Closed after all are done: whoever closes the server takes the connections of the others with them.
    with ThreadPoolExecutor(4) as pool, ExitStack() as open_:
        browsers = [open_.enter_context(Browser(server)) for _ in range(4)]
        for browser in browsers:
            factories.signs_in(browser, admin)
        assert sorted(pool.map(once, browsers)) == [303, 422, 422, 422]
    assert [given.carried_from for given in of(school)] == [old.id]


def test_a_foreign_id_names_nothing(browser: Browser, old: Authorisation) -> None:
    school, admin = academy()
    factories.signs_in(browser, admin)
    browser.posts("/school/conversion", 422, **{f"app-{uuid.uuid4()}": "yes"})
    assert of(school) == [] and old.school_id != school.id
    with sessions.read() as db:
        assert db.get_one(School, old.school_id).status == CLOSED
    ticks(browser, old)
    assert len(of(school)) == 1
