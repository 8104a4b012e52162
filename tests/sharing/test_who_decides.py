import uuid

import pytest

from app.db import sessions
from app.errors import NotAllowed, NotFound
from app.models.account import ADMIN, DPO, IT, READ_ONLY
from app.models.base import now
from app.models.school import CLOSED, REJECTED, SUSPENDED, UNVERIFIED, VERIFIED, School
from app.sharing.service import CannotShare, NotOffered, grant, offer, revoke
from tests.sharing.people import active, authorised, colleague, granted, person, world


@pytest.mark.parametrize("role", [DPO, IT, READ_ONLY])
def test_only_an_admin_grants_and_revokes(role: str) -> None:
    here = world()
    other = colleague(here.school, role)
    given = authorised(here)

    with sessions.begin() as db:
        with pytest.raises(NotAllowed):
            grant(db, person=person(db, other), school=here.school, app=here.app, scopes=["school"])
        with pytest.raises(NotAllowed):
            revoke(db, person=person(db, other), school=here.school, authorisation_id=given.id)
    assert active(here)[0].id == given.id
    entitled = colleague(here.school, ADMIN)
    with sessions.begin() as db:
        revoke(db, person=person(db, entitled), school=here.school, authorisation_id=given.id)
    assert active(here) == []


def test_an_admin_of_another_school_grants_and_revokes_nothing_here() -> None:
    here, there = world(100001), world(100002)
    given = authorised(here)

    with sessions.begin() as db:
        stranger = there.person(db)
        with pytest.raises(NotAllowed):
            grant(db, person=stranger, school=here.school, app=here.app, scopes=["school"])
        with pytest.raises(NotAllowed):
            revoke(db, person=stranger, school=here.school, authorisation_id=given.id)
        with pytest.raises(NotFound):
            revoke(db, person=stranger, school=there.school, authorisation_id=given.id)
        with pytest.raises(NotFound):
            revoke(db, person=stranger, school=there.school, authorisation_id=uuid.uuid4())
    assert active(here)[0].id == given.id
    assert granted(there).school_id == there.school.id


@pytest.mark.parametrize("scopes", [[], ["students"], ["school", "students"], ["openid email"]])
def test_what_the_app_does_not_offer_cannot_be_granted(scopes: list[str]) -> None:
    here = world()

    with sessions.begin() as db, pytest.raises(NotOffered):
        grant(db, person=here.person(db), school=here.school, app=here.app, scopes=scopes)
    assert active(here) == []
    assert granted(here).is_active


@pytest.mark.parametrize(
    ("status", "may"), [(UNVERIFIED, True), (VERIFIED, True), (SUSPENDED, False), (REJECTED, False), (CLOSED, False)]
)
def test_the_status_of_the_school_decides_whether_it_may_authorise(status: str, may: bool) -> None:
    here = world(status=status)

    if may:
        assert granted(here).is_active
        return
    with sessions.begin() as db, pytest.raises(CannotShare):
        grant(db, person=here.person(db), school=here.school, app=here.app, scopes=["school"])
    with sessions.read() as db, pytest.raises(CannotShare):
        offer(db, here.app, ["school"], here.school)


def test_a_status_that_changed_meanwhile_counts() -> None:
    here = world()
    with sessions.begin() as db:
        db.get_one(School, here.school.id).move(db, VERIFIED, SUSPENDED)
    assert here.school.status == VERIFIED  # what the request read before

    with sessions.begin() as db, pytest.raises(CannotShare):
        grant(db, person=here.person(db), school=here.school, app=here.app, scopes=["school"])
    with sessions.begin() as db:
        db.get_one(School, here.school.id).move(db, SUSPENDED, VERIFIED)
    assert granted(here).is_active


def test_a_suspended_app_and_a_test_app_are_not_for_real_schools() -> None:
    suspended, testing, trial = world(100001, suspended_at=now()), world(100002, is_live=False), world(100003)

    for here in (suspended, testing):
        with sessions.begin() as db, pytest.raises(CannotShare):
            grant(db, person=here.person(db), school=here.school, app=here.app, scopes=["school"])
    with sessions.begin() as db:
        db.get_one(School, testing.school.id).is_test = True
    assert granted(testing).is_active
    assert granted(trial).is_active
