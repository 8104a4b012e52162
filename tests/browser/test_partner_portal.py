"""A partner on its own pages, from a new Test app to a school that authorises it by an invitation."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.conftest import Site
from tests.browser.people import Person
from tests.notify.hook_server import Hook, listening

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.xdist_group("partner portal")]
People = Callable[..., Person]
APP, CONNECTED = "Quiet Corner", "Reading Room"
CONTACT = "head@foxden.sch.example"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with listening() as found:
        yield found


def test_a_partner_builds_an_app_and_asks_to_go_live(site: Site, people: People, hook: Hook) -> None:
    developer = people()
    account = signs_in(site, developer)
    creates_a_test_app(site, developer, account["password"])
    exchanges_its_secret(developer)
    hears_by_webhook(developer, hook)
    asks_to_go_live(site, developer)
    is_approved(site, people())
    developer.page.reload()
    developer.sees("Live since")
    assert site.audits() == "Everything that must hold does."


def test_a_partner_invites_a_school_which_authorises_and_is_read(site: Site, people: People) -> None:
    developer, admin = people(), people()
    account = signs_in(site, developer)
    invites(site, developer)
    a_school_authorises(site, admin)
    is_read(site, admin)
    sees_the_school(site, developer)
    sees_what_the_app_did(site, developer, account["password"])
    assert site.audits() == "Everything that must hold does."


def signs_in(site: Site, developer: Person) -> dict[str, Any]:
    account: dict[str, Any] = site.seed["partner_users"][0]
    developer.signs_in(site.issuer, account["email"], account["password"], account["totp_secret"])
    return account


def creates_a_test_app(site: Site, developer: Person, password: str) -> None:
    """With one scope, then a second; the password is asked for again before secrets are made."""
    developer.opens(f"{site.issuer}/partners")
    developer.sees("Apps of Reading Room Ltd", "Reading Room Next")
    developer.pictures("portal-apps")
    developer.presses("Create a Test app")
    developer.fills("Password", password)
    developer.presses("Continue")
    developer.fills("Name of the app", APP)
    developer.fills("How long it keeps data", "Until your school ends data sharing")
    developer.fills("Redirect addresses", "https://quiet-corner.example/callback")
    asks_for(developer, "school", "required", "Your school’s details", "To greet your school by its right name.")
    developer.pictures("portal-new-app")
    developer.presses("Create")
    developer.sees("Copy the secret now")
    assert developer.reads("client-secret").startswith("gh_cs_")
    developer.presses("Continue")
    developer.pictures("portal-app")
    developer.follows("Scopes")
    asks_for(developer, "openid", "optional", "Sign in with Gatehouse", "So that your staff need no other password.")
    developer.pictures("portal-scopes")
    developer.presses("Save Changes")


def asks_for(developer: Person, scope: str, need: str, title: str, purpose: str) -> None:
    developer.page.locator(f"input[name=ask-{scope}][value={need}]").check()
    developer.page.locator(f"[name=purpose-{scope}]").fill(purpose)
    developer.page.locator(f"[name=legal_basis-{scope}]").select_option(index=1)
    developer.sees(title)


def exchanges_its_secret(developer: Person) -> None:
    """Two are active until the first is ended."""
    developer.follows("Secrets and keys")
    developer.presses("Make a new secret")
    developer.sees("The secret before it still works")
    developer.presses("Continue")
    developer.pictures("portal-secrets")
    developer.page.get_by_role("button", name="End this secret").first.click()
    developer.sees("Older secret", "it cannot be brought back")
    developer.pictures("portal-end-secret")
    developer.presses("End this secret")
    assert developer.page.get_by_role("button", name="End this secret").count() == 1


def hears_by_webhook(developer: Person, hook: Hook) -> None:
    """A real server is told, with a signature that the independent library accepts."""
    developer.follows("Webhooks")
    developer.presses("Add a webhook")
    developer.fills("Address", hook.url)
    developer.pictures("portal-new-webhook")
    developer.presses("Add a webhook")
    secret = developer.reads("webhook-secret")
    developer.presses("Continue")
    developer.presses("Send a test")
    for _ in range(100):
        developer.page.reload()
        if developer.page.get_by_text("Delivered").count():
            break
        developer.page.wait_for_timeout(100)
    developer.looks()
    developer.sees("webhook.test", "Delivered", "204")
    developer.pictures("portal-webhook")
    assert hook.read(secret)["type"] == "webhook.test"


def asks_to_go_live(site: Site, developer: Person) -> None:
    developer.opens(f"{site.issuer}/partners")
    developer.follows(APP)
    developer.presses("Ask to go Live")
    developer.sees("to go Live. We write to you when we have decided")


def is_approved(site: Site, operator: Person) -> None:
    account = site.operator("admin")
    operator.signs_in(site.issuer, account["email"], account["password"], account["totp_secret"])
    operator.follows("Partners")
    operator.sees("Reading Room Ltd", APP)
    operator.pictures("operators-partners")
    operator.follows(f"{APP} of Reading Room Ltd: go Live")
    operator.page.get_by_label("Password", exact=True).fill(account["password"])
    operator.presses("Continue")
    operator.ticks("Approve")
    operator.fills("Reason", "The purposes are plain, and the agreement is there")
    operator.pictures("operators-proposal")
    operator.presses("Decide")
    operator.opens(f"{site.issuer}/onboarding/partners")
    operator.follows("Reading Room Ltd")
    operator.follows("Invite somebody")
    operator.fills("Their name", "Nora New")
    operator.fills("Their email address", "nora@reading-room.example")
    operator.presses("Send the link")
    operator.sees("The link is on its way", "Nora New", "Invited")
    operator.pictures("operators-partner")
    is_suspended_and_resumed(operator)


def is_suspended_and_resumed(operator: Person) -> None:
    operator.follows("Suspend")
    operator.fills("Reason", "A leaver’s laptop was stolen")
    operator.presses("Suspend")
    operator.sees("Suspended since", "A leaver’s laptop was stolen", "Nobody is invited while the partner is suspended")
    operator.pictures("operators-partner-suspended")
    operator.follows("Withdraw the link of Nora New")
    operator.pictures("operators-partner-withdraw")
    operator.presses("Withdraw")
    operator.sees("The link does not work any more")
    operator.follows("Resume")
    operator.fills("Reason", "Its keys were exchanged")
    operator.presses("Resume")
    operator.sees("Not suspended", "Resumed: Its keys were exchanged")


def invites(site: Site, developer: Person) -> None:
    school = [one for one in site.seed["schools"] if one["status"] == "Verified"][1]
    developer.opens(f"{site.issuer}/partners/invitations/new")
    developer.page.locator("main").get_by_role("link", name=CONNECTED, exact=True).click()
    developer.fills("DfE number or URN of the school", school["dfe_number"])
    developer.presses("Find the school")
    developer.sees(school["name"])
    developer.fills("Name of the contact", "Tom Whitfield")
    developer.fills("Email address of the contact", CONTACT)
    developer.pictures("portal-invite")
    developer.presses("Send Invitation Email")
    developer.sees(f"Invitation of {school['name']}")
    developer.pictures("portal-invitation")
    developer.opens(f"{site.issuer}/partners/invitations")
    developer.sees(school["name"])
    developer.pictures("portal-invitations")


def a_school_authorises(site: Site, admin: Person) -> None:
    """The link tells who asks; only the Admin who signs in decides."""
    school = [one for one in site.seed["schools"] if one["status"] == "Verified"][1]
    boss = school["admin"]
    admin.opens(site.link_for(CONTACT))
    admin.sees(CONNECTED, school["name"], "Nothing is shared before an Estab Admin of the school says yes")
    admin.pictures("invitation")
    admin.follows("I am not the person with authority")
    admin.pictures("invitation-pass-on")
    admin.page.go_back()
    admin.page.locator("main").get_by_role("button", name="Sign in").click()
    admin.signs_in(site.issuer, boss["username"], boss["password"], boss["totp_secret"])
    admin.sees("To set up your school in Reading Room")
    admin.pictures("invitation-decide")
    admin.presses("Authorise")
    admin.sees(f"{school['name']} shares data with {CONNECTED}")
    admin.pictures("invitation-authorised")


def is_read(site: Site, admin: Person) -> None:
    """The Admin goes on to the app, which asks for the same again and reads."""
    admin.opens(site.partner)
    admin.presses("Connect your school")
    if admin.page.url.startswith(site.issuer):
        admin.presses("Authorise")
    admin.sees("1 organisation and 1 school")


def sees_the_school(site: Site, developer: Person) -> None:
    developer.opens(f"{site.issuer}/partners/invitations")
    developer.sees("Authorised")
    developer.opens(f"{site.issuer}/partners/schools")
    developer.sees("The Foxden School", CONNECTED)
    developer.pictures("portal-schools")
    developer.follows("The Foxden School")
    developer.sees("Deauthorise")
    developer.pictures("portal-school")
    developer.presses("Deauthorise")
    developer.sees("You cannot undo it")
    developer.pictures("portal-deauthorise")
    developer.follows("Keep it")


def sees_what_the_app_did(site: Site, developer: Person, password: str) -> None:
    """Usage by day, and the checklist, which is ticked by what really happened."""
    developer.opens(f"{site.issuer}/partners")
    developer.page.locator("main").get_by_role("link", name=CONNECTED, exact=True).click()
    developer.looks()
    developer.fills("Password", password)
    developer.presses("Continue")
    developer.follows("Usage and errors")
    developer.sees("Usage of Reading Room", "Data calls that were answered")
    developer.pictures("portal-usage")
    developer.follows("Check your integration")
    developer.sees("Each line is ticked by what Reading Room has really done.", "Done")
    developer.pictures("portal-check")
