"""Every route of the school against every role. A route that is not in the table below fails the test."""

import re
import uuid
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import (
    ADMIN,
    APPROVER,
    CALLER,
    DECIDING,
    DPO,
    EVERYBODY,
    IT,
    OPERATOR_ADMIN,
    PARTNER_USER,
    READ_ONLY,
    READING,
    SENDING,
    STOPPING,
    TECHNICAL,
    Account,
    Membership,
)
from app.models.account import Session as SignIn
from app.models.base import ahead, now
from app.models.school import VERIFIED
from tests import factories
from tests.pages import Browser
from tests.sharing.people import World, authorised, colleague, world

MATRIX: dict[tuple[str, str], tuple[str, ...]] = {
    ("GET", "/school"): EVERYBODY,
    ("GET", "/school/apps"): EVERYBODY,
    ("GET", "/school/apps/{authorisation_id}"): EVERYBODY,
    ("GET", "/school/apps/{authorisation_id}/revoke"): DECIDING,
    ("POST", "/school/apps/{authorisation_id}/revoke"): DECIDING,
    ("GET", "/school/apps/{authorisation_id}/pause"): STOPPING,
    ("POST", "/school/apps/{authorisation_id}/pause"): STOPPING,
    ("POST", "/school/apps/{authorisation_id}/resume"): DECIDING,
    ("POST", "/school/apps/{authorisation_id}/renew"): DECIDING,
    ("GET", "/school/apps/{authorisation_id}/change"): DECIDING,
    ("POST", "/school/apps/{authorisation_id}/change"): DECIDING,
    ("POST", "/school/apps/{authorisation_id}/stop"): DECIDING,
    ("GET", "/school/review"): DECIDING,
    ("POST", "/school/review"): DECIDING,
    ("GET", "/school/freeze"): STOPPING,
    ("POST", "/school/freeze"): STOPPING,
    ("POST", "/school/unfreeze"): DECIDING,
    ("GET", "/school/record-of-processing"): READING,
    ("GET", "/school/record-of-processing.csv"): READING,
    ("GET", "/school/ledger"): READING,
    ("GET", "/school/ledger.csv"): READING,
    ("GET", "/school/receipts"): READING,
    ("GET", "/school/receipts/{receipt_id}"): READING,
    ("GET", "/school/receipts/{receipt_id}.pdf"): READING,
    ("GET", "/school/receipts/{receipt_id}.json"): READING,
    ("GET", "/school/apps/{authorisation_id}/deletion"): STOPPING,
    ("POST", "/school/apps/{authorisation_id}/deletion"): STOPPING,
    ("GET", "/school/conversion"): DECIDING,
    ("POST", "/school/conversion"): DECIDING,
    ("GET", "/school/admins"): DECIDING,
    ("GET", "/school/admins/add"): DECIDING,
    ("POST", "/school/admins/add"): DECIDING,
    ("POST", "/school/admins/welcomes/{welcome_id}/resend"): DECIDING,
    ("POST", "/school/admins/welcomes/{welcome_id}/withdraw"): DECIDING,
    ("GET", "/school/admins/{account_id}"): DECIDING,
    ("POST", "/school/admins/{account_id}/role"): DECIDING,
    ("GET", "/school/admins/{account_id}/remove"): DECIDING,
    ("POST", "/school/admins/{account_id}/remove"): DECIDING,
    ("GET", "/school/people"): STOPPING,
    ("GET", "/school/people/{person_id}"): STOPPING,
    ("POST", "/school/people/{person_id}"): STOPPING,
    ("POST", "/school/people/exclusions/{exclusion_id}/end"): STOPPING,
    ("GET", "/school/endpoint"): EVERYBODY,
    ("GET", "/school/endpoint/install"): EVERYBODY,
    ("POST", "/school/endpoint/expected"): SENDING,
    ("POST", "/school/endpoint/off"): SENDING,
    ("POST", "/school/endpoint/on"): SENDING,
    ("GET", "/school/endpoint/agents/{endpoint_id}/remove"): SENDING,
    ("POST", "/school/endpoint/agents/{endpoint_id}/remove"): SENDING,
    ("GET", "/school/endpoint/upload"): SENDING,
    ("POST", "/school/endpoint/upload"): SENDING,
    ("POST", "/school/endpoint/uploads"): SENDING,
    ("PUT", "/school/endpoint/uploads/{batch_id}/{position}"): SENDING,
    ("POST", "/school/endpoint/uploads/{batch_id}/complete"): SENDING,
    ("GET", "/school/endpoint/batches/{batch_id}"): EVERYBODY,
    ("POST", "/school/endpoint/batches/{batch_id}/confirm"): DECIDING,
    ("POST", "/school/endpoint/batches/{batch_id}/cancel"): SENDING,
    ("POST", "/school/endpoint/batches/{batch_id}/mapping"): SENDING,
    ("GET", "/school/endpoint/booking"): TECHNICAL,
    ("POST", "/school/endpoint/booking"): TECHNICAL,
    ("POST", "/school/endpoint/booking/cancel"): TECHNICAL,
    ("GET", "/school/endpoint/booking.ics"): TECHNICAL,
    ("GET", "/school/endpoint/integris"): TECHNICAL,
    ("POST", "/school/endpoint/integris/steps/{step}"): TECHNICAL,
    ("POST", "/school/endpoint/integris/password"): TECHNICAL,
    ("POST", "/school/endpoint/integris/leaving"): TECHNICAL,
    ("POST", "/school/endpoint/integris/test"): TECHNICAL,
    ("GET", "/school/sync"): DECIDING,
    ("GET", "/school/sync/{app_id}"): DECIDING,
    ("GET", "/school/sync/{app_id}/existing"): DECIDING,
    ("POST", "/school/sync/{app_id}/existing"): DECIDING,
    ("POST", "/school/sync/{app_id}/existing/scim"): DECIDING,
    ("GET", "/school/sync/{app_id}/{step}"): DECIDING,
    ("POST", "/school/sync/{app_id}/{step}"): DECIDING,
    ("POST", "/school/sync/{app_id}/summary/duplicates"): DECIDING,
    ("POST", "/school/sync/{app_id}/summary/finish"): DECIDING,
    ("GET", "/school/sync/{app_id}/runs/{sync_id}"): DECIDING,
    ("POST", "/school/sync/{app_id}/runs/{sync_id}/again"): DECIDING,
    ("GET", "/school/sync/{app_id}/compare"): DECIDING,
    ("POST", "/school/sync/{app_id}/compare/mend"): DECIDING,
    ("GET", "/school/sync/{app_id}/users"): DECIDING,
    ("POST", "/school/sync/{app_id}/users/cards"): DECIDING,
    ("POST", "/school/sync/{app_id}/users/csv"): DECIDING,
    ("POST", "/school/sync/{app_id}/users/reset"): DECIDING,
    ("POST", "/school/sync/{app_id}/users/{user_id}/reset"): DECIDING,
    ("GET", "/school/sync/{app_id}/users/add"): DECIDING,
    ("POST", "/school/sync/{app_id}/users/add"): DECIDING,
    ("POST", "/school/sync/{app_id}/users/{user_id}/archive"): DECIDING,
}


