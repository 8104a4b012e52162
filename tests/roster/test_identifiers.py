"""Numbers, codes, years and dates as schools' systems write them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.roster.person import YEARS
from app.roster import identifiers as read

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "right", ["B801200005001", "A950000178301", "H243278544154", "A123456789012", "X82320000101A", "P207000016049"]
)
def test_a_upn_is_right_when_its_letter_fits(right: str) -> None:
    assert read.is_upn(right)
    assert not read.is_upn(("B" if right[0] == "A" else "A") + right[1:])


@pytest.mark.parametrize(
    "wrong", ["A801200005001", "Q207000016049", "I12345678901", "", "A12345678901", "a123456789012"]
)
def test_a_upn_is_wrong_when_its_letter_does_not_fit(wrong: str) -> None:
    assert not read.is_upn(wrong)
    assert read.is_upn(read.upn(" a1234 56789012 "))


def test_a_uln_has_a_check_digit_and_a_trn_seven_digits() -> None:
    assert read.uln("92763 08686") == "9276308686"
    assert (read.uln("9276308687"), read.uln("9999999999"), read.uln("x")) == ("", "", "")
    assert (read.trn("0123456"), read.trn("RP12/34567"), read.trn("123456")) == ("0123456", "1234567", "")


@pytest.mark.parametrize(
    ("written", "year"),
    [
        *(("Year  6", "6"), ("Y06", "6"), ("Yr6", "6"), ("six", "6"), ("Year Six", "6"), ("6", "6"), ("Year 10", "10")),
        *(("R", "R"), ("Reception", "R"), ("YR", "R"), ("Year R", "R"), ("0", "R"), ("FS2", "R"), ("Nur", "N2")),
        *(("Nursery", "N2"), ("N1", "N1"), ("Year N2", "N2"), ("x", "X"), ("13", "13"), ("15", ""), ("Willow", "")),
        *(("", ""), ("99", ""), ("²", ""), ("٣", "")),
    ],
)
def test_a_year_is_known_however_it_is_spelt(written: str, year: str) -> None:
    assert read.year(written) == year


@given(st.text(max_size=20))
def test_whatever_is_written_each_reader_gives_one_of_its_values(written: str) -> None:
    assert read.year(written) in ("", *YEARS)
    assert read.sex(written) in ("", "M", "F")
    assert read.sen(written) in ("", "N", "K", "E")
    assert read.date(written) is None or isinstance(read.date(written), dt.date)
    assert len(read.upn(written)) <= 13 or not written.isascii()
    read.is_postcode(read.postcode(written))


@pytest.mark.parametrize(
    "written",
    ["2014-10-02", "2014-10-02 00:00:00", "2014-10-02T00:00:00", "02/10/2014", "2.10.14", "2 Oct 2014", "20141002"],
)
def test_a_date_is_known_however_it_is_written(written: str) -> None:
    assert read.date(written) == dt.date(2014, 10, 2)


def test_what_is_no_day_is_none() -> None:
    assert [read.date(one) for one in ("31/02/2014", "10/31/2014", "2014", "soon", "0000-00-00")] == [None] * 5


def test_postcodes_get_their_blank_and_are_looked_at() -> None:
    assert read.postcode("yo78sr") == "YO7 8SR"
    assert read.is_postcode("YO7 8SR") and read.is_postcode("GIR 0AA") and not read.is_postcode("YO7")


@pytest.mark.parametrize(
    ("title", "role"),
    [
        *(("Headteacher", "principal"), ("Deputy Headteacher", "teacher"), ("Class Teacher", "teacher")),
        *(
            ("Teaching Assistant", "aide"),
            ("Midday Supervisor", "aide"),
            ("Office Manager", "siteAdministrator"),
            ("", ""),
        ),
    ],
)
def test_a_job_title_tells_a_role(title: str, role: str) -> None:
    assert read.staff_role(title) == role


def test_sen_codes_of_before_are_brought_to_those_of_today() -> None:
    words = (
        "N",
        "K",
        "E",
        "A",
        "P",
        "S",
        "SEN Support",
        "Education, Health and Care Plan",
        "No Special Educational Need",
    )
    assert "".join(read.sen(word) for word in words) == "NKEKKEKEN"
