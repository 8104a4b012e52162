"""Which apps a school's people may be given users in: by its authorisations, as they are at that moment."""

import uuid

from app.db import Session
from app.disclosure import visible
from app.errors import NotFound
from app.models.authorisation import Authorisation
from app.models.school import VERIFIED, School
from app.models.scope import STAFF_MEMBERS, STUDENTS


def syncable(db: Session, school_id: uuid.UUID) -> list[Authorisation]:
    """What a school has agreed to that opens names of pupils or staff: the apps that a sync can serve."""
    return [given for given in Authorisation.of_school(db, school_id) if given.is_active and _opens_people(given)]


def _opens_people(given: Authorisation) -> bool:
    return any("given_name" in visible(given, record_) for record_ in (STUDENTS, STAFF_MEMBERS))


def authorised(db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> Authorisation:
    """The authorisation that a sync rests on. Raises NotFound without one, or one that opens nobody's name."""
    given = Authorisation.active(db, school_id, app_id)
    if given is None or given.is_paused or given.app.is_suspended or not _opens_people(given):
        raise NotFound
    return given


def deliverable(db: Session, school_id: uuid.UUID, app_id: uuid.UUID) -> Authorisation:
    """The authorisation under which an app may be told of users now. Raises NotFound without one."""
    given, school = authorised(db, school_id, app_id), School.by_id(db, school_id)
    if school is None or school.status != VERIFIED or school.frozen_at:
        raise NotFound
    return given
