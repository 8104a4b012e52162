"""Looking again at what was agreed to: what an app has changed, what it never reads, and once a year everything."""

import dataclasses
import hashlib
import uuid
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.audit import record
from app.db import Session, sessions
from app.disclosure import preview
from app.errors import NotFound
from app.models.account import DECIDING
from app.models.authorisation import Authorisation
from app.models.base import ago, now
from app.models.ledger import Read
from app.models.school import School
from app.models.scope import SCOPES
from app.sharing import difference, years
from app.sharing.alteration import change, keep
from app.sharing.service import CannotShare, Line, NotOffered, agreed, facts, revoke, still_wanted
from app.signin.session import Person, at_school
from app.web.forms import Fault, Posted
from app.web.pages import page, see_other

router = APIRouter(prefix="/school", include_in_schema=False)

UNUSED_SECONDS = 90 * 86_400
YEAR_SECONDS = 365 * 86_400
MOST = 100  # on one page: a form has at most 200 fields
KEEP, NARROW, REVOKE = "keep", "narrow", "revoke"
CHANGED = Fault("What is shown here has changed since you opened this page. Read it again, then decide")


@dataclasses.dataclass(frozen=True)
class Reviewed:
    """One authorisation on the page of the annual review."""

    given: Authorisation
    lines: list[Line]
    unused: list[str]
    asks_more: bool

    @property
    def optional(self) -> list[Line]:
        """What could be shared no more, with something left to share."""
        found = [line for line in self.lines if not line.required]
        return found if len(self.lines) > 1 else []

    @property
    def choice(self) -> str:
        """The name of the field that decides about it."""
        return f"decide-{self.given.id}"

    def stopped(self, sent: dict[str, str]) -> list[str]:
        """The scopes that were ticked as no longer to be shared."""
        return [line.scope for line in self.optional if sent.get(f"stop-{self.given.id}-{line.scope}") == "yes"]


def unused(db: Session, shared: Iterable[Authorisation]) -> dict[uuid.UUID, list[str]]:
    """Scopes that were not read for 90 days, of those of which the ledger knows and that were agreed to before then."""
    old = [given for given in shared if given.is_active and given.decided_at < ago(UNUSED_SECONDS)]
    read = Read.scopes_since(db, [given.id for given in old], ago(UNUSED_SECONDS)) if old else {}
    found = {}
    for given in old:
        ledgered = [name for name in given.scopes if name in SCOPES and not SCOPES[name].identity]
        found[given.id] = [name for name in ledgered if name not in read.get(given.id, set())]
    return found


def is_due(school: School, shared: Iterable[Authorisation]) -> bool:
    """Whether a year has passed since the school last looked at everything that it shares."""
    some = any(given.is_active for given in shared)
    return some and (school.reviewed_at or school.registered_at) < ago(YEAR_SECONDS)


def finish(db: Session, *, person: Person, school: School, rows: list[Reviewed], sent: dict[str, str]) -> None:
    """Do what was decided about each, in order of id. The review is over when nothing is left that is older."""
    done = {KEEP: 0, NARROW: 0, REVOKE: 0}
    for row in sorted(rows, key=lambda row: row.given.id):
        given, decided = row.given, sent[row.choice]
        if decided == REVOKE:
            revoke(db, person=person, school=school, authorisation_id=given.id)
        elif decided == NARROW:
            left = [scope for scope in given.scopes if scope not in row.stopped(sent)]
            change(db, person=person, school=school, authorisation_id=given.id, scopes=left, reworded=False)
        else:
            still_wanted(db, school, given, person)
        done[decided] += 1
    left_over = [given for given in _active(db, school) if given.decided_at < ago(86_400)]
    if not left_over:
        school.reviewed_at = now()
    record(db, "school.reviewed", actor=person.account.id, school=school.id, subject=school.id, **done)


def stop_sharing(db: Session, *, person: Person, school: School, authorisation_id: uuid.UUID, scope: str) -> bool:
    """Let an app read this no more; False where it is not shared, or must be, or is all. Raises NotFound."""
    School.locked(db, school.id)  # before the scopes are read: two who narrow at once both do
    given = _found(db, authorisation_id, school)
    optional = [line.scope for line in agreed(given) if not line.required]
    left = [name for name in given.scopes if name != scope]
    if not given.is_active or scope not in optional or not left:
        return False
    return change(db, person=person, school=school, authorisation_id=given.id, scopes=left, reworded=False)


@router.get("/apps/{authorisation_id}/change")
def ask(request: Request, authorisation_id: uuid.UUID) -> Response:
    """What the app asks for now, beside what was agreed to."""
    with sessions.read() as db:
        _, school = at_school(request, db, *DECIDING)
        given = _found(db, authorisation_id, school)
        return _change_page(request, given) if given.is_active else see_other(f"/school/apps/{given.id}")


