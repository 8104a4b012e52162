"""What does not go straight on: no, somebody else, later more, delete it, and a password that is lost."""

import re
import time
from collections.abc import Callable

import pytest

from tests.browser.conftest import Site
from tests.browser.people import Person

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.xdist_group("other turns")]
People = Callable[..., Person]
APP = "Reading Room"
OFFICE, HEAD = "office@foxden.sch.example", "head@foxden.sch.example"
PASSWORD = "nineteen blue kites over town"


def test_a_school_declines_then_agrees_and_is_asked_for_more_later(site: Site, people: People) -> None:
    admin, developer, operator = people(), people(), people()
    declines(site, admin)
    admin.opens(site.partner)
    admin.presses("Connect your school")
    admin.presses("Authorise")
    admin.sees("1 organisation and 1 school")
    asks_for_more(site, developer)
    lets_the_app_ask(site, operator)
    decides_about_more(site, admin)
    ends_and_asks_for_deletion(site, admin)
    says_that_it_is_deleted(site, developer)
    admin.page.reload()
    admin.sees("Done", "Every row of this school was deleted today.")
    admin.pictures("deletion-done")
    assert site.audits() == "Everything that must hold does."


def test_an_invitation_reaches_the_person_with_authority(site: Site, people: People) -> None:
    developer, office, head = people(), people(phone=True), people(phone=True)
    account = site.seed["partner_users"][0]
    school = [one for one in site.seed["schools"] if one["status"] == "Verified"][1]
    developer.signs_in(site.issuer, account["email"], account["password"], account["totp_secret"])
    developer.opens(f"{site.issuer}/partners/invitations/new")
    developer.page.locator("main").get_by_role("link", name=APP, exact=True).click()
    developer.fills("DfE number or URN of the school", str(school["urn"]))
    developer.presses("Find the school")
    developer.fills("Name of the contact", "Olga Office")
    developer.fills("Email address of the contact", OFFICE)
    developer.presses("Send Invitation Email")
    office.opens(site.link_for(OFFICE))
    office.pictures("invitation-phone")
    office.follows("I am not the person with authority")
    office.fills("Their name", "Hanna Head")
    office.fills("Their email address", HEAD)
    office.presses("Send Invitation Email")
    office.sees("This invitation has been passed on")
    head.opens(site.link_for(HEAD))
    head.sees(APP, school["name"], "Nothing is shared before an Estab Admin of the school says yes")
    developer.page.reload()
    developer.sees("Passed on", "Hanna Head", "Forwarded")
    developer.pictures("portal-invitation-passed-on")


def test_a_password_that_is_lost_is_replaced_and_a_contact_changed(site: Site, people: People) -> None:
    boss = next(one for one in site.seed["schools"] if one["status"] == "Unverified")["admin"]
    admin = people(phone=True)
    admin.opens(f"{site.issuer}/reset")
    admin.pictures("reset-phone")
    admin.fills("Username or email address", boss["username"])
    admin.presses("Continue")
    admin.fills("Code from the text message", texted(site, 1))
    admin.presses("Continue")
    admin.fills("New password", PASSWORD)
    admin.fills("New password again", PASSWORD)
    admin.pictures("reset-password-phone")
    admin.presses("Save Changes")
    admin.sees("Your password was changed")
    admin.signs_in(site.issuer, boss["username"], PASSWORD, boss["totp_secret"])
    admin.opens(f"{site.issuer}/account")
    admin.pictures("account-phone")
    for path, label, typed in (
        ("email", "New email address", "new.office@anytown.sch.example"),
        ("mobile", "New mobile number", "07700 900982"),
    ):
        admin.opens(f"{site.issuer}/account/{path}")
        proves(admin, PASSWORD)
        admin.fills(label, typed)
        admin.presses("Continue")
    admin.fills("Code from the text message", texted(site, 2))
    admin.presses("Continue")
    admin.opens(f"{site.issuer}/account")
    admin.sees("new.office@anytown.sch.example")


