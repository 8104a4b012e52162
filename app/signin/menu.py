"""The main menu: what somebody's roles open, and which of it they are looking at."""

from collections.abc import Collection
from typing import Any

from app.models.account import ADMIN, OPERATOR_ADMIN, READING, STOPPING

SHARING = ("/school/review", "/school/freeze", "/school/record-of-processing", "/school/conversion")


def shown(path: str, entries: Collection[tuple[str, str]]) -> list[dict[str, Any]]:
    """{text, href, current} of each entry, for a page at this path."""
    path = "/school/apps" if path.startswith(SHARING) else path.removesuffix(".csv")
    current = max((href for _, href in entries if f"{path}/".startswith(f"{href}/")), key=len, default="")
    return [{"text": text, "href": href, "current": href == current} for text, href in entries]


def entries(roles_at_school: Collection[str], *, at_partner: bool, operator_role: str | None) -> list[tuple[str, str]]:
    """(words, path). Somebody without a role at a school has no `roles_at_school`."""
    roles = set(roles_at_school)
    found = []
    if roles:
        found += [("Home", "/school"), ("Data sharing", "/school/apps"), ("Your data", "/school/endpoint")]
    if roles & set(READING):
        found += [("Access ledger", "/school/ledger"), ("Receipts", "/school/receipts")]
    if roles & set(STOPPING):
        found += [("People", "/school/people")]
    if ADMIN in roles:
        found += [("Accounts in apps", "/school/sync"), ("Admins", "/school/admins")]
    if at_partner:
        found += [("Apps", "/partners"), ("Schools", "/partners/schools")]
        found += [("Invitations", "/partners/invitations"), ("Deletion requests", "/partners/deletions")]
    if operator_role:
        found += [("Cases", "/onboarding"), ("Schools", "/onboarding/schools"), ("Access", "/onboarding/access")]
        found += [("Installations", "/onboarding/slots")]
    if operator_role == OPERATOR_ADMIN:
        found += [("Partners", "/onboarding/partners")]
    return [*found, ("Account", "/account")]
