"""Numbers and times as people read them."""

import pytest

from app.web.pages import duration
from app.web.telephone import phone

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("01845500100", "01845 500100"),
        ("+447700900123", "07700 900123"),
        ("020 79460123", "020 7946 0123"),
        ("+33 1 70 18 99 00", "+33 1 70 18 99 00"),
        ("ask the office", "ask the office"),
        (None, ""),
    ],
)
def test_a_telephone_number_of_ours_is_spaced_and_any_other_stays_as_it_is(written: str | None, read: str) -> None:
    assert phone(written) == read


@pytest.mark.parametrize(
    ("seconds", "words"), [(172800, "48 hours"), (3600, "1 hour"), (1800, "30 minutes"), (60, "1 minute")]
)
def test_a_time_under_an_hour_is_in_minutes(seconds: int, words: str) -> None:
    assert duration(seconds) == words
