import uuid

import pytest

from app import audit
from app.db import sessions
from app.models.account import APPROVER, CALLER, OPERATOR_ADMIN, Account
from app.models.outbox import Message
from app.models.partner import App, Partner
from app.models.proposal import Proposal
from app.models.webhook import Notice
from app.partners import proposals
from tests import factories
from tests.pages import Browser
from tests.partners.people import FILLED, app_now, company, opens

HOME = "/onboarding/partners"


@pytest.fixture
def chief() -> Account:
    with sessions.begin() as db:
        return factories.operator(db, OPERATOR_ADMIN)


def test_an_admin_adds_a_partner_once_and_invites_its_people(browser: Browser, chief: Account) -> None:
    opens(browser, chief)
    browser.opens(HOME)
    assert "No partners yet" in browser.text
    browser.follows("Add a partner")
    browser.fills("Company’s name", "Reading Room Ltd")
    browser.fills("Website", "ftp://nowhere")
    browser.presses("Add", 422)
    assert browser.value("name") == "Reading Room Ltd"
    browser.fills("Website", "https://reading-room.example")
    browser.presses("Add")
    assert "Reading Room Ltd" in browser.title
    page = browser.path.partition("?")[0]
    browser.posts(f"{HOME}/new", 422, name="Reading Room Ltd")
    browser.posts(f"{page}/people/new", 422, name="Dev Lowe", email="nonsense")
    browser.posts(f"{page}/people/new", 200, name="Dev Lowe", email="dev@reading-room.example", role="admin")
    assert "The link is on its way" in browser.text
    with sessions.read() as db:
        assert db.query(Partner).count() == 1 and db.query(Message).count() == 1
        assert audit.verify(db) == []


@pytest.mark.parametrize("role", [CALLER, APPROVER])
def test_other_operators_and_partners_open_none_of_it(browser: Browser, chief: Account, role: str) -> None:
    here = company()
    with sessions.begin() as db:
        other = factories.operator(db, role)
        asked = proposals.ask_live(db, db.get_one(App, here.app.id), here.person.id)
    one = f"{HOME}/{here.partner.id}"
    shown = (HOME, f"{HOME}/new", one, f"{one}/apps/{here.app.id}", f"{HOME}/proposals/{asked.id}")
    posted = (f"{one}/suspend", f"{one}/apps/{here.app.id}/suspend", f"{one}/apps/{here.app.id}/oidc")
    for who in (other, here.person):
        opens(browser, who)
        for path in shown:
            browser.opens(path, 403)
        for path in (*posted, f"{HOME}/new", f"{HOME}/proposals/{asked.id}", f"{one}/people/new"):
            browser.posts(path, 403, reason="x", decision="approve", name="x", email="x@y.example")
    assert not app_now(here).is_live
    opens(browser, chief)
    for path in shown:
        browser.opens(path)


def test_an_app_goes_live_only_by_an_approval_that_gives_its_reason(
    browser: Browser, other_browser: Browser, chief: Account
) -> None:
    here = company()
    opens(browser, here.person)
    browser.opens(here.page)
    browser.presses("Ask to go Live")
    assert not app_now(here).is_live
    opens(other_browser, chief)
    other_browser.opens(HOME)
    other_browser.follows(f"Reading Room of {here.partner.name}: go Live")
    assert "Public task (UK GDPR Article 6(1)(e))" in other_browser.text and "ZA000001" in other_browser.text
    page = other_browser.path
    other_browser.presses("Decide", 422)
    other_browser.posts(page, 422, decision="approve", reason=" ")
    other_browser.ticks("Approve")
    other_browser.fills("Reason", "All is there")
    other_browser.presses("Decide")

    assert app_now(here).is_live and app_now(here).live_at
    other_browser.posts(page, 409, decision="refuse", reason="changed my mind")
    assert app_now(here).is_live
    with sessions.read() as db:
        assert [notice.type for notice in db.query(Notice)] == ["app.live"]
        assert db.query(Message).count() == 1


def test_what_a_live_app_would_ask_for_is_shown_as_a_difference(
    browser: Browser, other_browser: Browser, chief: Account
) -> None:
    here = company(is_live=True)
    opens(browser, here.person)
    more = {
        "ask-openid": "optional",
        "purpose-openid": "To sign in",
        "legal_basis-openid": "6(1)(b)",
    }
    browser.posts(f"{here.page}/scopes", 200, **FILLED | {"purpose-school": "Another purpose"}, **more)
    with sessions.read() as db:
        asked = Proposal.waiting(db)[0]
    opens(other_browser, chief)
    other_browser.opens(f"{HOME}/proposals/{asked.id}")
    assert "Changed" in other_browser.text and "New" in other_browser.text
    assert [mark.text_content() for mark in other_browser.document.iter("del")] == [
        "To show your school in Reading Room"
    ]
    other_browser.posts(f"{HOME}/proposals/{asked.id}", 200, decision="refuse", reason="Too much")
    assert app_now(here).asks == ("school",)
    browser.opens(here.page)
    assert "Too much" in browser.text
    browser.posts(f"{here.page}/scopes", 200, **FILLED, **more)
    with sessions.read() as db:
        again = Proposal.waiting(db)[0]
    other_browser.posts(f"{HOME}/proposals/{again.id}", 200, decision="approve", reason="Good")
    assert app_now(here).asks == ("school", "openid")


def test_an_app_that_lacks_something_cannot_ask_to_go_live(browser: Browser) -> None:
    here = company(retention=None)
    opens(browser, here.person)
    browser.opens(here.page)
    assert "Say how long the app keeps data" in browser.text
    browser.posts(f"{here.page}/live", 409)
    with sessions.begin() as db:
        db.get_one(App, here.app.id).retention = "30 days"
    browser.posts(f"{here.page}/live", 200)


def test_a_partner_and_an_app_are_suspended_and_resumed_with_a_reason(browser: Browser, chief: Account) -> None:
    here = company(is_live=True)
    opens(browser, chief)
    one = f"{HOME}/{here.partner.id}"
    for page in (one, f"{one}/apps/{here.app.id}"):
        browser.posts(f"{page}/suspend", 422, reason="")
        assert not app_now(here).is_suspended
        browser.posts(f"{page}/suspend", 200, reason="A breach")
        assert app_now(here).is_suspended
        browser.posts(f"{page}/suspend", 409, reason="A breach")
        browser.posts(f"{page}/resume", 200, reason="Mended")
        assert not app_now(here).is_suspended
    with sessions.read() as db:
        assert db.query(Message).count() == 4
        assert audit.verify(db) == []


def test_profile_oidc_is_granted_by_an_operator_and_foreign_ids_are_absent(browser: Browser, chief: Account) -> None:
    here, other = company(), company("Other")
    opens(browser, chief)
    browser.posts(f"{HOME}/{other.partner.id}/apps/{here.app.id}/oidc", 404, oidc="yes")
    browser.opens(f"{HOME}/{uuid.uuid4()}", 404)
    browser.opens(f"{HOME}/proposals/{uuid.uuid4()}", 404)
    browser.posts(f"{HOME}/proposals/{uuid.uuid4()}", 404, decision="approve", reason="x")
    browser.posts(f"{HOME}/{here.partner.id}/apps/{here.app.id}/oidc", 200, oidc="yes")
    assert app_now(here).profile == "oidc"
    browser.presses("Take profile oidc back")
    assert app_now(here).profile == "standard"
