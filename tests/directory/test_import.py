import itertools
from pathlib import Path

import pytest

from app.db import sessions
from app.directory import gias
from app.directory.search import find
from app.models import register
from app.models.establishment import Establishment, EstablishmentGroup, RegisterImport
from tests.directory.build import (
    HEADER,
    LAYOUTS,
    SAMPLE,
    SAMPLE_GROUPS,
    SAMPLE_LINKS,
    directory,
    links,
    raw,
    resaved,
    row,
    rows,
    saved,
    zipped,
)
from tests.directory.conftest import Load


def test_importing_twice_changes_nothing_the_second_time(load: Load) -> None:
    first = load(SAMPLE.read_bytes())
    before = directory()

    second = load(SAMPLE.read_bytes())

    assert (first.added, first.unchanged) == (300, 0)
    assert (second.added, second.changed, second.closed, second.unchanged) == (0, 0, 0, 300)
    assert directory() == before


def test_the_report_accounts_for_every_row(load: Load) -> None:
    load(raw(row(100000), row(100001), row(100002), row(100003)))

    report = load(
        raw(
            row(100000),
            row(100001, name="Renamed Primary School"),
            row(100002, status_code="2", close_date="31-08-2026"),
            row(100004),
            row(100005, name=""),
        ),
    )

    assert (report.read, report.unchanged, report.changed, report.closed, report.added) == (5, 1, 1, 1, 1)
    assert report.skipped == {"EstablishmentName is blank or unreadable": 1}
    assert report.skipped_lines == {"EstablishmentName is blank or unreadable": 6}
    assert report.absent == 1
    with sessions.read() as db:
        last = RegisterImport.latest(db)
    assert last is not None and (last.rows, last.added, last.closed, last.unchanged) == (5, 1, 1, 1)


def test_a_record_that_is_absent_from_the_file_stays_as_it_was(load: Load) -> None:
    load(raw(*rows(20)))

    report = load(raw(*rows(19)))

    assert report.absent == 1
    with sessions.read() as db:
        kept = Establishment.by_urn(db, 100019)
        assert kept is not None and kept.is_open
        assert find(db, "urn", "100019").total == 1


@pytest.mark.parametrize("columns", [139, 140])
def test_older_layouts_give_the_same_directory(load: Load, columns: int) -> None:
    records = rows(3, town="Thirsk")
    load(raw(*records))
    current = directory()

    report = load(raw(*records, header=LAYOUTS[columns]))

    assert len(LAYOUTS[columns]) == columns
    assert report.unchanged == 3
    assert directory() == current


def test_columns_are_found_by_name_in_any_order(load: Load) -> None:
    load(raw(*rows(2)))
    before = directory()

    assert load(raw(*rows(2), header=[*reversed(HEADER), "A new column"])).unchanged == 2
    assert directory() == before


def test_a_file_without_telephones_keeps_the_ones_we_have(load: Load) -> None:
    load(raw(row(100000)))

    report = load(raw(row(100000, name="Other Name"), header=[name for name in HEADER if name != "TelephoneNum"]))

    assert report.changed == 1
    assert [(one["name"], one["telephone"]) for one in directory()] == [("Other Name", "01632960001")]


def test_a_file_resaved_by_a_spreadsheet_gives_the_same_directory(load: Load) -> None:
    records = [
        row(100000, la_code="001", establishment_number="0042", type_code="02", close_date="31-08-2020"),
        row(100001, telephone="02079460123"),
        row(100002, telephone="", postcode=""),
    ]
    load(raw(*records))
    current = directory()

    report = load(resaved(*records))

    assert report.unchanged == 3
    assert directory() == current
    assert current[0]["establishment_number"] == "0042" and current[1]["telephone"] == "02079460123"


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig"])
def test_every_encoding_gives_the_same_names(load: Load, encoding: str) -> None:
    names = ["St Mary’s", "St Thomas à Becket", "Awel Y Môr", "North Star 82°", "FIERTÉ"]

    load(raw(*(row(100000 + at, name=name) for at, name in enumerate(names)), encoding=encoding))

    assert [one["name"] for one in directory()] == names


def test_values_are_tidied(load: Load) -> None:
    load(
        raw(
            row(
                100000,
                name="  Tab\tand blanks  ",
                type_name="Community school   ",
                postcode="yo78sr",
                website="http:www.madeup.sch.example",
                open_date="31-02-2001",
                number_of_pupils="SUPP",
                ukprn="1.00E+07",
            ),
            row(100001, postcode="DL1 2an", website="javascript:alert(1)", telephone="2.07E+09"),
            row(100002, postcode="NOT KNOWN", telephone="07700 900123 (mobile)"),
        )
    )

    one, two, three = directory()
    assert (one["name"], one["type_name"], one["postcode"]) == ("Tab and blanks", "Community school", "YO7 8SR")
    assert (one["website"], one["open_date"]) == ("http://www.madeup.sch.example", None)
    assert (one["number_of_pupils"], one["ukprn"]) == (None, None)
    assert (two["postcode"], two["website"], two["telephone"]) == ("DL1 2AN", None, None)
    assert (three["postcode"], three["telephone"]) == ("NOT KNOWN", "07700 900123 (mobile)")


