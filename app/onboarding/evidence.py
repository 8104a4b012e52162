"""What speaks for a registration and what against it: each finding with its result and a sentence. None approves."""

import dataclasses
import datetime as dt
import re

from app.models.account import Account
from app.models.establishment import Establishment
from app.models.school import REJECTED, SUSPENDED, VERIFIED, School
from app.onboarding import domains, numbers
from app.web.pages import day

FOR, AGAINST, NEUTRAL = "green", "red", "yellow"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of evidence. `tone` colours the result; `others` are registrations to link to."""

    title: str
    result: str
    tone: str
    sentence: str
    others: list[School] = dataclasses.field(default_factory=list)


def findings(
    school: School, record: Establishment | None, registrant: Account | None, claims: list[School]
) -> list[Finding]:
    """Every finding about one registration. `claims`: all registrations of the establishment, this one among them."""
    others = [claim for claim in claims if claim.id != school.id]
    email, mobile = (registrant.email, registrant.mobile) if registrant else ("", None)
    website, telephone = (record.website, record.telephone) if record else (None, None)
    return [
        email_domain(email, website),
        free_mail(email),
        telephone_number(telephone, mobile),
        other_registrations(others),
        register_changes(school, record),
    ]


def email_domain(email: str, website: str | None) -> Finding:
    """The address's registrable domain against the website's. A match alone never suffices: pupils share it."""
    title = "Email address and school website"
    host, site = domains.of_email(email), domains.of_website(website)
    ours, theirs = domains.registrable(host), domains.registrable(site)
    if site is None:
        said = "The register gives no website that can be read, so there is nothing to compare the address with."
        return Finding(title, "Nothing to compare", NEUTRAL, said)
    if theirs is None or domains.is_free_mail(site):
        return Finding(
            title, "Nothing to compare", NEUTRAL, f"The website {site} is not on a domain of the school’s own."
        )
    if ours is None:
        said = f"{host or 'The address'} is not a domain that one school owns, so it matches no website."
        return Finding(title, "Does not match", AGAINST, said)
    if ours != theirs:
        said = f"The address is at {ours}, the school’s website at {theirs}. Ask the school whose address it is."
        return Finding(title, "Does not match", AGAINST, said)
    said = f"Both are at {ours}. Pupils and former staff may have such an address too, so this alone is not enough."
    if host != (site or "").removeprefix("www."):
        said = f"{host} and {site} belong to one owner, {ours}, which several schools may share. Not enough on its own."
    return Finding(title, "Matches", FOR, said)


def free_mail(email: str) -> Finding:
    title, host = "Kind of email address", domains.of_email(email)
    if domains.is_free_mail(host):
        return Finding(
            title, "Free mail", AGAINST, f"Anyone can open an address at {host}. Ask the school who uses it."
        )
    return Finding(title, "Own domain", FOR, f"{host or 'The address'} is not one of the free mail services we know.")


def telephone_number(telephone: str | None, mobile: str | None) -> Finding:
    """Whether the register gives a number to ring; without one, the letter route."""
    title = "Telephone number in the register"
    if not (telephone or "").strip():
        return Finding(
            title, "Missing", AGAINST, "The register gives no number. Send a letter to the school’s address."
        )
    if numbers.plain(telephone) is None:
        said = "What the register gives cannot be rung. Send a letter to the school’s address."
        return Finding(title, "Not a number", AGAINST, said)
    if numbers.plain(telephone) == numbers.plain(mobile):
        said = (
            "It is the registrant’s own mobile, so a call would prove nothing. Send a letter to the school’s address."
        )
        return Finding(title, "Registrant’s mobile", AGAINST, said)
    shown = numbers.readable(telephone)
    if numbers.is_mobile(telephone):
        return Finding(
            title, "A mobile", NEUTRAL, f"{shown} is a mobile. Make sure that you reach the school’s office."
        )
    return Finding(title, "Can be rung", FOR, f"Ring {shown} and no other number.")


def other_registrations(others: list[School]) -> Finding:
    title = "Other registrations of this school"
    if not others:
        return Finding(title, "None", FOR, "Nobody else has registered this school.")
    if any(other.status in (VERIFIED, SUSPENDED) for other in others):
        said = "Another registration is the school already. This one can only be rejected, unless that one is closed."
        return Finding(title, "Verified already", AGAINST, said, others)
    rejected = sum(other.status == REJECTED for other in others)
    number = "One other registration" if len(others) == 1 else f"{len(others)} other registrations"
    said = f"{number} of this school, {rejected} rejected. Approving one rejects those that are still Unverified."
    return Finding(title, str(len(others)), NEUTRAL, said, others)


def register_changes(school: School, record: Establishment | None) -> Finding:
    """What the register says now that it did not say on the day of registration."""
    title = "Register since the registration"
    if record is None:
        return Finding(title, "Gone", AGAINST, "The register no longer has a school with this URN.")
    if not record.is_open:
        closed = f" on {day(record.close_date)}" if record.is_closed and record.close_date else ""
        return Finding(title, record.status, AGAINST, f"The register now says: {record.status}{closed}.")
    if _folded(record.name) != _folded(school.name):
        said = f"The school registered as {school.name}. The register now calls it {record.name}."
        return Finding(title, "New name", NEUTRAL, said)
    registered = school.registered_at.astimezone(dt.UTC).date()
    if record.last_changed and record.last_changed > registered:
        said = f"The record was last changed on {day(record.last_changed)}, after the registration. Compare it closely."
        return Finding(title, "Changed", NEUTRAL, said)
    return Finding(title, "No change", FOR, "Open, with the same name as on the day of registration.")


def _folded(name: str) -> str:
    return re.sub(r"\W+", " ", name).strip().casefold()
