"""Who may do what: every route of the team, for every kind of person."""

import re
from collections.abc import Callable

import pytest
from fastapi.routing import APIRoute

from app.db import sessions
from app.models.account import ADMIN, DPO, IT, PARTNER_USER, READ_ONLY, Account, Membership
from app.models.base import new_id
from app.models.partner import Partner
from app.models.school import VERIFIED, School
from app.onboarding import routes, school_routes, statistics_routes
from tests import factories
from tests.onboarding.people import Opens, Registered, actions, confirmed, operator, registered
from tests.pages import Browser

TEAM, DECIDERS, CHIEF = {"caller", "approver", "admin"}, {"approver", "admin"}, {"admin"}
CALL = {"number": "01632960001", "outcome": "no answer"}
REASON = {"reason": "Because", "close_reason": "Because", "sure": "yes"}

# Route → who may use it, and what a valid use of it sends.
GETS = [
    "/onboarding",
    "/onboarding/cases/{case_id}",
    "/onboarding/schools",
    "/onboarding/schools/{school_id}",
    "/onboarding/statistics",
]
POSTS: dict[str, tuple[set[str], dict[str, str]]] = {
    "/onboarding/cases/{case_id}/take": (TEAM, {}),
    "/onboarding/cases/{case_id}/release": (TEAM, {}),
    "/onboarding/cases/{case_id}/call": (TEAM, CALL),
    "/onboarding/cases/{case_id}/letter": (TEAM, {}),
    "/onboarding/cases/{case_id}/letter-code": (TEAM, {"letter_person": "Ada", "letter_heard": "KITE-1"}),
    "/onboarding/cases/{case_id}/new-code": (DECIDERS, {}),
    "/onboarding/cases/{case_id}/next-call": (TEAM, {"planned": ""}),
    "/onboarding/cases/{case_id}/note": (TEAM, {"note": "Hello"}),
    "/onboarding/cases/{case_id}/ask": (TEAM, {"question": "Which role have you?"}),
    "/onboarding/cases/{case_id}/answer": (TEAM, {"answer": "The bursar"}),
    "/onboarding/cases/{case_id}/approve": (DECIDERS, {}),
    "/onboarding/cases/{case_id}/reject": (DECIDERS, REASON),
    "/onboarding/schools/{school_id}/checked": (DECIDERS, {}),
    "/onboarding/schools/{school_id}/suspend": (CHIEF, REASON),
    "/onboarding/schools/{school_id}/resume": (CHIEF, REASON),
    "/onboarding/schools/{school_id}/close": (CHIEF, REASON),
}


def at(route: str, here: Registered) -> str:
    return route.format(case_id=here.case.id, school_id=here.school.id)


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


def test_this_table_names_every_route_of_the_team() -> None:
    known: set[tuple[str, str]] = {("GET", route) for route in GETS} | {("POST", route) for route in POSTS}
    served = {
        (method, route.path)
        for router in (routes.router, school_routes.router, statistics_routes.router)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }

    assert served == known


@pytest.mark.parametrize("role", ["caller", "approver", "admin"])
def test_each_operator_may_do_what_the_role_says_and_nothing_else(as_: Opens, role: str) -> None:
    browser = as_(operator(role))
    for urn, (route, (allowed, sent)) in enumerate(POSTS.items(), 100001):
        here = registered(urn)

        status = answer(browser, route, here, sent)

        assert (status != 403) == (role in allowed), f"{role} {route}: {status}"
    for route in GETS:
        assert answer(browser, route, here) == 200


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
    assert answer(as_(operator("caller")), GETS[1], here) == 200


def test_a_visitor_is_led_to_sign_in_and_posts_nothing(browser: Browser, as_: Opens) -> None:
    here = registered()

    for route in GETS:
        reply = browser.client.get(at(route, here))
        assert reply.status_code == 303 and reply.headers["location"].startswith("/sign-in?next=%2Fonboarding")
    for route, (_, sent) in POSTS.items():
        assert answer(browser, route, here, sent) == 401

    assert actions() == []
    assert answer(as_(operator("caller")), GETS[0], here) == 200


@pytest.mark.parametrize("role", ["caller", "approver", "admin"])
def test_a_case_or_school_that_is_not_there_is_not_found(as_: Opens, role: str) -> None:
    here, browser = registered(), as_(operator(role))
    absent = Registered(School(id=new_id()), here.admin, type(here.case)(id=new_id()))
    swapped = Registered(School(id=here.case.id), here.admin, type(here.case)(id=here.school.id))
    for stranger in (absent, swapped):
        for route in (GETS[1], GETS[3]):
            assert answer(browser, route, stranger) == 404
        for route, (allowed, sent) in POSTS.items():
            assert answer(browser, route, stranger, sent) == (404 if role in allowed else 403)
    assert browser.client.get("/onboarding/cases/not-an-id").status_code == 404
    assert browser.client.post("/onboarding/cases/1/approve").status_code == 404
    assert answer(browser, GETS[1], here) == 200


def test_an_operator_who_belongs_to_the_school_does_nothing_with_its_case(as_: Opens, chief: Account) -> None:
    here = confirmed(registered(), operator("caller"))
    with sessions.begin() as db:
        db.add(Membership(account_id=chief.id, school_id=here.school.id, role=ADMIN))
    browser = as_(chief)

    for route, (_, sent) in POSTS.items():
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

    assert answer(browser, "/onboarding/cases/{case_id}/call", here, CALL | more) == 303

    assert (here.state, here.status, here.now().confirmed_by) == ("Called", "Unverified", None)


def test_a_look_changes_nothing(as_: Opens, caller: Account) -> None:
    here, browser = registered(), as_(caller)
    for route in GETS:
        assert answer(browser, route, here) == 200
        assert browser.client.head(at(route, here)).status_code in (200, 405)
    for route in POSTS:
        assert browser.client.get(at(route, here)).status_code == 405
    assert actions() == [] and here.state == "New"


def test_no_page_of_the_team_speaks_of_pupils_or_acts_as_somebody_else() -> None:
    assert not [route for route in (*GETS, *POSTS) if re.search(r"pupil|roster|impersonat|sign-in", route)]
