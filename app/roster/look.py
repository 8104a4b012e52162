"""One call's look at a roster: what it may see, and the ids by which its partner knows it."""

import uuid
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar, TypeVarTuple, Unpack

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from app.db import Session
from app.disclosure import Given
from app.disclosure.pairwise import COURSE, ENROLMENT, GROUP, PERSON, SESSION, Ids
from app.disclosure.sight import Standing, sight, standing
from app.errors import NotFound
from app.models.establishment import Establishment
from app.models.partner import App, pairwise
from app.models.school import School

AT_ONCE = 4
"""Data calls that one process answers at a time. More would not be faster: they would keep each other from the
interpreter, and every other page from a thread."""

_places: RunVar[CapacityLimiter] = RunVar("data calls at once")
Made = TypeVar("Made")
_Args = TypeVarTuple("_Args")


async def in_turn(work: Callable[[Unpack[_Args]], Made], *arguments: *_Args) -> Made:
    """What `work` makes, in one of the threads for data calls."""
    try:
        places = _places.get()
    except LookupError:
        _places.set(places := CapacityLimiter(AT_ONCE))
    return await to_thread.run_sync(work, *arguments, limiter=places)


class Look:
    """Within `sessions.read(school=…)` of the school that was given, so that all of it is of one moment."""

    def __init__(self, db: Session, given: Given) -> None:
        self.db, self.given = db, given
        self.sight = sight(given)
        self._key = _partner_key(db, given.app_id)

    @cached_property
    def standing(self) -> Standing:
        """Whom and what it finds."""
        return standing(self.db, self.sight)

    @cached_property
    def register(self) -> tuple[School, Establishment | None]:
        """The school, and what the register says of it. Raises NotFound."""
        school = School.by_id(self.db, self.given.school_id)
        if school is None:
            raise NotFound
        return school, Establishment.by_urn(self.db, school.urn)

    def _ids(self, kind: str) -> Ids:
        return Ids(self._key, kind, self.given.school_id)

    @cached_property
    def org_id(self) -> str:
        """The partner's id of the school itself."""
        return pairwise(self._key, "school", self.given.school_id)

    @cached_property
    def people(self) -> Ids:
        return self._ids(PERSON)

    @cached_property
    def groups(self) -> Ids:
        return self._ids(GROUP)

    @cached_property
    def courses(self) -> Ids:
        return self._ids(COURSE)

    @cached_property
    def sessions(self) -> Ids:
        return self._ids(SESSION)

    @cached_property
    def enrolments(self) -> Ids:
        return self._ids(ENROLMENT)


_keys: dict[uuid.UUID, bytes] = {}


def _partner_key(db: Session, app_id: uuid.UUID) -> bytes:
    """The key of an app's partner, which never changes and takes longer to unseal than to use."""
    if app_id not in _keys:
        _keys[app_id] = App.pairwise_key_of(db, app_id)
    return _keys[app_id]
