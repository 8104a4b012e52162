"""The committed sample tells every story that the register knows, so that the demo can show it."""

from collections import defaultdict

import pytest

from app.db import sessions
from app.directory import gias
from app.directory.search import find, successors
from app.models.establishment import CLOSED, CLOSING, OPEN, PROPOSED, Establishment
from tests.directory.build import HEADER, SAMPLE, SAMPLE_GROUPS, SAMPLE_LINKS, directory


@pytest.fixture(autouse=True)
def _sample() -> None:
    gias.import_files(SAMPLE, SAMPLE_LINKS, SAMPLE_GROUPS)


def test_the_sample_is_a_file_of_today() -> None:
    data = SAMPLE.read_bytes()

    assert (len(HEADER), len(directory())) == (135, 300)
    assert data.count(b"\r\n") == data.count(b"\n") == 301
    with pytest.raises(UnicodeDecodeError):
        data.decode("utf-8")
    assert data.decode("cp1252")


def test_a_closed_school_has_an_open_successor_with_the_same_number() -> None:
    by_number = defaultdict(set)
    for one in directory():
        if one["establishment_number"]:
            by_number[one["la_code"], one["establishment_number"]].add(one["status_code"])
    both = [number for number, statuses in by_number.items() if {OPEN, CLOSED} <= statuses]
    assert len(both) > 10

    with sessions.read() as db:
        new, old = find(db, "dfe", "".join(both[0])).rows[:2]
        assert new.is_open and old.is_closed
        assert successors(db, old.urn) == [new]


def test_two_open_schools_share_a_postcode_and_two_share_a_name() -> None:
    postcodes, names = defaultdict(list), defaultdict(list)
    for one in directory():
        if one["status_code"] in (OPEN, CLOSING):
            postcodes[one["postcode_key"]].append(one["urn"])
            names[one["name_key"], one["la_code"]].append(one["urn"])
    postcode = next(key for key, urns in postcodes.items() if key and len(urns) > 1)
    twins = next(urns for urns in names.values() if len(urns) > 1)

    with sessions.read() as db:
        assert {one.urn for one in find(db, "postcode", postcode).rows} >= set(postcodes[postcode])
        assert find(db, "urn", str(twins[0])).twins == {twins[0]}


def test_every_status_and_kind_is_there() -> None:
    records = directory()
    statuses = {one["status_code"] for one in records}
    names = [one["name"] for one in records]

    assert statuses == {OPEN, CLOSED, CLOSING, PROPOSED}
    assert any(one["urn"] >= 400000 and one["type_name"] == "Welsh establishment" for one in records)
    assert any(one["establishment_number"] is None and one["status_code"] == OPEN for one in records)
    assert any(one["postcode"] is None for one in records)
    assert any("’" in name for name in names) and any("é" in name for name in names)
    assert any("?" in name for name in names), "a name that lost a Welsh letter"
    with sessions.read() as db:
        proposed = next(one["urn"] for one in records if one["status_code"] == PROPOSED)
        record = Establishment.by_urn(db, proposed)
        assert record is not None and not record.is_open
