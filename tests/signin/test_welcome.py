import json
import re
import uuid
from typing import Any

from sqlalchemy import select, update
from starlette.types import ASGIApp

from app import audit
from app.db import sessions
from app.models.account import ADMIN, APPROVER, DPO, PARTNER_USER, READ_ONLY, Account, Membership
from app.models.base import ago
from app.models.contact import Welcome
from app.models.outbox import Message
from app.models.partner import Partner
from app.models.school import VERIFIED, School
from app.secrets import unseal
from app.signin import welcome
from app.web import cookies
from tests import factories
from tests.oauth.dance import at_once
from tests.pages import Browser
from tests.signin.people import NEW_PASSWORD, mails, types_password

EMAIL = "new.person@madeup-primary.sch.example"


def school() -> tuple[School, Account]:
    with sessions.begin() as db:
        made = factories.school(db, status=VERIFIED)
        return made, factories.admin(db, made)


def sent(email: str = EMAIL, role: str = DPO, **to: Any) -> str:
    """The path of the link that somebody is mailed."""
    with sessions.begin() as db:
        made = welcome.send(db, **{"name": "Nora New", "email": email, "role": role, "sent_by": None} | to)
    return newest_link(made.email)


def newest_link(to: str) -> str:
    with sessions.read() as db:
        rows = db.scalars(select(Message).order_by(Message.created_at.desc(), Message.id.desc()))
        contents = [json.loads(unseal(row.sealed or "", "outbox")) for row in rows]
    found = next(link for content in contents if content["to"] == to for link in content["links"] if "welcome" in link)
    return re.sub(r"^https?://[^/]+", "", str(found))


def roles(email: str = EMAIL) -> list[str]:
    with sessions.read() as db:
        found = select(Membership.role).join(Account, Account.id == Membership.account_id)
        return list(db.scalars(found.where(Account.email == email, Membership.ended_at.is_(None))))


def chooses(browser: Browser, password: str = NEW_PASSWORD, status: int = 200, again: str = "") -> None:
    browser.fills("New password", password)
    browser.fills("New password again", again or password)
    browser.presses("Continue", status)


def test_a_new_person_chooses_a_password_and_then_sets_up_a_second_step(browser: Browser) -> None:
    here, _ = school()
    link = sent(school=here)

    browser.opens(link)
    assert "Nora New" in browser.text and here.name in browser.title
    chooses(browser)

    assert browser.path == "/account/authenticator"
    assert roles() == [DPO]
    with sessions.read() as db:
        assert audit.verify(db) == []
    assert sum("has joined" in text for text in mails()) == 2


def test_looking_spends_nothing_and_the_link_works_once(browser: Browser, other_browser: Browser) -> None:
    here, _ = school()
    link = sent(school=here)
    for _ in range(3):
        assert browser.client.head(link).status_code == 200
        browser.opens(link)
    chooses(browser)

    other_browser.opens(link, 410)
    other_browser.posts(
        "/account/welcome", 410, link=link.partition("=")[2], new_password=NEW_PASSWORD, new_password_again=NEW_PASSWORD
    )

    assert roles() == [DPO]
    other_browser.opens(sent("another@madeup-primary.sch.example", school=here))


def test_a_password_that_will_not_do_is_asked_for_again_and_the_link_still_works(browser: Browser) -> None:
    here, _ = school()
    browser.opens(sent(school=here))

    chooses(browser, "short", 422)
    chooses(browser, EMAIL, 422)
    chooses(browser, NEW_PASSWORD, 422, again="something else altogether")

    assert roles() == []
    chooses(browser)
    assert roles() == [DPO]


def test_links_that_are_foreign_run_out_or_withdrawn_do_nothing(browser: Browser) -> None:
    here, _ = school()
    link = sent(school=here)
    for bad in ("", "x", link.partition("=")[2][:-1] + "x"):
        browser.opens(f"/account/welcome?link={bad}", 410)
    with sessions.begin() as db:
        db.execute(update(Welcome).values(expires_at=ago(1)))
    browser.opens(link, 410)
    other = sent("second@madeup-primary.sch.example", school=here)
    with sessions.begin() as db:
        assert db.scalars(select(Welcome).where(Welcome.email.startswith("second"))).one().withdraw(db)
    browser.opens(other, 410)

    browser.opens(sent("third@madeup-primary.sch.example", school=here))


def test_a_new_link_kills_the_one_before(browser: Browser) -> None:
    here, boss = school()
    first = sent(school=here)
    with sessions.begin() as db:
        welcome.send_again(db, db.scalars(select(Welcome)).one(), boss)
    second = newest_link(EMAIL)

    browser.opens(first, 410)
    browser.opens(second)
    chooses(browser)
    assert roles() == [DPO]


def test_somebody_with_an_account_gets_the_role_only_when_signed_in_with_it(
    browser: Browser, other_browser: Browser
) -> None:
    here, boss = school()
    with sessions.begin() as db:
        elsewhere = factories.school(db, 100002, VERIFIED)
        person = factories.admin(db, elsewhere, name="Nora New", email=EMAIL)
    link = sent(school=here, role=READ_ONLY)
    secret = link.partition("=")[2]

    browser.opens(link)
    assert "New password" not in browser.text
    browser.posts("/account/welcome", 401, link=secret, new_password=NEW_PASSWORD, new_password_again=NEW_PASSWORD)
    factories.signs_in(other_browser, boss)
    other_browser.posts("/account/welcome", 403, link=secret)
    assert roles() == [ADMIN]

    browser.opens(link)
    browser.follows("Sign in with that account")
    browser.fills("Username or email address", EMAIL)
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Sign in")
    browser.fills("Code from your authenticator app", factories.code())
    browser.presses("Continue")
    assert browser.path == "/account/welcome"
    before = browser.client.cookies.get(cookies.name())
    browser.presses("Join")
    assert browser.path == "/school" and here.name in browser.text
    assert sorted(roles()) == [ADMIN, READ_ONLY]
    assert browser.client.cookies.get(cookies.name()) != before
    with sessions.read() as db:
        assert db.get_one(Account, person.id).password_hash == factories.PASSWORD_HASH


def test_of_many_who_follow_one_link_at_once_one_joins(server: ASGIApp) -> None:
    here, _ = school()
    sent(school=here)
    with sessions.begin() as db:
        people = [factories.account(db) for _ in range(8)]
        row = db.scalars(select(Welcome)).one()

    def follow(number: int) -> bool:
        try:
            with sessions.begin() as db:
                welcome.accept(db, db.get_one(Welcome, row.id), db.get_one(Account, people[number].id))
        except welcome.DeadLink:
            return False
        return True

    assert sum(at_once(8, follow)) == 1
    with sessions.read() as db:
        assert len(list(db.scalars(select(Membership).where(Membership.role == DPO)))) == 1


def test_partners_and_the_team_welcome_people_too(browser: Browser, other_browser: Browser) -> None:
    with sessions.begin() as db:
        partner = Partner(name=f"Reading Room {uuid.uuid4().hex[:6]}")
        db.add(partner)
        db.flush()
    for one, to, role in ((browser, {"partner": partner}, PARTNER_USER), (other_browser, {}, APPROVER)):
        email = f"{role.replace(' ', '.')}@partner.example"
        one.opens(sent(email, role, **to))
        chooses(one)
        assert roles(email) == [role]
        types_password(one, email, NEW_PASSWORD)
        assert one.path == "/account/authenticator"
