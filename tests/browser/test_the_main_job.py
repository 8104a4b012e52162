"""The whole job with real clicks: a school joins from a partner's page, is verified, authorises, is read, and revokes."""

import dataclasses
import time
from collections.abc import Callable

import pytest

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


FERRYWELL = Closed(100010, 104444, "Ferrywell CofE Primary School", "305/2377", "BR5 2ZW", "ferywell c of e primry")
LIMEPOOL = Closed(100011, 104557, "Limepool Primary Academy", "305/3350", "BR1 2NZ", "limepol primary acadamy")


@pytest.mark.parametrize("javascript", WITH_AND_WITHOUT)
def test_a_school_joins_is_verified_authorises_is_read_and_revokes(
    site: Site, people: People, javascript: bool
) -> None:
    secretary = people(javascript=javascript)
    email = f"office-{int(javascript)}@anytown.sch.example"
    picture = (lambda name: secretary.pictures(name)) if javascript else (lambda name: None)

    # 1. From the partner, not signed in: register.
    secretary.opens(site.partner)
    secretary.presses("Connect your school")
    secretary.sees("Reading Room wants to read data of your school")
    picture("partner-request")
    secretary.follows("Register your school")

    # 2. Find the school.
    record = _finds_a_school(site, secretary, FERRYWELL if javascript else LIMEPOOL, picture)

    # 3. Prove the address, get the credentials, sign in for the first time.
    secretary.fills("Your name", "Sam O’Secretary")
    secretary.fills("Your email address", email)
    secretary.fills("Your mobile number", "07700 900 456")
    picture("your-details")
    secretary.presses("Signup")
    secretary.sees(email)
    picture("check-your-email")
    secretary.opens(site.link_for(email))
    secretary.sees("Your email address is verified")
    picture("address-verified")
    secretary.presses("Signup")
    username, password = secretary.reads("estab-admin-username"), secretary.reads("estab-admin-password")
    picture("credentials")
    secretary.opens(f"{site.issuer}/register/next")
    assert secretary.reads("verification-status") == "Unverified"
    readback = secretary.reads("readback-code")
    picture("what-happens-next")
    secretary.follows("Continue to Reading Room")
    secretary.follows("Sign in")
    picture("sign-in")
    secretary.fills("Username or email address", username)
    secretary.fills("Password", password)
    secretary.presses("Sign in")
    secretary.fills("New password", "four wooden garden chairs")
    secretary.fills("New password again", "four wooden garden chairs")
    secretary.presses("Continue")
    seed = secretary.reads("totp-secret").replace(" ", "")
    picture("authenticator")
    secretary.fills("Code from your authenticator app", totp(seed))
    secretary.presses("Continue")

    # 4. Back at the very request: authorise; the partner reads nothing yet.
    secretary.sees("Share data with Reading Room?", "To set up your school in Reading Room", "ZA123456")
    picture("authorise")
    secretary.presses("Authorise")
    assert secretary.page.url.startswith(site.partner)
    secretary.sees("Gatehouse is still checking", "403 school_unverified")
    picture("partner-unverified")

    # 5. Two operators, in windows of their own.
    _verifies(site, people, record, readback, javascript)

    # 6. The partner asks again, and reads the school.
    secretary.follows("Ask again")
    secretary.sees("1 organisation and 1 school by OneRoster 1.2", record)
    picture("partner-reads")

    # 7. The school revokes; more than a second later the partner reads nothing.
    secretary.opens(f"{site.issuer}/school")
    picture("school-home")
    secretary.opens(f"{site.issuer}/school/apps")
    picture("data-sharing")
    secretary.follows("Reading Room")
    picture("data-sharing-app")
    secretary.follows("Revoke")
    picture("revoke")
    secretary.presses("Revoke")
    time.sleep(1.1)
    secretary.opens(f"{site.partner}/school")
    secretary.sees("Your school has ended data sharing", "401 invalid_token")
    picture("partner-revoked")


def _finds_a_school(site: Site, secretary: Person, closed: Closed, picture: Callable[[str], None]) -> str:
    """Search in every way, meet the closed school, and choose its successor; returns the name."""
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
    picture("find-your-school")
    secretary.opens(f"{site.issuer}/register/school")
    secretary.fills("School URN", str(closed.urn))
    secretary.presses("Search")
    secretary.sees("This school has closed")
    assert secretary.page.get_by_role("button", name="Next").count() == 0
    picture("closed-school")
    secretary.follows(closed.name)
    secretary.sees(f"URN {closed.successor}")
    secretary.ticks(closed.name)
    secretary.presses("Next")
    return closed.name


def _verifies(site: Site, people: People, name: str, readback: str, javascript: bool) -> None:
    """The caller rings and types what was heard; the approver, another person, approves."""
    caller, approver = people(javascript=javascript), people(javascript=javascript)
    for person, role in ((caller, "caller"), (approver, "approver")):
        account = site.operator(role)
        person.signs_in(site.issuer, account["email"], account["password"], account["totp_secret"])
        person.opens(f"{site.issuer}/onboarding")
        person.sees(name)
        if javascript and role == "caller":
            person.pictures("onboarding-queue")
        person.follows(name)
    caller.ticks("Confirmed")
    caller.fills("Code that they read out", readback.lower())
    caller.fills("Who answered", "Mrs Bright, office manager")
    caller.presses("Save the call")
    caller.sees("another approver decides" if role == "approver" else "An approver decides next")
    if javascript:
        caller.pictures("onboarding-case")
    approver.page.reload()
    approver.presses("Approve")
    approver.sees("Approved")
