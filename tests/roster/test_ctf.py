"""A Common Transfer File: what is read of it, and what is refused with its line."""

import contextlib
import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.models.base import today
from app.roster.incoming import CONTACTS, PUPILS, Faulty, Incoming, TooBig
from app.roster.sources import ctf, elements

pytestmark = pytest.mark.once

ADA, BOB = "P207000016049", "B801200005001"
YEAR_AGO, NEXT_YEAR = today() - dt.timedelta(days=365), today() + dt.timedelta(days=365)


def pupil(upn: str = ADA, inside: str = "", *, given: str = "Ada", family: str = "Lovelace") -> str:
    return (
        f"<Pupil><UPN>{upn}</UPN><Surname>{family}</Surname><Forename>{given}</Forename><DOB>2014-12-10</DOB>"
        f"<Sex>F</Sex>{inside}</Pupil>\n"
    )


def file(*pupils: str, qualifier: str = "full", start: str = '<?xml version="1.0" encoding="UTF-8"?>') -> str:
    return (
        f"{start}\n<CTfile><Header><DocumentName>Common Transfer File</DocumentName>"
        f"<DocumentQualifier>{qualifier}</DocumentQualifier>"
        "<SourceSchool><LEA>888</LEA><Estab>2999</Estab></SourceSchool></Header>\n"
        f"<CTFpupilData>\n{''.join(pupils)}</CTFpupilData></CTfile>"
    )


GOOD = file(pupil())


def read(text: str | bytes) -> Incoming:
    return ctf.read("ctf.xml", text if isinstance(text, bytes) else text.encode())


def refused(text: str | bytes, kind: type[Faulty] = Faulty) -> tuple[int, str, str]:
    """(line, element, reason) of the first fault; the good file is taken in as ever."""
    with pytest.raises(kind) as caught:
        read(text)
    assert read(GOOD).people
    fault = caught.value.faults[0]
    assert fault.file == "ctf.xml"
    return fault.line, fault.column, fault.reason


def only(*inside: str) -> dict[str, Any]:
    return read(file(pupil(inside="".join(inside)))).people[f"p:{ADA}"]


def test_a_pupil_is_read_with_everything_that_we_have_a_place_for() -> None:
    row = only(
        "<UniqueLearnerNumber>9276308686</UniqueLearnerNumber><BasicDetails><FormerUPN>B801200005001</FormerUPN>",
        "<MiddleNames>King</MiddleNames><PreferredSurname>Lovelace</PreferredSurname>",
        "<PreferredForename>Addie</PreferredForename><NCyearActual>7</NCyearActual><Ethnicity>wbri</Ethnicity>",
        "<Languages><Type><Language>ENG</Language></Type></Languages></BasicDetails>",
        "<Email>ada@school.example</Email>",
        "<Phones><Phone><TelephoneType>H</TelephoneType><PhoneNo>020 7946 0001</PhoneNo></Phone>",
        "<Phone><TelephoneType>M</TelephoneType><PhoneNo>07700 900001</PhoneNo></Phone></Phones>",
        "<Address><BS7666Address><SAON>Flat 2</SAON><PAON>12</PAON><Street>High  Street</Street><Town>York</Town>",
        "<PostTown>York</PostTown></BS7666Address><County>North Yorkshire</County>",
        "<PostCode>yo7 8sr</PostCode></Address>",
    )
    assert row == {
        "pupil": True,
        "given_name": "Ada",
        "family_name": "Lovelace",
        "middle_names": "King",
        "preferred_given_name": "Addie",
        "birth_date": dt.date(2014, 12, 10),
        "sex": "F",
        "upn": ADA,
        "former_upn": BOB,
        "uln": "9276308686",
        "year": "7",
        "year_as_sent": "7",
        "ethnicity": "WBRI",
        "email": "ada@school.example",
        "telephone": "020 7946 0001",
        "mobile": "07700 900001",
        "address": "Flat 2\n12 High Street\nYork\nNorth Yorkshire",
        "postcode": "YO7 8SR",
    }


def test_the_same_is_read_whatever_wraps_it_and_in_whatever_order() -> None:
    year = "<NCyearActual>7</NCyearActual>"
    plain = only(year, "<Ethnicity>WBRI</Ethnicity>")
    assert only("<New2027><BasicDetails>", "<Ethnicity>WBRI</Ethnicity>", year, "</BasicDetails></New2027>") == plain
    older = GOOD.replace("<Sex>F</Sex>", "<Gender>F</Gender>")
    assert read(older).people == read(GOOD).people


