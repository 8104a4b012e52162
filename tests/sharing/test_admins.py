"""`/school/admins`: who has access, one more, another role, an end to it; and never a school without an Admin."""

import pytest
from sqlalchemy import select, update
from starlette.types import ASGIApp

from app.db import sessions
from app.errors import NotAllowed, NotFound
from app.models.account import ADMIN, DPO, IT, READ_ONLY, Account, Membership
from app.models.account import Session as SignIn
from app.models.authorisation import Authorisation
from app.models.base import ago, now
from app.models.contact import Welcome
from app.models.school import School
from app.sharing import people
from app.signin.session import Person
from tests import factories
from tests.oauth.dance import at_once
from tests.pages import Browser
from tests.sharing.people import World, actions, active, authorised, colleague, mails, person, state, world

EMAIL = "nora.new@madeup-primary.sch.example"


def role(who: Account) -> str | None:
    with sessions.read() as db:
        found = select(Membership.role).where(Membership.account_id == who.id, Membership.ended_at.is_(None))
        return db.scalars(found).first()


def proves(browser: Browser) -> None:
    """Type the password once more, as weightier pages want."""
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Continue")


def comes(browser: Browser, who: Account) -> None:
    """Signed in for a minute, with the password typed again just now."""
    factories.signs_in(browser, who)
    with sessions.begin() as db:
        db.execute(update(SignIn).where(SignIn.account_id == who.id).values(signed_in_at=ago(60)))


def adds(browser: Browser, email: str = EMAIL, kind: str = DPO, status: int = 200) -> None:
    browser.opens("/school/admins/add")
    browser.fills("Name", "Nora New")
    browser.fills("Email address", email)
    browser.ticks(kind)
    browser.presses("Send the link", status)


def waiting(here: World) -> list[Welcome]:
    with sessions.read() as db:
        return Welcome.open_at(db, here.school.id)


def test_the_page_lists_everybody_and_asks_for_a_second_admin(page: Browser) -> None:
    here = world()
    colleague(here.school, DPO, name="Dana Protector")
    factories.signs_in(page, here.admin)

    page.opens("/school/admins")
    for words in (here.admin.email, "Dana Protector", "Set up", "one Admin only", "Nobody is asked"):
        assert words in page.text

    colleague(here.school, ADMIN)
    page.opens("/school/admins")
    assert "one Admin only" not in page.text


def test_changes_want_the_password_once_more(page: Browser) -> None:
    here = world()
    other = colleague(here.school, READ_ONLY)
    factories.signs_in(page, here.admin)
    with sessions.begin() as db:
        db.execute(update(SignIn).values(proved_at=SignIn.signed_in_at))
    for path in ("role", "remove"):
        page.posts(f"/school/admins/{other.id}/{path}", role=ADMIN)
        assert page.path.startswith("/account/confirm"), page.path
    assert role(other) == READ_ONLY

    page.opens("/school/admins/add")
    assert page.path == "/account/confirm?next=/school/admins/add"
    proves(page)
    assert page.title == "Add a person"


def test_a_person_is_added_asked_again_and_withdrawn(page: Browser) -> None:
    here = world()
    comes(page, here.admin)

    adds(page)
    assert [(one.email, one.role) for one in waiting(here)] == [(EMAIL, DPO)]
    assert mails() == 2  # theirs, and the Admin's
    before = waiting(here)[0].link_digest
    page.presses("Send again to Nora New")
    assert waiting(here)[0].link_digest != before
    page.presses("Withdraw the link of Nora New")

    assert waiting(here) == []
    adds(page)
    assert len(waiting(here)) == 1
    assert set(actions(here)) == {"person.welcomed", "person.withdrawn"}


def test_what_is_wrong_with_an_addition_stands_beside_what_was_typed(page: Browser) -> None:
    here = world()
    comes(page, here.admin)
    adds(page, "no address", status=422)
    assert "Enter an email address in the usual form" in page.text and page.value("name") == "Nora New"
    page.posts("/school/admins/add", 422, name="Nora", email=EMAIL, role="Owner")
    adds(page, here.admin.email, status=409)
    assert waiting(here) == []

    adds(page)
    adds(page, status=409)
    assert len(waiting(here)) == 1


def test_another_role_counts_at_once_and_everybody_is_told(page: Browser, other_browser: Browser) -> None:
    here = world()
    other = colleague(here.school, READ_ONLY, name="Ron Reader")
    factories.signs_in(other_browser, other)
    comes(page, here.admin)

    page.opens("/school/admins")
    page.follows("Ron Reader")
    page.ticks(IT)
    page.presses("Save Changes")

    assert role(other) == IT
    assert mails() == 2
    other_browser.opens("/school")
    assert other_browser.path.startswith("/sign-in")
    page.posts(f"/school/admins/{other.id}/role", 422, role="Owner")
    assert actions(here) == ["person.role_changed"]


