"""The record of processing activities (UK GDPR Article 30(1)), as far as live authorisations tell it."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.models import lawful
from app.models.account import DPO, READING, Account
from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.partner import AppScope
from app.models.school import School
from app.models.scope import ORGANISATION, SCOPES
from app.settings import settings
from app.signin.session import at_school
from app.web.pages import day, page
from app.web.spreadsheet import download

router = APIRouter(prefix="/school/record-of-processing", include_in_schema=False)

ELSEWHERE = "Not recorded in Gatehouse: see the agreement"
SECURITY = (
    "Only the app that was authorised, only the data named here, over TLS, with tokens that last {} minutes;"
    " every read is in the access ledger; the school can pause or revoke at any time"
)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One kind of data that one app may read, with what Article 30(1) asks for about it."""

    activity: str
    controller: str
    officer: str
    purpose: str
    legal_basis: str
    special_condition: str
    people: str
    data: str
    recipient: str
    transfers: str
    kept: str
    security: str
    since: str
    until: str
    state: str

    def cells(self) -> tuple[str, ...]:
        return dataclasses.astuple(self)


HEADING = (
    "Processing activity",
    "Controller",
    "Data protection officer",
    "Purpose",
    "Lawful basis",
    "Condition for special category data",
    "Categories of people",
    "Categories of personal data",
    "Recipient",
    "Transfers to other countries",
    "Time limit for erasure",
    "Security measures",
    "Authorised since",
    "Authorised until",
    "State",
)


@router.get("")
def see(request: Request) -> Response:
    """The record as a page that prints well."""
    with sessions.read() as db:
        _, school = at_school(request, db, *READING)
        entries = list(_entries(db, school))
    template = "sharing/record_of_processing.html"
    return page(request, template, school=school, entries=entries, heading=HEADING, made=now())


@router.get(".csv")
def export(request: Request) -> Response:
    """The record for a spreadsheet."""
    with sessions.read() as db:
        _, school = at_school(request, db, *READING)
        rows = [entry.cells() for entry in _entries(db, school)]
    return download(f"record-of-processing-{school.urn}", HEADING, rows)


def _entries(db: Session, school: School) -> Iterator[Entry]:
    officers = ", ".join(account.name for account in Account.of_school(db, school.id, DPO)) or "Not in Gatehouse"
    active = [given for given in Authorisation.of_school(db, school.id) if given.is_active]
    for given in sorted(active, key=lambda given: (given.app.name.lower(), given.id)):
        agreed = {row["scope"]: row for row in given.terms or []}
        asked = {row.scope: row for row in given.app.scopes}
        for name in given.scopes:
            if name not in SCOPES:
                continue
            scope, terms, row = SCOPES[name], agreed.get(name, {}), asked.get(name)
            partner = given.app.partner
            yield Entry(
                activity=f"{given.app.name}: {scope.title}",
                controller=f"{school.name} (URN {school.urn})",
                officer=officers,
                purpose=terms.get("purpose") or (row.purpose if row else "") or "Not given",
                legal_basis=lawful.words(terms.get("legal_basis") or (row.legal_basis if row else None)) or "Not given",
                special_condition=_condition(scope.special, terms, row),
                people=_people(name),
                data=scope.description,
                recipient=f"{partner.name}, ICO registration {partner.ico_number or 'not given'}",
                transfers=ELSEWHERE,
                kept=given.app.retention or "Not given",
                security=SECURITY.format(settings.access_token_seconds // 60),
                since=day(given.granted_at),
                until=day(given.expires_at),
                state="Frozen" if school.frozen_at else given.state,
            )


def _people(scope: str) -> str:
    if SCOPES[scope].identity:
        return "People of the school who sign in to the app"
    return "Nobody: no personal data" if SCOPES[scope].record == ORGANISATION else f"School: {SCOPES[scope].record}"


def _condition(special: bool, terms: dict[str, Any], asked: AppScope | None) -> str:
    if not special:
        return "Not needed"
    return lawful.words(terms.get("special_condition") or (asked.special_condition if asked else None)) or "Not given"
