"""Files from a school's system: what each kind says, what is forgiven, and what is refused with its place."""

import contextlib
import datetime as dt
import io
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.models.base import today
from app.roster import sources
from app.roster.incoming import Faulty, Incoming, TooBig
from app.roster.sources import NeedsMapping, archive, notes
from tests.roster.school_data import HEADINGS, School, changed, table, upn, zipped

pytestmark = pytest.mark.once

NOBODY: Mapping[str, Mapping[str, str]] = {}


def read(content: bytes, name: str = "school.zip") -> Incoming:
    return sources.read(name, content, NOBODY)


def faults(content: bytes, name: str = "school.zip") -> list[tuple[str, int, str, str]]:
    with pytest.raises(Faulty) as wrong:
        read(content, name)
    return [(fault.file, fault.line, fault.column, fault.reason) for fault in wrong.value.faults]


def forgiven(content: bytes) -> list[str]:
    return [f"{fault.file} {fault.column}: {fault.reason}" for fault in read(content).forgiven]


def test_one_school_is_the_same_through_every_source() -> None:
    school = School()
    bundle, reports, transfer = read(school.oneroster()), read(school.sims()), read(school.ctf(), "ctf.xml")

    assert bundle.covers == reports.covers == {"pupils", "staff", "contacts", "groups"}
    assert transfer.covers == {"pupils", "contacts"}
    for pupil in school.pupils:
        kept = [bundle.people[f"pup-{pupil.number}"], reports.people[f"p:{pupil.number}"]]
        for row in (*kept, transfer.people[f"p:{pupil.upn}"]):
            known = (row["given_name"], row["family_name"], row["upn"], row["year"], row["birth_date"], row["sex"])
            assert known == (pupil.given, pupil.family, pupil.upn, str(pupil.year), pupil.born, pupil.sex)
        assert {row["registration_group"] for row in kept} == {pupil.form}
        assert {row["email"] for row in kept} == {pupil.email}
    for made in (bundle, reports):
        assert len(made.relations) == len(school.pupils)
        assert sum(bool(row.get("staff_role")) for row in made.people.values()) == len(school.forms)
        both = [row for row in made.people.values() if row.get("staff_role") and row.get("contact_role")]
        assert [row["given_name"] for row in both] == [school.teacher(school.forms[0])[0]], "a teacher who is a parent"
        homes = {key for key, group in made.groups.items() if group["kind"] == "homeroom"}
        assert {made.groups[key]["title"] for key in homes} == set(school.forms)
        placed = {place["person"] for place in made.enrolments.values() if place["role"] == "student"}
        assert placed == {key for key, row in made.people.items() if row.get("pupil")}


def test_a_leaver_who_is_still_listed_is_counted_and_left_out() -> None:
    school = School()
    school.pupils[3].leaves = today() - dt.timedelta(days=1)
    school.pupils[4].leaves = today() + dt.timedelta(days=1)
    for made in (read(school.oneroster()), read(school.sims())):
        assert (made.left, sum(bool(row.get("pupil")) for row in made.people.values())) == (1, 23)
    assert len([row for row in read(school.ctf(), "c.xml").people.values() if row.get("pupil")]) == 23


