"""A school books a time at which it is helped to install the agent, moves it, cancels it, and is reminded."""

import datetime as dt
import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, update

from app import chores
from app.db import sessions
from app.endpoint import booking
from app.endpoint.booking import ContactForm
from app.errors import Problem
from app.models.account import DPO, IT, OPERATOR_ADMIN, Account
from app.models.base import local_day, midnight, now, today
from app.models.installation import Installation, Slot
from app.models.school import CLOSED, VERIFIED, School
from app.onboarding import slots
from app.web.pages import clock, day, weekday
from tests import factories
from tests.factories import signs_in
from tests.onboarding.people import mails
from tests.pages import Browser
from tests.sharing.people import World, actions, colleague, world

PAGE = "/school/endpoint/booking"
CONTACT = ContactForm(contact_name="Tia Technician", contact_phone="01632 960001")


@pytest.fixture
def here(browser: Browser) -> World:
    made = world()
    signs_in(browser, made.admin)
    return made


@pytest.fixture
def chief() -> Account:
    with sessions.begin() as db:
        return factories.operator(db, OPERATOR_ADMIN)


def at(days: int, hour: int = 10) -> dt.datetime:
    """A time by the clock at schools, so many days from today."""
    return midnight(today() + dt.timedelta(days=days)) + dt.timedelta(hours=hour)


def offered(by: Account, *starts: dt.datetime, minutes: int = 60) -> list[Slot]:
    with sessions.begin() as db:
        return Slot.publish(db, starts, minutes, by.id)


def hours(slot: Slot) -> str:
    return f"{clock(slot.starts_at)} to {clock(slot.ends_at)}"


def books(browser: Browser, slot: Slot, status: int = 200, **fields: str) -> None:
    browser.opens(PAGE)
    browser.ticks(hours(slot))
    browser.fills("Name", fields.get("name", CONTACT.contact_name))
    browser.fills("Telephone number", fields.get("phone", CONTACT.contact_phone))
    browser.presses("Book this time", status)


def moves(browser: Browser, slot: Slot, status: int = 200) -> None:
    browser.opens(PAGE)
    browser.ticks(hours(slot))
    browser.presses("Save Changes", status)


def standing(of: School) -> Installation | None:
    with sessions.read() as db:
        return Installation.standing(db, of.id)


def begins(slot: Slot, moment: dt.datetime) -> None:
    """Let it have been published for that moment."""
    with sessions.begin() as db:
        db.execute(update(Slot).where(Slot.id == slot.id).values(starts_at=moment))


def entry(browser: Browser, of: Installation | None = None) -> dict[str, str]:
    """The calendar file by property, its lines unfolded."""
    answer = browser.client.get(f"{PAGE}.ics" + (f"?of={of.id}" if of else ""))
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/calendar")
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n")) and answer.content.endswith(b"\r\n")
    lines = answer.content.decode().replace("\r\n ", "").splitlines()
    return {line.partition(":")[0].partition(";")[0]: line.partition(":")[2] for line in lines}


def test_a_school_books_one_of_the_free_times(browser: Browser, here: World, chief: Account) -> None:
    first, other = offered(chief, at(7), at(8, 14))
    helper = colleague(here.school, IT, email="it@madeup-primary.sch.example")
    browser.opens(PAGE)
    assert f"{weekday(first.starts_at)} {day(first.starts_at)}" in browser.text and hours(other) in browser.text

    books(browser, other)

    assert "The time is booked" in browser.text and "Tia Technician" in browser.text and "01632 960001" in browser.text
    booked = standing(here.school)
    assert booked and booked.slot_id == other.id and booked.booked_by == here.admin.id
    assert actions(here) == ["installation.booked"]
    for told in (here.admin, helper):
        [mail] = mails(told)
        assert day(other.starts_at) in mail["subject"] and weekday(other.starts_at) in mail["text"]
        assert "Tia Technician" in mail["text"] and f"{PAGE}.ics?of={booked.id}" in mail["links"][1]


def test_what_is_missing_or_wrong_is_said_beside_its_field(browser: Browser, here: World, chief: Account) -> None:
    [slot] = offered(chief, at(7))
    browser.opens(PAGE)
    browser.fills("Name", "")
    browser.fills("Telephone number", "ask the office")
    browser.presses("Book this time", 422)
    assert "Choose a time" in browser.text and "Enter their name" in browser.text
    assert "Enter a UK telephone number" in browser.text
    assert standing(here.school) is None
    books(browser, slot, phone="01632 960001 ext 12")
    assert standing(here.school)


