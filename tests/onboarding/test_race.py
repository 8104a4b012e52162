"""Two operators at the same moment: one wins, the other reads why."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from app.db import sessions
from app.errors import Problem
from app.models.account import Account
from app.models.school import REJECTED, UNVERIFIED, VERIFIED, School
from app.models.verification import CONFIRMED, Verification, verify
from app.onboarding import calls, cases, decisions
from tests import factories
from tests.onboarding.people import Registered, actions, confirmed, operator, registered

Work = Callable[[], None]


def at_once(*works: Work) -> list[Problem | None]:
    """Run these in threads that start together; what each was refused with, None for those that went well."""
    start = Barrier(len(works))

    def run(work: Work) -> Problem | None:
        start.wait()
        try:
            work()
        except Problem as refused:
            return refused
        return None

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def approves(here: Registered, by: Account) -> Work:
    def work() -> None:
        with sessions.begin() as db:
            case, school = cases.find(db, here.case.id)
            decisions.approve(db, case, school, by.id)

    return work


def test_two_registrations_of_one_school_approved_at_once_leave_one_verified(
    caller: Account, approver: Account
) -> None:
    other_approver = operator("approver")
    for urn in range(100001, 100011):
        here, rival = confirmed(registered(urn), caller), confirmed(registered(urn), caller)
        for one in (here, rival):
            with sessions.begin() as db:
                factories.authorisation(db, one.admin, one.school, factories.app(db)[0])

        refused = at_once(approves(here, approver), approves(rival, other_approver))

        assert sorted((here.status, rival.status)) == [REJECTED, VERIFIED]
        assert sum(each is None for each in refused) == 1
        lost = next(each for each in refused if each)
        assert isinstance(lost, decisions.Overtaken | cases.MovedOn)
    assert actions().count("school.verified") == 10 == actions().count("school.rejected")
    alone = confirmed(registered(100099), caller)
    assert at_once(approves(alone, approver)) == [None] and alone.status == VERIFIED


def test_the_index_stops_a_second_verified_school_and_the_operator_reads_why(
    caller: Account, approver: Account
) -> None:
    here = confirmed(registered(), caller)
    with sessions.begin() as db:
        factories.school(db, 100001, VERIFIED)
        assert not verify(db, db.get_one(School, here.school.id))

    (refused,) = at_once(approves(here, approver))

    assert refused and refused.title == "Another registration of this school is Verified already"
    assert (here.status, here.state) == (UNVERIFIED, CONFIRMED)
    elsewhere = confirmed(registered(100002), caller)
    assert at_once(approves(elsewhere, approver)) == [None]


def test_one_case_is_taken_by_one_of_two(caller: Account, approver: Account) -> None:
    here = registered()

    def takes(by: Account) -> Work:
        def work() -> None:
            with sessions.begin() as db:
                cases.take(db, db.get_one(Verification, here.case.id), by.id)

        return work

    refused = at_once(takes(caller), takes(approver))

    assert sum(each is None for each in refused) == 1
    assert isinstance(next(each for each in refused if each), cases.TakenByAnother)
    assert actions() == ["case.taken"]


def test_wrong_codes_typed_at_once_are_all_counted(caller: Account) -> None:
    here = registered()

    def types() -> None:
        with sessions.begin() as db:
            case, school = cases.find(db, here.case.id)
            calls.log_call(
                db, case, school, caller.id, number="01632960001", person="x", outcome="confirmed", heard="KITE-1"
            )

    at_once(*[types] * 8)

    assert here.now().wrong_codes == 5 and here.now().is_code_dead


def test_an_approval_and_a_rejection_at_once_leave_one_decision(caller: Account, approver: Account) -> None:
    for urn in range(100001, 100006):
        here = confirmed(registered(urn), caller)

        def rejects(here: Registered = here) -> None:
            with sessions.begin() as db:
                case, school = cases.find(db, here.case.id)
                decisions.reject(db, case, school, approver.id, "Not known there")

        refused = at_once(approves(here, approver), rejects)

        assert sum(each is None for each in refused) == 1
        assert (here.status, here.state) in ((VERIFIED, "Approved"), (REJECTED, "Rejected"))
    assert len([action for action in actions() if action in ("school.verified", "school.rejected")]) == 5
