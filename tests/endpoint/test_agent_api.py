"""What an agent sends, in parts and again, and what it hears of it."""

import base64
import hashlib
import json
import threading
import uuid
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.types import ASGIApp

from app.db import sessions
from app.endpoint import agent_api, hearing
from app.models.base import ago
from app.models.endpoint import Endpoint
from app.models.outbox import Message
from app.models.roster.batch import CHUNK_BYTES, RECEIVED, Batch, Chunk
from app.roster import uploads
from app.secrets import unseal
from tests.endpoint.machine import Machine
from tests.oauth.agents import Agent
from tests.pages import Browser

BIG = b"pupil,group\n" * 100_000  # three chunks


def parts(content: bytes) -> list[bytes]:
    return [content[at : at + CHUNK_BYTES] for at in range(0, len(content), CHUNK_BYTES)]


def batch(batch_id: str) -> Batch:
    with sessions.read() as db:
        return db.get_one(Batch, uuid.UUID(batch_id))


def code(answered: Any) -> tuple[int, str]:
    return answered.status_code, answered.json()["type"].rpartition("#")[2]


def test_content_arrives_in_parts_and_waits_to_be_read(machine: Machine) -> None:
    begun = machine.begins(BIG)
    assert begun.status_code == 201
    told = begun.json()
    assert (told["chunk_bytes"], told["chunks"], told["have"]) == (CHUNK_BYTES, 3, [])
    assert (told["state"], batch(told["id"]).endpoint_id is not None) == ("receiving", True)
    for position, part in enumerate(parts(BIG)):
        assert machine.puts(told["id"], position, part).status_code == 204

    done = machine.completes(told["id"])

    assert (done.status_code, done.json()["state"]) == (202, RECEIVED)
    with sessions.read() as db:
        assert Chunk.whole(db, uuid.UUID(told["id"])) == BIG
    assert machine.completes(told["id"]).status_code == 202, "said twice, it is done once"
    assert machine.calls("GET", f"/batches/{told['id']}").json()["state"] == RECEIVED


def test_an_upload_that_broke_off_goes_on_where_it_stopped(machine: Machine) -> None:
    first = machine.begins(BIG).json()
    machine.puts(first["id"], 1, parts(BIG)[1])

    again = machine.begins(BIG)

    assert (again.status_code, again.json()["id"], again.json()["have"]) == (200, first["id"], [1])
    refused = machine.completes(first["id"])
    assert code(refused) == (409, "missing_chunks")
    assert [error["detail"] for error in refused.json()["errors"]] == ["0", "2"]
    for position in (0, 2, 1):
        assert machine.puts(first["id"], position, parts(BIG)[position]).status_code == 204
    assert machine.completes(first["id"]).status_code == 202


def test_a_part_that_was_damaged_on_the_way_is_sent_again(machine: Machine) -> None:
    begun = machine.begins(BIG).json()["id"]
    good = parts(BIG)[0]
    other = base64.b64encode(hashlib.sha256(b"another").digest()).decode()
    for digest in (f"sha-256=:{other}:", "sha-256=:!:", "md5=:abc:", "nothing"):
        assert code(machine.puts(begun, 0, good, digest)) == (400, "wrong_digest")
    assert machine.puts(begun, 0, good[:-1]).status_code == 400, "too short for its place"
    assert machine.puts(begun, 3, good).status_code == 404
    assert machine.begins(BIG).json()["have"] == []
    assert machine.puts(begun, 0, good).status_code == 204


def test_a_file_that_changed_while_it_was_sent_is_dropped_and_sent_anew(machine: Machine) -> None:
    begun = machine.begins(BIG).json()["id"]
    for position, part in enumerate(parts(BIG.replace(b"pupil", b"PUPIL", 1))):
        machine.puts(begun, position, part)
    assert code(machine.completes(begun)) == (422, "altered_content")

    assert machine.begins(BIG).json() | {"id": ""} == {
        "id": "",
        "state": "receiving",
        "chunk_bytes": CHUNK_BYTES,
        "chunks": 3,
        "have": [],
    }
    for position, part in enumerate(parts(BIG)):
        machine.puts(begun, position, part)
    assert machine.completes(begun).status_code == 202


def test_what_is_complete_takes_nothing_more(machine: Machine) -> None:
    done = machine.sends(b"all of it")
    assert machine.puts(done, 0, b"all of it").status_code == 409
    assert machine.calls("GET", f"/batches/{done}").status_code == 200


