"""The partner API's schools, usage and deletion requests."""

import threading
import uuid

import pytest

from app import ledger
from app.db import sessions, withdrawn
from app.models.authorisation import Authorisation
from app.models.base import ago, now
from app.models.event import Event
from app.models.partner import Partner
from app.models.receipt import DeletionRequest
from app.models.school import VERIFIED, School
from app.sharing import deletion
from tests import factories
from tests.partners.caller import Caller, refusal
from tests.roster.api import reader


def shares(mine: Caller, urn: int = 100007) -> Authorisation:
    with sessions.begin() as db:
        school = factories.school(db, urn, VERIFIED)
        return factories.authorisation(db, factories.admin(db, school), school, mine.app)


def wants_deletion(given: Authorisation) -> DeletionRequest:
    with sessions.begin() as db:
        row = db.get_one(Authorisation, given.id)
        row.end(db, "revoked", row.granted_by)
        asked = DeletionRequest(authorisation_id=row.id, asked_by=row.granted_by, due_on=deletion.today())
        db.add(asked)
        db.flush()
        return asked


def test_schools_are_listed_page_by_page_with_their_state(mine: Caller, theirs: Caller) -> None:
    given = [shares(mine, 100001 + number) for number in range(5)]
    shares(theirs, 100009)
    with sessions.begin() as db:
        db.get_one(Authorisation, given[0].id).paused_at = now()
        db.get_one(Authorisation, given[1].id).expires_at = ago(1)
    seen, after = [], ""
    for _ in range(3):
        told = mine.gets(f"/schools?limit=2{after}")
        seen += [(item["school"]["urn"], item["state"]) for item in told["items"]]
        after = f"&after={told['next']}"
    states = ["paused", "expired", "active", "active", "active"]
    assert seen == [(100001 + number, states[number]) for number in (4, 3, 2, 1, 0)]
    assert told["next"] is None


def test_a_school_is_known_by_the_id_of_the_data_api_and_by_no_persons_name(mine: Caller) -> None:
    given = shares(mine)
    told = mine.gets(f"/schools/{given.id}")
    with sessions.read() as db:
        school = db.get_one(School, given.school_id)
        assert told["sourced_id"] == db.get_one(Partner, mine.app.partner_id).pairwise("school", school.id)
    assert told["school"] == {
        "urn": 100007,
        "dfe_number": "888/0007",
        "name": "Made-up Primary School 100007",
        "status": "Verified",
    }
    assert "Sam" not in str(told) and "@" not in str(told)


def test_deauthorising_ends_the_tokens_and_is_done_once(mine: Caller) -> None:
    school = reader(mine.client, 100007, app=mine.app)
    assert school.reads("/orgs").status_code == 200

    def audited() -> int:
        with sessions.read() as db:
            return db.query(Event).filter(Event.action == "authorisation.returned").count()

    for _ in range(2):
        assert mine("DELETE", f"/schools/{school.authorisation.id}").status_code == 204
    assert school.reads("/orgs").status_code == 401
    assert (mine.gets(f"/schools/{school.authorisation.id}")["state"], audited()) == ("returned", 1)


def test_another_apps_school_is_not_there(mine: Caller, theirs: Caller) -> None:
    given = shares(theirs)
    for path in (str(given.id), str(uuid.uuid4()), "x", "1", "%00", given.id.hex + "0"):
        for method in ("GET", "DELETE"):
            assert refusal(mine(method, f"/schools/{path}"))[0] in (400, 404)
    assert theirs.gets(f"/schools/{given.id}")["state"] == "active"


def test_usage_counts_calls_and_refusals_of_ones_own(mine: Caller, theirs: Caller) -> None:
    school = reader(mine.client, 100007, app=mine.app)
    for _ in range(3):
        assert school.reads("/orgs").status_code == 200
    with sessions.begin() as db:
        db.get_one(Authorisation, school.authorisation.id).paused_at = now()
        withdrawn(db)
    assert school.reads("/orgs").status_code == 403
    ledger.drain()

    told = mine.gets("/usage?days=2")
    assert [(day["calls"], day["refused"]) for day in told["days"]] == [(0, 0), (3, 1)]
    assert [(error["error"], error["calls"]) for error in told["errors"]] == [("authorisation_paused", 1)]
    assert theirs.gets("/usage?days=1")["days"][0]["calls"] == 0
    assert len(mine.gets("/usage")["days"]) == 30


@pytest.mark.parametrize("days", ["0", "91", "-1", "x", "", "1.5", "٣"])
def test_usage_of_no_sensible_time_is_refused(mine: Caller, days: str) -> None:
    assert refusal(mine("GET", f"/usage?days={days}")) == (400, "invalid_query")
    assert len(mine.gets("/usage?days=90")["days"]) == 90


def test_a_deletion_request_is_seen_and_answered_once(mine: Caller, theirs: Caller) -> None:
    asked = wants_deletion(shares(mine))
    (listed,) = mine.gets("/deletion-requests")["items"]
    assert listed == mine.gets(f"/deletion-requests/{asked.id}") and listed["attested_at"] is None
    path = f"/deletion-requests/{asked.id}/attest"
    for false in ({"statement": ""}, {"statement": "  "}, {"statement": "x" * 2001}, {}, {"statement": 1}):
        assert refusal(mine("POST", path, false)) == (422, "invalid_body")
    assert refusal(mine("POST", path, {"statement": "All", "attested_by": "x"})) == (422, "invalid_body")
    assert refusal(theirs("POST", path, {"statement": "All"})) == (404, "404")
    assert theirs.gets("/deletion-requests")["items"] == []

    answers: list[int] = []
    together = threading.Barrier(4)

    def attest() -> None:
        together.wait()
        answers.append(mine("POST", path, {"statement": "All of it"}).status_code)

    callers = [threading.Thread(target=attest) for _ in range(4)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert sorted(answers) == [200, 409, 409, 409]
    assert refusal(mine("POST", path, {"statement": "Again"})) == (409, "already_attested")
    assert mine.gets(f"/deletion-requests/{asked.id}")["statement"] == "All of it"
