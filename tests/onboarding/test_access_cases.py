"""A lost second step and an Admin who has left: by a call, by two operators, and only when nobody objects."""

import pytest
from sqlalchemy import select, update
from starlette.types import ASGIApp
from structlog.testing import capture_logs

from app import audit, chores
from app.db import Session, sessions
from app.errors import Problem
from app.models.access_case import CONFIRMED, DONE, NEW, REFUSED, STOPPED, WINDOW, AccessCall, AccessCase
from app.models.account import ADMIN, APPROVER, DPO, PARTNER_USER, READ_ONLY, Account, Membership
from app.models.authorisation import Authorisation
from app.models.base import ago
from app.models.school import VERIFIED, School
from app.notify import messages
from app.onboarding import access_cases
from tests import factories
from tests.oauth.dance import at_once
from tests.onboarding.access import (
    BOSS,
    NEW_ADMIN,
    approves,
    case,
    code,
    in_window,
    links,
    loses_step,
    rings,
    says_left,
    state_of,
    steps,
    types_password,
    window_ends,
)
from tests.onboarding.people import NUMBER, Opens, mails, operator
from tests.pages import Browser


def test_a_lost_second_step_is_taken_off_after_a_call_two_operators_and_a_day(
    browser: Browser, as_: Opens, caller: Account, approver: Account, boss: Account
) -> None:
    loses_step(browser)
    assert browser.path == "/account/access"
    assert browser.value("readback") == code()

    rings(as_(caller), code().lower().replace("-", " "))
    assert case().state == CONFIRMED
    approves(as_(approver))

    assert case().state == WINDOW
    assert set(links("/stop")) == {BOSS, "dpo@madeup-primary.sch.example"}
    chores.run_each(access_cases.due, access_cases.complete_case)
    assert (case().state, steps(boss)) == (WINDOW, 1)
    window_ends()
    assert (case().state, steps(boss)) == (DONE, 0)
    types_password(browser)
    assert browser.path == "/account/authenticator"
    with sessions.read() as db:
        assert audit.verify(db) == []


def test_only_the_right_password_opens_a_case_and_a_page_is_its_askers_alone(
    browser: Browser, other_browser: Browser, boss: Account
) -> None:
    browser.posts("/account/lost-second-step")
    assert browser.path == "/sign-in"
    factories.signs_in(browser, boss)
    browser.posts("/account/lost-second-step")
    with sessions.read() as db:
        assert db.scalars(select(AccessCase)).first() is None

    loses_step(other_browser)
    browser.opens("/account/access", 404)
    browser.opens("/account/access?link=x", 404)
    browser.opens(links("/account/access?")[BOSS])
    assert browser.value("readback") == code()


def test_a_school_vouches_for_no_operator_and_every_school_of_a_person_is_told(
    browser: Browser, as_: Opens, caller: Account, approver: Account, boss: Account
) -> None:
    with sessions.begin() as db:
        there = factories.school(db, 100002, VERIFIED)
        factories.admin(db, there, email="other.admin@elsewhere.sch.example")
        db.add(Membership(account_id=boss.id, school_id=there.id, role=DPO))
    loses_step(browser)
    rings(as_(caller), code())
    approves(as_(approver))
    assert "other.admin@elsewhere.sch.example" in links("/stop")
    with sessions.begin() as db:
        db.add(Membership(account_id=boss.id, role=APPROVER))
    window_ends()
    assert (steps(boss), case().state) == (1, REFUSED)
    types_password(browser)
    browser.follows("I cannot get a code")
    assert "Ask for it" not in browser.text
    browser.posts("/account/lost-second-step")

    with sessions.begin() as db:
        assert len(list(db.scalars(select(AccessCase)))) == 1
        db.execute(update(Membership).where(Membership.school_id.is_(None)).values(ended_at=ago(1)))
    types_password(browser)
    browser.follows("I cannot get a code")
    browser.presses("Ask for it")


def test_the_admins_of_every_school_of_the_person_hear_how_it_ended(
    browser: Browser, as_: Opens, caller: Account, approver: Account, boss: Account
) -> None:
    with sessions.begin() as db:
        there, apart = factories.school(db, 100002, VERIFIED), factories.school(db, 100003, VERIFIED)
        other = factories.admin(db, there)
        reader, stranger = factories.admin(db, there, READ_ONLY), factories.admin(db, apart)
        db.add(Membership(account_id=boss.id, school_id=there.id, role=READ_ONLY))
        db.add(Membership(account_id=boss.id, school_id=apart.id, role=ADMIN, ended_at=ago(1)))
    loses_step(browser)
    rings(as_(caller), code())
    approves(as_(approver))
    window_ends()

    assert steps(boss) == 0
    assert [mail["subject"].partition(" at ")[0] for mail in mails(other)] == [
        "Please read: a second step",
        "A second step",
    ]
    assert mails(reader) == [] and mails(stranger) == []


def test_an_account_may_ask_three_times_a_day(browser: Browser, boss: Account) -> None:
    for _ in range(3):
        loses_step(browser)
    types_password(browser)
    browser.posts("/account/lost-second-step", 429)


