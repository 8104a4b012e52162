import random
import string

import pytest
from sqlalchemy import text

from app.db import is_sqlite, sessions
from app.directory.search import PAGE, Results, find
from tests import factories
from tests.directory.build import SAMPLE, raw, row, rows
from tests.directory.conftest import Load


def search(by: str, q: str, page: int = 1) -> Results:
    with sessions.read() as db:
        return find(db, by, q, page)


def urns(by: str, q: str, page: int = 1) -> list[int]:
    return [one.urn for one in search(by, q, page).rows]


@pytest.fixture
def two_schools(load: Load) -> None:
    load(
        raw(
            row(100000, establishment_number="2999", name="St Mary’s Catholic Primary School", town="Thirsk"),
            row(
                100001,
                establishment_number="4001",
                name="Larkspur High School",
                postcode="LS1 4AB",
                town="Leeds",
                number_of_pupils="900",
            ),
        )
    )


@pytest.mark.usefixtures("two_schools")
@pytest.mark.parametrize(
    ("by", "q"),
    [
        ("dfe", "8882999"),
        ("dfe", "888/2999"),
        ("dfe", " 888 2999 "),
        ("dfe", "888-2999"),
        ("dfe", "888–2999"),
        ("dfe", "LA/DfE number 888/2999"),
        ("postcode", "YO7 8SR"),
        ("postcode", "yo7 8sr"),
        ("postcode", "YO78SR"),
        ("postcode", "y o 7 8 s r"),
        ("postcode", "YO7"),
        ("postcode", "yo7 8"),
        ("postcode", "YO7 8S"),
        ("postcode", "yo"),
        ("urn", "100000"),
        ("urn", "URN: 100000"),
        ("urn", "１０００００"),
        ("name", "st marys"),
        ("name", "St Mary’s"),
        ("name", "St. Mary's"),
        ("name", "SAINT MARY'S R.C. Primary"),
        ("name", "st mary"),
        ("name", "thirsk"),
        ("name", "st marys thirsk"),
        ("name", "catholic primary school thirsk"),
        ("name", "st marrys"),
        ("name", "st mayrs catholic primray school"),
        ("name", "stmarys"),
        ("name", "thrisk"),
    ],
)
def test_each_way_of_writing_it_finds_the_school(by: str, q: str) -> None:
    assert urns(by, q) == [100000]


@pytest.mark.usefixtures("two_schools")
@pytest.mark.parametrize(
    ("by", "q", "understood"),
    [
        ("postcode", "100000", "We searched for URN 100000."),
        ("postcode", "888/2999", "We searched for LA/DfE number 888/2999."),
        ("urn", "8882999", "We searched for LA/DfE number 888/2999."),
        ("dfe", "100000", "We searched for URN 100000."),
        ("urn", "yo7 8sr", "We searched for postcode YO7 8SR."),
        ("name", "yo78sr", "We searched for postcode YO7 8SR."),
        ("name", "St Marys, YO7 8SR", "We searched for postcode YO7 8SR."),
        ("name", "YO7", "We searched for postcodes that start with YO7."),
        ("name", "100000", "We searched for URN 100000."),
        ("dfe", "st marys", "We searched for “st marys”."),
        ("postcode", "Y07 8SR", "We searched for postcode YO7 8SR."),
        ("postcode", "YO7 BSR", ""),
        ("postcode", "Y07", "We searched for postcodes that start with YO7."),
    ],
)
def test_what_is_typed_into_the_wrong_field_is_understood(by: str, q: str, understood: str) -> None:
    found = search(by, q)

    assert found.understood == understood
    assert [one.urn for one in found.rows] == ([100000] if understood else [])
    assert search("urn", "100000").understood == ""


def test_a_name_found_by_other_words_says_so(two_schools: None) -> None:
    assert search("name", "larkspur").understood == ""
    found = search("name", "larksupr")
    assert found.total == 1 and "This is the nearest." in found.understood