def test_free_school_meals_and_sen_are_those_of_today() -> None:
    history = (
        f"<FSMhistory><FSMinstance><FSMstartDate>2020-01-01</FSMstartDate><FSMendDate>{YEAR_AGO}</FSMendDate>"
        f"</FSMinstance>{{}}</FSMhistory><SENhistory><SEN><StartDate>{YEAR_AGO}</StartDate>"
        "<SENprovision>K</SENprovision></SEN><SEN><StartDate>2020-01-01</StartDate><SENprovision>N</SENprovision></SEN>"
        f"<SEN><StartDate>{NEXT_YEAR}</StartDate><SENprovision>E</SENprovision></SEN></SENhistory>"
    )
    ended = only(history.format(""))
    assert (ended["fsm"], ended["sen"]) == (False, "K")
    again = history.format(f"<FSMinstance><FSMstartDate>{YEAR_AGO}</FSMstartDate></FSMinstance>")
    people = read(file(pupil(inside=again), pupil(BOB, given="Bob"))).people
    assert people[f"p:{ADA}"]["fsm"] is True
    assert people[f"p:{BOB}"]["fsm"] is False  # never eligible: no history
    assert "fsm" not in only()


def contact(given: str = "Mary", inside: str = "", code: str = "PAM") -> str:
    return (
        f"<Contact><Order>2</Order><Title>Mrs</Title><Surname>Lovelace</Surname><Forename>{given}</Forename>"
        f"<Relationship>{code}</Relationship><Responsibility>true</Responsibility>{inside}</Contact>"
    )


def contacts(*each: str) -> str:
    return f"<Contacts>{''.join(each)}</Contacts>"


def test_a_contact_of_two_pupils_is_one_person_with_two_relations() -> None:
    reached = "<Email>mary@home.example</Email>"
    home = "<Address><AddressLines><AddressLine1>1 Elm Road</AddressLine1></AddressLines></Address>"
    at_home = "<Address><AddressAsPupil>true</AddressAsPupil></Address>"
    batch = read(
        file(
            pupil(inside=home + contacts(contact(inside=reached + at_home))),
            pupil(BOB, given="Bob", inside=contacts(contact(inside=reached, code="REL"), contact("Nan", code="GRM"))),
        )
    )
    assert batch.covers == {PUPILS, CONTACTS}
    assert len(batch.people) == 4
    mary = "c:lovelace|mary|mary@home.example"
    assert batch.people[mary]["contact_role"] == "parent"
    assert batch.people[mary]["address"] == "1 Elm Road"
    told = {"words": "Mother", "priority": 2, "responsibility": True, "court_order": False}
    assert batch.relations[f"p:{ADA}", mary] == told
    assert batch.relations[f"p:{BOB}", mary] == told | {"words": "Other relative"}
    assert [row["contact_role"] for key, row in batch.people.items() if "nan" in key] == ["relative"]


def test_a_court_order_stays_when_the_contact_is_listed_twice() -> None:
    ordered = contact(inside="<CourtOrder>true</CourtOrder>")
    for pair in ((ordered, contact()), (contact(), ordered)):
        [relation] = read(file(pupil(inside=contacts(*pair)))).relations.values()
        assert relation["court_order"]
    [relation] = read(file(pupil(inside=contacts(contact(), contact())))).relations.values()
    assert not relation["court_order"]


def test_a_file_without_contacts_says_nothing_of_contacts() -> None:
    assert read(GOOD).covers == {PUPILS}
    assert read(GOOD).is_full
    assert not read(file(pupil(), qualifier="partial")).is_full


def test_two_pupils_with_one_upn_stay_who_they_are_in_any_order() -> None:
    ada, bob, cleo = pupil(), pupil(given="Bob"), pupil(BOB, given="Cleo")
    people = read(file(ada, bob, cleo)).people
    assert people == read(file(bob, ada, cleo)).people
    assert set(people) == {"p:lovelace|ada|2014-12-10", "p:lovelace|bob|2014-12-10", f"p:{BOB}"}
    assert refused(file(pupil(""), pupil("").replace("<Sex>F", "<Sex>M")))[:2] == (5, "Surname")
    twice = read(file(pupil(""), pupil("")))
    assert len(twice.people) == 1
    assert "twice" in twice.forgiven[0].reason


def test_who_has_left_by_the_history_of_this_school_is_counted_and_not_taken() -> None:
    def stay(estab: str, leaves: dt.date) -> str:
        return (
            f"<SchoolHistory><School><LEA>888</LEA><Estab>{estab}</Estab><EntryDate>2020-09-01</EntryDate>"
            f"<LeavingDate>{leaves}</LeavingDate></School></SchoolHistory>"
        )

    gone = read(file(pupil(inside=stay("2999", YEAR_AGO) + contacts(contact()))))
    assert (gone.left, gone.people) == (1, {})
    leaving = read(file(pupil(inside=stay("2999", NEXT_YEAR))))
    assert leaving.people[f"p:{ADA}"]["leaves_on"] == NEXT_YEAR
    came = read(file(pupil(inside=stay("1000", YEAR_AGO))))
    assert (came.left, len(came.people)) == (0, 1)


