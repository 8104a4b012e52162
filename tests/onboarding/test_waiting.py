"""Asking the school for more: its time is not ours."""

import datetime as dt

import pytest

from app.db import sessions
from app.models.account import Account
from app.models.base import now
from app.models.verification import CALLED, CONFIRMED, NEW, WAITING, Verification
from app.onboarding.dossier import clock
from app.registration import working_days
from app.web.pages import LONDON
from tests.onboarding.people import Opens, actions, confirmed, mails, registered, rings
from tests.pages import Browser


def asks(browser: Browser, question: str, status: int = 200) -> None:
    browser.fills("What do you need?", question)
    browser.presses("Ask for more", status)


def test_the_school_is_asked_answers_on_its_tracker_and_the_case_goes_on(as_: Opens, caller: Account) -> None:
    here, browser = registered(), as_(caller)
    browser.opens(here.page)
    rings(browser, "No answer")

    asks(browser, "Are you the bursar?\nSince when?")

    assert (here.state, here.now().waiting_from) == (WAITING, CALLED)
    assert "Are you the bursar?" in mails(here.admin)[-1]["text"]
    browser.opens("/onboarding")
    assert "1 waits for the school" in browser.text and here.school.name not in browser.text
    browser.follows("Waiting for school 1")
    assert here.school.name in browser.text and "Asked today" in browser.text
    registrant = as_(here.admin)
    registrant.opens("/register/next")
    assert "Are you the bursar?" in registrant.text
    registrant.fills("Your answer", "Yes, since 2019")
    registrant.presses("Send your answer")
    assert (here.state, here.now().answer, here.now().waiting_since) == (CALLED, "Yes, since 2019", None)
    browser.opens(here.page)
    assert "Yes, since 2019" in browser.text
    rings(browser, "Confirmed", person="The office", code="KITE-42")
    assert here.state == CONFIRMED
    assert actions() == ["case.taken", "case.called", "case.asked", "case.answered", "case.called"]
    browser.opens(here.school_page)
    assert "Asked the school for more" in browser.text and "School answered" in browser.text


@pytest.mark.parametrize("before", [NEW, CALLED, CONFIRMED])
def test_the_answer_leads_back_to_the_state_before(as_: Opens, caller: Account, before: str) -> None:
    here, browser = registered(), as_(caller)
    if before == CONFIRMED:
        confirmed(here, caller)
    browser.opens(here.page)
    if before == CALLED:
        rings(browser, "No answer")
    asks(browser, "Which role have you?")
    assert here.state == WAITING

    browser.fills("They answered you instead?", "By e-mail: the bursar")
    browser.presses("Save the answer")

    assert (here.state, here.now().answer) == (before, "By e-mail: the bursar")
    browser.posts(f"{here.page}/answer", 409, answer="Again")
    assert here.now().answer == "By e-mail: the bursar"


def test_a_question_needs_words_and_a_waiting_case_is_not_asked_or_called_again(as_: Opens, caller: Account) -> None:
    here, browser = registered(), as_(caller)
    browser.opens(here.page)
    asks(browser, "", 422)
    assert "Write what you ask the school for" in browser.text and here.state == NEW
    asks(browser, "Which role have you?")

    browser.posts(f"{here.page}/ask", 409, question="And since when?")
    browser.posts(f"{here.page}/call", 409, number="01632960001", outcome="no answer")
    browser.posts(f"{here.page}/approve", 403)

    assert (here.state, here.now().question) == (WAITING, "Which role have you?")
    browser.posts(f"{here.page}/answer", answer="The bursar")
    browser.posts(f"{here.page}/call", number="01632960001", outcome="no answer")
    assert here.state == CALLED


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=LONDON)


@pytest.mark.parametrize(
    ("due", "asked", "answered", "then_due"),
    [
        ("2026-11-26T17:00", "2026-11-25T10:00", "2026-11-25T15:00", "2026-11-26T17:00"),  # the same day
        ("2026-11-26T17:00", "2026-11-25T10:00", "2026-12-01T09:00", "2026-12-02T17:00"),  # over a weekend
        ("2026-11-27T17:00", "2026-11-27T10:00", "2026-11-29T09:00", "2026-11-27T17:00"),  # only a weekend
        ("2026-04-02T17:00", "2026-04-01T10:00", "2026-04-07T09:00", "2026-04-08T17:00"),  # over Easter
        ("2026-12-24T17:00", "2026-12-23T10:00", "2026-12-29T09:00", "2026-12-30T17:00"),  # over Christmas
        ("2026-11-24T17:00", "2026-11-25T10:00", "2026-11-27T09:00", "2026-11-26T17:00"),  # late before, as late after
    ],
)
def test_the_due_date_moves_by_the_working_days_of_waiting(due: str, asked: str, answered: str, then_due: str) -> None:
    here = registered()
    with sessions.begin() as db:
        case = db.get_one(Verification, here.case.id)
        assert case.ask(db, "Which role have you?")
        case.due_at, case.waiting_since = at(due), at(asked)
    with sessions.begin() as db:
        case = db.get_one(Verification, here.case.id)
        assert case.waiting_since
        assert case.answered(db, "The bursar", working_days.moved(case.due_at, case.waiting_since, at(answered)))

    assert here.now().due_at == at(then_due)


@pytest.mark.parametrize(
    ("state", "looked", "words", "tone"),
    [
        (NEW, "2026-11-24T10:00", "2 working days left", ""),
        (CALLED, "2026-11-26T10:00", "Due today by 5pm", "yellow"),
        (CONFIRMED, "2026-11-26T17:30", "Overdue: late since 5pm", "red"),
        (NEW, "2026-11-30T10:00", "Overdue: 2 working days late", "red"),
        (WAITING, "2026-11-30T10:00", "Waiting 4 working days", "orange"),  # never overdue
    ],
)
def test_time_left_is_told_in_words_and_waiting_is_never_overdue(
    state: str, looked: str, words: str, tone: str
) -> None:
    case = Verification(state=state, due_at=at("2026-11-26T17:00"))
    if state == WAITING:
        case.waiting_since = at("2026-11-24T10:00")

    told = clock(case, at(looked))

    assert (told.words, told.tone) == (words, tone)


def test_an_overdue_case_is_called_so_in_the_queue_and_a_waiting_one_is_not(as_: Opens, caller: Account) -> None:
    late, waiting = registered(100001), registered(100002)
    with sessions.begin() as db:
        for here in (late, waiting):
            db.get_one(Verification, here.case.id).due_at = now() - dt.timedelta(days=9)
        assert db.get_one(Verification, waiting.case.id).ask(db, "Which role have you?")
    browser = as_(caller)
    browser.opens("/onboarding")

    assert "1 to do, 1 overdue." in browser.text
    tags = browser.document.find_class("govuk-tag--red")
    assert len(tags) == 1 and tags[0].text_content().strip().startswith("Overdue: ")
    browser.follows("Waiting for school 1")
    assert not browser.document.find_class("govuk-tag--red") and waiting.school.name in browser.text
