"""The whole job with real clicks: a school joins from a partner's page, is verified, shares, is read, and revokes."""

import dataclasses
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WITH_AND_WITHOUT, Site
from tests.browser.people import Person, totp

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("the main job")]
People = Callable[..., Person]


@dataclasses.dataclass(frozen=True)
class Closed:
    """A closed school of the sample register, and the open one that took its place under the same name."""

    urn: int
    successor: int
    name: str
    dfe_number: str
    postcode: str
    typo: str


LIVE_SECONDS = 25  # a page that is open looks every 15 seconds whether something has changed

FERRYWELL = Closed(100010, 104444, "Ferrywell CofE Primary School", "305/2377", "BR5 2ZW", "ferywell c of e primry")
LIMEPOOL = Closed(100011, 104557, "Limepool Primary Academy", "305/3350", "BR1 2NZ", "limepol primary acadamy")


@pytest.mark.parametrize("javascript", WITH_AND_WITHOUT)
def test_a_school_joins_is_verified_shares_is_read_and_revokes(site: Site, people: People, javascript: bool) -> None:
    secretary = people(javascript=javascript)
    school = FERRYWELL if javascript else LIMEPOOL

    secretary.opens(site.partner)
    secretary.presses("Connect your school")
    secretary.sees("Reading Room wants to read data of your school")
    secretary.pictures("partner-request")
    secretary.follows("Register your school")
    finds_the_school(site, secretary, school)
    username, password = registers(site, secretary, f"office-{school.urn}@anytown.sch.example")
    code = reads_what_happens_next(site, secretary)
    secretary.follows("Continue to Reading Room")
    signs_in_for_the_first_time(secretary, username, password)
    authorises(site, secretary)
    tracker = secretary.page.context.new_page()
    tracker.goto(f"{site.issuer}/register/next")
    two_operators_verify(site, people, school.name, code, javascript)
    if not javascript:
        tracker.reload()
    expect(tracker.locator("#verification-status")).to_have_text("Verified", timeout=LIVE_SECONDS * 1000)
    tracker.close()
    secretary.follows("Ask again")
    secretary.sees("1 organisation and 1 school by OneRoster 1.2", school.name, str(school.successor))
    secretary.pictures("partner-reads")
    revokes(site, secretary)
    assert site.audits() == "Everything that must hold does."


def finds_the_school(site: Site, secretary: Person, closed: Closed) -> None:
    """Search in every way, meet the closed school, and choose its successor."""
    for label, typed in (
        ("School postcode", closed.postcode.lower().replace(" ", "")),
        ("LA/DfE number", closed.dfe_number),
        ("LA/DfE number", closed.dfe_number.replace("/", "")),
        ("School name or town", closed.typo),
    ):
        secretary.opens(f"{site.issuer}/register/school")
        secretary.fills(label, typed)
        secretary.presses("Search")
        secretary.sees(closed.name)
    secretary.pictures("find-your-school")
    secretary.opens(f"{site.issuer}/register/school")
    secretary.fills("School URN", str(closed.urn))
    secretary.presses("Search")
    secretary.sees("This school has closed")
    assert secretary.page.get_by_role("button", name="Next").count() == 0
    secretary.pictures("closed-school")
    secretary.follows(closed.name)
    secretary.sees(f"URN {closed.successor}")
    secretary.ticks(closed.name)
    secretary.presses("Next")


def registers(site: Site, secretary: Person, email: str) -> tuple[str, str]:
    """Details, the mailed link, Signup again; returns the username and password that were shown once."""
    secretary.fills("Your name", "Sam O’Secretary")
    secretary.fills("Your email address", email)
    secretary.fills("Your mobile number", "07700 900 456")
    secretary.pictures("your-details")
    secretary.presses("Signup")
    secretary.sees(email)
    secretary.pictures("check-your-email")
    secretary.opens(site.link_for(email))
    secretary.sees("Your email address is verified")
    secretary.pictures("address-verified")
    secretary.presses("Signup")
    secretary.pictures("credentials")
    return secretary.reads("estab-admin-username"), secretary.reads("estab-admin-password")


def reads_what_happens_next(site: Site, secretary: Person) -> str:
    """The tracker; returns the code for the team's call."""
    secretary.opens(f"{site.issuer}/register/next")
    assert secretary.reads("verification-status") == "Unverified"
    secretary.pictures("what-happens-next")
    return secretary.reads("readback-code")


def signs_in_for_the_first_time(secretary: Person, username: str, password: str) -> None:
    """Change the password and set up an authenticator app."""
    secretary.pictures("sign-in")
    secretary.fills("Username or email address", username)
    secretary.fills("Password", password)
    secretary.presses("Sign in")
    secretary.pictures("first-password")
    secretary.fills("New password", "four wooden garden chairs")
    secretary.fills("New password again", "four wooden garden chairs")
    secretary.presses("Continue")
    secretary.pictures("authenticator")
    secretary.fills("Code from your authenticator app", totp(secretary.reads("totp-secret").replace(" ", "")))
    secretary.presses("Continue")


def authorises(site: Site, secretary: Person) -> None:
    """Back at the very request: say yes; the partner may not read yet, and says so in words."""
    secretary.sees("Share data with Reading Room?", "To set up your school in Reading Room", "ZA123456")
    secretary.pictures("authorise")
    secretary.presses("Authorise")
    assert secretary.page.url.startswith(site.partner)
    secretary.sees("Gatehouse is still checking", "403 school_unverified")
    secretary.pictures("partner-unverified")


def two_operators_verify(site: Site, people: People, name: str, code: str, javascript: bool) -> None:
    """The caller rings and types what was heard; the approver, another person, approves."""
    caller, approver = people(javascript=javascript), people(javascript=javascript)
    for person, role in ((caller, "caller"), (approver, "approver")):
        account = site.operator(role)
        person.signs_in(site.issuer, account["email"], account["password"], account["totp_secret"])
        person.opens(f"{site.issuer}/onboarding")
        person.sees(name)
        person.pictures("onboarding-queue")
        person.follows(name)
    caller.ticks("Confirmed")
    caller.fills("Code that they read out", code.lower())
    caller.fills("Who answered", "Mrs Bright, office manager")
    caller.pictures("onboarding-case")
    caller.presses("Save the call")
    caller.sees("approver decides")
    approver.page.reload()
    approver.presses("Approve")
    approver.sees("Approved")


def revokes(site: Site, secretary: Person) -> None:
    """End it on the school's pages; calls that start more than a second later read nothing."""
    secretary.opens(f"{site.issuer}/school")
    secretary.pictures("school-home")
    secretary.opens(f"{site.issuer}/school/apps")
    secretary.pictures("data-sharing")
    secretary.follows("Reading Room")
    secretary.pictures("data-sharing-app")
    secretary.follows("Revoke")
    secretary.pictures("revoke")
    secretary.presses("Revoke")
    time.sleep(1.1)
    secretary.opens(f"{site.partner}/school")
    secretary.sees("Your school has ended data sharing", "401 invalid_token")
    secretary.pictures("partner-revoked")
