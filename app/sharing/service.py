"""The school says yes or no: what an app offers to agree to, the yes, and taking it back."""

import calendar
import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup

from app.db import Session
from app.errors import NotAllowed, NotFound, Problem
from app.models import lawful, people
from app.models.account import ADMIN
from app.models.authorisation import EXPIRED, RETURNED, REVOKED, Authorisation
from app.models.base import now
from app.models.partner import App, AppScope
from app.models.school import UNVERIFIED, VERIFIED, School
from app.models.scope import SCOPES
from app.settings import settings
from app.sharing.changes import tell
from app.signin.session import Person

ASK = "Only an Estab Admin with the role Admin decides about data sharing. Ask your Estab Admin."


class CannotShare(Problem):
    """The school's status, or the app's, does not let data be shared now."""

    status = 409
    title = "Your school cannot share data with this app"


class NotOffered(Problem):
    """A choice that the app does not offer, or none at all."""

    status = 422
    title = "Choose what to share"


@dataclasses.dataclass(frozen=True)
class Line:
    """One scope on the authorise page: its wording is ours, its purpose the partner's."""

    scope: str
    title: str
    description: str
    purpose: str
    required: bool
    special: bool
    identity: bool
    granted: bool  # the authorisation in force has it already
    grounds: tuple[str, str] = ("", "")  # lawful basis and Article 9 condition, in words


@dataclasses.dataclass(frozen=True)
class Offer:
    """What a school is asked to agree to. `facts` are the trust card's (what, value) pairs, ready for the page.

    `kept` is what it agreed to before and is not asked about now: the answer to a narrower question takes nothing away,
    unless the app wants the answer to take the place of all before: then that is in `ends`.
    `ended` is its last authorisation of this app, where none is in force.
    """

    app: App
    lines: list[Line]
    kept: list[Line]
    ends: list[Line]
    facts: list[tuple[str, str]]
    until: dt.datetime
    active: Authorisation | None
    ended: Authorisation | None

    def chosen(self, ticked: Iterable[str]) -> list[str]:
        """Of the scopes asked for, those agreed to when these are ticked; required ones always. Grant `kept` too."""
        marked = set(ticked)
        return [line.scope for line in self.lines if line.required or line.scope in marked]


def decides(person: Person, school: School) -> bool:
    """Whether this person may grant and revoke for this school."""
    return any(held.school_id == school.id and held.role == ADMIN for held in person.memberships)


def offer(db: Session, app: App, asked: list[str], school: School, *, replacing: bool = False) -> Offer:
    """What the school's Admin decides about. Raises CannotShare where there is nothing to decide."""
    check_both_may(school, app)
    active = Authorisation.active(db, school.id, app.id)
    held = active.scopes if active else []
    beyond = _lines(app, [scope for scope in held if scope not in asked], held)
    return Offer(
        app=app,
        lines=_lines(app, asked, held),
        kept=[] if replacing else beyond,
        ends=beyond if replacing else [],
        facts=facts(app),
        until=end_date(),
        active=active,
        ended=None if active else next(iter(Authorisation.to_app(db, school.id, app.id)), None),
    )


def agreed(authorisation: Authorisation) -> list[Line]:
    """What an authorisation covers, in the words that were agreed to; the app may word its purposes differently now."""
    if authorisation.terms is None:
        return _lines(authorisation.app, authorisation.scopes, authorisation.scopes)
    return [
        Line(
            scope=row["scope"],
            title=SCOPES[row["scope"]].title,
            description=SCOPES[row["scope"]].description,
            purpose=row["purpose"],
            required=row["required"],
            special=SCOPES[row["scope"]].special,
            identity=SCOPES[row["scope"]].identity,
            granted=True,
            grounds=(lawful.words(row.get("legal_basis")), lawful.words(row.get("special_condition"))),
        )
        for row in authorisation.terms
        if row["scope"] in authorisation.scopes and row["scope"] in SCOPES
    ]


def _lines(app: App, wanted: list[str], held: list[str]) -> list[Line]:
    return [line_of(row, held) for row in app.scopes if row.scope in wanted and row.scope in SCOPES]


def line_of(row: AppScope, held: Iterable[str]) -> Line:
    """A scope of the catalogue as an app asks for it now; `held` are those in force."""
    about = SCOPES[row.scope]
    return Line(
        scope=row.scope,
        title=about.title,
        description=about.description,
        purpose=row.purpose,
        required=row.required,
        special=about.special,
        identity=about.identity,
        granted=row.scope in held,
        grounds=(lawful.words(row.legal_basis), lawful.words(row.special_condition)),
    )


def facts(app: App) -> list[tuple[str, str]]:
    """The trust card: what a school wants to know about the partner before it says yes."""
    partner = app.partner
    agreement = partner.agreement_url or ""
    if agreement.startswith("https://"):
        agreement = Markup('<a class="govuk-link" rel="noreferrer" href="{0}">{0}</a>').format(agreement)
    return [
        ("ICO registration number", partner.ico_number or "Not given"),
        ("Data sharing agreement", agreement or "Not given"),
        ("Keeps data for", app.retention or "Not given"),
        ("Contact if data is lost or stolen", partner.breach_contact or "Not given"),
    ]


