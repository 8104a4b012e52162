"""The audit finds what was edited, deleted, moved, cut off or made unreadable."""

import pytest
from sqlalchemy import text

from app import audit
from app.db import is_sqlite, sessions
from app.models.base import new_id


@pytest.fixture(autouse=True)
def five_events() -> None:
    for number in range(5):
        with sessions.begin() as db:
            audit.record(db, "school.verified", actor=new_id(), school=new_id(), number=number)


def faults(head: tuple[int, str] | None = None) -> list[str]:
    with sessions.read() as db:
        return audit.verify(db, head)


BREAKAGES = [
    ("UPDATE event SET action = 'school.rejected' WHERE number = 3", "Event 3 was changed"),
    ("DELETE FROM event WHERE number = 3", "Event 3 is missing"),
    ("UPDATE event SET number = number + 100 WHERE number = 2", "Event 2 is missing"),
    ("DELETE FROM event WHERE number = 5", "The last event should be 5"),
    ("DELETE FROM event_head", "The row that says which event is the last is missing"),
    ("UPDATE event_head SET number = 4", "The last event should be 4"),
]
UNREADABLE = [
    ("UPDATE event SET detail = 'no json' WHERE number = 3", "Event 3 cannot be read"),
    ("UPDATE event SET happened_at = 'rubbish' WHERE number = 2", "Event 2 cannot be read"),
]


@pytest.mark.parametrize(("done", "said"), BREAKAGES + (UNREADABLE if is_sqlite else []))
def test_what_was_done_to_the_rows_is_said(done: str, said: str) -> None:
    assert faults() == []

    with sessions.begin() as db:
        db.execute(text(done))

    assert any(said in fault for fault in faults()), faults()


def test_an_end_that_was_cut_off_with_its_head_shows_by_the_exported_head() -> None:
    with sessions.read() as db:
        newest = list(audit.exported(db))[-1]
    head = (newest["number"], newest["hash"])
    assert faults(head) == []

    with sessions.begin() as db:
        db.execute(text("DELETE FROM event WHERE number > 3"))
        db.execute(text("UPDATE event_head SET number = 3, hash = (SELECT hash FROM event WHERE number = 3)"))

    assert faults() == []
    assert any("cut off" in fault for fault in faults(head))


def decides_and_fails() -> None:
    with sessions.begin() as db:
        audit.record(db, "school.verified", actor=None)
        raise RuntimeError("the decision failed after its audit was written")


def test_a_decision_that_fails_leaves_no_trace_and_no_gap() -> None:
    with pytest.raises(RuntimeError):
        decides_and_fails()
    assert faults() == []

    with sessions.begin() as db:
        audit.record(db, "school.verified", actor=None)
    assert faults() == []
