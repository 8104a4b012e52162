"""An invitation is answered once, whoever acts at the same moment."""

from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from app import chores
from app.db import Session, sessions
from app.models.authorisation import Authorisation
from app.models.base import ahead
from app.models.invariants import faults
from app.models.invitation import Invitation
from app.models.school import School
from app.sharing import invitations
from tests import factories
from tests.oauth.dance import at_once
from tests.pages import Browser
from tests.sharing.invited import EMAIL, Invited, state
from tests.sharing.people import person

Act = Callable[[Session, Invitation], Any]


def test_two_clicks_on_authorise_are_one_authorisation(server: ASGIApp, browser: Browser) -> None:
    here = Invited(registered=True)
    factories.signs_in(browser, here.admin)
    browser.opens(here.path)
    shown = browser.document.xpath("//input[@name='shown']/@value")[0]

    def clicks(_number: int) -> tuple[int, str]:
        sent = {"decision": "authorise", "shown": shown}
        answer = browser.client.post(f"/invitation/{here.id}", data=sent)
        return answer.status_code, answer.headers.get("location", "")

    answers = at_once(4, clicks)

    # Whoever comes later is led to, or shown, the page that says it is authorised.
    assert {status for status, _ in answers} <= {200, 303}
    assert here.told().count("authorised") == 1
    with sessions.read() as db:
        assert db.query(Authorisation).count() == 1
        assert [fault for fault in faults(db) if "approved" not in fault] == []


def test_authorise_or_decline_one_of_them_counts() -> None:
    here = Invited(registered=True)
    results = race(here, [yes(here), no(here)] * 4)

    assert results.count(True) == 1
    with sessions.read() as db:
        given = db.query(Authorisation).count()
    assert (state(here), given) in (("authorised", 1), ("declined", 0))
    assert len(here.told()) == 2


def test_an_end_and_an_answer_at_the_same_moment_leave_one_of_them() -> None:
    here = Invited(registered=True)
    with sessions.begin() as db:
        here.row(db).expires_at = ahead(0.05)

    def act(number: int) -> Any:
        if number % 2:
            return chores.run(invitations.expire)
        return attempt(here, yes(here))

    for _ in range(3):
        at_once(6, act)
    with sessions.begin() as db:
        row = here.row(db)
        if row.state == "sent":
            row.expires_at = ahead(-1)
    chores.run(invitations.expire)

    with sessions.read() as db:
        given = db.query(Authorisation).count()
    assert (state(here), given) in (("authorised", 1), ("expired", 0))
    assert here.told() in (["sent", "authorised"], ["sent", "expired"])


def test_it_is_passed_on_to_one_person_and_taken_back_or_not() -> None:
    here = Invited()

    def passes_on(number: int) -> Act:
        to = f"p{number}@madeup-primary.sch.example"
        return lambda db, row: invitations.forward(db, row, name="Beth Head", email=to, by=None)

    acts: list[Act] = [passes_on(number) for number in range(4)]
    results = race(here, [*acts, lambda db, row: invitations.cancel(db, row, None)])

    assert results.count(True) == 1
    with sessions.read() as db:
        chain = Invitation.chain(db, here.row(db))
    assert (chain[0].state, len(chain)) in (("forwarded", 2), ("cancelled", 1))


def test_one_reminder_and_one_opening_whoever_does_it() -> None:
    here = Invited()
    here.age(days=8)
    assert race(here, [lambda db, row: row.open(db)] * 6, truth=True).count(True) == 1
    assert race(here, [invitations.remind] * 6, truth=True).count(True) == 1


def test_the_same_reference_sent_many_times_at_once_is_one_invitation() -> None:
    here = Invited(send=False)
    made = at_once(6, lambda _: here.send(reference="R-1").id)
    assert len(set(made)) == 1

    def sends(_number: int) -> bool:
        try:
            return bool(here.send(contact_email=f"x{EMAIL}"))
        except invitations.CannotInvite:
            return False

    assert at_once(6, sends).count(True) == 1


def yes(here: Invited) -> Act:
    def act(db: Session, row: Invitation) -> None:
        school = db.get_one(School, here.school.id)
        invitations.authorise(db, row, person=person(db, here.admin), school=school, scopes=["school"], years=None)

    return act


def no(here: Invited) -> Act:
    def act(db: Session, row: Invitation) -> None:
        school = db.get_one(School, here.school.id)
        invitations.decline(db, row, person=person(db, here.admin), school=school)

    return act


def race(here: Invited, acts: list[Act], *, truth: bool = False) -> list[bool]:
    """Which of these won; `truth`: the act says so itself, instead of by raising Settled."""
    return at_once(len(acts), lambda number: attempt(here, acts[number], truth=truth))


def attempt(here: Invited, act: Act, *, truth: bool = False) -> bool:
    try:
        with sessions.begin() as db:
            done = act(db, here.row(db))
            return bool(done) if truth else True
    except invitations.Settled:
        return False
