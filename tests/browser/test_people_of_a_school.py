"""Who has access to a school, and how somebody who lost the second step gets it back, in a real browser."""

from typing import Any

import pytest

from tests.browser.conftest import Site
from tests.browser.people import Person

pytestmark = [pytest.mark.browser, pytest.mark.once]

NEW = "nora.new@madeup-primary.sch.example"
PASSWORD = "violet tractor seventeen"


def test_an_admin_adds_a_person_and_one_without_a_code_asks_for_a_call(site: Site, people: Any) -> None:
    school = site.school("Verified")
    boss = school["admin"]
    admin: Person = people()
    admin.signs_in(site.issuer, boss["username"], boss["password"], boss["totp_secret"])
    admin.opens(f"{site.issuer}/school/admins")
    admin.follows("Add a person")
    if "/account/confirm" in admin.page.url:
        admin.page.get_by_label("Password", exact=True).fill(boss["password"])
        admin.presses("Continue")
    admin.sees("Add a person")
    admin.fills("Name", "Nora New")
    admin.fills("Email address", NEW)
    admin.ticks("DPO")
    admin.presses("Send the link")
    admin.sees("The link is on its way", "Nora New")
    admin.pictures("admins")

    nora: Person = people(phone=True)
    nora.opens(site.link_for(NEW))
    nora.pictures("welcome")
    nora.fills("New password", PASSWORD)
    nora.fills("New password again", PASSWORD)
    nora.presses("Continue")
    nora.sees("authenticator app")

    lost: Person = people(phone=True)
    lost.opens(f"{site.issuer}/sign-in")
    lost.fills("Username or email address", boss["username"])
    lost.fills("Password", boss["password"])
    lost.presses("Sign in")
    lost.follows("I cannot get a code")
    lost.presses("Ask for it")
    lost.pictures("lost-second-step")
    assert lost.reads("readback")

    caller: Person = people()
    operator = site.operator("caller")
    caller.signs_in(site.issuer, operator["email"], operator["password"], operator["totp_secret"])
    caller.follows("Access")
    caller.page.locator("main a.govuk-link", has_text=school["name"]).first.click()
    caller.looks()
    caller.sees("Ring the school")
    caller.pictures("access-case")
