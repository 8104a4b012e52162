"""Batches from upload to roster: whole or not at all, the same again, held, superseded, refused."""

import datetime as dt
import threading

import pytest
from sqlalchemy import select, update

from app.db import sessions
from app.errors import NotFound
from app.models.base import ago, today
from app.models.roster.batch import ACCEPTED, CANCELLED, HELD, RECEIVED, REFUSED, Batch, Chunk
from app.models.roster.head import Roster
from app.models.roster.person import Person
from app.roster import batch_words, intake, sources
from tests.roster.school_data import School, changed
from tests.roster.sending import Sender


def chunks() -> int:
    with sessions.read() as db:
        return len(list(db.scalars(select(Chunk.batch_id))))


def number(of: Sender) -> int:
    with sessions.read() as db:
        return Roster.number_of(db, of.school.id)


def test_a_first_batch_becomes_the_roster_and_its_content_is_not_kept() -> None:
    here, school = Sender(), School()
    batch = here.sends(school.oneroster())

    assert (batch.state, batch.source, batch.is_full, batch.number) == (ACCEPTED, "oneroster", True, 1)
    assert batch.counts["people"] == {"added": 24 + 23 + len(school.forms), "changed": 0, "gone": 0, "unchanged": 0}
    assert batch_words.summary(batch) == f"{47 + len(school.forms)} new"
    assert len(here.people()) == 47 + len(school.forms)
    assert chunks() == 0
    with sessions.read() as db:
        roster = Roster.of(db, here.school.id)
        assert roster is not None and (roster.source, roster.people) == ("oneroster", len(here.people()))


def test_the_same_file_again_changes_nothing_and_is_fresh() -> None:
    here, school = Sender(), School()
    here.sends(school.oneroster())
    with sessions.begin() as db:
        db.execute(update(Roster).values(accepted_at=ago(86_400)))

    again = here.sends(school.oneroster())

    assert (again.state, again.number, number(here)) == (ACCEPTED, 1, 1)
    assert again.counts["people"]["added"] == 0 and again.counts["people"]["unchanged"] == 47 + len(school.forms)
    with sessions.read() as db:
        roster = Roster.of(db, here.school.id)
        assert roster is not None and roster.accepted_at is not None and roster.accepted_at > ago(60)


def test_a_changed_name_a_joiner_and_a_leaver_are_the_three_that_change() -> None:
    here, school = Sender(), School()
    here.sends(school.oneroster())
    before = here.people()
    school.pupils[2].family = "Married-Name"
    school.pupils.append(School(25).pupils[24])
    school.pupils.pop(5)

    batch = here.sends(school.oneroster())

    # The leaver's contact goes too, and the joiner's comes.
    assert batch.state == ACCEPTED
    assert {what: batch.counts["people"][what] for what in ("added", "gone")} == {"added": 2, "gone": 2}
    assert number(here) == 2
    kept = {key: own for key, own in here.people().items() if key in before}
    assert all(before[key] == own for key, own in kept.items()), "ids stay"
    with sessions.read(school=here.school.id) as db:
        moved = db.scalars(select(Person.family_name).where(Person.id == before["pup-3"])).one()
    assert moved == "Married-Name"


def test_ids_survive_a_change_of_system_by_upn() -> None:
    here, school = Sender(), School()
    here.sends(school.oneroster())
    before = here.people()

    batch = here.sends(school.sims())

    after = here.people()
    assert batch.state in (ACCEPTED, HELD), batch.held_for
    if batch.state == HELD:
        batch = here.confirms(batch)
        after = here.people()
    for pupil in school.pupils:
        assert before[f"pup-{pupil.number}"] == after[f"p:{pupil.number}"]


