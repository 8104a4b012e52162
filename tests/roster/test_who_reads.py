"""Whose data, with which token, at which moment: the states of protocol.md 55, and no way around them."""

import datetime as dt
import time
import uuid

import pytest
from starlette.testclient import TestClient

from app.db import sessions
from app.models.authorisation import Authorisation
from app.models.base import ago, ahead, now
from app.models.partner import App
from app.models.school import CLOSED, REJECTED, SUSPENDED, UNVERIFIED, VERIFIED, School
from app.models.token import Token
from app.oauth import store
from app.secrets import digest, new_secret
from tests.factories import signs_in
from tests.pages import Browser
from tests.roster.api import BASE, change, reader, refusal


def test_two_schools_and_two_apps_cannot_read_each_other(client: TestClient) -> None:
    readers = [reader(client, 100001), reader(client, 100002)]
    readers += [reader(client, school=one.school, app=other.app) for one, other in (readers, readers[::-1])]
    ids = [one.org()["sourcedId"] for one in readers]
    assert len(set(ids)) == 4

    for one, own in zip(readers, ids, strict=True):
        for sourced_id in [*ids, str(one.school.id), str(one.school.urn), str(uuid.uuid4()), "x" * 300, "'", "%00"]:
            for kind in ("orgs", "schools"):
                answer = one.reads(f"/{kind}/{sourced_id}")
                if sourced_id == own:
                    assert answer.json()["org"]["identifier"] == str(one.school.urn)
                elif sourced_id != "%00":
                    assert refusal(answer) == (404, "unknownobject")
                else:
                    assert answer.status_code == 400
        for query in ("filter=identifier!='0'", "sort=identifier&limit=5000", "fields=identifier", "offset=0"):
            assert [org["identifier"] for org in one.reads(f"/orgs?{query}").json()["orgs"]] == [str(one.school.urn)]
        other_urn = "100002" if one.school.urn == 100001 else "100001"
        assert one.reads(f"/orgs?filter=identifier='{other_urn}'").headers["x-total-count"] == "0"


def test_a_foreign_and_an_absent_id_are_answered_alike(client: TestClient) -> None:
    here, there = reader(client, 100001), reader(client, 100002)

    foreign, absent = here.reads(f"/orgs/{there.org()['sourcedId']}"), here.reads(f"/orgs/{uuid.uuid4()}")

    assert foreign.json() == absent.json()
    assert {**foreign.headers, "x-request-id": ""} == {**absent.headers, "x-request-id": ""}
    assert here.reads(f"/orgs/{here.org()['sourcedId']}").status_code == 200


@pytest.mark.parametrize(
    ("token_scopes", "code"), [(("openid", "email"), "insufficient_scope"), ((), "insufficient_scope")]
)
def test_without_the_scope_there_is_nothing(client: TestClient, token_scopes: tuple[str, ...], code: str) -> None:
    partner = reader(client, scopes=("school", "openid", "email"), token_scopes=token_scopes)

    for path in ("/orgs", "/schools", "/orgs/x", "/orgs?filter=name~'a'", "/orgs?fields=nosuch"):
        answer = partner.reads(path)
        assert refusal(answer) == (403, "forbidden")
        assert (
            f'error="{code}"' in answer.headers["www-authenticate"]
            and 'scope="school"' in answer.headers["www-authenticate"]
        )
    assert reader(client, 100002).reads("/orgs").status_code == 200


def test_a_token_opens_no_more_than_the_school_agreed_to(client: TestClient) -> None:
    partner = reader(client, scopes=("openid",), token_scopes=("openid", "school"))

    assert refusal(partner.reads("/orgs")) == (403, "forbidden")
    with sessions.begin() as db:
        db.get_one(Authorisation, partner.authorisation.id).scopes = ["openid", "school"]
    assert reader(client, 100002, scopes=("openid", "school")).reads("/orgs").status_code == 200


def test_an_unverified_school_is_read_once_it_is_verified(client: TestClient, fresh: None) -> None:
    partner = reader(client, status=UNVERIFIED)

    for path in ("/orgs", "/orgs/x", "/schools", "/students"):
        answer = partner.reads(path)
        assert refusal(answer) == (403, "forbidden")
        assert 'error="school_unverified"' in answer.headers["www-authenticate"]
    change(School, partner.school.id, status=VERIFIED)
    assert partner.reads("/orgs").status_code == 200


