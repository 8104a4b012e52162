import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app import ledger
from app.db import sessions
from app.models.authorisation import Authorisation
from app.models.base import ago
from app.models.school import School
from app.models.scope import SCOPES
from app.settings import settings
from tests import factories
from tests.roster.api import BASE, Reader, change, reader, refusal


def test_an_org_is_the_school_as_the_register_has_it(client: TestClient) -> None:
    partner = reader(client, last_changed=dt.date(2099, 3, 1))

    org = partner.org()

    assert uuid.UUID(org.pop("sourcedId")).version == 8
    assert org == {
        "status": "active",
        "dateLastModified": "2099-03-01T00:00:00.000Z",
        "name": "Made-up Primary School 100001",
        "type": "school",
        "identifier": "100001",
        "metadata": {
            "LAESTAB": "8880001",
            "UKPRN": "10100001",
            "establishmentType": "Community school",
            "phase": "Primary",
            "address": ["Mill Lane", "Anytown", "AN1 1AA"],
            "telephone": "01632960001",
            "website": "www.madeup-primary.sch.example",
        },
    }


def test_orgs_and_schools_list_and_single_tell_the_same(client: TestClient) -> None:
    partner = reader(client)
    org = partner.org()

    assert partner.reads("/schools").json() == {"orgs": [org]}
    assert partner.reads(f"/orgs/{org['sourcedId']}").json() == {"org": org}
    assert partner.reads(f"/schools/{org['sourcedId']}").json() == {"org": org}


def test_a_list_counts_and_links(client: TestClient) -> None:
    partner = reader(client)

    whole = partner.reads("/orgs?limit=10")
    beyond = partner.reads("/orgs?limit=1&offset=5")

    assert whole.headers["x-total-count"] == beyond.headers["x-total-count"] == "1"
    first = f'<{settings.issuer}{BASE}/orgs?limit=10&offset=0>; rel="first"'
    assert first in whole.headers["link"] and 'rel="next"' not in whole.headers["link"]
    assert beyond.json() == {"orgs": []} and 'rel="prev"' in beyond.headers["link"]
    assert whole.headers["cache-control"] == "no-store"


def test_what_the_register_does_not_give_is_absent(client: TestClient) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("establishment_number", "ukprn", "phase_name", "telephone", "website"))
    partner = reader(client, **nothing, street=None, town=None, postcode=None, name="A" * 100, last_changed=None)

    org = partner.org()

    assert org["metadata"] == {"establishmentType": "Community school"}
    assert org["name"] == "A" * 100
    assert org["dateLastModified"].endswith("Z") and len(org["dateLastModified"]) == 24


def test_a_school_that_the_register_dropped_can_still_be_read(client: TestClient) -> None:
    partner = reader(client)
    with sessions.begin() as db:
        db.delete(db.get_one(type(factories.establishment(db, 999999)), 100001))

    org = partner.org()

    assert (org["name"], org["identifier"], "metadata" in org) == (partner.school.name, "100001", False)


def test_a_school_has_another_id_for_every_partner_and_keeps_it(client: TestClient) -> None:
    one = reader(client)
    other = reader(client, school=one.school)
    third = reader(client, 100002, app=one.app)

    ids = {org["sourcedId"] for org in (one.org(), other.org(), third.org())}

    assert len(ids) == 3
    assert not any("100001" in sourced_id for sourced_id in ids)
    assert one.org()["sourcedId"] in ids


def test_the_school_sees_when_its_data_was_read(client: TestClient) -> None:
    partner, idle = reader(client), reader(client, 100002)
    assert partner.reads("/orgs").status_code == 200
    assert refusal(idle.reads("/orgs/nosuch")) == (404, "unknownobject")
    ledger.drain()

    with sessions.read() as db:
        read_at = db.get_one(Authorisation, partner.authorisation.id).last_read_at
        assert read_at is not None and read_at > ago(60)
        assert db.get_one(Authorisation, idle.authorisation.id).last_read_at is None


def test_a_read_is_noted_once_a_minute(client: TestClient) -> None:
    partner = reader(client)

    def last() -> dt.datetime | None:
        ledger.drain()
        with sessions.read() as db:
            return db.get_one(Authorisation, partner.authorisation.id).last_read_at

    partner.org()
    first = last()
    partner.org()
    assert last() == first is not None
    change(Authorisation, partner.authorisation.id, last_read_at=ago(61))
    partner.org()
    assert (last() or ago(99)) > ago(30)


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("limit=0", (400, "invaliddata")),
        ("offset=x", (400, "invaliddata")),
        ("filter=name", (400, "invaliddata")),
        ("filter=head='Ada'", (400, "invalid_filter_field")),
        ("filter=metadata.head='Ada'", (400, "invalid_filter_field")),
        ("fields=head", (400, "invalid_selection_field")),
        ("limit=1&limit=2", (400, "invaliddata")),
    ],
)
def test_a_bad_query_is_told_in_oneroster_words(client: TestClient, query: str, answer: tuple[int, str]) -> None:
    partner = reader(client)

    assert refusal(partner.reads(f"/orgs?{query}")) == answer
    assert partner.reads("/orgs").status_code == 200


