"""The lists of the Groupcall-style API: who and what is in them, and what never is."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from app import ledger
from app.db import DatabaseAway, sessions
from app.models.base import now
from app.models.ledger import Read
from app.models.roster.head import Roster
from app.models.roster.person import Person
from app.models.scope import SCOPES
from app.roster.groupcall import routes
from app.roster.groupcall.lists import LISTINGS
from app.roster.groupcall.rows import CONTACT, PUPIL, RELATION, SCHOOL, STAFF
from tests.roster.groupcall import Old, joined, refusal
from tests.roster.small import SmallRoster
from tests.roster.test_oneroster_people import a_school, fill

NAMES = ("Students", "Staff", "Contacts", "StudentContacts", "Groups", "SchoolInfo")
ALWAYS = {"Id", "ExternalId", "IdaasId", "LastUpdated"}


@pytest.fixture
def old(client: TestClient) -> Old:
    made = joined(client)
    fill(made.reader, a_school)
    return made


def by_name(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one.get("Forename") or one["Name"]: one for one in rows}


def test_a_pupil_is_told_by_the_names_that_clients_read(old: Old) -> None:
    ada = by_name(old.rows("Students"))["Ada"]

    assert ada["Id"] == ada["ExternalId"] == ada["IdaasId"]
    assert {name: ada[name] for name in ("Forename", "Surname", "LegalForename", "LegalSurname")} == {
        "Forename": "Ada",
        "Surname": "Lovelace",
        "LegalForename": "Ada",
        "LegalSurname": "Lovelace",
    }
    assert (ada["YearGroup"], ada["RegGroup"], ada["AdmissionNumber"], ada["UPN"]) == (
        *("7", "7A", "4001", "A123456789012"),
    )
    assert (ada["DateOfBirth"], ada["Gender"], ada["EntryDate"]) == ("2014-12-10", "F", "2026-09-01")
    assert (ada["SENProvision"], ada["FSMEligible"], ada["EthnicityCode"]) == ("K", 1, "WBRI")
    assert ada["Email"] == "ada@school.example" and ada["LeavingDate"] is None
    assert ada["LastUpdated"].endswith("Z")


def test_a_preferred_name_is_the_one_that_people_use(client: TestClient) -> None:
    old = joined(client, scopes=("students",))
    fill(old.reader, lambda made: made.pupil("Alexandra Smith", preferred_given_name="Sasha"))

    (pupil,) = old.rows("Students")

    assert (pupil["Forename"], pupil["Surname"], pupil["DisplayName"]) == ("Sasha", "Smith", "Sasha Smith")
    assert (pupil["LegalForename"], pupil["LegalSurname"]) == ("Alexandra", "Smith")


def test_staff_contacts_and_relations_are_told_as_well(old: Old) -> None:
    staff = by_name(old.rows("Staff"))
    (mary,) = old.rows("Contacts")
    (relation,) = old.rows("StudentContacts")

    assert (staff["Tess"]["IsTeacher"], staff["Hal"]["IsTeacher"]) == (1, 0)
    assert (staff["Tess"]["TeacherNumber"], staff["Tess"]["Roles"]) == ("1234567", "Teacher")
    assert (mary["HomeEmail"], mary["MobilePhone"]) == ("mary@home.example", "07700900001")
    assert mary["AddressBlock"] == "1 Mill Lane\nTown"
    assert (relation["StudentId"], relation["ContactId"]) == (old.ids("Students")["Ada"], mary["Id"])
    assert (relation["Relationship"], relation["Priority"], relation["ParResp"]) == ("Mother", 1, 1)


def test_the_school_is_told_as_the_register_has_it(old: Old) -> None:
    (school,) = old.rows("SchoolInfo")

    assert (school["Name"], school["URN"], school["EstabId"]) == ("Made-up Primary School 100001", "100001", old.estab)
    assert school["Address"].startswith("Mill Lane\n")


def test_options_add_ids_and_further_tables(old: Old) -> None:
    groups, students, staff = old.ids("Groups"), old.ids("Students"), old.ids("Staff")
    mary = old.ids("Contacts")["Mary"]

    plain = old.rows("Students")[0]
    pupils = by_name(old.rows("Students", "?options=includeGroupIds,includeContactIds,includeNonsense"))
    ada, bob = pupils["Ada"], pupils["Bob"]
    maths = by_name(old.rows("Groups", "?options=includeMembersIds"))["7A/Ma"]
    told = old.reads("Groups", "?options=includeStaffMembers,includeStudentMembers")

    assert not {"GroupIds", "ContactIds"} & set(plain)
    assert (ada["GroupIds"], ada["ContactIds"]) == (groups["7A/Ma"], mary)
    assert set(bob["GroupIds"].split(",")) == set(groups.values()) and bob["ContactIds"] == ""
    assert old.rows("Contacts", "?options=includeStudentIds")[0]["StudentIds"] == students["Ada"]
    tess = by_name(old.rows("Staff", "?options=includeGroupIds"))["Tess"]
    assert set(tess["GroupIds"].split(",")) == set(groups.values())
    assert set(maths["StudentIds"].split(",")) == set(students.values()) and maths["StaffIds"] == staff["Tess"]
    assert (maths["Type"], maths["Subject"], maths["NumStudents"]) == ("TeachingGrp", "Mathematics", 2)
    assert {(one["GroupId"], one["StaffId"]) for one in told["StaffMembers"]} == {
        (own, staff["Tess"]) for own in groups.values()
    }
    assert len(told["StudentMembers"]) == 3 and len(told["Groups"]) == 2


def test_registration_and_year_groups_are_lists_of_their_own(old: Old) -> None:
    fill(old.reader, lambda made: made.group("7A", kind="homeroom"))

    assert [one["Name"] for one in old.rows("RegistrationGroups")] == ["7A"]
    assert {one["Name"]: one["Type"] for one in old.rows("Groups")}["7A"] == "RegGrp"
    assert [(one["Code"], one["Name"], one["NumStudents"]) for one in old.rows("YearGroups")] == [
        ("7", "Year 7", 1),
        ("8", "Year 8", 1),
    ]


def test_groups_are_read_by_their_type(old: Old) -> None:
    fill(old.reader, lambda made: made.group("7A", kind="homeroom"))

    teaching = {"7A/Ma", "8/Art"}
    for kind, found in (("RegGrp", {"7A"}), ("teachinggrp", teaching), ("HouseGrp", set()), ("", {"7A"} | teaching)):
        assert set(by_name(old.rows("Groups", f"?type={kind}"))) == found
    told = old.reads("Groups", "?Type=TeachingGrp&pageSize=1")["__pagination__"][0]
    assert told["RowCount"] == 2 and "type=TeachingGrp" in told["NextPage"]
    assert len(old.rows("Students", "?type=RegGrp")) == 2


def test_select_leaves_the_id_and_what_is_selected(old: Old) -> None:
    assert all(set(one) == {"Id", "Forename"} for one in old.rows("Students", "?select=Forename,Nonsense"))
    assert all(len(one) > 10 for one in old.rows("Students", "?select="))


def test_pages_hold_everybody_once(client: TestClient) -> None:
    old = joined(client, scopes=("students",))
    fill(old.reader, lambda made: [made.pupil(f"Pupil{at}") for at in range(23)])

    seen, query = [], "?pageSize=5&select=Forename"
    while query:
        told = old.reads("Students", query)
        seen += [one["Forename"] for one in told["Students"]]
        (page,) = told["__pagination__"]
        assert (page["PageSize"], page["PageCount"], page["RowCount"]) == (5, 5, 23)
        query = page["NextPage"]

    assert len(seen) == len(set(seen)) == 23 and page["PageNumber"] == 5
    assert old.rows("Students", "?page=6&pageSize=5") == []
    assert len(old.rows("Students", "?pagesize=5000")) == 23


@pytest.mark.parametrize(
    ("name", "values"),
    [("page", "0"), ("page", "x"), ("pagesize", "5001"), ("pagesize", "-1"), ("page", "1&page=2"), ("page", "٣")],
)
def test_a_parameter_that_cannot_be_read_is_named(old: Old, name: str, values: str) -> None:
    answer = old.gets(f"School/{old.estab}/Students?{name}={values}")

    assert refusal(answer) == (400, "BadRequest") and name in answer.json()["Message"]
    assert old.rows("Students", "?page=1&utm_source=x&utm_source=y")


def test_one_row_is_read_by_its_id(old: Old) -> None:
    fill(old.reader, lambda made: made.group("7A", kind="homeroom"))
    for name in [one.name for one in LISTINGS.values()]:
        rows = old.rows(name, "?options=includeGroupIds")
        assert rows, name
        for row in rows:
            told = old.reads(f"{name}/{row['Id']}", "?options=includeGroupIds")
            assert told == {name: [row]}
        assert refusal(old.gets(f"School/{old.estab}/{name}/{'0' * 32}")) == (404, "NotFound")
        assert refusal(old.gets(f"School/{old.estab}/{name}/x-y")) == (404, "NotFound")


def test_a_school_that_the_token_is_not_about_is_not_there(client: TestClient, old: Old) -> None:
    elsewhere = joined(client, 100002, app=old.reader.app)
    fill(elsewhere.reader, a_school)
    stranger = joined(client, school=old.reader.school)
    for estab in (elsewhere.estab, "9999999", "0", "100002"):
        for name in NAMES:
            assert refusal(old.gets(f"School/{estab}/{name}")) == (404, "NotFound")
    for other in (elsewhere, stranger):
        for name in NAMES:
            foreign = other.rows(name)[0]["Id"]
            assert refusal(old.gets(f"School/{old.estab}/{name}/{foreign}")) == (404, "NotFound")
    assert refusal(old.gets(f"School/{old.estab}/Photos")) == (404, "NotFound")
    for estab in (old.estab, "100001", "888-0001"):
        assert old.gets(f"School/{estab}/students/").json()["Students"]


def narrow(client: TestClient, *scopes: str, urn: int = 100002, **more: Any) -> Old:
    made = joined(client, urn, scopes=scopes, **more)
    fill(made.reader, a_school)
    return made


@pytest.mark.parametrize(
    ("name", "scopes", "needed"),
    [
        ("Students", ("school", "staff", "contacts", "groups"), "students"),
        ("Staff", ("students",), "staff"),
        ("Contacts", ("students",), "contacts"),
        ("StudentContacts", ("students",), "contacts"),
        ("StudentContacts", ("contacts",), "students"),
        ("Groups", ("students", "staff"), "groups"),
        ("SchoolInfo", ("students",), "school"),
    ],
)
def test_without_a_scope_a_list_says_which_it_needs(
    client: TestClient, old: Old, name: str, scopes: tuple[str, ...], needed: str
) -> None:
    answer = narrow(client, *scopes).gets(f"School/8880002/{name}")

    assert refusal(answer) == (403, "NotAuthorised")
    assert f'scope="{needed}"' in answer.headers["www-authenticate"] and needed in answer.json()["Message"]
    assert old.rows(name)


SHAPES = {"Students": PUPIL, "Staff": STAFF, "Contacts": CONTACT, "StudentContacts": RELATION, "SchoolInfo": SCHOOL}
BESIDE = {"Forename": "given_name", "Surname": "given_name", "DisplayName": "given_name", "IsTeacher": "staff_role"}
RECORDS = {"Students": "students", "Staff": "staff", "Contacts": "contacts", "SchoolInfo": "organisation"}


@pytest.mark.parametrize(
    ("name", "scope"),
    [(name, one.name) for name, record in RECORDS.items() for one in SCOPES.values() if one.record == record],
)
def test_a_scope_opens_exactly_its_fields(client: TestClient, name: str, scope: str) -> None:
    named = {**SHAPES[name], **({} if name == "SchoolInfo" else BESIDE)}
    if name != "Staff":
        named.pop("IsTeacher", None)

    (row, *_more) = narrow(client, scope).rows(name)

    told = set(row) - ALWAYS
    assert told == {shown for shown, field in named.items() if field in SCOPES[scope].fields}
    per_pupil = {"relation", "priority", "responsibility", "preferred_given_name", "preferred_family_name"}
    assert {named[shown] for shown in told} >= set(SCOPES[scope].fields) - per_pupil


def test_options_show_nobody_whom_the_scopes_do_not(client: TestClient) -> None:
    pupils, groups = narrow(client, "students"), narrow(client, "groups", urn=100003)
    everything = (
        "?options=includeGroupIds,includeContactIds,includeMembersIds,includeStaffMembers,includeStudentMembers"
    )

    for row in pupils.rows("Students", everything):
        assert not {"GroupIds", "ContactIds"} & set(row)
    told = groups.reads("Groups", everything)
    assert all(not {"StudentIds", "StaffIds", "NumStudents"} & set(row) for row in told["Groups"])
    assert told["StaffMembers"] == told["StudentMembers"] == []
    assert narrow(client, "groups", "students", urn=100004).reads("Groups", everything)["StudentMembers"]


def test_years_exclusions_and_court_orders_hold_everywhere(client: TestClient) -> None:
    old = joined(client, years=["7"])
    made: dict[str, int] = fill(old.reader, a_school)

    def change(roster: SmallRoster) -> None:
        cy = roster.pupil("Cy Kept")
        roster.contact("Carl Kept", cy)
        roster.group("Only Cy", cy)
        roster.exclude(cy, old.reader.admin.id)
        roster.contact("Nat Nobody", made["ada"], court_order=True)
        roster.exclude(roster.staff("Sid Safe"), old.reader.admin.id, app_id=old.reader.app.id)

    fill(old.reader, change)

    hidden = ("Cy", "Carl", "Nat", "Sid", "Bob", "8/Art")
    options = "?options=includeGroupIds,includeContactIds,includeMembersIds,includeStudentMembers"
    for name in [one.name for one in LISTINGS.values()]:
        told = old.gets(f"School/{old.estab}/{name}{options}").text
        assert not [word for word in hidden if f'"{word}' in told], name
    assert [one["Forename"] for one in old.rows("Students")] == ["Ada"]
    assert [one["NumStudents"] for one in old.rows("Groups")] == [1]
    assert old.rows("YearGroups")[0]["NumStudents"] == 1
    assert len(old.rows("StudentContacts")) == 1


def test_who_is_gone_is_not_there_by_id_either(old: Old) -> None:
    students = old.ids("Students")
    assert old.gets(f"School/{old.estab}/Students/{students['Ada']}").status_code == 200

    def leaves(roster: SmallRoster) -> None:
        roster.edit(Person, "given_name", "Ada", gone_at=now())

    fill(old.reader, leaves)

    assert refusal(old.gets(f"School/{old.estab}/Students/{students['Ada']}")) == (404, "NotFound")
    assert old.gets(f"School/{old.estab}/Students/{students['Bob']}").status_code == 200


def test_the_status_says_how_much_there_is_and_when_it_came(old: Old) -> None:
    nothing = old.reads("Students", "?onlyGetDbStatus=true")
    assert nothing == {"Students": [], "__dbStatus__": [{"RowCount": 2, "LastUpdated": None}]}
    with sessions.begin(school=old.reader.school.id) as db:
        Roster.arrived(db, old.reader.school.id, "csv", 5)

    (status,) = old.reads("Students", "?onlyGetDbStatus=true")["__dbStatus__"]

    assert status["LastUpdated"].endswith("Z") and status["RowCount"] == 2
    assert len(old.rows("Students", "?onlyGetDbStatus=false")) == 2


def test_the_ledger_counts_people_and_names_no_id(old: Old) -> None:
    ada = old.ids("Students")["Ada"]
    old.reads(f"Students/{ada}")
    old.reads("StudentContacts")
    old.reads("Groups", "?options=includeMembersIds")
    old.reads("Staff", "?onlyGetDbStatus=true")
    ledger.drain()

    with sessions.read() as db:
        rows = [(row.route, row.people, row.scopes) for row in db.query(Read).order_by(Read.read_at, Read.id)]

    people = {(route, count) for route, count, _scopes in rows}
    assert people >= {("groupcall/Students", 2), ("groupcall/Students", 1), ("groupcall/StudentContacts", 2)}
    assert people >= {("groupcall/Groups", 3), ("groupcall/Staff", 0)}
    assert not [route for route, *_ in rows if ada in route or old.estab in route]
    (scopes,) = {scopes for route, _count, scopes in rows if route == "groupcall/StudentContacts"}
    assert {"contacts", "students"} <= set(scopes.split()) and "staff" not in scopes


def test_an_answer_is_compressed_for_whoever_can_read_that(old: Old) -> None:
    fill(old.reader, lambda made: [made.pupil(f"Pupil{at}") for at in range(9)])
    headers = {"authorization": f"Idaas {old.reader.token}"}
    address = f"/api/v1/School/{old.estab}/Students"

    plain = old.reader.client.get(address, headers=headers | {"accept-encoding": "identity"})
    small = old.reader.client.get(address, headers=headers | {"accept-encoding": "gzip"})

    assert "content-encoding" not in plain.headers and small.headers["content-encoding"] == "gzip"
    assert small.json() == plain.json() and plain.headers["cache-control"] == "no-store"


def test_a_fault_at_our_end_is_told_in_this_apis_form(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(wrong: Exception) -> Callable[..., Any]:
        def answered(*_: object) -> Any:
            raise wrong

        return answered

    away = DatabaseAway("", {}, Exception())
    for wrong, told in ((away, (503, "Unavailable")), (ValueError("secret detail"), (500, "ServerError"))):
        monkeypatch.setattr(routes, "_answered", fails(wrong))
        answer = old.gets(f"School/{old.estab}/Students")
        assert refusal(answer) == told and "secret" not in answer.text
    monkeypatch.undo()
    assert old.rows("Students")
