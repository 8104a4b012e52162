"""SchoolRegister: an app invites schools by a request that its management secret signs."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from email.utils import format_datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.db import sessions
from app.models.base import now
from app.models.invitation import Invitation
from app.models.outbox import Message
from app.models.partner import App
from app.secrets import seal
from tests import factories
from tests.roster.api import change
from tests.roster.groupcall import refusal

PATH = "/api/Manage/SchoolRegister"
SECRET = "whsec_bWFuYWdlbWVudCBzZWNyZXQgb2YgYW4gYXBw"


@pytest.fixture
def app() -> App:
    with sessions.begin() as db:
        factories.establishment(db)
        sealed = seal(SECRET, "management")
        scopes = ("school", "students")
        return factories.app(db, scopes=scopes, groupcall_at=now(), management_sealed=sealed)[0]


def school(**changed: Any) -> dict[str, Any]:
    """A school of a request; None leaves a member out."""
    usual = {
        "LeaCode": "888",
        "DfesCode": "0001",
        "SchoolName": "Made-up Primary School",
        "SchoolContactFirstName": "Ada",
        "SchoolContactLastName": "Bright",
        "SchoolContactEmail": "ada.bright@madeup-primary.sch.example",
        "SchoolContactPhone": "01632960001",
        "PartnerName": "Reading Room Ltd",
        "PartnerRegisteredEmail": "sales@partner.example",
        "ScopesToAuthorise": "school,students",
        "WeAcceptGroupcallUsagePolicy": True,
    }
    return {name: value for name, value in (usual | changed).items() if value is not None}


def signed(
    app: App, body: Any, at: str = "", secret: str = SECRET, scheme: str = "Groupcall"
) -> tuple[bytes, dict[str, str]]:
    """A body and its headers, as a client makes them from the words of the specification alone."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = at or now().strftime("%Y-%m-%dT%H:%M:%S")
    told = base64.b64encode(content + at.encode() + secret.encode())
    mark = hmac.new(secret.encode(), told, hashlib.sha256).hexdigest().upper()
    headers = {"ApplicationId": app.client_id, "DateTime": at, "Authorization": f"{scheme} {mark}"}
    return content, headers | {"Content-Type": "application/json"}


def sends(client: TestClient, content: bytes, headers: dict[str, str]) -> Any:
    return client.post(PATH, content=content, headers=headers)


def registers(client: TestClient, app: App, *schools: dict[str, Any], **more: Any) -> Any:
    return sends(client, *signed(app, {"RegistrationType": "Live", "Schools": list(schools)}, **more))


def invited() -> list[Invitation]:
    with sessions.read() as db:
        return list(db.query(Invitation))


def test_a_signed_request_invites_a_school(client: TestClient, app: App) -> None:
    technical = {"SchoolTechnicalContactName": "Tim Tech", "SchoolTechnicalContactEmail": "it@madeup.sch.example"}

    answer = registers(client, app, school(**technical))

    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    assert answer.json() == {"Schools": [{"LeaCode": "888", "DfesCode": "0001", "Status": "OK", "Message": ""}]}
    (made,) = invited()
    assert (made.app_id, made.urn, made.scopes) == (app.id, 100001, ["school", "students"])
    assert (made.contact_name, made.contact_email) == ("Ada Bright", "ada.bright@madeup-primary.sch.example")
    assert (made.technical_name, made.technical_email) == ("Tim Tech", "it@madeup.sch.example")
    with sessions.read() as db:
        assert db.query(Message).count() >= 1


def test_each_school_has_an_answer_of_its_own(client: TestClient, app: App) -> None:
    with sessions.begin() as db:
        factories.establishment(db, 100002)
        factories.establishment(db, 100003)
    schools = [
        school(),
        school(DfesCode="9999"),
        school(LeaCode="8888"),
        school(DfesCode="2", SchoolContactEmail="no address"),
        school(DfesCode="2", WeAcceptGroupcallUsagePolicy=None),
        school(DfesCode="2", PartnerApplicationId="app_other"),
        school(DfesCode="2", ScopesToAuthorise="school,staff"),
        school(DfesCode=2, ScopesToAuthorise=["school"], PartnerApplicationId=app.client_id),
        school(DfesCode="0003", ScopesToAuthorise=None, WeAcceptGroupcallUsagePolicy="True"),
        school(),
    ]

    told = registers(client, app, *schools).json()["Schools"]

    assert [one["Status"] for one in told] == ["OK", *["Error"] * 6, "OK", "OK", "Error"]
    assert told[1]["Message"] == told[2]["Message"] == "School not found in EduBase"
    assert all(one["Message"] for one in told if one["Status"] == "Error")
    assert "WeAcceptGroupcallUsagePolicy" in told[4]["Message"] and "PartnerApplicationId" in told[5]["Message"]
    assert "staff" in told[6]["Message"] and "already" in told[9]["Message"]
    assert {(one.urn, tuple(one.scopes)) for one in invited()} == {
        (100001, ("school", "students")),
        (100002, ("school",)),
        (100003, ("school", "students")),
    }


@pytest.mark.parametrize("strange", [10**30, "8" * 500, ["888"], {"a": 1}, None, True, 1.5])
def test_a_strange_number_is_a_school_that_is_not_found(client: TestClient, app: App, strange: Any) -> None:
    good, bad = registers(client, app, school(), school() | {"DfesCode": strange}).json()["Schools"]

    assert good["Status"] == "OK" and bad["Message"] == "School not found in EduBase"
    assert bad.get("DfesCode", True) is True