def test_a_delta_names_what_is_gone_and_says_nothing_of_the_rest() -> None:
    school = School()
    tables = school.tables(mode="delta")
    stamp = ("tobedeleted", "2026-12-01T06:00:00.000Z")
    mine = [row for row in tables["users"] if row[0] in ("pup-5", "pup-6")]
    gone = [(row[0], *stamp, *row[3:]) if row[0] == "pup-5" else row for row in mine]
    files = {
        "manifest.csv": table(HEADINGS["manifest"], tables["manifest"]),
        "users.csv": table(HEADINGS["users"], gone),
    }

    made = read(zipped(files))

    assert (made.is_full, made.gone, set(made.people)) == (False, {"people": {"pup-5"}}, {"pup-6"})
    assert "pupil" not in made.people["pup-6"], "roles were not sent, so nothing is said of them"


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("users.csv", "sourcedId,status", "SourcedID,Status", "users.csv SourcedID: The heading has other capitals"),
        ("orgs.csv", "888/2999,\r\n", "888/2999,\r\n\r\n,,,,,,\r\n", ""),
        (
            "enrollments.csv",
            "cls-8A,org-1,pup-",
            "cls-9Z,org-1,pup-",
            "enrollments.csv classSourcedId: A class that is not",
        ),
        ("enrollments.csv", "org-1,pup-6", "org-1,pup-666", "enrollments.csv userSourcedId: A user who is not there"),
        ("classes.csv", "crs-8A", "crs-0", "classes.csv courseSourcedId: It names what is not there"),
        (
            "roles.csv",
            "pup-6,primary,student",
            "pup-6,primary,wizard",
            "roles.csv role: A role that rosters do not have",
        ),
        ("demographics.csv", "2014-", "20I4-", "demographics.csv birthDate: A date that is not understood"),
        ("manifest.csv", "file.orgs,bulk", "file.orgs,absent", "manifest.csv file.orgs: It is called absent"),
    ],
)
def test_common_faults_of_a_bundle_are_forgiven_and_told(name: str, before: str, after: str, said: str) -> None:
    told = forgiven(changed(School().oneroster(), name, before, after))
    assert any(one.startswith(said) for one in told) if said else told == []
    assert forgiven(School().oneroster()) == []


@pytest.mark.parametrize(
    ("name", "before", "after", "where"),
    [
        ("users.csv", "givenName,", "", ("users.csv", 1, "givenName")),
        ("users.csv", "pup-6,", "pup-7,", ("users.csv", 0, "sourcedId")),
        ("users.csv", "pup-6,", ",", ("users.csv", 0, "sourcedId")),
        ("classes.csv", "cls-8A,,,", "cls-8A,,", ("classes.csv", 4, "")),
        ("academicSessions.csv", "2026-09-01", "09-2026", ("academicSessions.csv", 2, "startDate")),
        ("academicSessions.csv", ",term,", ",week,", ("academicSessions.csv", 3, "type")),
        ("manifest.csv", "file.users,bulk", "file.users,delta", ("manifest.csv", 0, "")),
        ("orgs.csv", "888/2999,\r\n", "888/2999,\r\norg-2,,,Other,school,,\r\n", ("orgs.csv", 0, "")),
        ("users.csv", "email,sms", "email,email", ("users.csv", 1, "email")),
    ],
)
def test_what_cannot_be_forgiven_is_refused_with_its_place(
    name: str, before: str, after: str, where: tuple[str, int, str]
) -> None:
    found = faults(changed(School().oneroster(), name, before, after))
    assert (found[0][0], found[0][2]) == (where[0], where[2])
    assert found[0][1] == where[1] or (where[1] == 0 and found[0][3])
    assert read(School().oneroster()).people


def test_faults_are_collected_up_to_fifty() -> None:
    school = School(120)
    one = faults(changed(school.oneroster(), "enrollments.csv", ",student,", ",student,,x,"))
    assert len(one) == notes.MOST_FAULTS
    assert {file for file, *_ in one} == {"enrollments.csv"} and one[0][1] < one[1][1]


def test_a_bundle_without_its_users_is_refused_and_one_without_orgs_is_read() -> None:
    with zipfile.ZipFile(io.BytesIO(School().oneroster())) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    assert faults(zipped({name: held for name, held in files.items() if name != "users.csv"}))[0][2] == "file.users"
    assert read(zipped({name: held for name, held in files.items() if name != "orgs.csv"})).people


