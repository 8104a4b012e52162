"""Comparing with what is in an app, and sending what differs again."""

from tests.pages import Browser
from tests.sync.here import finishes
from tests.sync.test_pushing import Scim, at, delivers, scim

__all__ = ["scim"]


def test_what_somebody_changed_in_the_app_is_found_and_mended(browser: Browser, scim: Scim) -> None:
    there = at(scim.address, browser)
    finishes(browser, there)
    delivers()
    browser.opens(f"{there.path}/compare")
    assert "Nothing is missing" in browser.text
    [gone, renamed, *_] = [one for one in there.users().values() if one.kind == "pupil"]
    scim.call("DELETE", f"/Users/{gone.outside_id}")
    operation = {"op": "replace", "path": "active", "value": False}
    schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
    scim.call("PATCH", f"/Users/{renamed.outside_id}", {"schemas": [schema], "Operations": [operation]})
    user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "app.admin"}
    scim.call("POST", "/Users", user)

    browser.opens(f"{there.path}/compare")

    assert "Missing in the app: 1" in browser.text and gone.username in browser.text
    assert f"{renamed.username}: inactive in the app" in browser.text
    assert "Users whom only the app knows: 1" in browser.text and "app.admin" in browser.text
    browser.presses("Send these users and classes again")
    delivers()
    browser.opens(f"{there.path}/compare")
    assert "Nothing is missing" in browser.text
    assert scim.users()["app.admin"], "nobody else was touched"


def test_an_app_that_cannot_be_read_now_says_so(browser: Browser, scim: Scim) -> None:
    there = at(f"{scim.address}/nowhere", browser)
    browser.opens(f"{there.path}/compare", 502)
    assert "cannot be read now" in browser.text

    there = at(scim.address, browser, urn=100002)
    browser.opens(f"{there.path}/compare")
