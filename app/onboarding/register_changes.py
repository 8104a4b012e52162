"""What the register says of a school after it was checked: a difference is looked at again, a closure closes it."""

import uuid

from app.audit import record
from app.db import Session
from app.models.base import now
from app.models.establishment import Establishment, RegisterImport
from app.models.school import VERIFIED, School
from app.onboarding import decisions
from app.onboarding.cases import CannotBeDone
from app.onboarding.register_facts import differences, snapshot

CLOSED_REASON = "The national register of schools says that the school has closed."


def look(db: Session, school: School, establishment: Establishment | None) -> bool:
    """Compare one school with the register, and note what is new; whether anything was."""
    if establishment is None:
        return _flag(db, school, ["The register no longer has this school"])
    if establishment.is_closed:
        decisions.close(db, school, None, CLOSED_REASON)
        return True
    current = snapshot(establishment)
    if school.checked is None:  # from before the register was watched
        school.checked = current
        return False
    found = differences(school.checked, current)
    return bool(found) and _flag(db, school, found)


def _flag(db: Session, school: School, found: list[str]) -> bool:
    reason = "\n".join(found)
    if school.recheck_reason == reason:
        return False
    school.recheck_since, school.recheck_reason = school.recheck_since or now(), reason
    db.flush()
    record(db, "school.recheck_flagged", actor=None, school=school.id)
    return True


class Follower:
    """Looks at every Verified and Suspended school once after each import of the register."""

    def __init__(self) -> None:
        self._seen: object = None
        self._left: list[uuid.UUID] = []

    def __call__(self, db: Session) -> int:
        """Go on until one school was found to differ: each is a write unit of its own."""
        latest = RegisterImport.latest(db)
        if latest is not None and latest.id != self._seen:
            self._left = School.standing(db)
            self._seen = latest.id
        while self._left:
            school = School.by_id(db, self._left.pop())
            if school and look(db, school, Establishment.by_urn(db, school.urn)):
                return 1
        return 0


follow_the_register = Follower()


def checked_again(db: Session, school: School, by: uuid.UUID) -> None:
    """An operator has looked: what the register says now is what the next difference is measured against."""
    establishment = Establishment.by_urn(db, school.urn)
    if school.status != VERIFIED or school.recheck_since is None:
        raise CannotBeDone(title="There is nothing to check", hint="See what the page says now.")
    school.checked = snapshot(establishment) if establishment else school.checked
    school.recheck_since = school.recheck_reason = None
    db.flush()
    record(db, "school.rechecked", actor=by, school=school.id)