def test_spreadsheets_of_every_preset_are_read_without_a_question() -> None:
    for heading, row in (
        (
            "Adno,UPN,Legal Surname,Legal Forename,Gender,DOB,Year Group,Reg Group",
            "1,,Lee,Ann,Female,02/10/2014,Year  7,7A",
        ),
        (
            "Arbor Student ID,UPN,Legal First Name,Legal Last Name,Sex,Date of Birth,"
            "Year group(s) this academic year,Registration form(s) for today",
            "1,,Ann,Lee,Female,2 Oct 2014,Year 7,Year 7: 7A",
        ),
        (
            "StudentID,UPN,FirstName,LastName,Gender,DateOfBirth,YearGroup,TutorGroup",
            "1,,Ann,Lee,F,2014-10-02T00:00:00,7,7A",
        ),
        ("Adm No,UPN,Surname,Forename,Sex,DoB,Year,Form", "1,,Lee,Ann,F,02/10/14,7,7A"),
        ("UPN,Full Name,Forename,Surname,Gender,DOB,Year,Class", '"","Lee, Ann",Ann,Lee,F,02/10/2014,7,7A'),
    ):
        for separator in (",", "\t") if '"' not in row else (",",):
            made = read(f"{heading}\n{row}\n".replace(",", separator).encode(), "export.csv")
            [person] = made.people.values()
            assert (person["given_name"], person["year"], person["registration_group"]) == ("Ann", "7", "7A"), heading
            assert (person["birth_date"], person["sex"]) == (dt.date(2014, 10, 2), "F")


def test_columns_that_nobody_knows_are_asked_for_once() -> None:
    content = b"Vorname,Nachname,Klasse,Nummer\nAnn,Lee,7A,1\nBob,Fox,7B,2\n"
    with pytest.raises(NeedsMapping) as asks:
        read(content, "pupils.csv")
    question = asks.value.question
    assert (question["kind"], question["rows"][0]) == ("pupils", ["Ann", "Lee", "7A", "1"])

    mapping = {"given_name": "Vorname", "family_name": "Nachname", "registration_group": "Klasse"}
    made = sources.read("pupils.csv", content, {"pupils": mapping | {"admission_number": "Nummer"}})
    assert [(key, row["given_name"]) for key, row in made.people.items()] == [("p:1", "Ann"), ("p:2", "Bob")]


def test_a_mapping_of_the_school_does_not_take_the_place_of_a_report_that_is_known() -> None:
    mapping = {"pupils": {"given_name": "Forename", "family_name": "Surname", "admission_number": "Adno"}}
    contacts = b"Adno,UPN,Priority,Relationship,Forename,Surname\n1,,1,Mother,Pat,Lee\n"
    made = sources.read("export.csv", contacts, mapping)
    assert made.covers == {"contacts"} and not any(row.get("pupil") for row in made.people.values())


def test_cells_that_a_spreadsheet_left_away_at_the_end_are_empty_and_numbers_fit_without_their_zeros() -> None:
    made = read(b"Adm No,Surname,Forename,Form\n004001,Lee,Ann\n", "pupils.csv")
    assert made.people["p:4001"]["registration_group"] == "" and made.forgiven
    alone = read(b"Adno,UPN,Priority,Relationship,Forename,Surname\n4001,,1,Mother,Pat,Lee\n", "contacts.csv")
    assert [pupil for pupil, _ in alone.relations] == ["p:4001"]


@pytest.mark.parametrize(("encoding", "told"), [("utf-8", 0), ("utf-8-sig", 0), ("utf-16", 0), ("cp1252", 1)])
def test_encodings_that_schools_use_are_read(encoding: str, told: int) -> None:
    text = "Adm No,Surname,Forename,Form\n1,Brontë,Zoë,7A\n"
    made = read(text.encode(encoding), "pupils.csv")
    assert (made.people["p:1"]["family_name"], len(made.forgiven)) == ("Brontë", told)