def test_without_free_times_the_page_says_so(browser: Browser, here: World, chief: Account) -> None:
    browser.opens(PAGE)
    assert "No time is free at the moment" in browser.text
    past, gone, taken, *_ = offered(chief, at(7), at(8), at(9))
    begins(past, now() - dt.timedelta(hours=1))
    with sessions.begin() as db:
        slots.withdraw(db, gone.id, chief.id)
    other = world(100002)
    with sessions.begin() as db:
        booking.book(db, other.school, other.admin, taken.id, CONTACT)
    browser.opens(PAGE)
    assert "No time is free at the moment" in browser.text
    for slot in (past, gone, taken):
        browser.posts(PAGE, 409, slot=str(slot.id), **CONTACT.model_dump())
        assert "That time is not free any more" in browser.text
    browser.posts(PAGE, 422, slot="tomorrow", **CONTACT.model_dump())
    offered(chief, at(10))
    browser.opens(PAGE)
    assert "Book this time" in browser.text


def test_a_booking_moves_and_its_time_is_free_again(browser: Browser, here: World, chief: Account) -> None:
    first, second = offered(chief, at(7), at(8, 14))
    books(browser, first)
    before = entry(browser)
    moves(browser, second)

    booked = standing(here.school)
    assert booked and booked.slot_id == second.id and booked.sequence == 1
    assert actions(here) == ["installation.moved", "installation.booked"]
    assert "has changed" in mails(here.admin)[-1]["subject"]
    after = entry(browser)
    assert (before["METHOD"], before["SEQUENCE"], before["UID"]) == ("REQUEST", "0", after["UID"])
    assert (after["METHOD"], after["SEQUENCE"]) == ("REQUEST", "1")
    assert after["DTSTART"] == f"{second.starts_at:%Y%m%dT%H%M%SZ}" != before["DTSTART"]
    other = world(100002)
    with sessions.begin() as db:
        assert booking.book(db, other.school, other.admin, first.id, CONTACT)


def test_another_contact_is_saved_and_the_time_kept(browser: Browser, here: World, chief: Account) -> None:
    [slot] = offered(chief, at(7))
    books(browser, slot)
    browser.opens(PAGE)
    assert "No other time is free at the moment" in browser.text
    browser.fills("Name", "Ned Network")
    browser.presses("Save Changes")
    booked = standing(here.school)
    assert booked and (booked.slot_id, booked.contact_name) == (slot.id, "Ned Network")
    assert actions(here)[0] == "installation.contact_changed"


def test_a_cancelled_time_is_free_again_and_taken_out_of_the_calendar(
    browser: Browser, here: World, chief: Account
) -> None:
    [slot] = offered(chief, at(7))
    books(browser, slot)
    booked = standing(here.school)
    browser.presses("Cancel the booking")

    assert "is cancelled" in browser.text and standing(here.school) is None
    assert "cancelled" in mails(here.admin)[-1]["subject"]
    off = entry(browser, booked)
    assert (off["METHOD"], off["STATUS"], off["SEQUENCE"]) == ("CANCEL", "CANCELLED", "1")
    browser.posts(f"{PAGE}/cancel", 409, booking=str(booked.id if booked else ""))
    assert "has changed meanwhile" in browser.text
    books(browser, slot)
    assert entry(browser)["UID"] != off["UID"]


def test_two_people_of_a_school_do_not_overwrite_each_other(
    browser: Browser, other_browser: Browser, here: World, chief: Account
) -> None:
    first, second = offered(chief, at(7), at(8, 14))
    signs_in(other_browser, colleague(here.school, IT))
    other_browser.opens(PAGE)
    books(browser, first)
    other_browser.ticks(hours(second))
    other_browser.fills("Name", "Ned Network")
    other_browser.fills("Telephone number", "01632 960002")
    other_browser.presses("Book this time", 409)
    assert "Your school’s booking has changed meanwhile" in other_browser.text and hours(first) in other_browser.text
    booked = standing(here.school)
    assert booked and booked.slot_id == first.id
    moves(other_browser, second)
    moved = standing(here.school)
    assert moved and moved.slot_id == second.id