def test_a_signature_counts_once(client: TestClient, app: App) -> None:
    request = signed(app, {"Schools": [school()]})
    assert sends(client, *request).status_code == 200

    again = sends(client, *request)

    assert refusal(again) == (401, "Unauthorised") and "sent before" in again.json()["Message"]
    assert len(invited()) == 1
    assert registers(client, app, school(SchoolContactEmail="office@madeup.sch.example")).status_code == 200


def test_what_was_altered_or_signed_by_another_secret_is_refused(client: TestClient, app: App) -> None:
    with sessions.begin() as db:
        other = factories.app(db, groupcall_at=now(), management_sealed=seal("whsec_b3RoZXI", "management"))[0]
    content, headers = signed(app, {"Schools": [school()]})
    later = (now() + dt.timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%S")
    altered = content.replace(b"ada.bright", b"eve.wright")
    assert altered != content
    wrong = [
        (altered, headers),
        (content + b" ", headers),
        (content, headers | {"DateTime": later}),
        (content, headers | {"ApplicationId": other.client_id}),
        (content, headers | {"ApplicationId": "app_unknown"}),
        (content, headers | {"Authorization": headers["Authorization"].lower()}),
        (content, headers | {"Authorization": headers["Authorization"].replace("Groupcall", "Bearer")}),
        (content, headers | {"Authorization": "Groupcall "}),
        signed(app, {"Schools": [school()]}, secret="whsec_b3RoZXI"),
        signed(app, {"Schools": [school()]}, secret="whsec_of_nobody"),
        *((content, {name: text for name, text in headers.items() if name != left}) for left in headers),
    ]
    wrong.pop()  # without Content-Type it is as good

    answers = [sends(client, *request) for request in wrong]

    assert {refusal(answer) for answer in answers} == {(401, "Unauthorised")}
    assert len({answer.content for answer in answers}) == 1 and invited() == []
    assert sends(client, content, headers).json()["Schools"][0]["Status"] == "OK"


def test_a_signature_is_of_these_minutes(client: TestClient, app: App) -> None:
    body = {"Schools": [school()]}

    def at(seconds: int) -> dt.datetime:
        return now() + dt.timedelta(seconds=seconds)

    old = [at(-16 * 60), at(16 * 60), at(-86_400)]
    for text in (*(moment.isoformat() for moment in old), format_datetime(old[0]), "yesterday", "0001-01-01T00:00:00"):
        assert refusal(sends(client, *signed(app, body, text))) == (401, "Unauthorised")
    assert invited() == []
    good = [at(-14 * 60).isoformat(), format_datetime(at(-60)), at(60).strftime("%Y-%m-%dT%H:%M:%SZ")]
    for number, text in enumerate(good):
        told = registers(client, app, school(SchoolContactEmail=f"office{number}@madeup.sch.example"), at=text)
        assert told.json()["Schools"][0]["Status"] == "OK", told.text


@pytest.mark.parametrize(
    ("shut", "opened"),
    [
        ({"groupcall_at": None}, {"groupcall_at": now()}),
        ({"profile": "fapi2"}, {"profile": "standard"}),
        ({"suspended_at": now()}, {"suspended_at": None}),
    ],
)
def test_an_app_that_may_not_is_told_so(
    client: TestClient, app: App, shut: dict[str, Any], opened: dict[str, Any]
) -> None:
    change(App, app.id, **shut)
    assert refusal(registers(client, app, school())) == (403, "NotAuthorised")
    change(App, app.id, **opened)
    assert registers(client, app, school()).json()["Schools"][0]["Status"] == "OK"


def test_an_app_without_a_management_secret_is_nobody(client: TestClient, app: App) -> None:
    change(App, app.id, management_sealed=None)
    for secret in (SECRET, "", "whsec_of_nobody"):
        assert refusal(registers(client, app, school(), secret=secret)) == (401, "Unauthorised")
    change(App, app.id, management_sealed=seal(SECRET, "management"))
    assert registers(client, app, school()).status_code == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "Schools"),
        ({"Schools": []}, "Schools"),
        ({"Schools": "888"}, "Schools"),
        ({"Schools": ["888"]}, "Schools"),
        ({"Schools": [{}] * 201}, "200"),
        ({"RegistrationType": "Test", "Schools": [{}]}, "Live app"),
        (b"{", "cannot be read"),
        (b"[]", "Schools"),
    ],
)
def test_a_body_that_cannot_be_used_says_what_is_wrong(client: TestClient, app: App, body: Any, words: str) -> None:
    answer = sends(client, *signed(app, body))

    assert refusal(answer) == (400, "BadRequest") and words in answer.json()["ExceptionMessage"]
    assert invited() == []
    assert registers(client, app, school()).json()["Schools"][0]["Status"] == "OK"


def test_a_test_app_invites_test_schools_alone(client: TestClient, app: App) -> None:
    change(App, app.id, is_live=False)
    with sessions.begin() as db:
        factories.school(db, 100002, is_test=True)
    body = {"RegistrationType": "Test", "Schools": [school(), school(DfesCode="0002")]}

    told = sends(client, *signed(app, body)).json()["Schools"]

    assert [one["Status"] for one in told] == ["Error", "OK"] and "Test app" in told[0]["Message"]


def test_wrong_signatures_are_counted(client: TestClient, app: App) -> None:
    for _ in range(30):
        assert refusal(registers(client, app, school(), secret="wrong")) == (401, "Unauthorised")

    stopped = registers(client, app, school())

    assert refusal(stopped) == (429, "TooManyRequests") and int(stopped.headers["retry-after"]) > 0
    assert invited() == []
