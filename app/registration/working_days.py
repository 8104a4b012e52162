"""Working days of England: Monday to Friday without the bank holidays, until 5pm by the clock in London."""

import datetime as dt
from functools import cache

import holidays

from app.web.pages import LONDON

CLOSING = dt.time(17)


def is_bank_holiday(date: dt.date) -> bool:
    return date in _bank_holidays()


def is_working(date: dt.date) -> bool:
    return date.weekday() < 5 and not is_bank_holiday(date)


def due(start: dt.datetime, days: int) -> dt.datetime:
    """5pm on the last of `days` working days after the day of `start`; with no days left, of this one or the next."""
    date = start.astimezone(LONDON).date()
    for _ in range(days):
        date = _working_day_from(date + dt.timedelta(1))
    return dt.datetime.combine(_working_day_from(date), CLOSING, LONDON).astimezone(dt.UTC)


def _working_day_from(date: dt.date) -> dt.date:
    while not is_working(date):
        date += dt.timedelta(1)
    return date


def between(start: dt.datetime, end: dt.datetime) -> int:
    """How many working days begin after `start` and not after `end`; 0 where `end` is the earlier."""
    first, last = start.astimezone(LONDON).date(), end.astimezone(LONDON).date()
    return sum(is_working(first + dt.timedelta(n)) for n in range(1, (last - first).days + 1))


def moved(due_at: dt.datetime, since: dt.datetime, until: dt.datetime) -> dt.datetime:
    """The due date after a wait that does not count: later by the working days from asking to answer, late or not."""
    return due(due_at, between(since, until))


def remaining(now: dt.datetime, due: dt.datetime) -> str:
    """The time left, or how late it is, in words: `2 working days left`, `due today by 5pm`, `1 working day late`."""
    if now <= due:
        left = between(now, due)
        return f"{_days(left)} left" if left else "due today by 5pm"
    late = between(due, now)
    return f"{_days(late)} late" if late else "late since 5pm"


def _days(count: int) -> str:
    return f"{count} working day{'' if count == 1 else 's'}"


@cache
def _bank_holidays() -> holidays.HolidayBase:
    return holidays.country_holidays("GB", subdiv="ENG")  # learns each year when it is first asked about
