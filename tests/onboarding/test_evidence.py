"""What speaks for a registration and what against it."""

import datetime as dt

import pytest

from app.models.account import Account
from app.models.base import ago
from app.models.establishment import CLOSED, OPEN, PROPOSED, Establishment
from app.models.school import REJECTED, SUSPENDED, UNVERIFIED, VERIFIED, School
from app.onboarding import domains, numbers
from app.onboarding.evidence import (
    Finding,
    email_domain,
    findings,
    free_mail,
    other_registrations,
    register_changes,
    telephone_number,
)
from tests.onboarding.people import Opens, operator, registered


@pytest.mark.parametrize(
    ("website", "host"),
    [
        ("www.a.org.uk", "www.a.org.uk"),
        ("http://www.a.org.uk", "www.a.org.uk"),
        ("https://a.org.uk/", "a.org.uk"),
        ("https://www.a.org.uk/index.php?id=1", "www.a.org.uk"),
        ("http:www.x.sch.uk", "www.x.sch.uk"),
        ("http:/www.a.org.uk", "www.a.org.uk"),
        ("http//www.a.org.uk", "www.a.org.uk"),
        ("http://http://www.a.org.uk", "www.a.org.uk"),
        ("HTTP://WWW.A.ORG.UK:8080/Home", "www.a.org.uk"),
        ("https://office@a.org.uk/x", "a.org.uk"),
        (" www.a.org.uk, www.b.org.uk ", "www.a.org.uk"),
        ("www.école.org.uk", "www.xn--cole-9oa.org.uk"),
        ("javascript:alert(1)", None),
        ("to follow", None),
        ("192.0.2.1", None),
        ("a..b.org.uk", None),
        ("", None),
        (None, None),
    ],
)
def test_a_website_is_read_however_the_register_writes_it(website: str | None, host: str | None) -> None:
    assert domains.of_website(website) == host


@pytest.mark.parametrize(
    ("email", "website", "result"),
    [
        ("head@st-marys.kent.sch.uk", "http:www.st-marys.kent.sch.uk", "Matches"),
        ("head@st-marys.kent.sch.uk", "https://st-marys.kent.sch.uk/", "Matches"),
        ("head@mail.st-marys.kent.sch.uk", "www.st-marys.kent.sch.uk", "Matches"),
        ("head@hilltop.kent.sch.uk", "www.st-marys.kent.sch.uk", "Does not match"),  # two schools of one authority
        ("head@kent.sch.uk", "www.st-marys.kent.sch.uk", "Does not match"),  # an authority's suffix is no school's
        ("head@st-marys.essex.sch.uk", "www.st-marys.kent.sch.uk", "Does not match"),
        ("head@kent.sch.uk", "kent.sch.uk", "Nothing to compare"),
        ("head@oaktrust.org.uk", "https://www.oaktrust.org.uk/our-schools/elm", "Matches"),
        ("head@elm.oaktrust.org.uk", "https://birch.oaktrust.org.uk", "Matches"),
        ("head@oaktrust.org", "https://www.oaktrust.org.uk", "Does not match"),
        ("head@oaktrust.co.uk", "https://www.elmtrust.co.uk", "Does not match"),  # co.uk is a suffix too
        ("head@notoaktrust.org.uk", "https://oaktrust.org.uk", "Does not match"),
        ("head@gmail.com", "https://www.oaktrust.org.uk", "Does not match"),
        ("head@gmail.com", "gmail.com", "Nothing to compare"),
        ("head@elm.sch.example", "www.elm.sch.example", "Matches"),
        ("head@elm.sch.example", "www.oak.sch.example", "Does not match"),  # the sample register's own suffix
        ("head@oaktrust.org.uk", "javascript:alert(1)", "Nothing to compare"),
        ("head@oaktrust.org.uk", None, "Nothing to compare"),
    ],
)
def test_addresses_and_websites_are_compared_by_what_one_owner_registered(
    email: str, website: str | None, result: str
) -> None:
    assert email_domain(email, website).result == result


def test_a_match_says_that_it_is_not_enough() -> None:
    plain = email_domain("head@oaktrust.org.uk", "www.oaktrust.org.uk")
    shared = email_domain("head@elm.oaktrust.org.uk", "birch.oaktrust.org.uk")

    assert "Pupils" in plain.sentence and "not enough" in plain.sentence
    assert "several schools may share" in shared.sentence


def test_a_domain_match_alone_approves_nothing(as_: Opens) -> None:
    here = registered(email="head@st-marys.kent.sch.uk", website="www.st-marys.kent.sch.uk")
    browser = as_(operator("approver"))
    browser.opens(here.page)
    assert "Matches" in browser.text

    browser.posts(f"{here.page}/approve", 409)

    assert here.status == UNVERIFIED


