"""What was agreed to is altered, or kept as it was. Who saves what was agreed to already alters nothing."""

import uuid
from collections.abc import Iterable

from app.audit import record
from app.db import Session
from app.errors import NotFound
from app.models.authorisation import Authorisation
from app.models.school import School
from app.models.scope import SCOPES
from app.sharing.changes import tell
from app.sharing.service import (
    CannotShare,
    NotOffered,
    agreed,
    check_both_may,
    check_still_admin,
    still_wanted,
    terms_of,
)
from app.signin.session import Person


def change(
    db: Session,
    *,
    person: Person,
    school: School,
    authorisation_id: uuid.UUID,
    scopes: Iterable[str],
    reworded: bool,
    years: list[str] | bool | None = False,
) -> bool:
    """Let an authorisation in force cover these scopes from now on, until the day that was agreed to.

    `years`: and these year groups, or (None) every one; left out, they stay as they are.

    `reworded`: the person has read what the app says now, and that takes the place of what was agreed to before.
    False when neither the scopes nor the words are others than before: then it is kept, and nobody is told.
    Raises NotFound, CannotShare, or NotOffered for a scope that is neither agreed to nor asked for, or none at all.
    """
    school = School.locked(db, school.id)
    check_still_admin(db, person, school)
    given = Authorisation.at_school(db, authorisation_id, school.id)
    if given is None:
        raise NotFound
    db.refresh(given)
    wanted = set(scopes)
    before, known = list(given.scopes), [*given.scopes, *(scope for scope in given.app.asks if scope in SCOPES)]
    chosen = [scope for scope in dict.fromkeys(known) if scope in wanted]
    if not chosen or not wanted <= set(chosen):
        raise NotOffered(hint="Choose at least one, or revoke the authorisation.")
    if not set(chosen) <= set(before):
        check_both_may(school, given.app)
    read = agreed(given)
    if not given.is_active or not given.change(db, chosen, given.expires_at):
        raise CannotShare(hint="The authorisation has ended.")
    if reworded:
        given.terms = terms_of(given.app, chosen)
    elif given.terms is not None:
        given.terms = [row for row in given.terms if row["scope"] in chosen]
    db.flush()
    others = False if isinstance(years, bool) else given.cover(db, years)
    same = set(chosen) == set(before)
    if same and not others and {line.scope: line for line in read} == {line.scope: line for line in agreed(given)}:
        keep(db, person=person, school=school, given=given)
        return False
    still_wanted(db, school, given, person)
    ended, ends = [scope for scope in before if scope not in chosen], given.expires_at.isoformat(timespec="seconds")
    by = person.account.id
    tell(db, school, given, "changed", by=by, ended=ended, until=ends, before=before, reworded=same)
    return True


def keep(db: Session, *, person: Person, school: School, given: Authorisation) -> None:
    """Let it go on as it was agreed to."""
    still_wanted(db, school, given, person)
    by, subject = person.account.id, given.id
    record(db, "authorisation.kept", actor=by, school=school.id, subject=subject, scopes=given.scopes)