def declines(site: Site, admin: Person) -> None:
    boss = site.school("Verified")["admin"]
    admin.opens(site.partner)
    admin.presses("Connect your school")
    admin.presses("Sign in")
    admin.signs_in(site.issuer, boss["username"], boss["password"], boss["totp_secret"])
    admin.sees(f"Share data with {APP}?")
    admin.presses("Decline")
    admin.sees("You chose not to share data with Reading Room. Nothing was connected.")
    admin.pictures("partner-declined")


def asks_for_more(site: Site, developer: Person) -> None:
    """A Live app: an operator looks first, and the school's authorisation is as wide as it was."""
    account = site.seed["partner_users"][0]
    developer.signs_in(site.issuer, account["email"], account["password"], account["totp_secret"])
    developer.opens(f"{site.issuer}/partners")
    developer.page.locator("main").get_by_role("link", name=APP, exact=True).click()
    developer.looks()
    developer.fills("Password", account["password"])
    developer.presses("Continue")
    developer.follows("Scopes")
    developer.page.locator("input[name=ask-staff][value=optional]").check()
    developer.page.locator("[name=purpose-staff]").fill("So that each teacher finds their own classes.")
    developer.page.locator("[name=legal_basis-staff]").select_option(index=1)
    if developer.page.get_by_label("Your password").count():
        developer.page.get_by_label("Your password").fill(account["password"])
    developer.presses("Send for approval")
    developer.sees("We have your request, and write to you when we have decided")


def lets_the_app_ask(site: Site, operator: Person) -> None:
    account = site.operator("admin")
    operator.signs_in(site.issuer, account["email"], account["password"], account["totp_secret"])
    operator.follows("Partners")
    operator.follows(f"{APP} of Reading Room Ltd")
    proves(operator, account["password"])
    operator.ticks("Approve")
    operator.fills("Reason", "The purpose is plain")
    operator.presses("Decide")


def decides_about_more(site: Site, admin: Person) -> None:
    admin.opens(f"{site.issuer}/school")
    admin.sees(f"{APP} asks for more")
    admin.page.locator("main").get_by_role("link", name=APP, exact=True).first.click()
    admin.looks()
    admin.follows("See what is different, and decide")
    admin.sees("So that each teacher finds their own classes.", "New")
    admin.pictures("asks-for-more")
    admin.page.locator("#scope-staff").check()
    admin.presses("Save Changes")
    admin.sees(f"Saved: what {APP} may read has changed")


def ends_and_asks_for_deletion(site: Site, admin: Person) -> None:
    admin.presses("Revoke")
    admin.presses("Revoke")
    admin.presses("Ask for deletion")
    admin.presses("Ask for deletion")
    admin.sees("Asked on")


def says_that_it_is_deleted(site: Site, developer: Person) -> None:
    developer.opens(f"{site.issuer}/partners/deletions")
    developer.pictures("portal-deletions")
    developer.page.locator("main tbody").get_by_role("link").first.click()
    developer.looks()
    developer.fills("What you deleted, and what you keep", "Every row of this school was deleted today.")
    developer.pictures("portal-deletion")
    developer.presses("Say that it is deleted")
    developer.sees("Thank you")


def proves(person: Person, password: str) -> None:
    """Once more who they are, where that is asked for."""
    if "/account/confirm" in person.page.url:
        person.fills("Password", password)
        person.presses("Continue")


def texted(site: Site, number: int) -> str:
    """The code of that text message, counted from 1, as soon as it is there."""
    for _ in range(100):
        texts = [mail["text"] for mail in site.mails() if mail["channel"] == "sms"]
        if len(texts) >= number:
            return str(re.findall(r"\b\d{6}\b", texts[number - 1])[0])
        time.sleep(0.1)
    raise AssertionError("no text message came")
