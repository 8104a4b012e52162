"""From the school's decision to the data and back to the school, by the real pages and endpoints."""

from starlette.types import ASGIApp

from app import ledger
from tests.oauth.dance import Dance
from tests.pages import Browser
from tests.roster.api import BASE, refusal


def test_authorised_read_seen_revoked_and_over(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser)
    tokens = dance.tokens()
    sent = {"authorization": f"Bearer {tokens['access_token']}"}

    org = dance.programs.get(f"{BASE}/orgs", headers=sent).json()["orgs"][0]
    assert org["identifier"] == str(dance.school.urn) == str(tokens["school"]["urn"])
    ledger.drain()
    browser.opens("/school")
    assert "Not yet" not in browser.text
    browser.follows("Reading Room")
    browser.follows("Revoke")
    browser.presses("Revoke")

    assert refusal(dance.programs.get(f"{BASE}/orgs", headers=sent)) == (401, "unauthorisedrequest")
    assert dance.refreshes(tokens["refresh_token"]).status_code == 400
    again = {"authorization": f"Bearer {dance.tokens()['access_token']}"}
    assert dance.programs.get(f"{BASE}/orgs", headers=again).json()["orgs"] == [org]
