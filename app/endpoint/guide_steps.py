"""The steps to an account for Integris G2's web service, with a school's own values filled in."""

import dataclasses
import datetime as dt

from app.models.base import today
from app.web.pages import day

DEFAULT_PASSWORD = "jan1"  # noqa: S105 - the one that Integris gives to every new account
ROLE, PRIVILEGE, SURNAME = "VLE", "SCH_Q_SchoolView", "Service"
UNKNOWN_NUMBER = "followed by the four digits of your school’s DfE number"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A field of Integris, what to enter there, and why or what else would do."""

    field: str
    value: str
    hint: str = ""


@dataclasses.dataclass(frozen=True)
class Act:
    """One thing to do, in a sentence, and the fields to fill in for it."""

    text: str
    entries: tuple[Entry, ...] = ()


@dataclasses.dataclass(frozen=True)
class Step:
    """What is ticked at once. `where` is the place in Integris's menus."""

    name: str
    title: str
    where: str
    acts: tuple[Act, ...]
    skip: str = ""


def user_id(establishment_number: str | None) -> str:
    """The account's user ID; without its digits for a school of which the register has no number."""
    return f"WebServices{establishment_number or ''}"


def steps(establishment_number: str | None) -> tuple[Step, ...]:
    """All four, in their order."""
    account = user_id(establishment_number)
    return _staff_member(), _role(), _account(account, establishment_number), _password(account)


def _staff_member() -> Step:
    yesterday, far = today() - dt.timedelta(days=1), today().replace(day=1) + dt.timedelta(days=5 * 365)
    entries = (
        Entry("Surname", SURNAME),
        Entry("First Name", "Web"),
        Entry("Date of Birth", day(yesterday), "Any date in the past will do."),
        Entry("Joining Date", day(today()), "Or any date in the past."),
        Entry(
            "Leaving Date", day(far), "The account ends on that day. Choose one that is years away, and save it below."
        ),
        Entry("SWF Census Category", "Out of Scope of SWF Census"),
    )
    acts = (
        Act("Sign in to Integris G2 as an administrator."),
        Act("Open General > Staff Details."),
        Act("Click the Add icon."),
        Act("In the window “Add Staff - Personal”, fill in:", entries),
        Act("Click Save."),
        Act("Integris says “You have not specified a Staff Code”. Click Yes. It then saves the new staff member."),
    )
    return Step("staff", "Add a staff member", "General > Staff Details", acts)


def _role() -> Step:
    described = (Entry("Role Name", ROLE), Entry("Description", "VLE Integration"), Entry("Active", "Ticked"))
    chosen = (Entry("Modules", "CORE"), Entry("Sub Modules", "SCHOOL"), Entry("Functions", PRIVILEGE))
    acts = (
        Act("Open System Management > Define User Roles."),
        Act(f"Look for {ROLE} in the list. It is in the order of the alphabet."),
        Act("If it is not there, click the Add icon."),
        Act("In the window “Add Role”, on the tab Role, fill in:", described),
        Act("Click the tab Assign Privileges, and choose:", chosen),
        Act(f"In the middle, under Assigning Roles, click Add. {PRIVILEGE} now stands under Assigned Functions."),
        Act("Click Save. You are back at Define User Roles."),
        Act("Click Close."),
    )
    skip = f"Is there a role {ROLE} already? Then tick this step and go on with the next."
    return Step("role", "Create a role", "System Management > Define User Roles", acts, skip)


def _account(account: str, establishment_number: str | None) -> Step:
    whose = "It ends with your school’s number." if establishment_number else f"{account} {UNKNOWN_NUMBER}."
    ticked = (
        "This lets the account read by the web service. Untick it whenever you want us to read no more, and tell us."
    )
    entries = (
        Entry(
            "Staff Member", "Mr Web Service", f"Click the magnifying glass, enter {SURNAME}, click Find, then Select."
        ),
        Entry("User ID", account, whose),
        Entry("Web Services", "Ticked", ticked),
    )
    acts = (
        Act("Open System Management > User Management."),
        Act("Click the Add User icon."),
        Act("In the window “Add User”, fill in:", entries),
        Act(f"Click the tab Roles, choose {ROLE} and click Add. It now stands under Assigned Roles."),
        Act("Click Save."),
        Act(f"Note the user ID: {account}"),
    )
    return Step("account", "Create the account", "System Management > User Management", acts)


def _password(account: str) -> Step:
    entries = (
        Entry("Old Password", DEFAULT_PASSWORD),
        Entry(
            "New Password",
            "One of your own",
            "Eight characters or more: three or four words that do not belong together.",
        ),
        Entry("Confirm New Password", "The same again"),
    )
    acts = (
        Act("Log out of Integris."),
        Act(f"Log on as {account} with the password {DEFAULT_PASSWORD}, which every new account has."),
        Act("Integris asks for another password. Fill in:", entries),
        Act("Click OK."),
        Act("Log out of Integris."),
        Act("Give us the new password below. If you wrote it down, destroy the note then."),
    )
    return Step("password", "Change the password", "The sign-in page of Integris", acts)