def test_a_pupil_whom_nobody_could_recognise_is_a_fault_and_less_is_forgiven() -> None:
    nameless = pupil().replace("<Surname>Lovelace</Surname><Forename>Ada</Forename>", "")
    assert refused(file(pupil(BOB), nameless))[:2] == (5, "Surname")
    unborn = pupil("").replace("2014-12-10", "2014-13-10")
    assert refused(file(pupil(BOB), "\n", unborn))[:2] == (6, "UPN")
    batch = read(file(pupil().replace("2014-12-10", "2014-13-10")))
    assert batch.people[f"p:{ADA}"]["birth_date"] is None
    assert (batch.forgiven[0].line, batch.forgiven[0].column) == (4, "DOB")
    with pytest.raises(Faulty) as many:
        read(file(*[nameless] * 80))
    assert len(many.value.faults) == 50
    assert "no pupils" in refused(file())[2]


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE CTfile [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
        '<!DOCTYPE CTfile [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE CTfile [<!ENTITY % a SYSTEM "http://127.0.0.1/x.dtd"> %a;]>',
        '<!DOCTYPE CTfile SYSTEM "http://127.0.0.1/x.dtd">',
        "<!DOCTYPE CTfile>",
    ],
)
def test_a_doctype_is_refused_before_any_entity(doctype: str) -> None:
    line, _, reason = refused(GOOD.replace("<CTfile>", doctype + "<CTfile>").replace("Ada", "&c;"))
    assert line == 2
    assert "DOCTYPE" in reason


def test_an_entity_that_nobody_defined_is_refused_and_those_of_xml_are_read() -> None:
    assert "not well-formed" in refused(GOOD.replace("Ada", "&ada;"))[2]
    assert only("<MiddleNames>A &amp; B&#233;</MiddleNames>")["middle_names"] == "A & Bé"
    assert only("<MiddleNames><![CDATA[A & B]]></MiddleNames>")["middle_names"] == "A & B"


def test_what_is_too_deep_too_long_or_too_much_is_refused() -> None:
    deep = "<a>" * 100 + "</a>" * 100
    assert "nested" in refused(file(pupil(inside=deep)))[2]
    assert "longer" in refused(file(pupil(given="x" * 2000)))[2]
    assert "far too long" in refused(file(pupil(inside=f"<!--{'x' * 1_000_000}-->")), TooBig)[2]
    many = contacts(*[contact()] * 800)
    assert "elements" in refused(file(pupil(inside=many)), TooBig)[2]
    assert only(contacts(*[contact()] * 20), "<Photograph>" + "x" * 100_000 + "</Photograph>")


def test_more_people_or_elements_than_a_school_has_are_too_big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctf, "MOST_PEOPLE", 3)
    assert "people" in refused(file(pupil(inside=contacts(contact())), pupil(BOB, contacts(contact()))), TooBig)[2]
    monkeypatch.setattr(elements, "MOST_ELEMENTS", 20)
    assert "too large" in refused(file(pupil(inside="<a/>" * 10)), TooBig)[2]


def test_every_usual_encoding_gives_the_same_names_and_others_are_told() -> None:
    def of(start: str) -> str:
        return file(pupil(given="Zoë", family="O’Brien"), start=start)

    utf8 = '<?xml version="1.0" encoding="UTF-8"?>'
    wanted = read(of(utf8)).people
    assert wanted[f"p:{ADA}"]["family_name"] == "O’Brien"
    assert read(of("").encode("utf-8-sig").replace(b"\n", b"", 1)).people == wanted
    assert read(of('<?xml version="1.0" encoding="UTF-16"?>').encode("utf-16")).people == wanted
    for latin in ("windows-1252", "ISO-8859-1"):
        assert read(of(f'<?xml version="1.0" encoding="{latin}"?>').encode("cp1252")).people == wanted
    assert refused(of(utf8).encode("cp1252"))[::2] == (4, "The byte 0x92 is not UTF-8. Export the file again as UTF-8.")
    for other in ("utf-7", "unicode_escape", "zlib", "x-none"):
        assert other in refused(of(f'<?xml version="1.0" encoding="{other}"?>'))[2]


def test_another_kind_of_xml_and_a_file_that_was_cut_off_are_told() -> None:
    assert refused("<html><body/></html>")[1] == "html"
    line, _, reason = refused(GOOD[:-20])
    assert (line, "not well-formed" in reason) == (5, True)
    assert ctf.is_xml(GOOD.encode("utf-16"))
    assert not ctf.is_xml(b"UPN,Surname")


WHOLE = file(
    pupil(inside="<BasicDetails><NCyearActual>7</NCyearActual></BasicDetails>" + contacts(contact())),
    pupil(BOB, "<SENhistory><SEN><SENprovision>K</SENprovision></SEN></SENhistory>"),
).encode()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(len(content), start + 40)))
        content[start:end] = data.draw(st.one_of(st.binary(max_size=20), st.sampled_from(PIECES)))
    with contextlib.suppress(Faulty):
        assert read(bytes(content)).source == "ctf"


PIECES = [
    *(b"<Pupil>", b"</Pupil>", b"<Contact>", b"<CTfile>", b"<Header/>", b"<!DOCTYPE a>", b"<!--", b"-->", b"<![CDATA["),
    *(b"&#0;", b"&#xD800;", b"&lt;", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"<?xml version='1.0' encoding='utf-7'?>"),
    *(b"<a:b xmlns:a='c'/>", b"<DOB>0000-00-00</DOB>", b"<Order>\xc2\xb2</Order>", b"<UPN>\xef\xbf\xbf</UPN>"),
]
