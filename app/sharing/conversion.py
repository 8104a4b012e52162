"""A school that became an academy takes over what it had authorised before; each app waits until that is confirmed."""

import uuid
from collections.abc import Collection

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import Problem
from app.models.account import DECIDING
from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.establishment import Establishment, EstablishmentLink
from app.models.school import CLOSED, VERIFIED, School
from app.sharing.changes import tell
from app.signin.session import Person, at_school
from app.web.forms import Posted, shown
from app.web.pages import page, see_other

router = APIRouter(prefix="/school/conversion", include_in_schema=False)

CONVERSION = "conversion"


class NothingChosen(Problem):
    status = 422
    title = "Choose at least one app to carry over"


class NotYetVerified(Problem):
    status = 409
    title = "Your school is not Verified yet"


@router.get("")
def ask(request: Request) -> Response:
    return _shown(request)


@router.post("")
def submit(request: Request, sent: Posted) -> Response:
    """Carry over what was ticked."""
    chosen = {name.removeprefix("app-") for name, value in sent.items() if name.startswith("app-") and value == "yes"}
    try:
        with sessions.begin() as db:
            person, school = at_school(request, db, *DECIDING)
            carry(db, person, school, chosen)
    except (NothingChosen, NotYetVerified) as wrong:
        return _shown(request, wrong.status, sent=sent, problems=shown(wrong))
    return see_other("/school/apps?carried")


def offered(db: Session, school: School) -> list[Authorisation]:
    """What the schools before this one had authorised until they closed, and this one has not taken over yet.

    Only for a Verified school, and only from predecessors that the register says have closed: whoever claims a school
    must not read what another agreed to.
    """
    if school.status != VERIFIED:
        return []
    before = EstablishmentLink.preceding(db, [school.urn]).get(school.urn, set())
    gone = [urn for urn in sorted(before) if (record := Establishment.by_urn(db, urn)) is None or record.is_closed]
    here = {given.app_id for given in Authorisation.of_school(db, school.id) if given.is_active or given.carried_from}
    found: dict[uuid.UUID, Authorisation] = {}
    for old in (old for urn in gone for old in School.of_urn(db, urn) if old.status in (VERIFIED, CLOSED)):
        for given in Authorisation.of_school(db, old.id):
            if given.app_id not in here and _was_in_force(given, old) and _still_asked(given):
                found.setdefault(given.app_id, given)
    return sorted(found.values(), key=lambda given: given.id)


def carry(db: Session, person: Person, school: School, chosen: Collection[str]) -> list[Authorisation]:
    """Take these over, by the ids of the old ones: paused, and to be confirmed. Ids that are not offered name nothing.

    Raises NotYetVerified or NothingChosen.
    """
    school = School.locked(db, school.id)
    if school.status != VERIFIED:
        raise NotYetVerified(hint="Carry over what was authorised before once we have checked your registration.")
    taken = [old for old in offered(db, school) if str(old.id) in chosen]
    if not taken:
        raise NothingChosen
    made = []
    for old in taken:
        if standing := Authorisation.unended(db, school.id, old.app_id):
            standing.end(db, "expired", person.account.id)
        made.append(_carried(old, school, person))
    db.add_all(made)
    db.flush()
    for given in made:
        tell(db, school, given, "paused", by=person.account.id, carried_from=str(given.carried_from))
    return made


def _carried(old: Authorisation, school: School, person: Person) -> Authorisation:
    moment = now()
    return Authorisation(
        school_id=school.id,
        app=old.app,
        scopes=_still_asked(old),
        terms=[row for row in old.terms or [] if row["scope"] in _still_asked(old)] or None,
        granted_by=person.account.id,
        expires_at=old.expires_at,
        paused_at=moment,
        paused_by=person.account.id,
        pause_reason="Carried over when the school became an academy: confirm it first",
        reconfirm_since=moment,
        reconfirm_reason=CONVERSION,
        carried_from=old.id,
    )


def _was_in_force(given: Authorisation, old: School) -> bool:
    """In force now, or ended by nothing but the closing of its school."""
    if given.expires_at <= now():
        return False
    return given.ended_at is None or (old.status == CLOSED and given.ended_at >= old.status_at)


def _still_asked(given: Authorisation) -> list[str]:
    return [] if given.app.is_suspended else [scope for scope in given.scopes if scope in given.app.asks]


def _shown(request: Request, status: int = 200, **context: object) -> Response:
    with sessions.read() as db:
        _, school = at_school(request, db, *DECIDING)
        found = offered(db, school)
        names = {given.school_id: old for given in found if (old := School.by_id(db, given.school_id))}
    return page(request, "sharing/conversion.html", status, school=school, offered=found, names=names, **context)
