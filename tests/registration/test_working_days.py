import datetime as dt

import pytest

from app.registration import working_days
from app.web.pages import LONDON

pytestmark = pytest.mark.once


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=LONDON)


@pytest.mark.parametrize(
    ("registered", "due"),
    [
        ("2026-11-24T10:00", "2026-11-26T17:00"),  # Tuesday: Thursday
        ("2026-11-26T16:59", "2026-11-30T17:00"),  # Thursday: over the weekend to Monday
        ("2026-11-27T09:00", "2026-12-01T17:00"),  # Friday: Tuesday
        ("2026-11-28T09:00", "2026-12-01T17:00"),  # Saturday counts like the Friday before
        ("2026-12-24T09:00", "2026-12-30T17:00"),  # Christmas, Saturday, Sunday and Boxing Day moved to Monday the 28th
        ("2026-04-02T09:00", "2026-04-08T17:00"),  # Good Friday and Easter Monday
        ("2026-08-28T09:00", "2026-09-02T17:00"),  # the summer bank holiday of England, which Scotland does not have
        ("2026-11-27T23:30", "2026-12-01T17:00"),
    ],
)
def test_the_target_counts_working_days_of_england(registered: str, due: str) -> None:
    assert working_days.due(at(registered), 2) == at(due)


def test_the_day_is_the_one_in_london() -> None:
    half_past_midnight = dt.datetime.fromisoformat("2026-06-30T23:30+00:00")

    assert working_days.due(half_past_midnight, 1) == at("2026-07-02T17:00")


def test_no_days_left_means_this_working_day_or_the_next() -> None:
    assert working_days.due(at("2026-11-24T10:00"), 0) == at("2026-11-24T17:00")
    assert working_days.due(at("2026-11-28T10:00"), 0) == at("2026-11-30T17:00")


def test_waiting_moves_the_target_by_the_days_that_were_left() -> None:
    target = at("2026-11-26T17:00")

    assert working_days.moved(target, at("2026-11-25T10:00"), at("2026-12-01T09:00")) == at("2026-12-02T17:00")
    assert working_days.moved(target, at("2026-11-26T10:00"), at("2026-12-01T09:00")) == at("2026-12-01T17:00")
    assert working_days.moved(target, at("2026-11-25T10:00"), at("2026-11-25T12:00")) == target

    asked_a_day_late = working_days.moved(target, at("2026-11-27T10:00"), at("2026-12-01T09:00"))
    assert working_days.remaining(at("2026-12-01T09:00"), asked_a_day_late) == "1 working day late"


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-11-24T10:00", "2 working days left"),
        ("2026-11-25T23:00", "1 working day left"),
        ("2026-11-26T16:00", "due today by 5pm"),
        ("2026-11-26T17:01", "late since 5pm"),
        ("2026-11-29T12:00", "1 working day late"),
        ("2026-11-30T12:00", "2 working days late"),
    ],
)
def test_the_time_left_is_said_in_words(now: str, words: str) -> None:
    assert working_days.remaining(at(now), at("2026-11-26T17:00")) == words
