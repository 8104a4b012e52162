"""What a registrant sees while the onboarding team checks the school, and the questions that go either way."""

import datetime as dt

import pytest

from app.db import sessions
from app.models import event
from app.models.base import ago, ahead, now
from app.models.school import School
from app.models.token import AuthorizationRequest
from app.models.verification import CALLED, WAITING, Verification
from app.registration import hours, working_days
from app.secrets import digest, new_secret, unseal
from app.settings import settings
from app.web import cookies, remembered
from app.web.pages import LONDON, day
from tests import factories
from tests.pages import Browser
from tests.registration.people import EMAIL, ages_school, changes, listed, mails, moves, registers, the_case
from tests.signin.people import signs_in

Q = "Which department of the trust do you work for?"


def test_the_tracker_says_what_happens_when_and_who_is_called(browser: Browser) -> None:
    listed(telephone="01632 960001")
    registers(browser)
    browser.opens("/register/next")

    assert browser.value("verification-status") == "Unverified"
    assert browser.value("readback-code") == unseal(the_case().readback_sealed, "readback")
    due = working_days.due(now(), 2)
    assert f"By 5pm on {due:%A} {day(due)}" in browser.text
    assert "01632 960001" in browser.text and "07700" not in browser.text
    assert settings.support_phone in browser.text and settings.support_hours in browser.text
    links = {a.text_content(): a.get("href") for a in browser.document.iter("a")}
    assert links["install it now"] == "/school/endpoint/install"
    assert links["upload a file"] == "/school/endpoint/upload"


def test_only_the_registrants_browser_sees_it_and_only_for_72_hours(browser: Browser, other_browser: Browser) -> None:
    listed()
    registers(browser)
    other_browser.opens("/register/next")
    assert other_browser.path == "/sign-in?next=%2Fregister%2Fnext"

    ages_school(dt.timedelta(hours=71))
    browser.opens("/register/next")
    assert browser.value("readback-code")
    ages_school(dt.timedelta(hours=73))
    browser.opens("/register/next")
    assert browser.path == "/sign-in?next=%2Fregister%2Fnext"


def test_an_estab_admin_who_signed_in_sees_the_tracker_of_their_own_school(browser: Browser) -> None:
    with sessions.begin() as db:
        mine, other = factories.school(db, 100001), factories.school(db, 100002, name="Another School")
        admin = factories.admin(db, mine)
        factories.admin(db, other)
    signs_in(browser, admin)
    browser.opens("/register/next")
    assert "Made-up Primary School 100001" in browser.text and "Another School" not in browser.text
    assert browser.value("readback-code") == "KITE-42"


def test_whoever_signs_in_after_registering_sees_the_school_signed_in_to(browser: Browser) -> None:
    with sessions.begin() as db:
        admin = factories.admin(db, factories.school(db, 100002, name="Signed-in School"))
    signs_in(browser, admin)
    listed(100001, name="Just Registered School")
    registers(browser)
    browser.opens("/register/next")
    assert "Just Registered School" in browser.text

    signs_in(browser, admin)
    browser.opens("/register/next")
    assert "Signed-in School" in browser.text and "Just Registered School" not in browser.text


def test_a_role_that_is_not_admin_does_not_see_it(browser: Browser) -> None:
    with sessions.begin() as db:
        school = factories.school(db)
        helper, admin = factories.admin(db, school, "Read-only"), factories.admin(db, school)
    signs_in(browser, helper)
    browser.opens("/register/next", 403)
    signs_in(browser, admin)
    browser.opens("/register/next")


def test_a_question_of_the_team_is_answered_here_and_its_clock_goes_on(browser: Browser) -> None:
    listed()
    registers(browser)
    browser.posts("/register/next/answer", 409, answer="Nobody asked")
    asked_at = ago(3 * 86_400)
    due_at = the_case().due_at
    changes(state=WAITING, waiting_from=CALLED, waiting_since=asked_at, question=Q)
    mails()

    browser.opens("/register/next")
    assert "We have a question" in browser.text and Q in browser.text
    assert "We go on when you have answered" in browser.text
    browser.presses("Send your answer", 422)
    assert "Write your message" in browser.text
    browser.fills("Your answer", "The finance <b>office</b>")
    browser.presses("Send your answer")

    assert browser.path == "/register/next" and "We have your answer" in browser.text
    case = the_case()
    assert (case.state, case.answer, case.waiting_since) == (CALLED, "The finance <b>office</b>", None)
    assert case.due_at == working_days.moved(due_at, asked_at, now())
    with sessions.read() as db:
        answered, *_ = event.of_school(db, case.school_id)
    assert answered.action == "case.answered" and answered.actor_id and answered.detail == {}
    browser.posts("/register/next/answer", 409, answer="Again")


