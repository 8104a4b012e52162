"""A school in control of what it shares: every page of its dashboard, with an app that really reads."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site
from tests.browser.people import Person

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.xdist_group("school in control")]
People = Callable[..., Person]
AT_ONCE_SECONDS = 1.1  # what was stopped reads nothing a second later


def test_an_admin_sees_and_steers_everything_that_an_app_reads(site: Site, people: People) -> None:
    admin = people()
    connects(site, admin)
    pauses_and_resumes(site, admin)
    changes_and_renews(site, admin)
    freezes_and_ends_the_freeze(site, admin)
    reads_the_ledger(site, admin)
    has_a_receipt_checked(site, admin)
    reviews_and_exports(site, admin)
    revokes_and_asks_for_deletion(site, admin)
    assert site.audits() == "Everything that must hold does."


def connects(site: Site, admin: Person) -> None:
    """From the partner's page to the first read."""
    boss = site.school("Verified")["admin"]
    admin.opens(site.partner)
    admin.presses("Connect your school")
    admin.presses("Sign in")
    admin.signs_in(site.issuer, boss["username"], boss["password"], boss["totp_secret"])
    admin.sees("Share data with Reading Room?")
    admin.presses("Authorise")
    assert reads(site, admin, "1 organisation and 1 school")
    admin.opens(f"{site.issuer}/school")
    admin.sees("Apps that may read your school’s data", "Reading Room")


def pauses_and_resumes(site: Site, admin: Person) -> None:
    admin.follows("Data sharing")
    opens_the_app(site, admin)
    admin.presses("Pause")
    admin.fills("Why do you pause it?", "Until the new librarian has started")
    admin.pictures("pause")
    admin.presses("Pause")
    admin.sees("Paused: Reading Room reads nothing for now", "Until the new librarian has started")
    admin.pictures("paused")
    time.sleep(AT_ONCE_SECONDS)
    assert reads(site, admin, "Your school has paused data sharing")
    opens_the_app(site, admin)
    admin.presses("Resume")
    admin.sees("Resumed: Reading Room reads again what your school agreed to")
    assert reads(site, admin, "1 organisation and 1 school")


def changes_and_renews(site: Site, admin: Person) -> None:
    opens_the_app(site, admin)
    admin.presses("Change")
    admin.sees("Change what Reading Room may read", "What you can choose")
    admin.pictures("change")
    admin.presses("Save Changes")
    admin.sees("Nothing was changed: Reading Room goes on as before")
    admin.presses("Renew for 12 months")
    admin.sees("Renewed: Reading Room may go on")


def freezes_and_ends_the_freeze(site: Site, admin: Person) -> None:
    admin.opens(f"{site.issuer}/school/apps")
    admin.follows("Freeze everything")
    admin.fills("Why do you freeze everything?", "A laptop was stolen from the office")
    admin.pictures("freeze")
    admin.presses("Freeze everything")
    admin.sees("Everything is frozen: no app can read your school’s data.")
    admin.pictures("frozen")
    time.sleep(AT_ONCE_SECONDS)
    assert reads(site, admin, "403")
    admin.opens(f"{site.issuer}/school")
    admin.presses("End the freeze")
    assert reads(site, admin, "1 organisation and 1 school")


def reads_the_ledger(site: Site, admin: Person) -> None:
    """What the partner read is there within a second or so: it is written in groups."""
    for _ in range(30):
        admin.page.goto(f"{site.issuer}/school/ledger")
        if admin.page.get_by_text("Reads, newest first").count():
            break
        time.sleep(0.2)
    admin.looks()
    admin.sees("Reads, newest first", "Reading Room", "oneroster/schools")
    admin.pictures("ledger")
    with admin.page.expect_download() as begun:
        admin.page.get_by_role("link", name="Download for a spreadsheet").click()
    assert "Reading Room" in begun.value.path().read_text()


def has_a_receipt_checked(site: Site, admin: Person) -> None:
    """The list, one receipt, its PDF, and its signed form at the page that is open to anybody."""
    admin.follows("Receipts")
    admin.sees("newest first", "Asha Patel")
    admin.pictures("receipts")
    admin.page.locator("main tbody th a").last.click()
    admin.looks()
    admin.pictures("receipt")
    with admin.page.expect_download() as begun:
        admin.page.get_by_role("link", name="(PDF)").click()
    assert begun.value.path().read_bytes().startswith(b"%PDF")
    with admin.page.expect_download() as begun:
        admin.page.get_by_role("link", name="(JSON)").click()
    signed = begun.value.path().read_text()
    admin.opens(f"{site.issuer}/receipts/verify")
    admin.fills("Receipt", signed)
    admin.presses("Check")
    admin.sees("This receipt is genuine", "In force")
    admin.pictures("receipt-verified")


def reviews_and_exports(site: Site, admin: Person) -> None:
    admin.opens(f"{site.issuer}/school/apps")
    admin.follows("Record of processing activities")
    admin.sees("Reading Room")
    admin.pictures("record-of-processing")
    admin.opens(f"{site.issuer}/school/apps")
    admin.follows("Review what your school shares")
    admin.page.get_by_label("Keep as it is").check()
    admin.pictures("review")
    admin.presses("Save Changes")
    admin.sees("The review is saved")


def revokes_and_asks_for_deletion(site: Site, admin: Person) -> None:
    opens_the_app(site, admin)
    admin.presses("Revoke")
    admin.presses("Revoke")
    admin.sees("Revoked: Reading Room can read nothing more")
    admin.presses("Ask for deletion")
    admin.sees("Ask Reading Room Ltd to delete your data?")
    admin.pictures("ask-for-deletion")
    admin.presses("Ask for deletion")
    expect(admin.page.locator("#deletion + dl, #deletion ~ dl").first).to_contain_text("Asked")
    admin.pictures("deletion-asked")
    time.sleep(AT_ONCE_SECONDS)
    assert reads(site, admin, "401 invalid_token")


def opens_the_app(site: Site, admin: Person) -> None:
    admin.page.goto(f"{site.issuer}/school/apps")
    admin.page.locator("main").get_by_role("link", name="Reading Room", exact=True).first.click()
    admin.looks()


def reads(site: Site, admin: Person, words: str) -> bool:
    """The partner asks for the school's data, and its page says this."""
    admin.page.goto(f"{site.partner}/school")
    admin.sees(words)
    return True