def test_a_time_that_has_come_can_be_followed_by_another(browser: Browser, here: World, chief: Account) -> None:
    first, second = offered(chief, at(7), at(8, 14))
    books(browser, first)
    begins(first, now() - dt.timedelta(minutes=5))
    browser.opens(PAGE)
    assert "That time has come" in browser.text and "Cancel the booking" not in browser.text
    booked = standing(here.school)
    browser.posts(f"{PAGE}/cancel", 409, booking=str(booked.id if booked else ""))
    browser.posts(PAGE, 409, slot=str(first.id), booking=str(booked.id if booked else ""), **CONTACT.model_dump())
    moves(browser, second)
    moved = standing(here.school)
    assert moved and moved.slot_id == second.id


def test_after_an_installation_is_done_another_can_be_booked(browser: Browser, here: World, chief: Account) -> None:
    first, second = offered(chief, at(7), at(8, 14))
    books(browser, first)
    booked = standing(here.school)
    assert booked
    with sessions.begin() as db:
        slots.finish(db, first.id, chief.id, str(booked.id), "Went well")
    browser.opens(PAGE)
    assert "is done" in browser.text and "Went well" not in browser.text
    books(browser, second)
    assert standing(here.school)


def test_a_school_that_is_closed_books_nothing(browser: Browser, here: World, chief: Account) -> None:
    [slot] = offered(chief, at(7))
    closes(here.school, CLOSED)
    browser.opens(PAGE)
    assert "no time can be booked" in browser.text and "Book this time" not in browser.text
    browser.posts(PAGE, 400, slot=str(slot.id), **CONTACT.model_dump())
    closes(here.school, VERIFIED)
    books(browser, slot)


def closes(school: School, status: str) -> None:
    with sessions.begin() as db:
        db.execute(update(School).where(School.id == school.id).values(status=status))


def test_the_day_before_the_school_is_reminded_once(browser: Browser, here: World, chief: Account) -> None:
    soon, later = offered(chief, at(7), at(20, 14))
    books(browser, soon)
    assert chores.run(booking.remind) == 0
    begins(soon, now() + dt.timedelta(hours=23))
    assert chores.run(booking.remind) == 1 and chores.run(booking.remind) == 0
    assert "Tia Technician" in mails(here.admin)[-1]["text"] and len(mails(here.admin)) == 2
    moves(browser, later)
    begins(later, now() + dt.timedelta(hours=23))
    assert chores.run(booking.remind) == 1


def test_whoever_books_for_tomorrow_or_has_cancelled_is_not_reminded(
    browser: Browser, here: World, chief: Account
) -> None:
    tomorrow, later = offered(chief, now() + dt.timedelta(hours=20), at(9))
    books(browser, tomorrow)
    assert chores.run(booking.remind) == 0
    moves(browser, later)
    begins(later, now() + dt.timedelta(hours=20))
    browser.opens(PAGE)
    browser.presses("Cancel the booking")
    assert chores.run(booking.remind) == 0
    books(browser, offered(chief, at(12))[0])
    booked = standing(here.school)
    with sessions.read() as db:
        slot = db.get_one(Slot, booked.slot_id if booked else uuid.UUID(int=0))
    begins(slot, now() + dt.timedelta(hours=20))
    assert chores.run(booking.remind) == 1


def test_the_calendar_file_escapes_and_folds_what_people_typed(browser: Browser, here: World, chief: Account) -> None:
    [slot] = offered(chief, at(7), minutes=90)
    name = "Ünnö Ömer; of A, B \\ C"
    books(browser, slot, name=name)
    told = entry(browser)
    assert re.sub(r"\\(.)", r"\1", told["DESCRIPTION"].partition(" on ")[0]).endswith(f"rings {name}")
    assert "\\; of A\\, B \\\\ C" in told["DESCRIPTION"] and here.school.name in told["SUMMARY"]
    assert told["DTEND"] == f"{slot.starts_at + dt.timedelta(minutes=90):%Y%m%dT%H%M%SZ}"
    assert told["ATTENDEE"] == f"mailto:{here.admin.email}"


