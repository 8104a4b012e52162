"""product.md 7: what the link of an invitation leads to. It identifies the invitation and authorises nobody."""

from urllib.parse import parse_qs, urlsplit

import pytest

from app.db import sessions
from app.models.account import IT
from app.models.authorisation import Authorisation
from app.models.base import ago, now
from app.models.invitation import Invitation
from app.models.partner import App
from app.models.school import SUSPENDED, VERIFIED, School
from app.settings import settings
from app.sharing import invitations
from tests import factories
from tests.pages import Browser
from tests.sharing.invited import Invited, mails, state

INITIATE = "https://partner.example/initiate?from=gatehouse"


def authorised(here: Invited) -> list[Authorisation]:
    with sessions.read() as db:
        return db.query(Authorisation).where(Authorisation.app_id == here.app.id).all()


def test_the_link_shows_who_asks_and_is_noted_as_opened_once(browser: Browser) -> None:
    here = Invited()
    assert browser.client.head(here.path).status_code in (200, 405)
    assert state(here) == "sent"

    browser.opens(here.path)
    browser.opens(here.path)

    for words in ("Reading Room asks to read data of Made-up Primary", here.partner_name, "ZA000001", "Answer by"):
        assert words in browser.text
    assert "Your school’s details Required" in browser.text
    assert here.told() == ["sent", "opened"]
    assert authorised(here) == []


def test_a_school_that_is_new_registers_itself_first(browser: Browser) -> None:
    here = Invited()
    browser.opens(here.path)
    browser.presses("Register this school")
    assert browser.path == "/register/details"
    assert "Made-up Primary School 100001" in browser.text


def test_signing_in_leads_back_and_the_admin_authorises(browser: Browser) -> None:
    here = Invited(registered=True, initiate_login_uri=INITIATE)
    browser.opens(here.path)
    browser.document = browser.document.get_element_by_id("main-content")
    browser.follows("Sign in")
    assert "gh_iv" not in browser.path
    browser.fills("Username or email address", here.admin.email)
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Sign in")
    browser.fills("Code from your authenticator app", factories.code())
    browser.presses("Continue")

    assert browser.title == "Share data with Reading Room?"
    assert not browser.document.xpath("//input[@checked]")
    assert "https://partner.example" in browser.headers["content-security-policy"]
    browser.presses("Authorise")

    assert browser.left_to.startswith(INITIATE + "&")
    told = parse_qs(urlsplit(browser.left_to).query)
    assert (told["iss"], told["school"]) == ([settings.issuer], ["100001"])
    assert told["login_hint"] and here.admin.email not in browser.left_to
    [given] = authorised(here)
    assert given.scopes == ["school"]
    with sessions.read() as db:
        row = here.row(db)
    assert (row.state, row.school_id, row.authorisation_id, row.decided_by) == (
        "authorised",
        here.school.id,
        given.id,
        here.admin.id,
    )
    assert here.told() == ["sent", "opened", "authorised"]
    browser.opens(f"/invitation/{here.id}")
    assert browser.title == "Reading Room is authorised"


def test_without_such_an_address_a_page_says_what_happens_next(browser: Browser) -> None:
    here = Invited(registered=True)
    with sessions.begin() as db:
        db.get_one(App, here.app.id).partner.website = "https://partner.example"
    decides(browser, here)
    browser.ticks("Sign in with Gatehouse")
    browser.presses("Authorise")

    assert browser.title == "Reading Room is authorised"
    assert "https://partner.example" in browser.text
    assert authorised(here)[0].scopes == ["school", "openid"]


def test_declining_is_told_and_final(browser: Browser) -> None:
    here = Invited(registered=True)
    decides(browser, here)
    browser.presses("Decline")
    assert browser.title == "The invitation was declined"
    assert here.told()[-1] == "declined"
    browser.posts(f"/invitation/{here.id}", decision="authorise")
    assert browser.title == "The invitation was declined"
    assert authorised(here) == []


def test_somebody_without_authority_passes_it_on_and_the_chain_is_kept(browser: Browser) -> None:
    here = Invited()
    browser.opens(here.path)
    browser.follows("I am not the person with authority")
    browser.fills("Their name", "Beth Head")
    browser.presses("Send Invitation Email", 422)
    assert browser.document.get_element_by_id("name").get("value") == "Beth Head"
    browser.fills("Their email address", "head@madeup-primary.sch.example")
    browser.presses("Send Invitation Email")
    assert browser.title == "This invitation has been passed on"
    assert here.mail().to == "head@madeup-primary.sch.example"
    assert here.mail().text.startswith("Hello Beth Head,")

    with sessions.read() as db:
        first, second = Invitation.chain(db, here.row(db))
    assert (second.parent_id, second.root_id, second.state) == (first.id, first.id, "sent")
    assert here.told() == ["sent", "opened", "forwarded", "sent"]
    browser.opens(here.path)
    assert browser.title.startswith("Reading Room asks")


def test_a_chain_has_five_at_most_and_goes_to_nobody_twice(browser: Browser) -> None:
    here = Invited()
    for number in range(3):
        passes_on(browser, here, f"p{number}@madeup-primary.sch.example")
    passes_on(browser, here, "P1@madeup-primary.sch.example", 422)
    assert "has had the invitation already" in browser.text
    passes_on(browser, here, "p3@madeup-primary.sch.example")
    passes_on(browser, here, "p9@madeup-primary.sch.example", 409)
    assert len(mails()) == 5


