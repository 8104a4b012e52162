from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.roster.query import BadQuery, Query, links, parse

pytestmark = pytest.mark.once

KNOWN = {"sourcedId", "name", "metadata", "metadata.UKPRN", "metadata.address"}
NAMES = ("Oak", "ash", "Élm", "St Mary's", "Oak")
RECORDS: list[dict[str, Any]] = [
    {"sourcedId": str(n), "name": name, "metadata": {"UKPRN": f"1000{n}", "address": ["Mill Lane", f"Town {n}"]}}
    for n, name in enumerate(NAMES)
]


def asked(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def found(query: str) -> list[str]:
    page, _ = parse(asked(query), KNOWN).select(RECORDS)
    return [record["sourcedId"] for record in page]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "01234"),
        ("filter=name='oak'", "04"),
        ("filter=name!='OAK'", "123"),
        ("filter=name~'a'", "0134"),
        ("filter=name='St Mary's'", "3"),
        ("filter=name='St Mary's' OR name='ash'", "13"),
        ("filter=sourcedId>='1' AND sourcedId<'3'", "12"),
        ("filter=name='ash' OR name='oak' AND sourcedId>'0'", "14"),
        ("filter=metadata.UKPRN='10002'", "2"),
        ("filter=metadata.address='town 3'", "3"),
        ("filter=metadata.address!='town 3'", "0124"),
        ("filter= name ~ '' ", "01234"),
        ("sort=name", "10432"),
        ("sort=name&orderBy=desc", "23041"),
        ("sort=nosuch", "01234"),
        ("orderBy=desc", "01234"),
        ("limit=2", "01"),
        ("limit=2&offset=3", "34"),
        ("offset=99", ""),
        ("unknown=1&unknown=2", "01234"),
    ],
)
def test_a_query_finds_what_it_asks_for(query: str, expected: str) -> None:
    assert "".join(found(query)) == expected


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invaliddata"),
        ("limit=5001", "invaliddata"),
        ("limit=ten", "invaliddata"),
        ("limit=", "invaliddata"),
        ("limit=-1", "invaliddata"),
        ("limit=٣", "invaliddata"),
        (f"limit={'9' * 5000}", "invaliddata"),
        ("offset=-1", "invaliddata"),
        ("limit=1&limit=1", "invaliddata"),
        ("orderBy=up", "invaliddata"),
        ("filter=", "invaliddata"),
        ("filter=name", "invaliddata"),
        ("filter=name='oak", "invaliddata"),
        ("filter=name=oak", "invaliddata"),
        ("filter=name='oak' AND", "invaliddata"),
        ("filter=name='oak' AND ", "invaliddata"),
        ("filter=(name='oak')", "invaliddata"),
        ("filter=hidden='x'", "invalid_filter_field"),
        ("filter=name='x' OR hidden='x'", "invalid_filter_field"),
        ("filter=metadata.hidden='x'", "invalid_filter_field"),
        ("fields=name,hidden", "invalid_selection_field"),
        ("fields=", "invalid_selection_field"),
    ],
)
def test_a_query_that_cannot_be_served_says_why(query: str, code: str) -> None:
    with pytest.raises(BadQuery) as refused:
        parse(asked(query), KNOWN)

    assert refused.value.code == code
    assert str(refused.value).isascii()
    assert found("limit=1") == ["0"]


def test_only_the_asked_fields_come_back() -> None:
    assert parse(asked("fields=name"), KNOWN).only(RECORDS[0]) == {"name": "Oak"}
    assert parse(asked("fields=metadata.UKPRN,sourcedId"), KNOWN).only(RECORDS[0]) == {
        "sourcedId": "0",
        "metadata": {"UKPRN": "10000"},
    }
    assert parse(asked("fields=metadata"), KNOWN).only(RECORDS[0]) == {"metadata": RECORDS[0]["metadata"]}


def test_a_single_record_knows_fields_and_nothing_else() -> None:
    query = parse(asked("fields=name&limit=none&filter=("), KNOWN, single=True)

    assert query == Query(fields=("name",))


def test_links_lead_from_page_to_page_and_keep_the_question() -> None:
    question = asked("filter=name~'a'&limit=2&offset=2")

    header = links("https://here/orgs", question, parse(question, KNOWN), 7)

    parts = [part.removeprefix("<").removesuffix('"').split('>; rel="') for part in header.split(", ")]
    offsets = {relation: dict(asked(address.partition("?")[2])) for address, relation in parts}
    assert {relation: int(query["offset"]) for relation, query in offsets.items()} == {
        "next": 4,
        "last": 6,
        "first": 0,
        "prev": 0,
    }
    assert all(query["filter"] == "name~'a'" and query["limit"] == "2" for query in offsets.values())


def test_a_single_page_has_neither_next_nor_prev() -> None:
    header = links("https://here/orgs", [], Query(), 1)

    assert "next" not in header and "prev" not in header
    assert 'rel="first"' in header and 'rel="last"' in header


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["limit", "offset", "sort", "orderBy", "filter", "fields", "x"]),
            st.one_of(
                st.text(),
                st.text("=!<>~'( )ANDORname.12", max_size=40),
                st.from_regex(r"\A[A-Za-z.]{1,8} ?(=|!=|>|~) ?'.{0,5}'( (AND|OR) name='.{0,3}')?\Z"),
                st.sampled_from(["name", "metadata.UKPRN", "desc", "1", "2", "name='oak'", "name~'a' OR name!='b'"]),
            ),
        ),
        max_size=6,
    )
)
def test_whatever_is_asked_it_is_answered_or_refused(question: list[tuple[str, str]]) -> None:
    try:
        query = parse(question, KNOWN)
    except BadQuery as refused:
        said = (refused.code, str(refused))
    else:
        said = ("", "")
    assert said[0] in ("", "invaliddata", "invalid_filter_field", "invalid_selection_field")
    assert said[1].isascii()
    if said[0]:
        return
    page, total = query.select(RECORDS)
    assert len(page) <= min(query.limit, total) and total <= len(RECORDS)
    assert links("https://here/orgs", question, query, total).isascii()


def test_a_long_filter_is_read_to_its_end_and_too_many_comparisons_are_refused() -> None:
    with pytest.raises(BadQuery):
        parse([("filter", "name='" + "' " * 15_000 + "x")], KNOWN)
    with pytest.raises(BadQuery):
        parse([("filter", " OR ".join(["name='oak'"] * 51))], KNOWN)
    assert len(parse([("filter", " OR ".join(["name='oak'"] * 50))], KNOWN).select(RECORDS)[0]) == 2