def test_odd_records_are_taken_and_only_open_ones_may_register(load: Load) -> None:
    load(
        raw(
            row(100000, establishment_number="", postcode=""),
            row(402479, la_code="681", type_code="30", name="Ysgol y Môr", low_age="", high_age=""),
            row(20001, name="Little Acorns Children’s Centre", establishment_number=""),
            row(100003, status_code="4", open_date="01-09-2027"),
            row(100004, status_code="3"),
            row(100005, status_code="2"),
        )
    )

    with sessions.read() as db:
        may = {
            urn: Establishment.by_urns(db, [urn])[0].is_open for urn in (100000, 402479, 20001, 100003, 100004, 100005)
        }
        assert Establishment.by_urns(db, [100000])[0].dfe_number is None
    assert may == {100000: True, 402479: True, 20001: True, 100003: False, 100004: True, 100005: False}


def test_everybody_finds_the_old_directory_until_the_new_one_is_whole(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gias, "BATCH", 2)
    load(raw(*rows(6, name="Larkspur School")))
    seen = set()

    def look(stage: str, _fraction: float) -> None:
        with sessions.read() as db:
            seen.add((stage, find(db, "name", "larkspur").total, find(db, "name", "thornbury").total))

    load(raw(*rows(6, name="Thornbury School")), progress=look)

    assert seen == {("Checking", 6, 0), ("Reading", 6, 0), ("Writing", 6, 0)}
    with sessions.read() as db:
        assert (find(db, "name", "larkspur").total, find(db, "name", "thornbury").total) == (0, 6)


def test_an_import_that_breaks_while_writing_leaves_the_old_directory(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gias, "BATCH", 2)
    load(raw(*rows(6, name="Larkspur School")))
    before = directory()

    def pull_the_plug(stage: str, fraction: float) -> None:
        if stage == "Writing" and fraction == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(raw(*rows(6, name="Thornbury School")), progress=pull_the_plug)

    assert directory() == before
    with sessions.read() as db:
        assert find(db, "name", "thornbury").total == 0
    assert load(raw(*rows(6, name="Thornbury School"))).changed == 6


def test_of_two_imports_at_once_the_slower_gives_up(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gias, "BATCH", 1)
    load(raw(*rows(2)))
    other = saved(tmp_path, raw(*rows(2, name="From the faster")), "other.csv")
    once = itertools.count()

    def overtake(stage: str, _fraction: float) -> None:
        if stage == "Reading" and next(once) == 0:
            gias.import_files(other)

    with pytest.raises(gias.Overtaken):
        load(raw(*rows(2, name="From the slower")), progress=overtake)

    assert {one["name"] for one in directory()} == {"From the faster"}
    assert load(raw(*rows(2, name="From the slower"))).changed == 2


def test_a_zip_brings_its_links_and_groups_along(load: Load) -> None:
    group = "URN,Group UID,Group Name,Group Type,Group Status,Joined date\r\n"
    group += "100001,7,The Trust,Multi-academy trust,Open,01/09/2012\r\n"

    report = load(
        zipped(
            edubasealldata20261124__csv=raw(*rows(2)),
            links_edubasealldata20261124__csv=links((100000, 100001, "Successor")),
            alllinksdata20261124__csv=group.encode(),
            readme__txt=b"hello",
        )
    )

    assert report.added == 2
    assert report.links is not None and report.links.added == 1
    with sessions.read() as db:
        assert [one.name for one in EstablishmentGroup.of_urn(db, 100001)] == ["The Trust"]
        assert {one[:3] for one in register.links(db)} == {(100000, 100001, "Successor")}


def test_links_and_groups_are_swapped_too_and_repeat_safely(load: Load, tmp_path: Path) -> None:
    sample = gias.import_files(SAMPLE, SAMPLE_LINKS, SAMPLE_GROUPS)
    again = gias.import_files(SAMPLE, SAMPLE_LINKS, SAMPLE_GROUPS)

    assert sample.links is not None and sample.groups is not None
    assert sample.links.added > 100 and sample.groups.added > 50
    assert (again.links, again.groups) == (type(sample.links)(0, 0), type(sample.links)(0, 0))

    groups_only = gias.import_files(SAMPLE, groups=SAMPLE_GROUPS / "allgroupsdata.csv")
    assert groups_only.groups is not None and groups_only.groups.removed == groups_only.groups.added
    with sessions.read() as db:
        assert len(register.groups(db)) == sample.groups.added