def test_the_askers_own_number_is_never_rung(browser: Browser, as_: Opens, caller: Account, boss: Account) -> None:
    loses_step(browser)
    team = as_(caller)
    rings(team, code(), "07400 123456", 422)
    assert case().state == NEW
    with sessions.begin() as db:
        db.execute(update(Account).where(Account.id == boss.id).values(mobile="+441632960001"))
    team.opens(f"/onboarding/access/{case().id}")
    assert "Number that you rang" not in team.text
    team.posts(
        f"/onboarding/access/{case().id}/call",
        422,
        number=NUMBER,
        outcome="confirmed",
        heard=code(),
        person="Ms Bright",
    )
    assert case().state == NEW

    with sessions.begin() as db:
        db.execute(update(Account).where(Account.id == boss.id).values(mobile=None))
        db.execute(update(AccessCase).values(mobile=None))
    rings(team, code())
    assert case().state == CONFIRMED


def test_five_wrong_codes_end_the_case(browser: Browser, as_: Opens, caller: Account, boss: Account) -> None:
    loses_step(browser)
    team = as_(caller)
    for _ in range(5):
        rings(team, "APPLE-0000", status=422)

    assert (case().state, case().wrong_codes) == (REFUSED, 5)
    with sessions.read() as db:
        assert len(AccessCall.of(db, case().id)) == 5
    browser.opens("/account/access")
    assert "Nothing was changed" in browser.text
    loses_step(browser)
    rings(team, code())
    assert case().state == CONFIRMED


def test_whoever_heard_the_code_does_not_approve_and_callers_never_do(
    browser: Browser, as_: Opens, approver: Account, caller: Account, boss: Account
) -> None:
    loses_step(browser)
    hearing = as_(approver)
    rings(hearing, code())

    hearing.posts(f"/onboarding/access/{case().id}/approve", 403)
    as_(caller).posts(f"/onboarding/access/{case().id}/approve", 403)
    assert case().state == CONFIRMED

    approves(as_(operator(APPROVER)))
    assert case().state == WINDOW


def test_nobody_works_on_a_case_about_themselves_or_their_school(
    browser: Browser, as_: Opens, caller: Account, boss: Account
) -> None:
    loses_step(browser)
    with sessions.begin() as db:
        colleague = factories.operator(db, APPROVER)
        db.add(Membership(account_id=colleague.id, school_id=case().school_id, role=ADMIN))
    call = {"number": NUMBER, "outcome": "confirmed", "heard": code(), "person": "Ms Bright"}
    as_(colleague).posts(f"/onboarding/access/{case().id}/call", 403, **call)
    assert case().state == NEW

    as_(caller).posts(f"/onboarding/access/{case().id}/call", 200, **call)
    assert case().state == CONFIRMED


def test_these_pages_are_for_the_team_alone(browser: Browser, as_: Opens, caller: Account, boss: Account) -> None:
    loses_step(browser)
    with sessions.begin() as db:
        partner_user = factories.account(db)
        db.add(Membership(account_id=partner_user.id, partner_id=factories.app(db)[0].partner_id, role=PARTNER_USER))
    page = f"/onboarding/access/{case().id}"
    for who in (boss, partner_user):
        outsider = as_(who)
        for path in ("/onboarding/access", page):
            outsider.opens(path, 403)
        for path in ("call", "approve", "refuse"):
            outsider.posts(f"{page}/{path}", 403)
    team = as_(caller)
    team.posts(f"{page}/refuse", 403, reason="No")
    team.opens(f"/onboarding/access/{boss.id}", 404)
    assert case().state == NEW

    team.opens("/onboarding/access")
    team.follows("Made-up Primary School 100001")
    assert team.path == page


def test_an_admin_who_has_left_is_replaced_and_what_they_authorised_goes_on(
    browser: Browser, as_: Opens, caller: Account, approver: Account, boss: Account
) -> None:
    with sessions.begin() as db:
        school = db.scalars(select(School)).one()
        given = factories.authorisation(db, boss, school, factories.app(db)[0])
    theirs = as_(boss)
    says_left(browser)
    assert browser.value("readback") == code()
    rings(as_(caller), code())
    approves(as_(approver))
    assert set(links("/stop")) == {BOSS, NEW_ADMIN, "dpo@madeup-primary.sch.example"}
    theirs.opens("/school")

    window_ends()

    assert case().state == DONE
    theirs.opens("/school")
    assert theirs.path.startswith("/sign-in")
    with sessions.read() as db:
        assert Account.of_school(db, school.id, ADMIN) == []
        now = db.get_one(Authorisation, given.id)
        assert now.is_active and now.reconfirm_reason == "admin left"
    browser.opens(links("/account/welcome")[NEW_ADMIN])
    browser.fills("New password", "violet tractor seventeen")
    browser.fills("New password again", "violet tractor seventeen")
    browser.presses("Continue")
    with sessions.read() as db:
        assert [one.email for one in Account.of_school(db, school.id, ADMIN)] == [NEW_ADMIN]