def test_bytes_of_no_encoding_are_refused_with_their_line() -> None:
    assert faults(b"Adm No,Surname,Forename,Form\n1,Bront\x81,Ann,7A\n", "pupils.csv")[0][:2] == ("pupils.csv", 2)
    assert faults(b"Adm No,Surname,Forename,Form\n1,Le\x00e,Ann,7A\n", "pupils.csv")[0][:2] == ("pupils.csv", 2)
    assert read(b"Adm No,Surname,Forename,Form\n1,Lee,Ann,7A\n", "pupils.csv").people


def deflated(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, content)
    return out.getvalue()


def test_a_zip_that_unpacks_without_end_is_too_big() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made, made.open("users.csv", "w") as held:
        for _ in range(archive.MOST_UNPACKED // archive.STEP + 1):
            held.write(b"0" * archive.STEP)
    with pytest.raises(TooBig):
        read(out.getvalue())
    with pytest.raises(TooBig):
        read(deflated("users.csv", b"0" * (archive.SMALL + archive.STEP)))
    with pytest.raises(TooBig):
        read(zipped({f"{number}.csv": b"x" for number in range(archive.MOST_FILES + 1)}))
    assert read(School().oneroster()).people


@pytest.mark.parametrize("path", ["../users.csv", "/users.csv", "C:\\users.csv", "a/../../users.csv"])
def test_a_zip_with_paths_that_lead_elsewhere_is_refused(path: str) -> None:
    assert "path" in faults(zipped({path: b"x"}))[0][3]
    assert read(zipped({"folder/pupils.csv": b"Adm No,Surname,Forename,Form\n1,Lee,Ann,7A\n"})).people


def test_a_zip_in_a_zip_a_workbook_and_an_empty_file_are_refused_with_what_to_do() -> None:
    assert "ZIP within" in faults(zipped({"in.zip": zipped({"a.csv": b"x"})}))[0][3]
    assert "Save it as CSV" in faults(zipped({"[Content_Types].xml": b"<x/>"}))[0][3]
    assert "Save it as CSV" in faults(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old.xls")[0][3]
    assert "nothing in it" in faults(b"  \n", "a.csv")[0][3]
    assert "nothing in it" in faults(zipped({}))[0][3]
    assert "twice" in faults(_twice())[0][3]


def _twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("a/users.csv", b"x")
        made.writestr("b/users.csv", b"x")
    return out.getvalue()


_GOOD = [School(6).oneroster(), School(6).sims(), School(6).ctf()]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(_GOOD), st.data())
def test_a_damaged_file_is_read_or_refused_and_never_crashes(good: bytes, data: st.DataObject) -> None:
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    with contextlib.suppress(Faulty, NeedsMapping):
        sources.read("school.zip", bytes(damaged), NOBODY)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(Faulty, NeedsMapping):
        sources.read("school.csv", content, NOBODY)


def test_a_contact_of_a_pupil_whom_the_report_cannot_name_is_left_out_and_nobody_else() -> None:
    """ScholarPack's report of pupils has no admission numbers, and some of its pupils have no UPN."""
    one = upn(1)
    pupils = (
        "UPN,Forename,Surname,Gender,DOB,Year,Class\n"
        f"{one},Ann,Lee,F,01/02/2015,Yr6,Class 6A\n,Bob,Fox,M,01/03/2015,Yr6,Class 6A\n"
    )
    contacts = (
        "Adno,UPN,Priority,Relationship,Forename,Surname,Email\n"
        f"4001,{one},1,Mother,Pat,Lee,p@home.example\n4002,,1,Mother,Kim,Fox,k@home.example\n"
    )
    made = read(zipped({"pupils.csv": pupils.encode(), "contacts.csv": contacts.encode()}))

    assert {row["given_name"] for row in made.people.values()} == {"Ann", "Bob", "Pat"}
    assert [pair[0] for pair in made.relations] == [f"p:{one}"]
    assert [(fault.file, fault.line) for fault in made.forgiven if "not there" in fault.reason] == [("contacts.csv", 3)]