@pytest.mark.parametrize("status", [SUSPENDED, REJECTED, CLOSED])
def test_a_school_that_is_out_of_office_is_not_read(client: TestClient, fresh: None, status: str) -> None:
    partner = reader(client, status=status)

    answer = partner.reads("/orgs")

    assert refusal(answer) == (401, "unauthorisedrequest")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"] and status in answer.json()["imsx_description"]
    change(School, partner.school.id, status=VERIFIED)
    assert partner.reads("/orgs").status_code == 200


def test_a_pause_says_when_it_ends(client: TestClient, fresh: None) -> None:
    partner = reader(client)
    day = (now() + dt.timedelta(days=3)).date()
    change(Authorisation, partner.authorisation.id, paused_at=now(), resumes_on=day)

    answer = partner.reads("/orgs")

    assert refusal(answer) == (403, "forbidden")
    assert 'error="authorisation_paused"' in answer.headers["www-authenticate"]
    assert day.isoformat() in answer.json()["imsx_description"]
    change(Authorisation, partner.authorisation.id, paused_at=None)
    assert partner.reads("/orgs").status_code == 200


def test_suspended_apps_expired_authorisations_and_dead_tokens_read_nothing(client: TestClient, fresh: None) -> None:
    partner = reader(client)
    token = digest(partner.token)
    for of, key, broken, whole in (
        (App, partner.app.id, {"suspended_at": now()}, {"suspended_at": None}),
        (Authorisation, partner.authorisation.id, {"expires_at": ago(1)}, {"expires_at": ahead(60)}),
        (Token, token, {"ended_at": now()}, {"ended_at": None}),
        (Token, token, {"expires_at": ago(1)}, {"expires_at": ahead(60)}),
        (Token, token, {"purpose": "refresh"}, {"purpose": "access"}),
    ):
        change(of, key, **broken)
        answer = partner.reads("/orgs")
        assert refusal(answer) == (401, "unauthorisedrequest")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        change(of, key, **whole)
        assert partner.reads("/orgs").status_code == 200


def test_no_token_a_foreign_token_and_a_token_in_the_query_read_nothing(client: TestClient) -> None:
    partner = reader(client)

    none = client.get(f"{BASE}/orgs")
    assert refusal(none) == (401, "unauthorisedrequest")
    assert "error=" not in none.headers["www-authenticate"] and "resource_metadata=" in none.headers["www-authenticate"]
    for wrong in (new_secret("gh_at"), new_secret("gh_rt"), partner.token[:-1], "", "é", "x" * 5000):
        sent = {b"authorization": f"Bearer {wrong}".encode()}
        assert refusal(client.get(f"{BASE}/orgs", headers=sent)) == (401, "unauthorisedrequest")
    assert client.get(f"{BASE}/orgs?access_token={partner.token}").status_code in (400, 401)
    assert partner.reads("/orgs").status_code == 200


def test_revoking_on_the_page_ends_the_very_next_call(client: TestClient, browser: Browser) -> None:
    partner, bystander = reader(client), reader(client, 100002)
    assert partner.reads("/orgs").status_code == bystander.reads("/orgs").status_code == 200
    signs_in(browser, partner.admin)

    browser.opens(f"/school/apps/{partner.authorisation.id}/revoke")
    browser.presses("Revoke")

    answer = partner.reads("/orgs")
    assert refusal(answer) == (401, "unauthorisedrequest")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert bystander.reads("/orgs").status_code == 200


def test_a_revocation_by_another_process_holds_as_soon_as_what_is_held_is_old(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner = reader(client)
    assert partner.reads("/orgs").status_code == 200
    change(Authorisation, partner.authorisation.id, ended_at=now(), end_reason="revoked")

    later = time.monotonic() + store.KEPT_SECONDS + 0.1
    monkeypatch.setattr(store, "clock", lambda: later)

    assert refusal(partner.reads("/orgs")) == (401, "unauthorisedrequest")
    assert reader(client, 100002).reads("/orgs").status_code == 200