def routes(server: Any) -> set[tuple[str, str]]:
    """Every (method, path) under /school that the application answers."""
    while not isinstance(server, FastAPI):
        server = server.app
    return {(method, path) for method, path in _of(server.routes) if re.match(r"/school\b", path)}


def _of(several: Any, before: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for route in several:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            found += _of(inner.routes, before)
        elif hasattr(route, "methods"):
            found += [(method, before + route.path) for method in route.methods if method != "HEAD"]
    return found


def proven(browser: Browser, who: Account) -> None:
    """Signed in, and the password typed once more a moment ago."""
    factories.signs_in(browser, who)
    with sessions.begin() as db:
        row = db.query(SignIn).filter(SignIn.account_id == who.id).one()
        row.signed_in_at, row.proved_at = ahead(-60), now()


def status(browser: Browser, method: str, path: str, ids: str = "") -> int:
    filled = "/".join((ids or str(uuid.uuid4())) if part.startswith("{") else part for part in path.split("/"))
    posted: dict[str, Any] = {"data": {}} if method == "POST" else {}
    if path.endswith(("/upload", "/existing")):
        posted = {"files": {"file": ("pupils.csv", b"")}}
    return int(browser.client.request(method, filled, follow_redirects=False, **posted).status_code)


def outsiders() -> list[Account]:
    with sessions.begin() as db:
        app, _ = factories.app(db)
        partner_user = factories.account(db)
        db.add(Membership(account_id=partner_user.id, partner_id=app.partner_id, role=PARTNER_USER))
        team = [factories.operator(db, role) for role in (CALLER, APPROVER, OPERATOR_ADMIN)]
        return [partner_user, *team]


def test_every_route_of_the_school_is_in_the_table(server: ASGIApp) -> None:
    assert routes(server) == set(MATRIX)


@pytest.mark.parametrize("role", EVERYBODY)
def test_a_role_opens_what_it_may_and_nothing_else(browser: Browser, role: str) -> None:
    here = world()
    proven(browser, colleague(here.school, role))

    answers = {route: status(browser, *route) for route in MATRIX}

    assert [route for route, roles in MATRIX.items() if (answers[route] == 403) != (role not in roles)] == []
    assert {answer for answer in answers.values() if answer >= 500} == set()
    assert answers["GET", "/school"] == 200


def test_outsiders_open_nothing(browser: Browser) -> None:
    here = world()
    for who in outsiders():
        factories.signs_in(browser, who)
        assert {status(browser, *route) for route in MATRIX} == {403}

    factories.signs_in(browser, here.admin)
    assert status(browser, "GET", "/school") == 200


def test_nobody_who_is_not_signed_in_opens_anything(browser: Browser) -> None:
    world()

    assert {status(browser, *route) for route in MATRIX} <= {303, 401}


def test_what_belongs_to_another_school_is_as_if_it_were_absent(browser: Browser) -> None:
    here = world()
    given = authorised(here)
    with sessions.begin() as db:
        stranger = factories.admin(db, factories.school(db, 100002, VERIFIED))
    proven(browser, stranger)

    for method, path in MATRIX:
        if "{" in path:
            for foreign in (given.id, here.admin.id, uuid.uuid4()):
                assert status(browser, method, path, str(foreign)) == 404, (method, path)

    assert_own(browser, here, str(given.id))


def assert_own(browser: Browser, here: World, given: str) -> None:
    proven(browser, here.admin)
    assert status(browser, "GET", "/school/apps/{authorisation_id}", given) == 200
    assert status(browser, "GET", "/school/admins/{account_id}", str(here.admin.id)) == 200


def test_the_menu_names_the_admins_to_admins_alone(browser: Browser) -> None:
    here = world()
    for role in (DPO, IT, READ_ONLY):
        factories.signs_in(browser, colleague(here.school, role))
        browser.opens("/school")
        assert "Admins" not in [link.text_content().strip() for link in browser.document.iter("a")]

    factories.signs_in(browser, colleague(here.school, ADMIN))
    browser.opens("/school")
    browser.follows("Admins")