def test_a_batch_that_would_remove_many_waits_for_an_admin() -> None:
    here, school = Sender(), School(60)
    here.sends(school.oneroster())
    whole = here.people()
    del school.pupils[30:]

    held = here.sends(school.oneroster())

    assert (held.state, number(here), here.people()) == (HELD, 1, whole)
    assert held.held_for["gone"]["pupils"] == {"gone": 30, "of": 60}
    assert batch_words.held(held)[0] == "30 of 60 pupils would be gone."
    assert chunks() > 0, "it is kept until it is decided"
    done = here.confirms(held)
    assert (done.state, number(here)) == (ACCEPTED, 2)
    assert len(here.people()) < len(whole) and chunks() == 0


def test_a_held_batch_can_be_left_out_and_is_decided_once() -> None:
    here, school = Sender(), School(60)
    here.sends(school.oneroster())
    whole = here.people()
    del school.pupils[30:]
    held = here.sends(school.oneroster())
    with sessions.begin() as db:
        intake.cancel(db, school_id=here.school.id, batch_id=held.id, by=here.admin.id)

    assert (here.batch(held.id).state, here.people(), chunks()) == (CANCELLED, whole, 0)
    with sessions.begin() as db, pytest.raises(intake.Decided):
        intake.confirm(db, school_id=here.school.id, batch_id=held.id, by=here.admin.id)
    assert here.sends(School(60).oneroster()).state == ACCEPTED


def test_a_transfer_file_of_another_school_waits_until_an_admin_says_that_it_is_theirs() -> None:
    here, school = Sender(), School()

    def file(establishment: str) -> bytes:
        source = f"<SourceSchool><LEA>888</LEA><Estab>{establishment}</Estab></SourceSchool></Header>"
        return school.ctf().replace(b"</Header>", source.encode())

    held = here.sends(file("3001"), "ctf.xml")

    assert (held.state, here.people()) == (HELD, {})
    assert batch_words.held(held) == ["It was written at another school, 888/3001. Is it about your pupils?"]
    assert here.confirms(held).state == ACCEPTED
    school.pupils[0].family = "Married-Name"
    assert here.sends(file("3001"), "ctf.xml").state == ACCEPTED, "an Admin has said so once"
    assert here.sends(file("3002"), "ctf.xml").state == HELD
    school.pupils[0].family = "Lee"
    assert here.sends(file("0001"), "ctf.xml").state == ACCEPTED, "its own number"


def test_a_newer_batch_takes_the_place_of_one_that_is_held() -> None:
    here, school = Sender(), School(60)
    here.sends(school.oneroster())
    part = School(60)
    del part.pupils[30:]
    held = here.sends(part.oneroster())
    school.pupils[0].email = "another@school.example"

    assert here.sends(school.oneroster()).state == ACCEPTED
    assert here.batch(held.id).state == CANCELLED
    assert here.batch(held.id).decided_by is None


def test_a_faulty_file_is_refused_whole_with_its_faults() -> None:
    here, school = Sender(), School()
    here.sends(school.oneroster())
    before = here.people()
    bad = changed(school.oneroster(), "users.csv", "pup-6,", "pup-7,")

    refused = here.sends(bad, "export.zip")

    assert (refused.state, here.people(), number(here), chunks()) == (REFUSED, before, 1, 0)
    assert refused.faults[0]["file"] == "users.csv" and refused.faults[0]["line"] > 1
    assert "earlier line" in refused.faults[0]["reason"]
    school.pupils[0].email = "another@school.example"
    assert here.sends(school.oneroster()).state == ACCEPTED


