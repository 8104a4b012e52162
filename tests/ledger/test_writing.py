"""Every data call that was answered stands in the ledger, whatever happens to the process or to the database."""

import datetime as dt
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app import ledger
from app.db import sessions
from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.ledger import Read, ReadDay, Refusal, Wanted
from app.settings import ROOT
from tests.roster.api import Reader, reader

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def reads_of(partner: Reader) -> list[Read]:
    with sessions.read() as db:
        return list(Read.every(db, Wanted(partner.school.id)))


def facts(partner: Reader) -> dict[str, Any]:
    return {
        "school_id": partner.school.id,
        "app_id": partner.app.id,
        "authorisation_id": partner.authorisation.id,
        "scopes": "school",
        "route": "oneroster/orgs",
        "people": 3,
        "address": "192.0.2.1",
    }


def test_a_data_call_is_recorded_with_app_scope_route_time_and_address(client: TestClient) -> None:
    partner = reader(client)
    before = now()

    org = partner.org()
    partner.reads(f"/schools/{org['sourcedId']}")
    ledger.drain()

    newest, oldest = reads_of(partner)
    assert (newest.route, oldest.route) == ("oneroster/schools", "oneroster/orgs")
    assert (oldest.app_id, oldest.authorisation_id) == (partner.app.id, partner.authorisation.id)
    assert (oldest.scopes, oldest.people, oldest.address) == ("school", 0, "testclient")
    assert before <= oldest.read_at <= newest.read_at <= now()


def test_what_was_refused_is_no_read_and_is_counted_with_its_error(client: TestClient) -> None:
    partner = reader(client, status="Unverified")

    assert partner.reads("/orgs").status_code == partner.reads("/orgs").status_code == 403
    ledger.drain()

    assert reads_of(partner) == []
    with sessions.read() as db:
        ((route, error, calls, hour),) = Refusal.by_error(db, partner.app.id, LONG_AGO)
        assert Refusal.by_day(db, partner.app.id, LONG_AGO) == {now().date(): 2}
    assert (route, error, calls) == ("data", "school_unverified", 2) and hour <= now()


def test_while_storage_is_away_reads_wait_in_a_file_and_are_written_once_it_is_back(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner = reader(client)
    writer = ledger.Writer()
    monkeypatch.setattr(writer, "_start", lambda: None)
    with monkeypatch.context() as away:
        away.setattr(Read, "add", _fails)
        writer.record(**facts(partner))
        with pytest.raises(OSError, match="away"):
            writer.write()
        writer.record(**facts(partner))
        with pytest.raises(OSError, match="away"):
            writer.write()
    assert reads_of(partner) == []

    writer.drain()

    assert [row.people for row in reads_of(partner)] == [3, 3]


def test_when_too_much_waits_no_more_data_is_given_out(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    partner = reader(client)
    with monkeypatch.context() as away:
        away.setattr(ledger, "MOST_WAITING", 0)
        assert partner.reads("/orgs").status_code == 503
    assert partner.reads("/orgs").status_code == 200
    ledger.drain()
    assert len(reads_of(partner)) == 1


def test_a_process_that_was_killed_leaves_its_reads_to_be_found(client: TestClient) -> None:
    partner = reader(client)
    given = {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in facts(partner).items()}

    done = subprocess.run(
        [sys.executable, "-c", DIES, json.dumps(given)], cwd=ROOT, env=os.environ | _environment(), check=False
    )

    assert done.returncode == -9
    assert reads_of(partner) == []
    (left,) = ledger.folder().glob("*.jsonl")
    with left.open("ab") as file:
        file.write(b'{"id": "half a line')
    assert ledger.recover() == 1
    assert [row.people for row in reads_of(partner)] == [3]
    assert ledger.recover() == 0 and not left.exists()


DIES = """
import json, os, signal, sys, uuid
from app import ledger
ledger.PAUSE_SECONDS = 1000
given = json.loads(sys.argv[1])
ledger.record(**{name: uuid.UUID(value) if name.endswith("_id") else value for name, value in given.items()})
for empty in (path for path in ledger.folder().glob("*.jsonl") if not path.stat().st_size):
    empty.unlink()
os.kill(os.getpid(), signal.SIGKILL)
"""


def _environment() -> dict[str, str]:
    from app.settings import settings

    return {
        "GATEHOUSE_DATABASE_URL": settings.database_url.get_secret_value(),
        "GATEHOUSE_DATA_DIR": str(settings.data_dir),
    }


def test_the_file_of_a_living_process_is_left_alone(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    partner = reader(client)
    writer = ledger.Writer()
    monkeypatch.setattr(writer, "_start", lambda: None)
    writer.record(**facts(partner))

    assert ledger.recover() == 0
    assert reads_of(partner) == []

    writer.drain()
    assert len(reads_of(partner)) == 1


def test_after_its_time_the_ledger_keeps_sums_by_day(client: TestClient) -> None:
    partner = reader(client)
    day = dt.datetime(2024, 5, 1, 23, 30, tzinfo=dt.UTC)
    with sessions.begin() as db:
        moments = [day, day + dt.timedelta(minutes=10), day + dt.timedelta(hours=1), now()]
        Read.add(db, [facts(partner) | {"id": uuid.uuid4(), "read_at": moment} for moment in moments])
    for _ in range(2):
        with sessions.begin() as db:
            Read.roll_up(db, dt.datetime(2025, 1, 1, tzinfo=dt.UTC))

    with sessions.read() as db:
        sums = [(row.day, row.calls, row.people) for row in db.query(ReadDay).order_by(ReadDay.day)]
        assert sums == [(dt.date(2024, 5, 1), 2, 6), (dt.date(2024, 5, 2), 1, 3)]
        days = Read.days_of_school(db, Wanted(partner.school.id))
        assert days == Read.by_day(db, partner.app.id, LONG_AGO)
    assert days == {dt.date(2024, 5, 1): 2, dt.date(2024, 5, 2): 1, now().date(): 1}
    assert len(reads_of(partner)) == 1


def test_scopes_that_were_not_read_for_a_while_can_be_told(client: TestClient) -> None:
    partner = reader(client)
    with sessions.begin() as db:
        Read.add(db, [facts(partner) | {"id": uuid.uuid4(), "read_at": LONG_AGO, "scopes": "school staff"}])

    with sessions.read() as db:
        ids = [given.id for given in Authorisation.of_school(db, partner.school.id)]
        assert Read.scopes_since(db, ids, LONG_AGO) == {partner.authorisation.id: {"school", "staff"}}
        assert Read.scopes_since(db, ids, now()) == {}


def _fails(*_given: object) -> None:
    raise OSError("away")


def test_a_file_holds_no_more_than_what_waits(client: TestClient, data_dir: Path) -> None:
    partner = reader(client)
    writer = ledger.Writer()
    for _ in range(3):
        writer.record(**facts(partner))
        writer.write()

    assert sum(path.stat().st_size for path in writer._paths) == 0
    assert all(path.is_relative_to(data_dir) for path in writer._paths)
    writer.drain()
    assert len(reads_of(partner)) == 3
