"""What a school sees of what was read."""

import csv
import dataclasses
import datetime as dt
import io
import uuid

import pytest

from app.db import sessions
from app.models.account import ADMIN, DPO, IT, READ_ONLY, Account
from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.ledger import Read
from app.models.partner import App
from app.models.school import VERIFIED, School
from tests import factories
from tests.pages import Browser


@dataclasses.dataclass(frozen=True)
class Given:
    """A school that has authorised an app."""

    school: School
    admin: Account
    app: App
    authorisation: Authorisation


def _school(urn: int = 100001, name: str = "Reading Room") -> Given:
    with sessions.begin() as db:
        school = factories.school(db, urn, VERIFIED)
        admin = factories.admin(db, school)
        app, _ = factories.app(db, name)
        return Given(school, admin, app, factories.authorisation(db, admin, school, app))


def add(given: Given, calls: int, scopes: str = "school", **more: object) -> None:
    row = {
        "school_id": given.school.id,
        "app_id": given.app.id,
        "authorisation_id": given.authorisation.id,
        "scopes": scopes,
        "route": "oneroster/orgs",
        "people": 0,
        "address": "192.0.2.7",
    }
    moments = [now() - dt.timedelta(minutes=number) for number in range(calls)]
    with sessions.begin() as db:
        Read.add(db, [row | {"id": uuid.uuid4(), "read_at": moment} | more for moment in moments])


def test_a_school_sees_each_read_by_pages(browser: Browser) -> None:
    given = _school()
    add(given, 60)
    factories.signs_in(browser, given.admin)

    browser.opens("/school/ledger")
    assert "60 reads" in browser.text and "192.0.2.7" in browser.text and "Reading Room" in browser.text
    browser.follows("Next page")
    assert "page_number=2" in browser.path and len(browser.document.xpath("//tbody/tr[th and td[5]]")) == 10


def test_the_reads_can_be_narrowed_to_an_app_a_kind_of_data_and_days(browser: Browser) -> None:
    given = _school()
    add(given, 3)
    add(given, 1, read_at=dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC))
    factories.signs_in(browser, given.admin)

    browser.opens("/school/ledger")
    browser.fills("App", "Reading Room")
    browser.fills("From", "2026-03-01")
    browser.fills("To", "2026-03-01")
    browser.presses("Show")
    assert "1 read." in browser.text and "1 March 2026" in browser.text
    browser.opens("/school/ledger?scope=students")
    assert "No read fits what you chose" in browser.text


def test_a_call_that_reads_nothing_of_the_school_is_called_one_about_the_connection(browser: Browser) -> None:
    given = _school()
    add(given, 1, scopes="", route="groupcall/TokenDetails")
    factories.signs_in(browser, given.admin)

    browser.opens("/school/ledger")

    kinds = browser.document.xpath("//td[@data-label='Kind of data']")
    assert [cell.text_content() for cell in kinds] == ["About the connection"]
    lines = list(csv.DictReader(io.StringIO(browser.client.get("/school/ledger.csv").content.decode("utf-8-sig"))))
    assert [line["Data"] for line in lines] == ["About the connection"]
    add(given, 1)
    browser.opens("/school/ledger")
    assert "Your school’s details" in browser.document.xpath("//td[@data-label='Kind of data']")[0].text_content()


UNCLEAR = [
    ("app=other", "app", "“other” is none of the apps in the list"),
    ("scope=nothing", "scope", "“nothing” is no kind of data in the list"),
    ("scope=openid", "scope", "“openid” is no kind of data in the list"),
    ("since=yesterday", "since", "Choose a date, such as 2026-09-01"),
    ("since=2026-02-30", "since", "Choose a date, such as 2026-09-01"),
    ("until=0001-01-01", "until", "Choose a date, such as 2026-09-01"),
    ("since=9999-12-31", "since", "Choose a date, such as 2026-09-01"),
    ("since=2026-02-02&until=2026-02-01", "until", "The last day is before the first"),
    ("from=2026-02-02", "", "There is no filter “from”. The filters are app, scope, since and until"),
    ("since=2026-02-02&to=2026-02-03", "", "There is no filter “to”. The filters are app, scope, since and until"),
    ("scope=school&scope=students", "", "The filter “scope” is there more than once"),
]