@pytest.mark.parametrize(
    ("email", "result"),
    [
        ("ada@gmail.com", "Free mail"),
        ("ada@googlemail.com", "Free mail"),
        ("ada@mail.yahoo.co.uk", "Free mail"),
        ("ada@OUTLOOK.COM", "Free mail"),
        ("ada@btinternet.com", "Free mail"),
        ("ada@st-marys.kent.sch.uk", "Own domain"),
        ("ada@notgmail.com", "Own domain"),
    ],
)
def test_free_mail_is_told_from_a_domain_of_ones_own(email: str, result: str) -> None:
    assert free_mail(email).result == result


@pytest.mark.parametrize(
    ("telephone", "result"),
    [
        ("01632960001", "Can be rung"),
        ("(01632) 960 001", "Can be rung"),
        ("2079460000", "Can be rung"),  # a spreadsheet took the zero
        ("07700 900123 (mobile)", "A mobile"),
        ("07400 123456", "Registrant’s mobile"),
        ("+44 7400 123456", "Registrant’s mobile"),
        ("see website", "Not a number"),
        ("999", "Not a number"),
        ("", "Missing"),
        (None, "Missing"),
    ],
)
def test_the_register_s_number_is_one_to_ring_or_calls_for_a_letter(telephone: str | None, result: str) -> None:
    assert telephone_number(telephone, "+447400123456").result == result


def test_a_number_is_the_same_however_it_is_written() -> None:
    written = ("01632960001", "01632 960 001", "+44 1632 960001", "(01632) 960001", "tel: 01632/960001 ext 4")

    assert {numbers.plain(each) for each in written} == {"+441632960001"}
    assert numbers.plain("01632 960002") == "+441632960002"


def _claim(status: str) -> School:
    return School(urn=100001, name="St Mary’s", status=status)


def test_other_registrations_are_counted_and_one_that_is_the_school_already_stands_out() -> None:
    assert other_registrations([]).result == "None"
    two = other_registrations([_claim(UNVERIFIED), _claim(REJECTED)])
    assert (two.result, len(two.others)) == (
        "2",
        2,
    ) and "2 other registrations of this school, 1 rejected" in two.sentence
    for status in (VERIFIED, SUSPENDED):
        assert other_registrations([_claim(status), _claim(REJECTED)]).result == "Verified already"


def test_other_registrations_are_links_to_their_cases(as_: Opens, caller: Account) -> None:
    here, rival = registered(), registered(name="Mallory")
    browser = as_(caller)
    browser.opens(here.page)

    link = browser.document.xpath("//a[starts-with(., 'Registered on')]/@href")
    assert link == [rival.page]
    browser.opens(link[0])
    assert "Mallory" in browser.text


@pytest.mark.parametrize(
    ("columns", "result"),
    [
        ({}, "No change"),
        ({"name": "St Mary's"}, "No change"),  # another apostrophe is no other name
        ({"name": "Oak Academy"}, "New name"),
        ({"status_code": CLOSED, "close_date": dt.date(2026, 8, 31)}, "Closed"),
        ({"status_code": PROPOSED}, "Proposed to open"),
        ({"last_changed": dt.date(2026, 11, 12)}, "Changed"),
        ({"last_changed": dt.date(2026, 11, 10)}, "No change"),
    ],
)
def test_what_the_register_changed_since_the_registration_is_told(columns: dict[str, object], result: str) -> None:
    school = School(name="St Mary’s", registered_at=dt.datetime(2026, 11, 11, 12, tzinfo=dt.UTC))
    record = Establishment(**({"name": "St Mary’s", "status_code": OPEN} | columns))

    assert register_changes(school, record).result == result


def test_a_school_that_left_the_register_is_told() -> None:
    school = School(urn=1, name="St Mary’s", registered_at=ago(60))
    someone = Account(email="ada@st-marys.kent.sch.uk", mobile=None)

    found: list[Finding] = findings(school, None, someone, [school])

    assert [finding.result for finding in found] == ["Nothing to compare", "Own domain", "Missing", "None", "Gone"]


def test_the_register_s_website_is_a_link_only_when_it_is_a_web_address(as_: Opens, caller: Account) -> None:
    browser = as_(caller)
    browser.opens(registered(website="javascript:alert(1)").page)
    assert not browser.document.xpath("//a[contains(@href, 'alert')]") and "javascript:alert(1)" in browser.text

    browser.opens(registered(100002, website="http:www.x.sch.uk").page)

    assert browser.document.xpath("//a[@href='http://www.x.sch.uk/']")
