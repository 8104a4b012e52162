"""The roster's tables: whose rows a transaction sees, and how its changes are counted."""

import threading
import uuid

import pytest
from sqlalchemy import text

from app.db import DatabaseAway, Session, is_sqlite, sessions
from app.models.base import now
from app.models.roster.exclusion import Exclusion
from app.models.roster.head import Roster
from app.models.roster.person import Person
from app.models.school import School
from tests import factories


def pupil(db: Session, school_id: uuid.UUID, key: str = "pup-1") -> Person:
    made = Person(
        school_id=school_id,
        source_key=key,
        digest=b"",
        number=1,
        changed_at=now(),
        arrived_at=now(),
        pupil=True,
        given_name="Zoë",
        family_name="Brontë",
    )
    db.add(made)
    db.flush()
    return made


@pytest.fixture
def schools() -> list[uuid.UUID]:
    with sessions.begin() as db:
        made = [factories.school(db, urn).id for urn in (100001, 100002)]
    for school_id in made:
        with sessions.begin(school=school_id) as db:
            pupil(db, school_id)
    return made


@pytest.mark.skipif(is_sqlite, reason="row-level security is PostgreSQL's")
def test_a_transaction_sees_the_roster_of_the_school_that_it_named_and_no_other(schools: list[uuid.UUID]) -> None:
    everyone = text("SELECT school_id FROM person")

    def seen(school: uuid.UUID | None) -> set[uuid.UUID]:
        with sessions.read(school=school) as db:
            return {row[0] for row in db.execute(everyone)}

    assert seen(None) == set()
    assert seen(schools[0]) == {schools[0]}
    assert seen(schools[1]) == {schools[1]}

    def writes(named: uuid.UUID, of: uuid.UUID) -> None:
        with sessions.begin(school=named) as db:
            pupil(db, of, "pup-2")

    with pytest.raises(DatabaseAway, match="row-level security"):
        writes(schools[0], schools[1])
    writes(schools[0], schools[0])


def test_changes_that_come_together_each_get_a_number_of_their_own(schools: list[uuid.UUID]) -> None:
    numbers: list[int] = []

    def change() -> None:
        with sessions.begin(school=schools[0]) as db:
            numbers.append(Roster.next_number(db, schools[0]))

    threads = [threading.Thread(target=change) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(numbers) == list(range(1, 9))
    with sessions.read(school=schools[1]) as db:
        assert Roster.number_of(db, schools[1]) == 0


def test_an_exclusion_ends_once_and_is_kept(schools: list[uuid.UUID]) -> None:
    with sessions.begin(school=schools[0]) as db:
        school = School.by_id(db, schools[0])
        assert school
        admin = factories.admin(db, school)
        person = pupil(db, schools[0], "pup-9")
        made = Exclusion(school_id=schools[0], person_id=person.id, reason="protected", made_by=admin.id)
        db.add(made)
        db.flush()
        assert Exclusion.standing(db, schools[0]) == [made]
        assert Exclusion.standing(db, schools[0], uuid.uuid4()) == [made]
        assert Exclusion.standing(db, schools[1]) == []

        assert made.end(db, admin.id)
        assert not made.end(db, admin.id)

        assert Exclusion.standing(db, schools[0]) == []
        assert made.ended_by == admin.id