@pytest.mark.parametrize("written", ["CofE", "C of E", "C.E.", "Church of England", "CE"])
def test_four_spellings_of_church_of_england_are_one(load: Load, written: str) -> None:
    load(raw(row(100000, name=f"Holy Trinity {written} School"), row(100001, name="Holy Trinity Catholic School")))

    for typed in ("holy trinity ce school", "Holy Trinity Church of England", "holy trinity c of e"):
        assert urns("name", typed)[0] == 100000


def test_letters_that_the_encoding_lost_are_found_as_they_are_spelled(load: Load) -> None:
    load(raw(row(100000, name="T? Gwyn Special School"), row(100001, name="Ysgol D?r y Felin"), row(100002)))

    for typed in ("Tŷ Gwyn", "ty gwyn", "T? Gwyn", "gwyn"):
        assert urns("name", typed) == [100000]
    for typed in ("Dŵr y Felin", "dwr y felin", "d?r"):
        assert urns("name", typed) == [100001]


def test_accents_and_quotation_marks_do_not_matter(load: Load) -> None:
    load(raw(row(100000, name="École Française “Jacques Prévert”"), row(100001, name='The "Bridge" School')))

    assert urns("name", "ecole francaise jacques prevert") == [100000]
    assert urns("name", "the bridge school") == [100001]


def test_words_written_together_or_apart_are_found(load: Load) -> None:
    load(raw(row(100000, name="Greenfield School"), row(100001, name="Mill Lane School", street="")))

    assert urns("name", "green field") == [100000]
    assert urns("name", "milllane") == [100001]


def test_two_schools_at_one_postcode_are_both_listed(load: Load) -> None:
    load(raw(row(100000), row(100001, postcode="yo78sr "), row(100002, postcode="YO7 8SQ"), row(100003, postcode="")))

    assert set(urns("postcode", "YO7 8SR")) == {100000, 100001}


def test_a_district_is_not_its_neighbour(load: Load) -> None:
    load(raw(row(100000, postcode="M1 1AA"), row(100001, postcode="M11 1AA"), row(100002, postcode="ME1 1AA")))

    assert urns("postcode", "M1") == [100000]
    assert urns("postcode", "M11") == [100001]
    assert set(urns("postcode", "M")) == {100000, 100001}
    assert urns("postcode", "m1 1") == [100001], "a blank does not make a district: M11 is one"


def test_open_schools_come_first_then_the_newest(load: Load) -> None:
    same = {"establishment_number": "2999"}
    load(
        raw(
            row(100000, status_code="2", open_date="01-09-1990", **same),
            row(100001, status_code="2", open_date="", **same),
            row(100002, open_date="01-09-2010", **same),
            row(100003, open_date="01-09-2020", status_code="3", **same),
            row(100004, open_date="01-09-2027", status_code="4", **same),
        )
    )

    for by, q in (("dfe", "8882999"), ("postcode", "YO7 8SR")):
        assert urns(by, q) == [100003, 100002, 100004, 100000, 100001]
    assert urns("name", "made up")[:2] == [100003, 100002]