def test_another_school_and_other_roles_see_nothing_of_it(
    browser: Browser, other_browser: Browser, here: World, chief: Account
) -> None:
    first, _ = offered(chief, at(7), at(8, 14))
    books(browser, first)
    booked = standing(here.school)
    assert booked
    other = world(100002)
    signs_in(other_browser, other.admin)
    assert other_browser.client.get(f"{PAGE}.ics?of={booked.id}").status_code == 404
    assert other_browser.client.get(f"{PAGE}.ics").status_code == 404
    other_browser.posts(f"{PAGE}/cancel", 409, booking=str(booked.id))
    signs_in(other_browser, colleague(here.school, DPO))
    for path in (PAGE, f"{PAGE}.ics"):
        assert other_browser.client.get(path).status_code == 403
    other_browser.posts(f"{PAGE}/cancel", 403, booking=str(booked.id))
    assert standing(here.school)
    signs_in(other_browser, colleague(here.school, IT))
    assert entry(other_browser, booked)["UID"]


def at_once(*works: Callable[[], Any]) -> list[str]:
    """Run these in threads that start together: what each was refused with, empty for those that went well."""
    start = Barrier(len(works))

    def run(work: Callable[[], Any]) -> str:
        start.wait()
        try:
            work()
        except Problem as refused:
            return type(refused).__name__
        return ""

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def booker(of: World, slot: Slot) -> Callable[[], None]:
    def work() -> None:
        with sessions.begin() as db:
            booking.book(db, of.school, of.admin, slot.id, CONTACT)

    return work


def mover(of: World, slot: Slot) -> Callable[[], None]:
    def work() -> None:
        with sessions.begin() as db:
            before = Installation.standing(db, of.school.id)
            assert before
            booking.change(db, of.school, of.admin, before, to=slot.id, contact=CONTACT)

    return work


def test_eight_schools_at_once_leave_a_time_to_one_of_them(chief: Account) -> None:
    rivals = [world(urn) for urn in range(100001, 100009)]
    for number in range(4):
        [slot] = offered(chief, at(7 + number))
        free = [rival for rival in rivals if standing(rival.school) is None]
        refused = at_once(*(booker(rival, slot) for rival in free))
        assert sorted(refused) == ["", *["Taken"] * (len(free) - 1)]
    assert sum(standing(rival.school) is not None for rival in rivals) == 4


def test_eight_people_of_a_school_at_once_book_one_time(chief: Account) -> None:
    here = world()
    times = offered(chief, *(at(7, hour) for hour in range(8, 16)))
    refused = at_once(*(booker(here, slot) for slot in times))
    assert sorted(refused) == ["", *["Changed"] * 7]
    with sessions.read() as db:
        assert len(db.scalars(select(Installation)).all()) == 1
        assert len(Slot.free(db, 20)) == 7


def test_schools_that_move_to_one_time_and_its_withdrawal_leave_one_outcome(chief: Account) -> None:
    rivals = [world(urn) for urn in range(100001, 100008)]
    *own, wanted = offered(chief, *(at(7, hour) for hour in range(8, 16)))
    for rival, slot in zip(rivals, own, strict=True):
        booker(rival, slot)()

    def withdraws() -> None:
        with sessions.begin() as db:
            slots.withdraw(db, wanted.id, chief.id)

    refused = at_once(*(mover(rival, wanted) for rival in rivals), withdraws)

    assert refused[-1] == "" and refused[:-1].count("") <= 1
    with sessions.read() as db:
        assert Installation.of_slot(db, wanted.id) is None
        assert db.get_one(Slot, wanted.id).withdrawn_at
        kept = [Installation.standing(db, rival.school.id) for rival in rivals]
    assert kept.count(None) == refused[:-1].count("")


def test_times_of_one_day_at_schools_stand_together(browser: Browser, here: World, chief: Account) -> None:
    early, late, twin = *offered(chief, at(7, 9), at(7, 15)), offered(colleague(here.school), at(7, 9))[0]
    browser.opens(PAGE)
    assert browser.text.count(f"{weekday(early.starts_at)} {day(early.starts_at)}") == 1
    assert browser.text.count(hours(early)) == 1 and hours(late) in browser.text
    assert local_day(twin.starts_at) == today() + dt.timedelta(days=7)
    books(browser, early)
    assert standing(here.school)
