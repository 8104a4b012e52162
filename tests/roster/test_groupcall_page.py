"""What the page for developers says of the Groupcall-style API is what the API does."""

from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from app.developers.groupcall import ADDRESSES, FIELDS, KINDS, LISTS
from app.models.scope import SCOPES
from app.roster.groupcall import errors, routes
from app.roster.groupcall.lists import LISTINGS
from tests.pages import Browser
from tests.roster.groupcall import joined
from tests.roster.test_oneroster_people import a_school, fill

ALWAYS = {"Id", "ExternalId", "IdaasId", "LastUpdated"}


def test_every_address_is_served_and_every_list_named() -> None:
    served = {
        f"{method} {route.path.rstrip('/')}".replace("{name}", "{list}").replace("{row}", "{id}")
        for route in routes.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }

    assert served - {"GET /api/v1/{path:path}"} == {call for call, _words in ADDRESSES}
    assert [one.name for one in LISTS] == [one.name for one in LISTINGS.values()]
    for one in LISTS:
        listing = LISTINGS[one.name.lower()]
        assert listing.options == one.options
        words = {f"any of {scopes[0]}" if len(scopes) > 1 else scopes[0] for scopes in listing.scopes}
        assert words == set(one.scopes.split(" and ")), one.name


def test_every_exception_type_is_explained() -> None:
    named = {text for name, text in vars(errors).items() if name.isupper() and " " not in str(text)}

    assert named <= set(KINDS)
    assert set(KINDS) - named == {"NotFound", "TooManyRequests", "Unavailable", "ServerError"}


def test_fields_are_those_of_an_answer_with_that_scope(client: TestClient) -> None:
    lists = {"organisation": ["SchoolInfo"], "students": ["Students"], "staff": ["Staff"], "groups": ["Groups"]}
    lists["contacts"] = ["Contacts", "StudentContacts"]
    assert list(FIELDS) == [name for name, scope in SCOPES.items() if not scope.identity]
    for number, (scope, names) in enumerate(FIELDS.items()):
        record = SCOPES[scope].record
        beside = ("students.fsm",) if scope == "contacts" else ()
        old = joined(client, 100001 + number, scopes=(scope, *beside))
        fill(old.reader, a_school)
        wanted = lists[record] if scope == "contacts" else lists[record][:1]
        told = {name for listing in wanted for name in old.rows(listing)[0]}
        assert told - ALWAYS - {"StudentId", "ContactId"} == set(names), scope


def test_the_page_shows_all_of_it(browser: Browser) -> None:
    browser.opens("/developers/groupcall")

    shown = browser.text
    for words in (*(call for call, _ in ADDRESSES), *KINDS, *(one.name for one in LISTS), *FIELDS):
        assert words in shown
    assert "nothing to do with the company" in shown
