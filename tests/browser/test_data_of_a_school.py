"""Where a school's data comes from: a file dragged onto a page, what waits, what is wrong, and who is kept back."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site
from tests.browser.people import Person
from tests.roster.school_data import School, changed

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.xdist_group("data of a school")]
People = Callable[..., Person]


def test_an_admin_uploads_decides_and_keeps_somebody_back(site: Site, people: People, tmp_path: Path) -> None:
    boss = site.school("Verified")["admin"]
    admin = people()
    admin.signs_in(site.issuer, boss["username"], boss["password"], boss["totp_secret"])
    export = School(200)
    export.pupils[4].upn = ""
    admin.opens(f"{site.issuer}/school/endpoint")
    uploads(site, admin, tmp_path, "export.zip", export.oneroster())
    admin.sees("Waits for you", "pupils would be gone")
    admin.pictures("upload-held")
    admin.presses("Take it in")
    taken_in(admin)
    admin.sees("What to mend in your MIS", "Pupils without a UPN")
    admin.pictures("upload-taken-in")
    uploads(site, admin, tmp_path, "broken.zip", changed(export.oneroster(), "users.csv", "pup-6,", "pup-7,"))
    admin.sees("Why it was not taken in", "users.csv")
    admin.pictures("upload-refused")
    says_what_columns_mean(site, admin, tmp_path)
    admin.opens(f"{site.issuer}/school/endpoint")
    admin.pictures("your-data")
    admin.follows("Install the agent")
    admin.pictures("install-the-agent")
    keeps_somebody_back(site, admin)
    sees_what_an_app_would_read(site, admin)
    gives_pupils_accounts(site, admin, tmp_path)
    assert site.audits() == "Everything that must hold does."


def test_the_pages_fit_a_phone(site: Site, people: People) -> None:
    boss = site.school("Verified")["admin"]
    admin = people(phone=True)
    admin.signs_in(site.issuer, boss["username"], boss["password"], boss["totp_secret"])
    for path, name in (
        ("endpoint", "your-data-phone"),
        ("endpoint/upload", "upload-phone"),
        ("people", "people-phone"),
    ):
        admin.opens(f"{site.issuer}/school/{path}")
        admin.pictures(name)
        wide = admin.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


def uploads(site: Site, admin: Person, folder: Path, name: str, content: bytes) -> None:
    """By the script of the page; the next page shows by itself when the worker has read the file."""
    admin.opens(f"{site.issuer}/school/endpoint/upload")
    if name == "export.zip":
        admin.pictures("upload")
    file = folder / name
    file.write_bytes(content)
    admin.page.set_input_files("input[type=file]", file)
    admin.page.get_by_role("button", name="Upload", exact=True).click()
    admin.page.wait_for_url("**/school/endpoint/batches/*")
    expect(admin.page.locator("h1")).to_contain_text(name)
    expect(admin.page.locator("h1")).not_to_contain_text("Being read", timeout=20_000)
    admin.looks()


def taken_in(admin: Person) -> None:
    expect(admin.page.locator("h1")).to_contain_text("Taken in", timeout=20_000)
    admin.looks()


def says_what_columns_mean(site: Site, admin: Person, folder: Path) -> None:
    content = b"Vorname,Nachname,Klasse,Nummer\nAnn,Lee,7A,1\nBob,Fox,7B,2\n"
    uploads(site, admin, folder, "pupils.csv", content)
    admin.sees("What do its columns mean?", "Such as Ann; Bob")
    for column, meaning in (("Vorname", "First name"), ("Nachname", "Surname"), ("Klasse", "Registration group")):
        admin.page.get_by_label(column, exact=True).select_option(label=meaning)
    admin.pictures("upload-columns")
    admin.presses("Save Changes")
    expect(admin.page.locator("h1")).to_contain_text("Waits for you", timeout=20_000)
    admin.presses("Leave it out")
    admin.sees("Left out")


def keeps_somebody_back(site: Site, admin: Person) -> None:
    admin.follows("People")
    admin.fills("Find a pupil or a member of staff", "khan")
    admin.presses("Search")
    admin.pictures("people-found")
    admin.page.locator("main ul.govuk-list a").first.click()
    admin.looks()
    admin.ticks("Every app, now and later")
    admin.ticks("Their whereabouts or identity must be protected")
    admin.pictures("exclude")
    admin.presses("Exclude")
    admin.sees("Their data does not leave any more", "Every app")
    admin.pictures("people")


def sees_what_an_app_would_read(site: Site, admin: Person) -> None:
    """The request names optional scopes; each shows rows of the school's own pupils."""
    reading = next(app for app in site.seed["apps"] if app["client_id"] == "reading-room")
    assert {"students", "groups", "contacts"} <= set(reading["scopes"])
    admin.opens(site.partner)
    admin.presses("Connect your school")
    admin.sees("Share data with Reading Room?", "Today that is 199 pupils", "Which year groups?")
    admin.page.locator("summary", has_text="Today that is 199 pupils").click()
    admin.page.locator("#scope-students").check()
    admin.page.get_by_label("Year 8", exact=True).uncheck()
    admin.pictures("authorise-with-data")
    admin.presses("Authorise")
    admin.sees("1 organisation and 1 school", "And of its people: 132 pupils")
    admin.opens(f"{site.issuer}/school/apps")
    admin.page.locator("main").get_by_role("link", name="Reading Room", exact=True).first.click()
    admin.sees("Year groups", "Year 7, Year 9")


def proves(site: Site, admin: Person) -> None:
    admin.fills("Password", site.school("Verified")["admin"]["password"])
    admin.presses("Continue")


def gives_pupils_accounts(site: Site, admin: Person, folder: Path) -> None:
    """The MIS sync wizard, with an app that has one of the pupils already, and login cards at the end."""
    admin.opens(f"{site.issuer}/school/sync")
    admin.follows("Reading Room")
    admin.follows("Start")
    listed = folder / "users.csv"
    listed.write_text("Username,Forename,Surname,Class\nold.ada,Ada,Smith,Class 7a\n")
    admin.page.set_input_files("input[type=file]", listed)
    admin.pictures("sync-existing")
    admin.presses("Upload")
    admin.sees("Rename Class 7a")
    admin.presses("Next")
    admin.sees("→")
    admin.pictures("sync-usernames")
    admin.presses("Next")
    admin.page.get_by_label(re.compile("Year 7 ")).select_option("four-pictures")
    admin.pictures("sync-passwords")
    admin.presses("Next")
    admin.presses("Next")
    admin.presses("Next")
    admin.sees("New pupils: ", "Possible Duplicates: ")
    admin.page.locator("summary", has_text="New pupils").click()
    admin.pictures("sync-summary")
    admin.presses("Resolve all duplicates")
    admin.sees("Possible Duplicates: 0")
    admin.presses("Finish")
    admin.sees("Sync of", "What it did")
    admin.follows("Print login cards")
    proves(site, admin)
    admin.pictures("sync-users")
    admin.page.get_by_label("Class", exact=True).select_option("7A")
    with admin.page.expect_download() as printing:
        admin.page.get_by_role("button", name="Print login cards", exact=True).click()
    assert Path(printing.value.path()).read_bytes().startswith(b"%PDF")