def test_an_answer_reaches_no_other_school(browser: Browser, other_browser: Browser) -> None:
    listed()
    registers(browser)
    changes(state=WAITING, waiting_from=CALLED, waiting_since=ago(60), question=Q)
    with sessions.begin() as db:
        stranger = factories.admin(db, factories.school(db, 100002))
        theirs = stranger.id
    signs_in(other_browser, stranger)
    other_browser.posts("/register/next/answer", 409, answer="From elsewhere", school_id=str(theirs))
    with sessions.read() as db:
        [school] = School.of_urn(db, 100001)
        case = Verification.of_school(db, school.id)
    assert case and case.state == WAITING and case.answer is None

    browser.posts("/register/next/answer", answer="From here")
    with sessions.read() as db:
        case = Verification.of_school(db, school.id)
    assert case and case.answer == "From here"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("Verified", "Apps that you authorise can read the data"),
        ("Rejected", "Register again"),
        ("Suspended", "No app can read this school’s data"),
        ("Closed", "No app can read this school’s data"),
    ],
)
def test_the_tracker_follows_the_status_and_drops_the_code(browser: Browser, status: str, words: str) -> None:
    listed()
    registers(browser)
    moves(status, "The reason given")
    browser.opens("/register/next")
    assert browser.value("verification-status") == status and words in browser.text
    assert browser.document.get_element_by_id("readback-code", None) is None
    assert ("The reason given" in browser.text) == (status != "Verified")


def test_a_dead_code_is_not_shown(browser: Browser) -> None:
    listed()
    registers(browser)
    changes(wrong_codes=5)
    browser.opens("/register/next")
    assert browser.document.get_element_by_id("readback-code", None) is None
    assert "Wrong codes were given" in browser.text
    changes(wrong_codes=4)
    browser.opens("/register/next")
    assert browser.value("readback-code")


def test_a_question_to_our_support_is_mailed_with_the_address_to_answer(browser: Browser) -> None:
    listed()
    registers(browser)
    mails()
    browser.opens("/register/next")
    browser.presses("Send your question", 422)
    browser.fills("Your question", "When <b>do</b> you ring?")
    browser.presses("Send your question")
    assert "We have your message" in browser.text
    [mail] = mails()
    assert mail["to"] == settings.support_email
    assert EMAIL in mail["text"] and "When <b>do</b> you ring?" in mail["text"] and "100001" in mail["text"]


def test_questions_are_limited_and_what_was_typed_stays(browser: Browser) -> None:
    listed()
    registers(browser)
    for number in range(5):
        browser.posts("/register/next/question", question=f"Question {number}")
    browser.posts("/register/next/question", 429, question="One more")
    assert browser.document.get_element_by_id("question").text == "One more"
    browser.posts("/register/next/question", 422, question="x" * 5001)
    assert len(mails()) == 6  # the welcome and five questions


def test_the_partners_request_goes_on_from_here(browser: Browser) -> None:
    listed()
    secret = new_secret("gh_br")
    browser.client.cookies.set(cookies.name(remembered.COOKIE), secret)
    with sessions.begin() as db:
        app, _ = factories.app(db)
        waiting = AuthorizationRequest(
            app_id=app.id, parameters={}, browser_digest=digest(secret), expires_at=ahead(3600)
        )
        db.add(waiting)
        db.flush()
        path = remembered.path(waiting)
    registers(browser)
    browser.opens("/register/next")
    [button] = [a for a in browser.document.iter("a") if a.text_content().strip() == "Continue to Reading Room"]
    assert button.get("href") == f"/sign-in?next={path}"

    with sessions.begin() as db:
        db.query(AuthorizationRequest).delete()
    browser.opens("/register/next")
    assert "Continue to" not in browser.text


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-24T08:00", True),
        ("2026-11-24T16:59", True),
        ("2026-11-24T17:00", False),
        ("2026-11-24T07:59", False),
        ("2026-11-28T10:00", False),  # Saturday
        ("2026-12-28T10:00", False),  # a bank holiday on a Monday
        ("2026-06-30T08:30", True),  # summer time
    ],
)
def test_support_is_open_in_its_hours(moment: str, is_open: bool) -> None:
    at = dt.datetime.fromisoformat(moment).replace(tzinfo=LONDON)
    assert hours.is_open("Monday to Friday, 8am to 5pm", at) is is_open


def test_hours_in_other_words_are_shown_and_not_judged(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hours.is_open("whenever we are in", now()) is None
    assert hours.is_open("monday - saturday 8.30am – 12pm", dt.datetime(2026, 11, 28, 11, tzinfo=LONDON)) is True
    listed()
    registers(browser)
    monkeypatch.setattr(settings, "support_hours", "whenever we are in")
    browser.opens("/register/next")
    assert "in working hours (whenever we are in)" in browser.text
    assert "open now" not in browser.text and "closed at the moment" not in browser.text


def test_signing_out_takes_the_registration_out_of_the_browser(browser: Browser) -> None:
    listed()
    registers(browser)
    browser.opens("/register/next")
    assert browser.value("readback-code")

    browser.posts("/sign-out")
    browser.opens("/register/next")
    assert browser.path == "/sign-in?next=%2Fregister%2Fnext"


@pytest.mark.parametrize("status", ["Rejected", "Closed"])
def test_a_school_that_was_turned_away_reads_why_and_sends_us_nothing(browser: Browser, status: str) -> None:
    listed()
    registers(browser)
    mails()
    moves(status, "The reason given")
    browser.opens("/register/next")
    assert "The reason given" in browser.text and "Your question" not in browser.text
    browser.posts("/register/next/question", 403, question="Let me in")
    assert mails() == []

    moves("Unverified")
    browser.posts("/register/next/question", question="When do you ring?")
    assert len(mails()) == 1