@pytest.mark.parametrize(("query", "field", "words"), UNCLEAR)
def test_what_cannot_be_chosen_is_said_at_its_field_and_nothing_is_shown(
    browser: Browser, query: str, field: str, words: str
) -> None:
    given = _school()
    add(given, 2)
    factories.signs_in(browser, given.admin)

    browser.opens(f"/school/ledger?{query}", 422)
    assert browser.title == "Access ledger" and words in browser.text
    assert "192.0.2.7" not in browser.text and "No read is shown yet" in browser.text
    if field:
        (message,) = browser.document.xpath(f"//*[@id='{field}-error']")
        assert words in message.text_content()
        (there,) = browser.document.xpath(f"//*[contains(@class, 'govuk-error-summary')]//a[@href='#{field}']")
        assert words in there.text_content()
    browser.opens("/school/ledger?app=&scope=&since=&until=")
    assert "2 reads" in browser.text


@pytest.mark.parametrize(("query", "field", "words"), UNCLEAR)
def test_no_spreadsheet_is_made_of_what_is_not_clear(browser: Browser, query: str, field: str, words: str) -> None:
    given = _school()
    add(given, 2)
    factories.signs_in(browser, given.admin)

    answer = browser.client.get(f"/school/ledger.csv?{query}")
    assert answer.status_code == 422 and answer.headers["content-type"].startswith("text/html")
    assert "content-disposition" not in answer.headers and words in answer.text and "192.0.2.7" not in answer.text
    answer = browser.client.get(f"/school/ledger.csv?app={given.app.id}&scope=school&since=2020-01-01")
    assert answer.status_code == 200 and answer.text.count("192.0.2.7") == 2


def test_what_was_typed_stays_beside_what_is_wrong(browser: Browser) -> None:
    given = _school()
    add(given, 2)
    factories.signs_in(browser, given.admin)

    browser.opens(f"/school/ledger?app={given.app.id}&scope=school&since=1+May&until=2026-05-02", 422)
    assert browser.value("since") == "1 May" and browser.value("until") == "2026-05-02"
    assert [one.get("value") for one in browser.document.xpath("//option[@selected]")] == [str(given.app.id), "school"]
    browser.fills("From", "2020-05-01")
    browser.fills("To", "")
    browser.presses("Show")
    assert "2 reads" in browser.text and browser.value("since") == "2020-05-01"


@pytest.mark.parametrize("number", ["x", "-1", "0", "9" * 5000, "²", ""])
def test_a_page_that_is_none_is_another_page_of_the_same(browser: Browser, number: str) -> None:
    given = _school()
    add(given, 2)
    factories.signs_in(browser, given.admin)
    browser.opens(f"/school/ledger?since=2020-01-01&page_number={number}")
    assert browser.title == "Access ledger" and browser.value("since") == "2020-01-01"
    browser.opens("/school/ledger?page_number=1")
    assert "2 reads" in browser.text


def test_another_schools_reads_are_never_shown(browser: Browser) -> None:
    mine, other = _school(), _school(100002)
    add(other, 2)
    factories.signs_in(browser, mine.admin)

    browser.opens("/school/ledger")
    assert "No app has read your school’s data yet" in browser.text
    browser.opens(f"/school/ledger?app={other.app.id}", 422)
    add(mine, 1)
    browser.opens("/school/ledger")
    assert "1 read." in browser.text


def test_the_reads_come_as_a_spreadsheet_that_runs_nothing(browser: Browser) -> None:
    given = _school(name="=HYPERLINK(1)")
    add(given, 2)
    factories.signs_in(browser, given.admin)

    browser.opens("/school/ledger")
    answer = browser.client.get("/school/ledger.csv")

    heading, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (
        answer.headers["content-type"].startswith("text/csv") and "attachment" in answer.headers["content-disposition"]
    )
    assert heading[1] == "App" and [row[1] for row in rows] == ["'=HYPERLINK(1)"] * 2
    assert rows[0][4:] == ["oneroster/orgs", "0", "192.0.2.7"]


@pytest.mark.parametrize(("role", "status"), [(ADMIN, 200), (DPO, 200), (READ_ONLY, 200), (IT, 403)])
def test_who_may_see_it(browser: Browser, role: str, status: int) -> None:
    given = _school()
    with sessions.begin() as db:
        who = factories.admin(db, given.school, role)
    factories.signs_in(browser, who)

    browser.opens("/school/ledger", status)
    assert browser.client.get("/school/ledger.csv").status_code == status
    browser.opens("/school")
    assert ("Access ledger" in browser.text) == (status == 200)
