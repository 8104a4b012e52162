"""OneRoster over a roster: every route, what scopes open of it, pages, changes and traces."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.db import sessions
from app.models.base import now
from app.models.roster.person import Person
from app.models.scope import SCOPES
from app.roster import nested
from tests.roster.api import Reader, reader
from tests.roster.small import SmallRoster

EVERYTHING = tuple(name for name, scope in SCOPES.items() if not scope.identity)
LISTS = (
    *("academicSessions", "classes", "courses", "enrollments", "gradingPeriods", "orgs", "schools"),
    *("students", "teachers", "terms", "users", "demographics"),
)


def fill(of: Reader, build: Callable[[SmallRoster], Any]) -> Any:
    with sessions.begin(school=of.school.id) as db:
        return build(SmallRoster(db, of.school.id))


def a_school(made: SmallRoster) -> dict[str, int]:
    year = made.session("2026/2027", "schoolYear")
    term = made.session("Autumn Term", "term", parent_id=year)
    half = made.session("First half", "gradingPeriod", parent_id=term)
    ada = made.pupil(
        "Ada Lovelace",
        "7",
        upn="A123456789012",
        birth_date=dt.date(2014, 12, 10),
        sex="F",
        sen="K",
        fsm=True,
        ethnicity="WBRI",
        email="ada@school.example",
        registration_group="7A",
        admission_number="4001",
        starts_on=dt.date(2026, 9, 1),
    )
    bob = made.pupil("Bob Smith", "8")
    tess = made.staff("Tess Teacher", email="tess@school.example", trn="1234567", job_title="Teacher")
    head = made.staff("Hal Head", "principal")
    mum = made.contact(
        "Mary Lovelace", ada, email="mary@home.example", mobile="07700900001", address="1 Mill Lane\nTown"
    )
    maths = made.group("7A/Ma", ada, bob, teachers=(tess,), session_ids=[term], subjects=["Mathematics"])
    art = made.group("8/Art", bob, teachers=(tess,), session_ids=[half])
    return {"year": year, "term": term, "half": half, "ada": ada, "bob": bob, "tess": tess} | {
        "head": head,
        "mum": mum,
        "maths": maths,
        "art": art,
    }


@pytest.fixture
def partner(client: TestClient) -> Reader:
    made = reader(client, scopes=EVERYTHING)
    fill(made, a_school)
    return made


def every(of: Reader, path: str) -> list[dict[str, Any]]:
    answer = of.reads(path)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = next(iter(answer.json().values()))
    assert int(answer.headers["x-total-count"]) >= len(found)
    return found


def named(of: Reader, path: str) -> dict[str, str]:
    """Name or title → sourcedId."""
    return {one.get("givenName") or one["title"]: one["sourcedId"] for one in every(of, path)}


def test_a_list_is_called_after_its_records_whatever_the_path(partner: Reader) -> None:
    for path, called in (
        *(("students", "users"), ("teachers", "users"), ("users", "users"), ("schools", "orgs"), ("orgs", "orgs")),
        *(("terms", "academicSessions"), ("gradingPeriods", "academicSessions"), ("classes", "classes")),
        *(("enrollments", "enrollments"), ("courses", "courses"), ("demographics", "demographics")),
    ):
        assert list(partner.reads(f"/{path}").json()) == [called]


def test_every_list_and_every_single_read_is_served(partner: Reader) -> None:
    for path in LISTS:
        found = every(partner, f"/{path}")
        assert found, path
        for one in found:
            answer = partner.reads(f"/{path}/{one['sourcedId']}")
            assert answer.status_code == 200, answer.text
            assert next(iter(answer.json().values())) == one


def test_a_person_is_told_in_oneroster_words(partner: Reader) -> None:
    found = {one["givenName"]: one for one in every(partner, "/users")}

    assert set(found) == {"Ada", "Bob", "Tess", "Hal", "Mary"}
    ada, mary = found["Ada"], found["Mary"]
    assert ada["roles"] == [
        {"roleType": "primary", "org": ada["primaryOrg"], "role": "student", "beginDate": "2026-09-01"}
    ]
    assert ada["grades"] == ["7"]
    assert {"type": "UPN", "identifier": "A123456789012"} in ada["userIds"]
    assert ada["identifier"] == "4001"
    assert ada["metadata"]["sen"] == "K" and ada["metadata"]["fsm"] == "true"
    assert ada["metadata"]["registrationGroup"] == "7A"
    assert [agent["sourcedId"] for agent in ada["agents"]] == [mary["sourcedId"]]
    assert ada["metadata"]["contacts"] == [
        {"sourcedId": mary["sourcedId"], "relation": "Mother", "priority": 1, "parentalResponsibility": "true"}
    ]
    assert mary["metadata"]["address"] == ["1 Mill Lane", "Town"]
    assert mary["roles"][0]["role"] == "parent"
    assert found["Hal"]["roles"][0]["role"] == "principal"
    assert [one["givenName"] for one in every(partner, "/teachers")] == ["Tess"]
    demographic = every(partner, f"/demographics?filter=sourcedId='{ada['sourcedId']}'")
    assert [(one["birthDate"], one["sex"]) for one in demographic] == [("2014-12-10", "female")]
    assert "birthDate" not in str(every(partner, "/users"))


def test_the_nested_lists_hold_what_is_within(partner: Reader) -> None:
    users, classes = named(partner, "/users"), named(partner, "/classes")
    school, courses, terms = partner.org()["sourcedId"], named(partner, "/courses"), named(partner, "/terms")
    inner = {
        "schoolSourcedId": school,
        "classSourcedId": classes["7A/Ma"],
        "termSourcedId": terms["Autumn Term"],
        "courseSourcedId": courses["8/Art"],
        "studentSourcedId": users["Ada"],
        "teacherSourcedId": users["Tess"],
        "userSourcedId": users["Bob"],
    }
    found = {
        within.operation: {
            one.get("givenName") or one.get("title") or one["role"]
            for one in every(partner, within.path.format(**inner))
        }
        for within in nested.LISTS
    }

    both = {"7A/Ma", "8/Art"}
    assert found == {
        "getClassesForTerm": {"7A/Ma"},
        "getGradingPeriodsForTerm": {"First half"},
        "getCoursesForSchool": both,
        "getClassesForSchool": both,
        "getEnrollmentsForSchool": {"student", "teacher"},
        "getStudentsForSchool": {"Ada", "Bob"},
        "getTeachersForSchool": {"Tess"},
        "getTermsForSchool": {"Autumn Term"},
        "getEnrollmentsForClassInSchool": {"student", "teacher"},
        "getStudentsForClassInSchool": {"Ada", "Bob"},
        "getTeachersForClassInSchool": {"Tess"},
        "getClassesForCourse": {"8/Art"},
        "getClassesForStudent": {"7A/Ma"},
        "getClassesForTeacher": both,
        "getClassesForUser": both,
        "getStudentsForClass": {"Ada", "Bob"},
        "getTeachersForClass": {"Tess"},
    }


def test_an_id_of_another_kind_school_or_partner_names_nothing_anywhere(client: TestClient, partner: Reader) -> None:
    elsewhere = reader(client, 100002, scopes=EVERYTHING, app=partner.app)
    fill(elsewhere, a_school)
    stranger = reader(client, school=partner.school, scopes=EVERYTHING)
    outer = ("terms", "courses", "students", "teachers", "users", "classes", "schools")
    for plural in (*outer, "orgs", "enrollments", "academicSessions", "demographics"):
        good = every(partner, f"/{plural}")[0]["sourcedId"]
        for other in (elsewhere, stranger):
            foreign = every(other, f"/{plural}")[0]["sourcedId"]
            assert foreign != good
            assert partner.reads(f"/{plural}/{foreign}").status_code == 404
        for unknown in ("0" * 32, "x", "%27", named(partner, "/classes")["7A/Ma"] if plural != "classes" else "y"):
            assert partner.reads(f"/{plural}/{unknown}").status_code == 404
        assert partner.reads(f"/{plural}/{good}").status_code == 200
    for within in nested.LISTS:
        names = within.path.count("{")
        foreign = {part: every(elsewhere, f"/{part}")[0]["sourcedId"] for part in outer}
        path = within.path
        for part in path.split("/")[1 : 2 * names : 2]:
            path = path.replace(path[path.index("{") : path.index("}") + 1], foreign[part], 1)
        assert partner.reads(path).status_code == 404, path
        assert elsewhere.reads(path).status_code == 200, path


def test_without_a_scope_a_route_says_which_it_needs(client: TestClient) -> None:
    narrow = reader(client, scopes=("school", "students"))
    fill(narrow, a_school)

    for path, needed in (
        ("teachers", "staff"),
        ("classes", "groups"),
        ("enrollments", "groups"),
        ("terms", "groups"),
        ("demographics", "students.demographics"),
    ):
        answer = narrow.reads(f"/{path}")
        assert answer.status_code == 403
        assert f'scope="{needed}"' in answer.headers["www-authenticate"]
    assert {one["givenName"] for one in every(narrow, "/users")} == {"Ada", "Bob"}
    assert not {"email", "userIds", "agents"} & {name for one in every(narrow, "/users") for name in one}


@pytest.mark.parametrize(
    "query",
    [
        "filter=email='ada@school.example'",
        "filter=metadata.sen='K'",
        "filter=userIds.identifier='A123456789012'",
        "fields=email",
        "filter=agents.sourcedId!='1'",
    ],
)
def test_a_field_that_is_not_opened_is_no_field(client: TestClient, query: str) -> None:
    narrow = reader(client, scopes=("school", "students"))
    fill(narrow, a_school)
    unknown = re.sub(r"email|metadata\.sen|userIds\.identifier|agents\.sourcedId", "nonsense", query)

    hidden, absent = narrow.reads(f"/users?{query}"), narrow.reads(f"/users?{unknown}")

    assert (hidden.status_code, absent.status_code) == (400, 400)
    assert hidden.json()["imsx_CodeMinor"] == absent.json()["imsx_CodeMinor"]
    everything = reader(client, 100003, scopes=EVERYTHING)
    fill(everything, a_school)
    assert everything.reads(f"/users?{query}").status_code == 200


def test_a_sort_by_a_hidden_field_changes_nothing(client: TestClient) -> None:
    narrow = reader(client, scopes=("school", "students"))
    fill(narrow, a_school)

    assert every(narrow, "/users?sort=email&orderBy=desc") == every(narrow, "/users?sort=nonsense&orderBy=desc")
    names = [one["givenName"] for one in every(narrow, "/users?sort=givenName&orderBy=desc")]
    assert names == ["Bob", "Ada"]


def test_pages_hold_everything_once(client: TestClient) -> None:
    partner = reader(client, scopes=EVERYTHING)
    fill(partner, lambda made: [made.pupil(f"Pupil{at}") for at in range(23)])

    for query in ("", "&filter=status='active'", "&sort=givenName"):
        seen: list[str] = []
        for offset in range(0, 30, 5):
            answer = partner.reads(f"/students?limit=5&offset={offset}{query}")
            assert answer.headers["x-total-count"] == "23"
            seen += [one["givenName"] for one in answer.json()["users"]]
        assert len(seen) == len(set(seen)) == 23


def test_whoever_asks_for_changes_hears_who_is_gone(partner: Reader) -> None:
    with sessions.begin(school=partner.school.id) as db:
        given_at = now() - dt.timedelta(days=1)
        stored = db.merge(partner.authorisation)
        stored.granted_at = given_at
    before = {one["givenName"]: one["sourcedId"] for one in every(partner, "/users")}
    start = now().strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def change(made: SmallRoster) -> None:
        made.edit(Person, "given_name", "Bob", gone_at=now(), changed_at=now())
        made.edit(Person, "given_name", "Ada", preferred_given_name="Countess", changed_at=now())

    fill(partner, change)

    assert "Bob" not in {one["givenName"] for one in every(partner, "/users")}
    changed = every(partner, f"/users?filter=dateLastModified>='{start}'")
    assert {(one["sourcedId"], one["status"]) for one in changed} == {
        (before["Ada"], "active"),
        (before["Bob"], "tobedeleted"),
    }
    traces = every(partner, "/users?filter=status='tobedeleted'")
    assert [set(one) for one in traces] == [{"sourcedId", "status", "dateLastModified"}]
    assert len(every(partner, "/students?filter=status='tobedeleted'")) == 1
    assert every(partner, "/teachers?filter=status='tobedeleted'") == []


def test_an_answer_that_is_known_already_is_not_sent_again(partner: Reader) -> None:
    first = partner.reads("/users")
    tag = first.headers["etag"]

    def again(path: str = "/users") -> Any:
        token = {"authorization": f"Bearer {partner.token}", "if-none-match": tag}
        return partner.client.get(f"/ims/oneroster/rostering/v1p2{path}", headers=token)

    assert (again().status_code, again().content) == (304, b"")
    assert again("/users?limit=1").status_code == 200
    assert again("/students").status_code == 200

    fill(partner, lambda made: made.pupil("Cy"))
    assert again().status_code == 200


def test_an_answer_is_compressed_for_whoever_can_read_that(partner: Reader) -> None:
    token = {"authorization": f"Bearer {partner.token}"}
    address = "/ims/oneroster/rostering/v1p2/users"

    plain = partner.client.get(address, headers=token | {"accept-encoding": "identity"})
    small = partner.client.get(address, headers=token | {"accept-encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert small.json() == plain.json()


def test_the_ledger_counts_people_and_names_no_id(partner: Reader) -> None:
    from app import ledger
    from app.models.ledger import Read

    classes = named(partner, "/classes")
    every(partner, "/users?limit=2")
    every(partner, f"/classes/{classes['7A/Ma']}/students")
    every(partner, "/enrollments")
    ledger.drain()

    with sessions.read() as db:
        rows = {read.route: read for read in db.query(Read)}
    assert rows["oneroster/users"].people == 2
    assert rows["oneroster/classes/students"].people == 2
    assert rows["oneroster/enrollments"].people == 3
    assert rows["oneroster/classes"].people == 0
    assert "students.sen" in rows["oneroster/users"].scopes.split()
    assert "groups" not in rows["oneroster/users"].scopes.split()


def test_year_groups_hold_on_every_route(client: TestClient) -> None:
    partner = reader(client, scopes=EVERYTHING, years=["7"])
    fill(partner, a_school)

    for path in ("/users", "/students", "/demographics", "/enrollments", "/classes"):
        told = partner.reads(path).text
        assert "Bob" not in told and "8/Art" not in told, path
    assert {one["givenName"] for one in every(partner, "/students")} == {"Ada"}
    assert len(every(partner, "/enrollments")) == 2
    assert partner.reads("/students").headers["x-total-count"] == "1"