def end_date() -> dt.datetime:
    """When an authorisation given now ends, unless it is renewed or revoked before."""
    today = now()
    months = today.month - 1 + settings.authorisation_months
    year, month = today.year + months // 12, months % 12 + 1
    return today.replace(year=year, month=month, day=min(today.day, calendar.monthrange(year, month)[1]))


def grant(
    db: Session, *, person: Person, school: School, app: App, scopes: list[str], years: list[str] | None = None
) -> Authorisation:
    """Authorise an app for these scopes and year groups (None: every one), and no others, for another year.

    An authorisation in force keeps its id and the partner's tokens: those lose what is no longer agreed to, and what is
    new comes with new ones. Only a role Admin may. Raises NotAllowed, CannotShare or NotOffered.
    """
    if not decides(person, school):
        raise NotAllowed(hint=ASK)
    offered = [wanted.scope for wanted in app.scopes if wanted.scope in SCOPES]
    if not scopes or not set(scopes) <= set(offered):
        raise NotOffered(hint=f"{app.name} does not offer that choice." if scopes else "Choose at least one.")
    granted = [scope for scope in offered if scope in scopes]
    school = School.locked(db, school.id)
    check_still_admin(db, person, school)
    check_both_may(school, app)

    until, standing = end_date(), Authorisation.unended(db, school.id, app.id)
    before = list(standing.scopes) if standing and standing.is_active else None
    if standing and before is not None and standing.change(db, granted, until):
        authorisation = standing
        still_wanted(db, school, standing, person)
    else:
        if standing and standing.end(db, EXPIRED, None):
            tell(db, school, standing, "expired", by=None)
        authorisation = Authorisation(
            school_id=school.id, app_id=app.id, scopes=granted, granted_by=person.account.id, expires_at=until
        )
        db.add(authorisation)
    authorisation.terms = terms_of(app, granted)
    db.flush()
    others = authorisation.cover(db, years)
    ended = [scope for scope in before or () if scope not in granted]
    kind = "granted" if before is None else "renewed" if set(before) == set(granted) and not others else "changed"
    ends = until.isoformat(timespec="seconds")
    tell(db, school, authorisation, kind, by=person.account.id, ended=ended, until=ends, before=before)
    return authorisation


def revoke(db: Session, *, person: Person, school: School, authorisation_id: uuid.UUID) -> Authorisation:
    """Take a yes back: it and its tokens end now. One that has ended already stays as it is.

    Only a role Admin may. Raises NotAllowed, or NotFound for another school's.
    """
    if not decides(person, school):
        raise NotAllowed(hint=ASK)
    authorisation = Authorisation.at_school(db, authorisation_id, school.id)
    if authorisation is None:
        raise NotFound
    if authorisation.is_active and authorisation.end(db, REVOKED, person.account.id):
        tell(db, school, authorisation, "revoked", by=person.account.id)
    return authorisation


def check_still_admin(db: Session, person: Person, school: School) -> None:
    """Removing people locks the school too: whoever was removed while this waited decides nothing any more."""
    mine = people.membership_of(db, school.id, person.account.id)
    if mine is None or mine.role != ADMIN:
        raise NotAllowed(hint=ASK)


def still_wanted(db: Session, school: School, given: Authorisation, person: Person) -> None:
    """An Admin has said that it is wanted: what came over from a school before its conversion reads from now on."""
    carried = given.carried_from is not None and given.reconfirm_since is not None
    if given.confirm(db) and carried and given.resume(db):
        tell(db, school, given, "resumed", by=person.account.id)


def give_back(db: Session, authorisation: Authorisation) -> bool:
    """The app itself gives a yes back: it and its tokens end now. False when it had ended already."""
    school = School.by_id(db, authorisation.school_id)
    if school is None or not authorisation.is_active or not authorisation.end(db, RETURNED, None):
        return False
    tell(db, school, authorisation, "returned", by=None)
    return True


def terms_of(app: App, scopes: list[str]) -> list[dict[str, Any]]:
    """What a school has just agreed to, word for word: the app may word it differently later."""
    return [
        {
            "scope": row.scope,
            "title": SCOPES[row.scope].title,
            "purpose": row.purpose,
            "required": row.required,
            "legal_basis": lawful.words(row.legal_basis) or None,
            "special_condition": lawful.words(row.special_condition) or None,
        }
        for row in app.scopes
        if row.scope in scopes
    ]


def check_both_may(school: School, app: App) -> None:
    """Raises CannotShare where the school's status, or the app's, lets nothing be agreed to."""
    if school.status not in (UNVERIFIED, VERIFIED):
        raise CannotShare(hint=f"The status of your school is {school.status}.")
    if app.is_suspended:
        raise CannotShare(hint=f"{app.name} is suspended. You do not need to do anything.")
    if not app.is_live and not school.is_test:
        raise CannotShare(hint=f"{app.name} is still being tested and is not open to schools yet.")