def test_the_role_that_somebody_has_already_is_no_change_and_nobody_is_told(page: Browser) -> None:
    here = world()
    other = colleague(here.school, READ_ONLY, name="Ron Reader")
    comes(page, here.admin)
    for who, has in ((other, READ_ONLY), (here.admin, ADMIN)):
        page.opens(f"/school/admins/{who.id}")
        page.presses("Save Changes")
        assert "Nothing was changed: they have this role already" in page.text
        assert "have been told" not in page.text and role(who) == has
    assert mails() == 0 and actions(here) == []

    page.posts(f"/school/admins/{other.id}/role", role=IT)
    assert "The role was changed, and the person and every Admin have been told" in page.text
    assert role(other) == IT and mails() == 2 and actions(here) == ["person.role_changed"]


def test_removing_ends_sessions_and_links_and_what_was_authorised_goes_on(
    page: Browser, other_browser: Browser
) -> None:
    here = world()
    given = authorised(here)
    other = colleague(here.school)
    with sessions.begin() as db:
        people.invite(db, here.person(db), here.school, name="Nora New", email=EMAIL, role=ADMIN)
    factories.signs_in(other_browser, here.admin)
    comes(page, other)

    page.opens(f"/school/admins/{here.admin.id}/remove")
    page.presses("Remove")

    assert role(here.admin) is None
    assert waiting(here) == []
    other_browser.opens("/school")
    assert other_browser.path.startswith("/sign-in")
    assert [one.id for one in active(here)] == [given.id] and state(given) == "Active"
    with sessions.read() as db:
        flagged = db.get_one(Authorisation, given.id)
        assert (flagged.reconfirm_since is not None, flagged.reconfirm_reason) == (True, "admin left")
    page.opens(f"/school/admins/{here.admin.id}", 404)


def test_the_last_admin_neither_goes_nor_becomes_something_else(page: Browser) -> None:
    here = world()
    comes(page, here.admin)
    page.posts(f"/school/admins/{here.admin.id}/remove", 409)
    page.posts(f"/school/admins/{here.admin.id}/role", 409, role=DPO)
    assert role(here.admin) == ADMIN
    assert "without an Admin" in page.text

    colleague(here.school)
    page.posts(f"/school/admins/{here.admin.id}/role", role=DPO)
    assert page.path == "/school"
    assert role(here.admin) == DPO


def test_people_of_another_school_are_not_there(page: Browser) -> None:
    here, there = world(), world(100002)
    other = colleague(there.school, DPO)
    comes(page, here.admin)
    for path in ("role", "remove"):
        page.posts(f"/school/admins/{other.id}/{path}", 404, role=ADMIN)
    assert role(other) == DPO

    comes(page, there.admin)
    page.posts(f"/school/admins/{other.id}/role", role=ADMIN)
    assert role(other) == ADMIN


def removing(here: World, by: Account, who: Account) -> bool:
    try:
        with sessions.begin() as db:
            people.remove(db, person(db, by), here.school, who.id)
    except (NotAllowed, NotFound, people.LastAdmin):
        return False
    return True


@pytest.mark.parametrize("themselves", [False, True])
def test_of_two_admins_who_remove_each_other_or_themselves_at_once_one_stays(server: ASGIApp, themselves: bool) -> None:
    here = world()
    both = [here.admin, colleague(here.school)]

    def act(number: int) -> bool:
        who = both[number % 2]
        return removing(here, who, who if themselves else both[1 - number % 2])

    assert sum(at_once(6, act)) == 1
    with sessions.read() as db:
        assert len(Account.of_school(db, here.school.id, ADMIN)) == 1


def test_an_admin_who_was_removed_a_moment_ago_changes_nothing(page: Browser) -> None:
    here = world()
    other, reader = colleague(here.school), colleague(here.school, READ_ONLY)
    with sessions.read() as db:
        stale: Person = person(db, other)
    assert removing(here, here.admin, other)

    with sessions.begin() as db, pytest.raises(NotAllowed):
        people.change_role(db, stale, db.get_one(School, here.school.id), reader.id, ADMIN)
    assert role(reader) == READ_ONLY
    with sessions.begin() as db:
        people.change_role(db, here.person(db), here.school, reader.id, ADMIN)
    assert role(reader) == ADMIN


@pytest.mark.parametrize("path", ["/school", "/school/admins"])
def test_the_only_admin_is_asked_for_a_second_one_until_there_is_one(page: Browser, path: str) -> None:
    here = world()
    colleague(here.school, DPO)
    words = "Your school has one Admin only. Add a second one"
    factories.signs_in(page, here.admin)
    page.opens(path)
    assert words in page.text

    other = colleague(here.school, ADMIN)
    page.opens(path)
    assert words not in page.text
    with sessions.begin() as db:
        db.get_one(Account, other.id).ended_at = now()
    page.opens(path)
    assert words in page.text


def test_the_first_page_leads_the_only_admin_to_the_form_and_asks_nobody_else(page: Browser) -> None:
    here = world()
    factories.signs_in(page, colleague(here.school, DPO))
    page.opens("/school")
    assert "one Admin only" not in page.text
    comes(page, here.admin)
    page.opens("/school")
    page.follows("Add a second one")
    assert page.title == "Add a person"