def test_the_form_about_an_admin_who_has_left_shows_again_what_was_typed(browser: Browser, boss: Account) -> None:
    browser.opens("/register/admin-left?urn=100001")
    browser.fills("Your name", "Nora New")
    browser.presses("Continue", 422)
    for words in ("Enter the name of the Admin who has left", "Enter your email address", "Enter your mobile number"):
        assert words in browser.text
    browser.opens("/register/admin-left?urn=100002", 404)

    says_left(browser, "Somebody Else")
    assert case().account_id is None


@pytest.mark.parametrize("path", ["/register/access", "/register/admin-left"])
def test_whoever_has_not_said_which_school_finds_it_first(browser: Browser, boss: Account, path: str) -> None:
    browser.opens(path)
    assert browser.title == "Find your school" and "say that the admin has left" in browser.text

    browser.fills("School URN", "100001")
    browser.presses("Search")
    browser.follows("The admin has left Made-up Primary School 100001")
    assert browser.title == "The admin has left"
    browser.opens("/register/school")
    assert "say that the admin has left" not in browser.text


def test_where_nobody_has_the_name_the_approver_says_who_has_left(
    browser: Browser, as_: Opens, caller: Account, approver: Account, boss: Account
) -> None:
    says_left(browser, "Mrs B")
    rings(as_(caller), code())
    team = as_(approver)
    approves(team, 422)
    team.ticks("Bea Boss")
    team.presses("Approve")

    assert (case().state, case().account_id) == (WINDOW, boss.id)


def test_anybody_concerned_stops_it_by_the_link_and_looking_does_not(
    browser: Browser, as_: Opens, caller: Account, approver: Account, boss: Account
) -> None:
    says_left(browser)
    rings(as_(caller), code())
    approves(as_(approver))
    link = links("/stop")[BOSS]
    browser.opens(link)
    assert browser.client.head(link).status_code == 200
    assert case().state == WINDOW
    browser.posts("/account/access/stop", 404, link="gh_as_wrong")

    browser.opens(link)
    browser.presses("Stop it")

    assert case().state == STOPPED
    window_ends()
    with sessions.read() as db:
        assert len(Account.of_school(db, case().school_id, ADMIN)) == 1
    browser.opens("/account/access")
    assert "has stopped this" in browser.text


def test_an_approver_refuses_with_a_reason_that_the_asker_reads(
    browser: Browser, as_: Opens, approver: Account, boss: Account
) -> None:
    loses_step(browser)
    team = as_(approver)
    team.opens(f"/onboarding/access/{case().id}")
    team.presses("Refuse", 422)
    team.fills("Why it is refused", "The school does not know you.")
    team.presses("Refuse")

    browser.opens("/account/access")
    assert "The school does not know you." in browser.text
    team.opens("/onboarding/access?ended=yes")
    assert boss.name in team.text
    team.opens("/onboarding/access")
    assert "Nobody waits" in team.text


def test_a_case_that_fails_keeps_no_other_waiting_and_is_tried_again(
    boss: Account, caller: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sessions.begin() as db:
        other = factories.admin(db, factories.school(db, 100002, VERIFIED), name="Olga Other")
    first = in_window("lost second step", boss, caller)
    second = in_window("lost second step", other, caller)
    tell = messages.access_case_ended

    def fails_for_the_first(db: Session, case: AccessCase, school: School) -> None:
        assert case.id != first.id, "told nobody"
        tell(db, case, school)

    with monkeypatch.context() as broken, capture_logs() as logs:
        broken.setattr(messages, "access_case_ended", fails_for_the_first)
        window_ends()
    assert (state_of(first), steps(boss)) == (WINDOW, 1)
    assert (state_of(second), steps(other)) == (DONE, 0)
    assert [log["subject"] for log in logs if log["event"] == "a chore failed"] == [str(first.id)]

    window_ends()
    assert (state_of(first), steps(boss)) == (DONE, 0)


def test_of_a_stop_and_the_end_of_the_window_at_once_one_wins(server: ASGIApp, boss: Account) -> None:
    made = in_window("lost second step", boss, boss)

    def act(number: int) -> bool:
        with sessions.begin() as db:
            found = db.get_one(AccessCase, made.id)
            if number % 2:
                return found.stop(db)
            db.execute(update(AccessCase).where(AccessCase.state == WINDOW).values(window_ends_at=ago(1)))
            return access_cases.complete_case(db, made.id)

    assert sum(at_once(8, act)) == 1
    assert steps(boss) == (1 if case().state == STOPPED else 0)
    assert case().state in (STOPPED, DONE)


def test_of_many_approvals_at_once_one_wins(server: ASGIApp, boss: Account, caller: Account) -> None:
    made = in_window("lost second step", boss, caller)
    with sessions.begin() as db:
        db.execute(update(AccessCase).values(state=CONFIRMED, window_ends_at=None))
    team = [operator(APPROVER) for _ in range(6)]

    def act(number: int) -> bool:
        try:
            with sessions.begin() as db:
                found, school = access_cases.find(db, made.id)
                access_cases.approve(db, found, school, team[number], None)
        except Problem:
            return False
        return True

    assert sum(at_once(6, act)) == 1
    assert len(links("/stop")) == 2