def test_what_no_reader_foresaw_is_refused_in_plain_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here, school = Sender(), School()

    def fail(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    with monkeypatch.context() as patched:
        patched.setattr(sources, "read", fail)
        refused = here.sends(school.oneroster())
    assert (refused.state, refused.faults[0]["reason"]) == (REFUSED, intake.UNREADABLE)
    assert here.sends(school.oneroster()).state == ACCEPTED


def test_contacts_of_pupils_whom_nobody_knows_are_refused_and_the_worker_goes_on() -> None:
    here = Sender()
    contacts = b"Adno,UPN,Priority,Relationship,Forename,Surname\n1,,1,Mother,Pat,Lee\n"
    refused = here.sends(contacts, "contacts.csv")
    assert refused.state == REFUSED and "neither in these files nor" in refused.faults[0]["reason"]
    assert here.sends(School().oneroster()).state == ACCEPTED


def test_columns_that_nobody_knows_wait_for_the_school() -> None:
    here = Sender()
    asked = here.sends(b"Vorname,Nachname,Klasse,Nummer\nAnn,Lee,7A,1\n", "pupils.csv")
    assert (asked.state, asked.held_for["mapping"]["kind"]) == (HELD, "pupils")
    assert batch_words.held(asked) == ["We do not know yet what its columns mean."]
    assert here.people() == {}


def test_a_leaving_date_that_passes_takes_effect_with_the_same_file() -> None:
    here, school = Sender(), School()
    school.pupils[3].leaves = today() + dt.timedelta(days=1)
    assert here.sends(school.oneroster()).counts["people"]["added"] == 47 + len(school.forms)
    with sessions.begin() as db:
        yesterday = ago(2 * 86_400)
        db.execute(update(Batch).values(decided_at=yesterday))
    assert here.sends(school.oneroster()).number == 1, "read anew, since another day has begun"


def test_of_two_workers_one_takes_a_batch_and_one_whose_worker_died_is_taken_again() -> None:
    here, school = Sender(), School()
    own = here.uploads(school.oneroster())
    taken: list[bool] = []
    both = [threading.Thread(target=lambda: taken.append(intake.take_in(here.school.id, own))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(taken) == [False, True] or taken == [True, False]
    assert (here.batch(own).state, number(here)) == (ACCEPTED, 1)

    school.pupils[0].email = "another@school.example"
    later = here.uploads(school.oneroster())
    with sessions.begin(school=here.school.id) as db:
        batch = Batch.of_school(db, here.school.id, later)
        assert batch is not None and batch.take(db, ago(1), intake.READING)  # the lease has run out already
    intake.work()
    assert here.batch(later).state == ACCEPTED


def test_batches_of_a_school_are_read_in_the_order_in_which_they_came() -> None:
    here, first, second = Sender(), School(), School()
    second.pupils[0].family = "Second"
    one, other = here.uploads(first.oneroster()), here.uploads(second.oneroster())
    assert intake.work() == 1
    assert (here.batch(one).state, here.batch(other).state) == (ACCEPTED, RECEIVED)
    assert intake.work() == 1
    assert here.batch(other).number == 2


def test_readers_see_the_roster_before_or_after_and_never_between() -> None:
    here = Sender()
    old, new = School(40), School(40)
    for pupil in new.pupils:
        pupil.family = "New"
    here.sends(old.oneroster())
    own = here.uploads(new.oneroster())
    seen: set[frozenset[str]] = set()
    stop = threading.Event()

    def reads() -> None:
        while not stop.is_set():
            with sessions.read(school=here.school.id) as db:
                names = db.scalars(select(Person.family_name).where(Person.school_id == here.school.id, Person.pupil))
                again = db.scalars(select(Person.family_name).where(Person.school_id == here.school.id, Person.pupil))
                seen.add(frozenset({"New" if name == "New" else "old" for name in [*names, *again]}))

    readers = [threading.Thread(target=reads) for _ in range(3)]
    for one in readers:
        one.start()
    intake.take_in(here.school.id, own)
    stop.set()
    for one in readers:
        one.join()
    assert seen <= {frozenset({"old"}), frozenset({"New"})}
    assert here.batch(own).state == ACCEPTED


def test_another_schools_batch_can_be_neither_confirmed_nor_cancelled() -> None:
    here, other = Sender(), Sender(100002)
    part = School(60)
    here.sends(part.oneroster())
    del part.pupils[30:]
    held = here.sends(part.oneroster())
    for decide in (intake.confirm, intake.cancel):
        with sessions.begin() as db, pytest.raises(NotFound):
            decide(db, school_id=other.school.id, batch_id=held.id, by=other.admin.id)
    assert here.batch(held.id).state == HELD
    assert here.confirms(held).state == ACCEPTED
