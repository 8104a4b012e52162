"""The team publishes times at which it helps schools to install the agent, and notes how that went."""

import datetime as dt
import itertools

import pytest
from sqlalchemy import select, update

from app.db import sessions
from app.endpoint import booking
from app.endpoint.booking import ContactForm
from app.models.account import Account
from app.models.base import midnight, now, today
from app.models.installation import Installation, Slot
from app.onboarding.slots import MOST_DAYS
from app.web.pages import clock, when
from tests.onboarding.people import Opens, Registered, actions, mails, registered
from tests.pages import Browser

PAGE = "/onboarding/slots"
CONTACT = ContactForm(contact_name="Tia Technician", contact_phone="01632 960001")


LABELS = {"day": "Day", "start": "The first begins at", "minutes": "Each takes", "row": "How many, one after the other"}


def publishes(browser: Browser, status: int = 200, **fields: str) -> None:
    """Fill the form in; `fields` by the names in LABELS."""
    browser.opens(PAGE)
    usual = {"day": (today() + dt.timedelta(days=7)).isoformat(), "start": "09:30"}
    for name, value in (usual | fields).items():
        browser.fills(LABELS[name], value)
    browser.presses("Publish", status)


def published() -> list[Slot]:
    with sessions.read() as db:
        return list(db.scalars(select(Slot).order_by(Slot.starts_at)))


def booked(slot: Slot, urn: int = 100001) -> Registered:
    here = registered(urn)
    with sessions.begin() as db:
        booking.book(db, here.school, here.admin, slot.id, CONTACT)
    return here


def begins(slot: Slot, moment: dt.datetime) -> None:
    with sessions.begin() as db:
        db.execute(update(Slot).where(Slot.id == slot.id).values(starts_at=moment))


def test_an_admin_of_the_team_publishes_a_row_of_times(as_: Opens, chief: Account) -> None:
    browser = as_(chief)
    browser.opens(PAGE)
    assert "No times are offered" in browser.text

    publishes(browser, minutes="45 minutes", row="3")

    assert "3 times are published" in browser.text
    assert [clock(slot.starts_at) for slot in published()] == ["9:30am", "10:15am", "11:00am"]
    assert {slot.minutes for slot in published()} == {45} and browser.text.count("Free") == 3
    assert actions().count("slot.published") == 3


def test_times_that_are_there_already_are_not_published_twice(as_: Opens, chief: Account) -> None:
    browser = as_(chief)
    publishes(browser)
    publishes(browser)
    assert "They were there already" in browser.text and len(published()) == 1
    publishes(browser, start="14:00")
    assert "1 time is published" in browser.text and len(published()) == 2


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("day", "", "Choose a day"),
        ("day", "30/02/2027", "Choose a day"),
        ("day", "2001-01-01", "still to come"),
        ("day", (today() + dt.timedelta(days=MOST_DAYS + 2)).isoformat(), "within a year"),
        ("start", "half nine", "such as 09:30"),
        ("row", "0", "from 1 to 12"),
        ("row", "13", "from 1 to 12"),
    ],
)
def test_what_is_wrong_with_a_time_is_said_beside_its_field(
    as_: Opens, chief: Account, field: str, value: str, said: str
) -> None:
    browser = as_(chief)
    publishes(browser, 422, **{field: value})
    assert said in browser.text and not published()
    publishes(browser)
    assert published()


def test_a_row_stays_within_its_day(as_: Opens, chief: Account) -> None:
    browser = as_(chief)
    publishes(browser, 422, start="22:00", row="3")
    assert "on the next day" in browser.text and not published()
    publishes(browser, start="20:00", row="3")
    assert len(published()) == 3


def test_a_row_keeps_its_length_when_the_clocks_change(as_: Opens, chief: Account) -> None:
    spring = next(day for day in days() if midnight(day + dt.timedelta(days=1)) - midnight(day) != dt.timedelta(days=1))
    publishes(as_(chief), day=spring.isoformat(), start="00:30", row="3")
    starts = [slot.starts_at for slot in published()]
    assert [later - earlier for earlier, later in itertools.pairwise(starts)] == [dt.timedelta(hours=1)] * 2


def days() -> list[dt.date]:
    return [today() + dt.timedelta(days=number) for number in range(2, MOST_DAYS)]


def test_the_team_sees_who_has_booked_and_whom_to_ring(as_: Opens, chief: Account, caller: Account) -> None:
    publishes(as_(chief))
    here = booked(published()[0])
    browser = as_(caller)
    browser.opens(PAGE)
    assert here.school.name in browser.text and "Tia Technician" in browser.text and "01632 960001" in browser.text
    assert "Publish" not in browser.text
    browser.follows(f"{published()[0].starts_at:%A} {when(published()[0].starts_at)}")
    assert here.admin.name in browser.text and "It is done" in browser.text
    assert "Withdraw" not in browser.text


def test_an_installation_is_noted_as_done_once(as_: Opens, chief: Account, caller: Account) -> None:
    publishes(as_(chief))
    [slot] = published()
    here = booked(slot)
    begins(slot, now() - dt.timedelta(hours=1))
    browser, other = as_(caller), as_(chief)
    for one in (browser, other):
        one.opens(f"{PAGE}/{slot.id}")
        one.fills("Note (optional)", "On server MIS1")
    browser.opens(PAGE)
    assert "To be noted" in browser.text
    browser.opens(f"{PAGE}/{slot.id}")
    browser.fills("Note (optional)", "x" * 2001)
    browser.presses("It is done", 422)
    assert "2,000 characters or fewer" in browser.text
    browser.fills("Note (optional)", "On server MIS1")
    browser.presses("It is done")
    assert "noted as done" in browser.text and here.school.name not in browser.text
    other.presses("It is done", 409)
    assert "That was changed meanwhile" in other.text
    browser.opens(f"{PAGE}?past=yes")
    assert "On server MIS1" in browser.text and here.school.name in browser.text
    assert actions().count("installation.done") == 1
    with sessions.read() as db:
        assert Installation.standing(db, here.school.id) is None


def test_a_withdrawn_time_tells_the_school_that_had_it(as_: Opens, chief: Account) -> None:
    browser = as_(chief)
    publishes(browser, row="2")
    slot, free = published()
    here = booked(slot)
    browser.opens(f"{PAGE}/{slot.id}")
    assert f"{here.school.name} loses its time" in browser.text
    browser.presses("Withdraw this time")

    assert "A school that had booked it has been told" in browser.text
    told = mails(here.admin)[-1]
    assert told["subject"].startswith("We have to take back") and "/school/endpoint/booking" in told["links"][0]
    with sessions.read() as db:
        assert Installation.standing(db, here.school.id) is None
        assert [one.id for one in Slot.free(db, 10)] == [free.id]
    browser.posts(f"{PAGE}/{slot.id}/withdraw", 409)
    browser.opens(f"{PAGE}/{slot.id}")
    assert "This time was withdrawn" in browser.text
    school = as_(here.admin)
    school.opens("/school/endpoint/booking")
    assert "taken back by our team" in school.text
    browser.opens(here.school_page)
    assert "taken back by the team" in browser.text
