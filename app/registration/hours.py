"""When our support answers the telephone, as the SUPPORT_HOURS setting says it in words."""

import datetime as dt
import re

from app.registration import working_days
from app.web.pages import LONDON

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = r"(\d{1,2})(?:[:.](\d\d))?\s*(am|pm)"
_PATTERN = re.compile(
    rf"({'|'.join(_DAYS)}) (?:to|-|–) ({'|'.join(_DAYS)}),? {_TIME} (?:to|-|–) {_TIME}", re.IGNORECASE
)


def is_open(hours: str, moment: dt.datetime) -> bool | None:
    """Whether `Monday to Friday, 8am to 5pm` holds that moment, bank holidays closed; None for words we cannot read."""
    read = _PATTERN.search(hours)
    if read is None:
        return None
    local = moment.astimezone(LONDON)
    first, last = (_DAYS.index(day.lower()) for day in read.group(1, 2))
    opens, closes = _minutes(*read.group(3, 4, 5)), _minutes(*read.group(6, 7, 8))
    on_this_day = first <= local.weekday() <= last and not working_days.is_bank_holiday(local.date())
    return on_this_day and opens <= local.hour * 60 + local.minute < closes


def _minutes(hour: str, minute: str | None, half: str) -> int:
    return (int(hour) % 12 + 12 * (half.lower() == "pm")) * 60 + int(minute or 0)
