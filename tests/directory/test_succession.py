from app.db import sessions
from app.directory.search import find, predecessors, successors
from tests.directory.build import links, raw, row
from tests.directory.conftest import Load

CLOSED = {"status_code": "2"}


def after(urn: int) -> list[int]:
    with sessions.read() as db:
        return [one.urn for one in successors(db, urn)]


def before(urn: int) -> list[int]:
    with sessions.read() as db:
        return [one.urn for one in predecessors(db, urn)]


def test_a_number_that_finds_a_closed_school_leads_to_its_successor(load: Load) -> None:
    load(
        raw(row(100000, establishment_number="2999", **CLOSED), row(140000, establishment_number="3001")),
        links=links((100000, 140000, "Successor")),
    )

    with sessions.read() as db:
        found = find(db, "dfe", "8882999").rows
    assert [one.urn for one in found] == [100000] and found[0].is_closed
    assert after(100000) == [140000]
    assert before(140000) == [100000]
    assert after(140000) == []


def test_a_link_that_only_one_side_has_works_from_both(load: Load) -> None:
    load(
        raw(row(1, **CLOSED), row(2), row(3, **CLOSED), row(4), row(5, **CLOSED), row(6)),
        links=links((1, 2, "Successor - merged"), (4, 3, "Predecessor"), (5, 6, "Result of Amalgamation")),
    )

    assert (after(1), after(3), after(5)) == ([2], [4], [6])
    assert (before(2), before(4), before(6)) == ([1], [3], [5])


def test_a_chain_is_followed_to_those_that_are_open(load: Load) -> None:
    load(
        raw(row(1, **CLOSED), row(2, **CLOSED), row(3, **CLOSED), row(4)),
        links=links((1, 2, "Successor"), (2, 3, "Successor"), (4, 3, "Predecessor")),
    )

    assert (after(1), after(2), after(3)) == ([4], [4], [4])
    assert before(4) == [3], "only the school before: its own story is a click away"


def test_a_split_school_offers_the_choice_newest_first(load: Load) -> None:
    load(
        raw(row(1, **CLOSED), row(2, open_date="01-09-2010"), row(3, open_date="01-09-2020"), row(4, status_code="4")),
        links=links(*((1, other, "Successor - Split School") for other in (2, 3, 4))),
    )

    assert after(1) == [3, 2, 4]


def test_circles_end(load: Load) -> None:
    load(
        raw(row(1, **CLOSED), row(2, **CLOSED), row(3, **CLOSED), row(4)),
        links=links((1, 2, "Successor"), (2, 3, "Successor"), (3, 1, "Successor"), (2, 2, "Successor")),
    )
    assert (after(1), after(2)) == ([], [])
    assert before(1) == [3]

    load(
        raw(*(row(urn, **CLOSED) for urn in (1, 2, 3)), row(4)),
        links=links((1, 2, "Successor"), (2, 1, "Successor"), (2, 4, "Successor")),
        force=True,
    )
    assert (after(1), after(2)) == ([4], [4])


def test_a_very_long_chain_is_given_up(load: Load) -> None:
    load(
        raw(*(row(urn, **CLOSED) for urn in range(1, 40)), row(40)),
        links=links(*((urn, urn + 1, "Successor") for urn in range(1, 40))),
    )

    assert after(1) == []
    assert after(35) == [40]


def test_a_link_to_a_record_that_the_register_lacks_is_passed_through(load: Load) -> None:
    load(
        raw(row(1, **CLOSED), row(3), row(4, **CLOSED)),
        links=links((1, 99, "Successor"), (99, 3, "Successor"), (4, 98, "Successor")),
    )

    assert after(1) == [3]
    assert before(3) == [1]
    assert after(4) == []


def test_when_all_have_closed_the_last_are_named(load: Load) -> None:
    load(raw(row(1, **CLOSED), row(2, **CLOSED), row(3)), links=links((1, 2, "Successor")))

    assert after(1) == [2]
    assert after(2) == []


def test_other_kinds_of_link_are_no_succession(load: Load) -> None:
    load(
        raw(row(1, **CLOSED), row(2), row(3)),
        links=links((1, 2, "Sixth Form Centre Link"), (1, 2, "Other"), (1, 3, "Successor")),
    )

    assert after(1) == [3]
    assert before(2) == []