def test_fields_sort_and_filter_reach_the_metadata(client: TestClient) -> None:
    partner = reader(client)

    chosen = partner.reads("/orgs?fields=name,metadata.LAESTAB").json()["orgs"]

    assert chosen == [{"name": partner.school.name, "metadata": {"LAESTAB": "8880001"}}]
    assert partner.reads("/orgs?filter=metadata.UKPRN='10100001' AND status='active'").headers["x-total-count"] == "1"
    assert partner.reads("/orgs?filter=metadata.UKPRN='1'&sort=metadata.phase").headers["x-total-count"] == "0"
    assert partner.reads("/orgs?fields=parent,children,sourcedId").status_code == 200


def test_what_is_not_served_says_so_in_oneroster_form(client: TestClient) -> None:
    partner = reader(client)

    assert refusal(partner.reads("/lineItems")) == (404, "unknownobject")
    assert refusal(client.get(f"{BASE}/lineItems")) == (401, "unauthorisedrequest")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.request(method, f"{BASE}/orgs", headers={"authorization": f"Bearer {partner.token}"})
        assert answer.status_code == 405 and answer.headers["allow"] == "GET"
        assert refusal(answer)[1] == "invaliddata"
    assert partner.reads("/orgs").status_code == 200


def test_a_database_that_is_away_or_a_fault_of_ours_is_told_in_oneroster_form(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    partner = reader(client)
    partner.org()

    for failure, answer in (
        (OperationalError("select", {}, Exception("away")), (503, "server_busy")),
        (RuntimeError("a fault"), (500, "internal_server_error")),
    ):

        def fails(*_: object, raised: Exception = failure) -> None:
            raise raised

        with monkeypatch.context() as broken:
            broken.setattr(School, "by_id", fails)
            told = partner.reads("/orgs")
            assert refusal(told) == answer
            assert "fault" not in told.text and "select" not in told.text
    assert partner.reads("/orgs").status_code == 200


@pytest.fixture(scope="module")
def lasting(server: ASGIApp) -> Iterator[TestClient]:
    with TestClient(server, base_url=settings.issuer, raise_server_exceptions=False) as opened:
        yield opened


NAMES = ["limit", "offset", "sort", "orderBy", "filter", "fields", "x"]
VALUES = st.one_of(
    st.text(max_size=20),
    st.binary(max_size=10),
    st.text("=!<>~'( )ANDORname.12", max_size=40),
    st.sampled_from(["name", "metadata", "metadata.UKPRN", "desc", "1", "name='x'", "type~'s' OR status!='b'"]),
)


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=5))
def test_no_query_is_ever_a_failure_of_ours(lasting: TestClient, question: list[tuple[str, Any]], request: Any) -> None:
    if not hasattr(request.node, "partner"):
        request.node.partner = reader(lasting)
    partner: Reader = request.node.partner
    query = urlencode(question)

    for path in ("/orgs", f"/orgs/{partner.app.partner.pairwise('school', partner.school.id)}"):
        answer = partner.reads(f"{path}?{query}")
        assert answer.status_code in (200, 400), answer.text
        if answer.status_code == 400:
            refusal(answer)
    assert partner.reads("/orgs").status_code == 200


def test_the_routes_are_in_the_public_description(client: TestClient) -> None:
    description = client.get("/openapi.json").json()

    paths = {path for path in description["paths"] if path.startswith(BASE)}
    assert len(paths) == 22 + 17 + 2
    operations = {description["paths"][path]["get"]["operationId"] for path in paths}
    assert len(operations) == len(paths)
    assert {"getAllOrgs", "getStudent", "getTeachersForClassInSchool", "getAllDemographics"} <= operations
    for path in paths:
        route = description["paths"][path]["get"]
        assert route["summary"] and {"200", "400", "401", "403"} <= set(route["responses"])
        assert len(route["security"]) == 1 and set(route["security"][0]["oauth2"]) <= set(SCOPES)
        assert "fields" in {parameter["name"] for parameter in route["parameters"]}
