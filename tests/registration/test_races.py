"""Many at once: one link makes one school, two claims get two usernames, and all or nothing is kept."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from app.db import sessions
from app.errors import Problem
from app.models.school import Registration
from app.models.verification import Verification
from app.registration import links, service
from app.registration.details import DetailsForm
from app.secrets import digest
from tests import factories
from tests.pages import Browser
from tests.registration.people import EMAIL, MOBILE, NAME, counts, listed, registers, registration


def pending(urn: int = 100001, email: str = EMAIL) -> str:
    """A registration whose link is on its way; the link's token."""
    form = DetailsForm(name=NAME, email=email, mobile=MOBILE)
    with sessions.begin() as db:
        begun = service.start(db, urn, form)
        token = links.new(begun.id, email)
        begun.link_digest = digest(token)
    return token


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """What each returned, or the Problem that it raised, when all began together."""
    begin = threading.Barrier(len(works))
    outcomes: list[Any] = []

    def run(work: Callable[[], Any]) -> None:
        begin.wait()
        try:
            outcomes.append(work())
        except Problem as refused:
            outcomes.append(refused)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def completing(token: str) -> Callable[[], str]:
    def complete() -> str:
        with sessions.begin() as db:
            _, account, _ = service.complete(db, token, NAME, "+447700900123")
        return str(account.username)

    return complete


def test_twenty_browsers_with_one_link_make_one_school() -> None:
    listed()
    token = pending()

    outcomes = at_once([completing(token)] * 20)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Used"] * 19 + ["str"]
    made = counts()
    assert (made["School"], made["Account"], made["Verification"], made["Event"]) == (1, 1, 1, 1)
    assert completing(pending(email="two@school.example"))() == "8880001-2"


def test_ten_claims_of_one_school_get_ten_usernames() -> None:
    listed()
    tokens = [pending(email=f"n{number}@school.example") for number in range(10)]

    usernames = at_once([completing(token) for token in tokens])

    assert sorted(usernames) == sorted(["8880001", *(f"8880001-{number}" for number in range(2, 11))])


def test_two_clicks_on_send_again_mail_one_link() -> None:
    listed()
    with sessions.begin() as db:
        begun = service.start(db, 100001, DetailsForm(name=NAME, email=EMAIL, mobile=MOBILE))
        begun.link_sent_at = None

    def again() -> str:
        with sessions.begin() as db:
            found = Registration.by_id(db, begun.id)
            assert found
            service.send_again(db, found)
        return "sent"

    outcomes = at_once([again] * 8)

    assert outcomes.count("sent") == 1
    assert sum(isinstance(outcome, service.TooSoon) for outcome in outcomes) == 7
    assert counts()["Message"] == 2


@pytest.mark.parametrize("step", ["School", "Verification", "audit", "mail"])
def test_a_failure_anywhere_leaves_the_link_unspent_and_no_half_school(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    listed()
    token = pending()
    standing = counts()

    class Killed(BaseException):
        pass

    def dies(*_: object, **__: object) -> None:
        raise Killed

    broken = {
        "School": "app.signin.service.new_admin",
        "Verification": "app.registration.service.working_days.due",
        "audit": "app.audit.record",
        "mail": "app.notify.messages.school_registered",
    }
    with monkeypatch.context() as patched:
        patched.setattr(broken[step], dies)
        with pytest.raises(Killed):
            completing(token)()
    assert counts() == standing and registration().completed_at is None

    assert completing(token)() == "8880001"


def test_two_registrants_of_one_school_each_get_a_tenant_of_their_own(browser: Browser, other_browser: Browser) -> None:
    listed()
    first, _ = registers(browser)
    second, _ = registers(other_browser, email="second@school.example")
    assert first != second
    for one in (browser, other_browser):
        one.opens("/register/next")
        assert one.value("verification-status") == "Unverified"
    assert browser.value("readback-code") != other_browser.value("readback-code")


def test_a_school_verified_meanwhile_ends_other_registrations_under_way() -> None:
    listed()
    token = pending()
    with sessions.begin() as db:
        factories.school(db, status="Verified")
    [outcome] = at_once([completing(token)])
    assert isinstance(outcome, service.Registered) and counts()["School"] == 1

    listed(100002)
    assert completing(pending(100002))() == "8880002"
    with sessions.read() as db:
        assert db.query(Verification).count() == 2