@router.post("/apps/{authorisation_id}/change")
def decide(request: Request, authorisation_id: uuid.UUID, sent: Posted) -> Response:
    """Agree to what is ticked and required, or keep what was agreed to before."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *DECIDING)
        School.locked(db, school.id)
        given = _found(db, authorisation_id, school)
        if not given.is_active:
            return see_other(f"/school/apps/{given.id}")
        shown = difference.between(given)
        if sent.get("shown") != shown.fingerprint:
            return _change_page(request, given, 409, problems=[CHANGED])
        if sent.get("decision") == KEEP:
            keep(db, person=person, school=school, given=given)
            return see_other(f"/school/apps/{given.id}?done=kept")
        lines = [row.line for row in shown.rows]
        chosen = [line.scope for line in lines if line.required or sent.get(f"scope-{line.scope}") == "yes"]
        about: dict[str, Any] = {"person": person, "school": school, "authorisation_id": given.id}
        try:
            covered = years.chosen(school.id, chosen, sent, given.years)
            done = change(db, **about, scopes=chosen, reworded=True, years=covered)
        except years.NoYear:
            return _change_page(request, given, 422, sent=sent, problems=[years.NONE_CHOSEN])
        except (NotOffered, CannotShare) as wrong:
            return _change_page(request, given, wrong.status, sent=sent, problems=[Fault(wrong.text)])
    return see_other(f"/school/apps/{authorisation_id}?done={'changed' if done else 'unchanged'}")


@router.post("/apps/{authorisation_id}/stop")
def stop(request: Request, authorisation_id: uuid.UUID, sent: Posted) -> Response:
    """Share one optional kind of data no more. Pressed twice, it is done once."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *DECIDING)
        scope = sent.get("scope", "")
        done = stop_sharing(db, person=person, school=school, authorisation_id=authorisation_id, scope=scope)
    return see_other(f"/school/apps/{authorisation_id}{'?done=changed' if done else ''}")


@router.get("/review")
def look(request: Request) -> Response:
    """Everything that is shared, on one page."""
    with sessions.read() as db:
        _, school = at_school(request, db, *DECIDING)
        rows, more = _rows(db, school)
    return _review_page(request, school, rows, more)


@router.post("/review")
def save(request: Request, sent: Posted) -> Response:
    """Keep, narrow or revoke each: all of it or, where something is wrong, nothing."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *DECIDING)
        school = School.locked(db, school.id)
        rows, more = _rows(db, school)
        if sent.get("shown") != _fingerprint(rows):
            return _review_page(request, school, rows, more, 409, problems=[CHANGED])
        if faults := _faults(rows, sent):
            return _review_page(request, school, rows, more, 422, sent=sent, problems=faults)
        finish(db, person=person, school=school, rows=rows, sent=sent)
    return see_other("/school/review" if more else "/school?done=reviewed")


def _faults(rows: list[Reviewed], sent: dict[str, str]) -> list[Fault]:
    faults = []
    for row in rows:
        decided, name = sent.get(row.choice, ""), row.given.app.name
        stopped = row.stopped(sent)
        if decided not in (KEEP, NARROW, REVOKE) or (decided == NARROW and not row.optional):
            faults.append(Fault(f"Choose what to do about {name}", row.choice))
        elif decided == NARROW and not stopped:
            faults.append(Fault(f"Tick what {name} may no longer read", f"stop-{row.given.id}"))
        elif decided == NARROW and len(stopped) == len(row.given.scopes):
            faults.append(Fault(f"Leave something for {name} to read, or revoke it", f"stop-{row.given.id}"))
    return faults


def _rows(db: Session, school: School) -> tuple[list[Reviewed], int]:
    """Those to be confirmed again first, then the longest not looked at; and how many more there are."""
    active = _active(db, school)
    active.sort(key=lambda given: (given.reconfirm_since is None, given.decided_at, given.id))
    old = unused(db, active)
    rows = [
        Reviewed(given, agreed(given), old.get(given.id, []), difference.is_undecided(given)) for given in active[:MOST]
    ]
    return rows, sum(given.decided_at < ago(86_400) for given in active[MOST:])


def _active(db: Session, school: School) -> list[Authorisation]:
    return [given for given in Authorisation.of_school(db, school.id) if given.is_active]


def _found(db: Session, authorisation_id: uuid.UUID, school: School) -> Authorisation:
    given = Authorisation.at_school(db, authorisation_id, school.id)
    if given is None:
        raise NotFound
    return given


def _fingerprint(rows: list[Reviewed]) -> str:
    """What the page shows, in short."""
    read = [(row.given.id, sorted(row.given.scopes), row.given.state) for row in rows]
    return hashlib.sha256(repr(sorted(read)).encode()).hexdigest()


def _change_page(request: Request, given: Authorisation, status: int = 200, **context: Any) -> Response:
    shown = difference.between(given)
    scopes = [row.line.scope for row in shown.rows]
    context |= years.shown(given.school_id, scopes, given.years)
    context["previews"] = preview.of(given.school_id, given.app_id, scopes, given.years)
    return page(request, "sharing/change.html", status, given=given, shown=shown, facts=facts(given.app), **context)


def _review_page(
    request: Request, school: School, rows: list[Reviewed], more: int, status: int = 200, **context: Any
) -> Response:
    shown = _fingerprint(rows)
    return page(
        request,
        "sharing/review.html",
        status,
        school=school,
        rows=rows,
        more=more,
        shown=shown,
        scopes=SCOPES,
        **context,
    )
