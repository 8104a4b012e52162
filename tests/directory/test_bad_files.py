"""A bad file is refused whole, with the reason, and the directory stays as it was, searchable."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import sessions
from app.directory import extract, gias
from app.directory.search import find
from app.errors import Problem
from tests.directory.build import HEADER, directory, links, raw, resaved, row, rows, saved, zipped
from tests.directory.conftest import Load

GOOD = raw(*rows(20, name="St Mary’s"))
UTF8 = raw(*rows(20, name="St Mary’s"), encoding="utf-8")
WITHOUT_NAMES = raw(*rows(20), header=[name for name in HEADER if name not in ("EstablishmentName", "LA (code)")])
BAD = {
    "cut off in a row": (
        GOOD[: GOOD.rindex(b',"Anytown"')],
        "Line 21 of edubasealldata20261124.csv has 59 columns, the heading has 135",
    ),
    "cut off in a quoted cell": (GOOD[: GOOD.rindex(b'"St Mary') + 5], "ends in the middle of a row"),
    "cut off inside a letter": (UTF8[: UTF8.rindex("’".encode()) + 1], "neither UTF-8 nor Windows-1252"),
    "another heading": (WITHOUT_NAMES, "no column “LA (code)”, “EstablishmentName”"),
    "no heading": (GOOD.partition(b"\r\n")[2], "no column"),
    "a heading alone": (raw(), "no establishments"),
    "empty": (b"", "is empty"),
    "a URN twice": (raw(*rows(20), row(100003)), "URN 100003 is on line 5 and again on line 22"),
    "a byte that is no letter": (GOOD.replace("’".encode("cp1252"), b"\x81", 1), "Byte 0x81 on line 2 of"),
    "a byte that is no letter, later": (GOOD + b'\r\n"\x9d', "Byte 0x9D on line 23"),
    "two encodings": (UTF8 + raw(*rows(1, 200000, name="à Becket")).partition(b"\r\n")[2], "Byte 0xE0 on line 22"),
    "NUL": (GOOD.replace(b"Mill", b"Mi\0l", 1), "Byte 0x00 on line 2"),
    "UTF-16": (GOOD.decode("cp1252").encode("utf-16"), "UTF-16"),
    "a web page": (b"\r\n<!DOCTYPE html><html><body>503 Service Unavailable</body></html>", "is a web page"),
    "ten in a hundred fewer": (raw(*rows(18)), "has 18 rows; the last had 20"),
    "semicolons": (GOOD.replace(b'","', b'";"'), "not separated by commas"),
    "a workbook": (zipped(**{"[Content_Types]__xml": b"<Types/>", "xl_of_workbook__xml": b""}), "is a workbook"),
    "not one usable row": (raw(*rows(20, type_code="?")), "20 of 20 rows are unusable: TypeOfEstablishment (code)"),
    "columns moved": (raw(*rows(20, status_code="Open")), "EstablishmentStatus (code) is blank or unreadable"),
    "a broken quotation mark": (GOOD.replace(b'"Anytown"', b'"Any"town"', 1), "quotation mark is out of place"),
    "a quotation mark that never ends": (GOOD.replace(b',"Anytown",', b',"Anytown,', 1), "line"),
    "the links file": (links((100000, 100001, "Successor")), "give it with --links"),
    "the groups file": (b"Group UID,Group Name\r\n1,Trust\r\n", "give it with --groups"),
    "a ZIP cut off": (zipped(edubasealldata1__csv=GOOD)[:-40], "not a whole ZIP file"),
    "a ZIP without the register": (zipped(readme__txt=b"hello"), "holds no CSV file"),
    "a ZIP with two registers": (zipped(edubasealldata1__csv=GOOD, edubasealldata2__csv=GOOD), "one file named"),
    "a ZIP that names paths": (zipped(**{"edubasealldata1__csv": GOOD, "___of____of_evil__csv": b""}), "a path"),
    "a ZIP bomb": (zipped(edubasealldata1__csv=b"0" * 20_000_000), "would unpack to 20,000,000 bytes"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_with_its_reason_and_changes_nothing(load: Load, kind: str) -> None:
    data, reason = BAD[kind]
    load(GOOD)
    before = directory()

    with pytest.raises(Problem) as refused:
        load(data)

    assert reason in refused.value.text
    assert directory() == before
    with sessions.read() as db:
        assert find(db, "name", "st marys").total == 20
    assert load(GOOD).unchanged == 20


@pytest.mark.parametrize("kind", [kind for kind in BAD if kind != "ten in a hundred fewer"])
def test_force_does_not_help_a_bad_file(load: Load, kind: str) -> None:
    with pytest.raises(Problem):
        load(BAD[kind][0], force=True)

    assert directory() == []
    assert load(GOOD).added == 20


def test_a_shorter_file_is_taken_when_somebody_insists(load: Load) -> None:
    load(GOOD)

    with pytest.raises(gias.Shrunk):
        load(raw(*rows(18)))
    assert load(raw(*rows(18)), force=True).absent == 2
    assert load(raw(*rows(17))).read == 17, "it is measured against the last import"


@pytest.mark.parametrize(
    "bad",
    [
        links(*((100000 + at, 100001 + at, "Successor") for at in range(8))),
        b"<html>Gateway timeout</html>",
        links((100000, 100001, "Successor")).replace(b"LinkURN", b"Other"),
        links((100000, 100001, "Successor"))[:-12],
    ],
    ids=["fewer", "a web page", "another heading", "cut off"],
)
def test_a_bad_links_file_keeps_the_register_out_too(load: Load, bad: bytes) -> None:
    whole = links(*((100000 + at, 100001 + at, "Successor") for at in range(10)))
    load(GOOD, links=whole)
    before = directory()

    with pytest.raises(Problem):
        load(raw(*rows(20, name="Renamed")), links=bad)

    assert directory() == before
    assert load(raw(*rows(20, name="Renamed")), links=whole).changed == 20


def test_a_zip_with_a_password_or_a_lying_size_is_refused(load: Load) -> None:
    archive = bytearray(zipped(edubasealldata1__csv=GOOD))
    entry = archive.index(b"PK\x01\x02")
    locked, lying = archive.copy(), archive.copy()
    locked[entry + 8] |= 1
    lying[entry + 24 : entry + 28] = (100).to_bytes(4, "little")

    for bad in (locked, lying):
        with pytest.raises(Problem):
            load(bytes(bad))
    assert load(bytes(archive)).added == 20


def test_nothing_is_unpacked_beyond_what_the_register_needs(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped(edubasealldata1__csv=GOOD)
    with monkeypatch.context() as smaller:
        smaller.setattr(extract, "MOST_BYTES", len(GOOD) - 1)
        with pytest.raises(extract.Unsafe) as refused:
            load(data)
        assert refused.value.status == 413
    assert load(data).added == 20


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    for missing in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(extract.Unreadable):
            gias.import_files(missing)
    with pytest.raises(extract.NotTheRegister):
        gias.import_files(saved(tmp_path, GOOD), groups=tmp_path)
    assert gias.import_files(saved(tmp_path, GOOD)).added == 20


_ANYTHING = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.tuples(st.sampled_from([GOOD, UTF8, resaved(*rows(4)), zipped(edubasealldata1__csv=GOOD)]), st.data()).map(
        lambda drawn: _harmed(*drawn)
    ),
)


def _harmed(good: bytes, data: st.DataObject) -> bytes:
    """A good file with a piece cut out and something else put there."""
    at = data.draw(st.integers(0, len(good)))
    return good[:at] + data.draw(st.binary(max_size=8)) + good[at + data.draw(st.integers(0, 2000)) :]


@given(_ANYTHING)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_bytes_it_is_a_problem_or_a_directory_no_smaller(load: Load, data: bytes) -> None:
    load(GOOD, force=True)
    before = directory()

    with tempfile.TemporaryDirectory() as folder:
        try:
            gias.import_files(saved(Path(folder), data))
        except Problem:
            assert directory() == before
    assert {one["urn"] for one in before} <= {one["urn"] for one in directory()}
