"""Passkeys with the authenticator that Chromium can pretend to have: on localhost, as a name is needed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site
from tests.browser.people import Person

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.xdist_group("passkeys")]
People = Callable[..., Person]


def test_somebody_adds_a_passkey_and_signs_in_with_it(site: Site, people: People) -> None:
    person, issuer = people(), site.issuer.replace("127.0.0.1", "localhost")
    holds_passkeys(person)
    operator = site.operator("caller")
    person.opens(f"{site.issuer}/sign-in")
    person.sees("Passkeys belong to a name")
    person.signs_in(issuer, operator["email"], operator["password"], operator["totp_secret"])
    person.opens(f"{issuer}/account/passkeys")
    person.fills("Password", operator["password"])
    person.presses("Continue")
    person.fills("What to call it", "Laptop in the office")
    presses(person, "Add a passkey")
    person.sees("The passkey was added", "Laptop in the office")
    person.pictures("passkeys")

    person.presses("Sign out")
    person.opens(f"{issuer}/sign-in")
    presses(person, "Sign in with a passkey")
    person.sees("Cases")

    person.opens(f"{issuer}/account/recovery-codes")
    presses(person, "Use a passkey")
    person.presses("Make ten new codes")
    person.sees("Ten recovery codes")
    person.pictures("recovery-codes")
    person.opens(f"{issuer}/account/sessions")
    person.sees("Chrome on Linux (this one)")
    person.pictures("sessions")

    person.presses("Sign out")
    person.opens(f"{issuer}/sign-in")
    person.fills("Username or email address", operator["email"])
    person.fills("Password", operator["password"])
    person.presses("Sign in")
    person.pictures("second-step")
    presses(person, "Use a passkey")
    person.sees("Cases")


def test_without_javascript_the_page_says_what_a_passkey_needs(site: Site, people: People) -> None:
    person = people(javascript=False)
    person.opens(site.issuer.replace("127.0.0.1", "localhost") + "/sign-in")

    person.sees("Passkeys need JavaScript")
    expect(person.page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()


def holds_passkeys(person: Person) -> None:
    """Give the browser a device that verifies its person at once (WebDriver virtual authenticator)."""
    devtools = person.page.context.new_cdp_session(person.page)
    devtools.send("WebAuthn.enable")
    device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    verified = {"isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device | verified})


def presses(person: Person, words: str) -> None:
    """A button whose page goes on only when the device has answered."""
    with person.page.expect_navigation():
        person.page.get_by_role("button", name=words, exact=True).click()
    person.looks()