def test_closed_schools_do_not_crowd_out_open_ones(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.directory.names.MOST", 10)
    load(raw(*rows(4, 100000), *rows(30, 200000, status_code="2")))

    found = search("name", "made up")

    assert [one.urn for one in found.rows[:4]] == [100003, 100002, 100001, 100000]
    assert found.total == 10 and "Add the town" in found.understood


def test_long_results_come_in_pages(load: Load) -> None:
    load(raw(*rows(45)))

    for by, q in (("postcode", "YO7"), ("name", "made up primary")):
        pages = [search(by, q, page) for page in (1, 2, 3)]
        assert [len(one.rows) for one in pages] == [PAGE, PAGE, 5]
        assert {(one.total, one.pages) for one in pages} == {(45, 3)}
        assert len({row.urn for one in pages for row in one.rows}) == 45
        assert (search(by, q, 99).page, search(by, q, -5).page) == (3, 1)


def test_open_schools_of_one_name_nearby_are_marked(load: Load) -> None:
    load(
        raw(
            row(100000, name="St Joseph’s School", la_code="380", postcode="BD1 1AA"),
            row(100001, name="St Josephs School", la_code="380", postcode="BD9 1AA"),
            row(100002, name="Saint Joseph's School", la_code="381", postcode="BD1 2BB"),
            row(100003, name="St Joseph's School", la_code="382", postcode="HD1 2BB"),
            row(100004, name="St Joseph's School", la_code="380", postcode="BD1 1AA", status_code="2"),
            row(100005, name="St Josephine's School", la_code="380", postcode="BD1 1AA"),
        )
    )

    assert search("name", "st josephs school").twins == {100000, 100001, 100002}
    assert search("urn", "100003").twins == set()
    assert search("urn", "100000").twins == {100000}


def test_nothing_found_says_what_was_searched_for(two_schools: None) -> None:
    assert search("dfe", "888/0000").searched == "LA/DfE number 888/0000"
    assert search("name", "zzyzx").searched == "“zzyzx”"
    assert search("postcode", "").searched == ""
    assert search("dfe", "888/2999").total == 1


@pytest.mark.parametrize("by", ["postcode", "dfe", "urn", "name", "", "'; DROP TABLE establishment;--"])
def test_whatever_is_typed_breaks_nothing(two_schools: None, by: str) -> None:
    chance = random.Random(by)
    odd = ["%", "_", "%_%", "\\", "'", '"', "*", "?", "??", "a?", "\x00", "\x1f\x7f", "\ud800", "🏫", "ﬁ", "²", "٣" * 7]
    odd += [
        "NEAR(",
        "AND",
        "OR NOT",
        '"" AND',
        "a" * 10_000,
        "1" * 10_000,
        "x y " * 3_000,
        " ",
        "0",
        "0000000",
        "999999999",
    ]
    odd += ["".join(chance.choices(string.printable + "éŵ’–\u2028", k=chance.randrange(1, 40))) for _ in range(40)]

    for q in odd:
        for page in (0, 1, 10**9):
            assert search(by, q, page).total >= 0
    assert urns("urn", "100000") == [100000]


def test_wildcards_match_nothing_of_their_own(two_schools: None) -> None:
    for q in ("%", "_", "st_marys%zz", "100_00", "YO7%"):
        assert 100001 not in urns("name", q)
    assert urns("name", "%thirsk%") == [100000], "marks are left out, the word stays"


def test_a_record_made_by_itself_is_found_by_name_and_gone_when_deleted() -> None:
    with sessions.begin() as db:
        factories.establishment(db, 100009, name="Quillfeather Academy", town="Nowhere")
    assert urns("name", "quillfeather") == [100009]

    with sessions.begin() as db:
        db.execute(text("DELETE FROM establishment"))
        factories.establishment(db, 100009, name="Other Academy")
    assert urns("name", "quillfeather") == []
    assert urns("name", "other academy") == [100009]


def test_a_renamed_school_is_found_by_its_new_name_only(load: Load) -> None:
    load(raw(row(100000, name="Larkspur School")))
    load(raw(row(100000, name="Thornbury School")))

    assert urns("name", "thornbury") == [100000]
    assert urns("name", "larkspur") == []


@pytest.mark.skipif(is_sqlite, reason="SQLite has its own index")
def test_without_the_trigram_extension_names_are_found_all_the_same(load: Load) -> None:
    load(SAMPLE.read_bytes())
    wanted = [urns("name", q) for q in ("gwyn", "st lukes", "primray school")]

    with sessions.begin() as db:
        db.execute(text("DROP INDEX establishment_search_idx"))
        without = [[one.urn for one in find(db, "name", q).rows] for q in ("gwyn", "st lukes", "primray school")]
        db.rollback()

    assert without == wanted and all(wanted)