def test_who_is_no_admin_of_this_school_cannot_decide(browser: Browser) -> None:
    here = Invited(registered=True)
    with sessions.begin() as db:
        technician = factories.admin(db, here.school, IT)
        elsewhere = factories.admin(db, factories.school(db, 100002, VERIFIED))
    for who, title in (
        (technician, "Ask your Estab Admin"),
        (elsewhere, "This invitation is for another school"),
    ):
        browser.client.cookies.clear()
        factories.signs_in(browser, who)
        browser.opens(here.path, 403)
        assert browser.title == title
        browser.posts(f"/invitation/{here.id}", 403, decision="authorise")
        browser.posts(f"/invitation/{here.id}", 403, decision="decline")
    assert state(here) == "opened"
    browser.client.cookies.clear()
    decides(browser, here)
    browser.presses("Authorise")
    assert state(here) == "authorised"


def test_a_browser_that_has_not_followed_the_link_knows_nothing(browser: Browser, other_browser: Browser) -> None:
    here = Invited(registered=True)
    factories.signs_in(browser, here.admin)
    browser.opens(f"/invitation/{here.id}", 404)
    browser.posts(f"/invitation/{here.id}", 404, decision="authorise")
    browser.opens(f"/invitation/{here.id}/forward", 404)
    for wrong in ("/invitation", "/invitation?link=gh_iv_x", here.path + "x", here.path[:-1]):
        browser.opens(wrong, 404)
        assert browser.title == "We do not know this invitation"
    other_browser.opens(here.path)


def test_a_link_that_we_do_not_know_says_what_to_do_next(browser: Browser, other_browser: Browser) -> None:
    here = Invited(registered=True)
    browser.opens("/invitation", 404)
    assert "Sign in, and see what your school shares" in browser.text
    browser.follows("Register your school")
    factories.signs_in(browser, here.admin)
    browser.opens("/invitation", 404)
    assert "Register your school" not in browser.text
    browser.follows("See what Made-up Primary School 100001 shares")
    assert browser.title == "Data sharing"
    other_browser.opens(here.path)
    assert "What you can do next" not in other_browser.text


def test_nobody_signed_in_decides_nothing(browser: Browser) -> None:
    here = Invited(registered=True)
    browser.opens(here.path)
    browser.posts(f"/invitation/{here.id}", decision="authorise")
    assert browser.title.startswith("Reading Room asks")
    assert state(here) == "opened"


@pytest.mark.parametrize("kind", ["expired", "cancelled", "suspended", "frozen", "paused", "school suspended"])
def test_what_is_in_the_way_has_its_own_page_and_nothing_is_lost(browser: Browser, kind: str) -> None:
    here = Invited(registered=True)
    factories.signs_in(browser, here.admin)
    path = here.path
    with sessions.begin() as db:
        invitation, school = here.row(db), db.get_one(School, here.school.id)
        if kind == "expired":
            invitation.expires_at = ago(1)
        if kind == "cancelled":
            invitations.cancel(db, invitation, None)
        if kind == "suspended":
            invitation.app.suspended_at = now()
        if kind == "frozen":
            school.frozen_at = now()
        if kind == "paused":
            factories.authorisation(db, here.admin, school, here.app).paused_at = now()
        if kind == "school suspended":
            school.status = SUSPENDED
    titles = {
        "expired": "This invitation has run out",
        "cancelled": "This invitation has been withdrawn",
        "suspended": "Reading Room cannot be authorised now",
        "frozen": "Made-up Primary School 100001 has stopped all sharing",
        "paused": "Made-up Primary School 100001 has paused Reading Room",
        "school suspended": "Your school cannot share data with Reading Room now",
    }
    status = 410 if kind in ("expired", "cancelled") else 409

    browser.opens(path, status)
    assert browser.title == titles[kind]
    before = len(authorised(here))
    browser.posts(f"/invitation/{here.id}", status, decision="authorise")
    browser.opens(f"/invitation/{here.id}/forward", 410 if status == 410 else 409 if kind == "suspended" else 200)
    assert len(authorised(here)) == before

    if status == 409:
        with sessions.begin() as db:
            here.row(db).app.suspended_at = None
            school = db.get_one(School, here.school.id)
            school.frozen_at, school.status = None, VERIFIED
            for given in db.query(Authorisation).all():
                given.paused_at = None
        browser.opens(path)
        browser.presses("Authorise")
        assert state(here) == "authorised"


def test_what_changed_since_the_page_was_opened_is_read_again(browser: Browser) -> None:
    here = Invited(registered=True)
    decides(browser, here)
    with sessions.begin() as db:
        db.get_one(App, here.app.id).scopes[0].purpose = "Something else"
    browser.presses("Authorise", 409)
    assert "Something else" in browser.text
    browser.presses("Authorise")
    assert state(here) == "authorised"


def test_an_authorisation_that_exists_is_said_and_keeps_what_it_has(browser: Browser) -> None:
    here = Invited(registered=True, scopes=("school", "openid", "email"), send=False)
    here.id = here.send(scopes=["school", "openid"]).id
    with sessions.begin() as db:
        before = factories.authorisation(db, here.admin, here.school, here.app, ("school", "email"))
    decides(browser, here)
    assert "Your school shares data with Reading Room already" in browser.text
    browser.presses("Authorise")
    [given] = authorised(here)
    assert (given.id, given.scopes) == (before.id, ["school", "email"])


def decides(browser: Browser, here: Invited) -> None:
    factories.signs_in(browser, here.admin)
    browser.opens(here.path)


def passes_on(browser: Browser, here: Invited, to: str, status: int = 200) -> None:
    browser.opens(here.path)
    browser.follows("I am not the person with authority")
    browser.fills("Their name", "Beth Head")
    browser.fills("Their email address", to)
    browser.presses("Send Invitation Email", status)