def test_too_large_and_too_many_are_refused(machine: Machine) -> None:
    assert machine.begins(b"x", size=uploads.MOST_BYTES + 1).status_code == 413
    for number in range(uploads.MOST_OPEN):
        assert machine.begins(b"%d" % number).status_code == 201
    full = machine.begins(b"one more")
    assert (full.status_code, full.headers["retry-after"]) == (409, agent_api.BUSY_SECONDS)
    assert machine.begins(b"0").status_code == 200, "what was begun goes on"


@pytest.mark.parametrize("changed", [{"sha256": "00"}, {"size": -1}, {"name": ""}, {"more": 1}, {"size": "9"}])
def test_an_announcement_that_is_not_right_names_the_member(machine: Machine, changed: dict[str, Any]) -> None:
    refused = machine.begins(b"x", **changed)
    assert code(refused) == (422, "invalid_body")
    assert refused.json()["errors"][0]["field"] == next(iter(changed))
    assert machine.begins(b"x").status_code == 201


def test_another_schools_agent_finds_nothing_of_this_one(
    machine: Machine, server: ASGIApp, other_browser: Browser
) -> None:
    other = Machine(Agent(server, other_browser, urn=100002))
    mine = machine.begins(b"one").json()["id"]
    assert other.puts(mine, 0, b"one").status_code == 404
    assert other.completes(mine).status_code == 404
    assert other.calls("GET", f"/batches/{mine}").status_code == 404
    assert other.calls("GET", "/batches/nothing").status_code == 404
    assert other.begins(b"one").json()["id"] != mine
    assert machine.puts(mine, 0, b"one").status_code == 204


def test_completed_from_two_sides_at_once_it_is_read_once(machine: Machine) -> None:
    begun = machine.begins(b"one").json()["id"]
    machine.puts(begun, 0, b"one")
    answers: list[int] = []
    both = [threading.Thread(target=lambda: answers.append(machine.completes(begun).status_code)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert answers == [202, 202]
    with sessions.read() as db:
        assert db.scalars(select(Batch.state)).all() == [RECEIVED]


def test_a_heartbeat_says_how_the_agent_does_and_what_time_it_is(machine: Machine) -> None:
    answered = machine.beats(state="failing", problem="The folder D:/Export is not there.")

    assert answered.json()["interval_seconds"] == hearing.INTERVAL_SECONDS
    assert answered.json()["school"]["urn"] == machine.agent.school.urn
    with sessions.read() as db:
        [endpoint] = Endpoint.of_school(db, machine.agent.school.id)
    assert (hearing.state(endpoint), endpoint.version) == (hearing.FAILING, "0.1.0")
    assert endpoint.reports["problem"] == "The folder D:/Export is not there."
    for said, shown in (("disabled", hearing.DISABLED), ("working", hearing.WORKING)):
        machine.beats(state=said)
        with sessions.read() as db:
            assert hearing.state(Endpoint.of_school(db, machine.agent.school.id)[0]) == shown
    assert machine.beats(state="bored").status_code == 422


def test_an_agent_that_leaves_is_out_at_once_and_the_admins_hear_of_it(machine: Machine) -> None:
    assert machine.beats().status_code == 200
    assert machine.calls("DELETE", "/endpoint").status_code == 204
    assert machine.beats().status_code == 401
    assert any("was removed" in subject for subject in subjects())
    assert Machine(machine.agent).beats().status_code == 200, "let in anew, it may send again"


def test_a_silent_agent_is_told_of_once_and_one_that_is_switched_off_never(
    machine: Machine, server: ASGIApp, other_browser: Browser
) -> None:
    off = Machine(Agent(server, other_browser, urn=100002))
    machine.beats()
    off.beats(state="disabled")
    assert told() == []
    with sessions.begin() as db:
        db.execute(update(Endpoint).values(heard_at=ago(hearing.SILENT_SECONDS + 60)))

    assert told() == [f"The Gatehouse agent of {machine.agent.school.name} is silent"]
    assert told() == []
    machine.beats()
    with sessions.begin() as db:
        db.execute(update(Endpoint).values(heard_at=ago(hearing.SILENT_SECONDS + 60)))
    assert len(told()) == 1, "heard again, then silent again"


def subjects() -> list[str]:
    """Of every message, oldest first."""
    with sessions.read() as db:
        found = db.scalars(select(Message).order_by(Message.created_at, Message.id)).all()
        return [json.loads(unseal(message.sealed or "", "outbox"))["subject"] for message in found]


def told() -> list[str]:
    """The subjects that the chore of silence writes."""
    before = len(subjects())
    with sessions.begin() as db:
        hearing.tell_of_silence(db)
    return subjects()[before:]
