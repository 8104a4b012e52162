"""Who may do what: every route of the team, for every kind of person."""

import re
from collections.abc import Callable

import pytest
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import ADMIN, DPO, IT, PARTNER_USER, READ_ONLY, Account, Membership
from app.models.partner import Partner
from app.models.school import VERIFIED, School
from tests import factories
from tests.onboarding.matrix import CALL, CASE, GETS, PARTNERS, POSTS, SLOTS, at, nowhere, served
from tests.onboarding.people import Opens, Registered, actions, confirmed, operator, registered
from tests.pages import Browser


def answer(browser: Browser, route: str, here: Registered, sent: dict[str, str] | None = None) -> int:
    """The status that this browser gets, redirects not followed."""
    if sent is None:
        return browser.client.get(at(route, here)).status_code
    return browser.client.post(at(route, here), data=sent).status_code


def partner_user() -> Account:
    with sessions.begin() as db:
        partner = Partner(name="Reading Room Ltd")
        db.add(partner)
        db.flush()
        made = factories.account(db)
        db.add(Membership(account_id=made.id, partner_id=partner.id, role=PARTNER_USER))
        return made


def school_person(here: Registered, role: str) -> Account:
    with sessions.begin() as db:
        return factories.admin(db, db.get_one(School, here.school.id), role)


def former_operator() -> Account:
    with sessions.begin() as db:
        made = factories.operator(db, "admin")
        for held in Membership.of(db, made.id):
            held.ended_at = held.created_at
        return made


def test_the_matrix_names_every_route_of_the_team(server: ASGIApp) -> None:
    assert served(server) == {("GET", route) for route in GETS} | {("POST", route) for route in POSTS}


@pytest.mark.parametrize("role", ["caller", "approver", "admin"])
def test_each_operator_may_do_what_the_role_says_and_nothing_else(as_: Opens, role: str) -> None:
    browser = as_(operator(role))
    for urn, (route, (allowed, sent)) in enumerate(POSTS.items(), 100001):
        here = registered(urn)

        status = answer(browser, route, here, sent)

        assert status in ((200, 303, 409, 422) if role in allowed else (403,)), f"{role} {route}: {status}"
    for route, allowed in GETS.items():
        status = answer(browser, route, here)
        assert status == (200 if role in allowed else 403), f"{role} {route}: {status}"


OUTSIDERS: dict[str, Callable[[Registered], Account]] = {
    "the registrant": lambda here: here.admin,
    "an admin of another school": lambda _: registered(100002).admin,
    "a DPO": lambda here: school_person(here, DPO),
    "an IT person": lambda here: school_person(here, IT),
    "a reader": lambda here: school_person(here, READ_ONLY),
    "a partner's user": lambda _: partner_user(),
    "a former operator": lambda _: former_operator(),
}


@pytest.mark.parametrize("who", OUTSIDERS)
def test_nobody_else_sees_or_does_anything_here(as_: Opens, who: str) -> None:
    here = registered()
    browser = as_(OUTSIDERS[who](here))
    before = (here.now().state, here.status)

    for route in GETS:
        assert answer(browser, route, here) == 403, f"{who} {route}"
    for route, (_, sent) in POSTS.items():
        assert answer(browser, route, here, sent) == 403, f"{who} {route}"

    assert (here.now().state, here.status) == before and actions() == []
    assert answer(as_(operator("caller")), CASE, here) == 200


def test_a_visitor_is_led_to_sign_in_and_posts_nothing(browser: Browser, as_: Opens) -> None:
    here = registered()

    for route in GETS:
        reply = browser.client.get(at(route, here))
        assert reply.status_code == 303 and reply.headers["location"].startswith("/sign-in?next=%2Fonboarding")
    for route, (_, sent) in POSTS.items():
        assert answer(browser, route, here, sent) == 401

    assert actions() == []
    assert answer(as_(operator("caller")), "/onboarding", here) == 200


@pytest.mark.parametrize("role", ["caller", "approver", "admin"])
def test_a_case_or_school_that_is_not_there_is_not_found(as_: Opens, role: str) -> None:
    here, browser = registered(), as_(operator(role))
    swapped = {"case_id": here.school.id, "school_id": here.case.id}
    for ids in ({}, swapped):
        for route, allowed in GETS.items():
            if "{" in route:
                found = browser.client.get(nowhere(route, **ids)).status_code
                assert found == (404 if role in allowed else 403), route
        for route, (allowed, sent) in POSTS.items():
            if "{" in route:
                found = browser.client.post(nowhere(route, **ids), data=sent).status_code
                assert found == (404 if role in allowed else 403), route
    assert browser.client.get("/onboarding/cases/not-an-id").status_code == 404
    assert browser.client.post("/onboarding/cases/1/approve").status_code == 404
    assert answer(browser, CASE, here) == 200


def test_an_operator_who_belongs_to_the_school_does_nothing_with_its_case(as_: Opens, chief: Account) -> None:
    here = confirmed(registered(), operator("caller"))
    with sessions.begin() as db:
        db.add(Membership(account_id=chief.id, school_id=here.school.id, role=ADMIN))
    browser = as_(chief)

    for route, (_, sent) in POSTS.items():
        if not route.startswith((PARTNERS, SLOTS)):
            assert answer(browser, route, here, sent) == 403, route

    assert actions() == []
    as_(operator("approver")).posts(f"{here.page}/approve")
    assert here.status == VERIFIED


def test_a_post_from_another_site_does_nothing(as_: Opens, caller: Account, approver: Account) -> None:
    here = confirmed(registered(), caller)
    browser = as_(approver)

    reply = browser.client.post(f"{here.page}/approve", headers={"sec-fetch-site": "cross-site"})

    assert reply.status_code == 403 and here.status != VERIFIED
    browser.posts(f"{here.page}/approve")
    assert here.status == VERIFIED


def test_what_a_form_may_not_set_is_ignored(as_: Opens, caller: Account) -> None:
    here, browser = registered(), as_(caller)
    more = {"state": "Approved", "status": "Verified", "confirmed_by": str(caller.id), "urn": "1"}

    assert answer(browser, f"{CASE}/call", here, CALL | more) == 303

    assert (here.state, here.status, here.now().confirmed_by) == ("Called", "Unverified", None)


def test_a_look_changes_nothing(as_: Opens, chief: Account) -> None:
    here, browser = registered(), as_(chief)
    for route in GETS:
        assert answer(browser, route, here) == 200
        assert browser.client.head(at(route, here)).status_code in (200, 405)
    for route in POSTS.keys() - GETS.keys():
        assert browser.client.get(at(route, here)).status_code == 405
    assert actions() == [] and here.state == "New"


def test_no_page_of_the_team_speaks_of_pupils_or_acts_as_somebody_else() -> None:
    assert not [route for route in (*GETS, *POSTS) if re.search(r"pupil|roster|impersonat|sign-in", route)]
