"""`/partner/v1/accounts`: fetched page by page, acknowledged, and told of users that an app has."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.db import sessions
from app.models.authorisation import Authorisation
from app.settings import settings
from app.sync import passwords
from tests.pages import Browser
from tests.partners.caller import Caller, caller, refusal
from tests.sync.here import Here, finishes, here


@pytest.fixture
def mine(server: ASGIApp) -> Iterator[Caller]:
    with TestClient(server, base_url=settings.issuer, raise_server_exceptions=False) as client:
        yield caller(client)


@pytest.fixture
def there(browser: Browser, mine: Caller) -> Here:
    """A school that has authorised the caller's app, and synced."""
    made = here(12, to=mine.app)
    made.signs_in(browser)
    finishes(browser, made)
    return made


def grant(of: Here) -> str:
    with sessions.read() as db:
        given = Authorisation.active(db, of.sender.school.id, of.app.id)
        assert given
        return str(given.id)


def every(mine: Caller, grant_id: str, limit: int = 200) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        page = mine.gets(f"/accounts?grant_id={grant_id}&limit={limit}{after}")
        found += page["items"]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


def test_an_app_fetches_accounts_and_their_first_passwords_until_it_has_them(mine: Caller, there: Here) -> None:
    listed = every(mine, grant(there), limit=5)
    users = there.users()
    assert {one["username"] for one in listed} == users.keys() and len(listed) == len(users)
    ann = next(one for one in listed if one["kind"] == "pupil")
    held = users[ann["username"]]
    assert passwords.matches(held.id, ann["first_password"], held.password_digest)
    assert (ann["classes"], ann["active"], ann["year"]) == (held.classes, True, held.year)

    taken = [{"id": ann["id"], "your_id": "u-1"}]
    done = mine("POST", "/accounts/acknowledgements", {"grant_id": grant(there), "accounts": taken})
    assert done.status_code == 204, done.text

    again = {one["id"]: one for one in every(mine, grant(there))}
    assert (again[ann["id"]]["first_password"], again[ann["id"]]["your_id"]) == (None, "u-1")
    assert sum(one["first_password"] is not None for one in again.values()) == 11


def test_an_acknowledgement_of_nobody_changes_nothing(mine: Caller, there: Here) -> None:
    [ann, *_] = every(mine, grant(there))
    both = [{"id": ann["id"]}, {"id": "0" * 32}]
    refused = mine("POST", "/accounts/acknowledgements", {"grant_id": grant(there), "accounts": both})
    assert refusal(refused) == (422, "unknown_account")
    assert all(one.password_for_app for one in there.users().values() if one.kind == "pupil")

    good = mine("POST", "/accounts/acknowledgements", {"grant_id": grant(there), "accounts": both[:1]})
    assert good.status_code == 204


def test_users_that_the_app_has_keep_their_names(mine: Caller, there: Here) -> None:
    told = {"your_id": "u-9", "username": "old.name", "given_name": "Ann", "family_name": "New", "classes": ["7A"]}
    done = mine("POST", "/accounts/existing", {"grant_id": grant(there), "users": [told]})
    assert done.status_code == 204, done.text
    assert there.users()["old.name"].outside_id == "u-9"

    wrong = mine("POST", "/accounts/existing", {"grant_id": grant(there), "users": [{"your_id": "u-9"}]})
    assert refusal(wrong) == (422, "invalid_body")


def test_another_apps_school_and_one_that_shares_nothing_now_are_told_apart(mine: Caller, there: Here) -> None:
    other = here(3, urn=100002)
    assert refusal(mine("GET", f"/accounts?grant_id={grant(other)}")) == (404, "404")
    with sessions.begin() as db:
        given = Authorisation.active(db, there.sender.school.id, there.app.id)
        assert given and given.pause(db, there.sender.admin.id, "", None)
    assert refusal(mine("GET", f"/accounts?grant_id={given.id}")) == (403, "school_unavailable")

    with sessions.begin() as db:
        given = Authorisation.active(db, there.sender.school.id, there.app.id)
        assert given and given.resume(db)
    assert every(mine, str(given.id))
