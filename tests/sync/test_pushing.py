"""SCIM, against a server that others wrote (scim2-server) in a process of its own, and one that fails on purpose."""

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app import ledger
from app.db import sessions
from app.models.app_user import AppGroup, AppUser
from app.models.authorisation import Authorisation
from app.models.base import ago, ahead, now
from app.models.ledger import Read, Wanted
from app.models.sync import Push, Sync
from app.secrets import seal
from app.sync import pushing
from tests.pages import Browser
from tests.postgres import free_port
from tests.roster.school_data import School as Export
from tests.sync.here import Here, finishes, here

TOKEN = "a-bearer-token-of-the-app"


class Scim:
    """A running scim2-server."""

    def __init__(self, address: str) -> None:
        self.address = address

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}
        content = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.address}{path}", content, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"{}")

    def every(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"/{kind}?count=1000")["Resources"]
        return found

    def users(self) -> dict[str, dict[str, Any]]:
        return {one["userName"]: one for one in self.every("Users")}


@pytest.fixture
def scim() -> Iterator[Scim]:
    port = free_port()
    command = [str(Path(sys.executable).with_name("scim2-server")), "--hostname", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--bearer-token", TOKEN], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    made = Scim(f"http://127.0.0.1:{port}")
    for _ in range(200):
        try:
            made.call("GET", "/ServiceProviderConfig")
            break
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.05)
    yield made
    process.terminate()
    process.wait(10)


def at(address: str, browser: Browser, pupils: int = 12, urn: int = 100001) -> Here:
    """A school whose app takes users by SCIM at that address."""
    made = here(pupils, urn=urn, scim_url=address, scim_token_sealed=seal(TOKEN, pushing.PURPOSE))
    made.signs_in(browser)
    return made


def delivers(most: int = 400) -> None:
    """Let the worker go on until nothing is due."""
    for _ in range(most):
        if not pushing.work():
            return


def newest(of: Here) -> Sync:
    with sessions.read() as db:
        return Sync.newest(db, of.sender.school.id, of.app.id)[0]


def progress(of: Here) -> tuple[int, int, int]:
    """(waiting, done, failed) of the last run."""
    with sessions.read() as db:
        found = Push.progress(db, [newest(of).id])[newest(of).id]
    return found.waiting, found.done, found.failed


def test_everybody_and_every_class_arrives_and_moves_and_leaves(browser: Browser, scim: Scim) -> None:
    there = at(scim.address, browser)
    finishes(browser, there)
    assert "0 of" in browser.text
    delivers()

    users, mine = scim.users(), there.users()
    assert users.keys() == mine.keys()
    ann = next(one for one in mine.values() if one.kind == "pupil")
    told = users[ann.username]
    assert told["name"] == {"givenName": ann.given_name, "familyName": ann.family_name}
    assert (told["active"], told["userType"], told["id"]) == (True, "Pupil", mine[ann.username].outside_id)
    assert ann.upn not in json.dumps(told), "what the app calls them says nothing"
    groups = {one["displayName"]: one for one in scim.every("Groups")}
    assert groups.keys() == set(there.export.forms)
    members = {one["value"] for one in groups[ann.classes[0]]["members"]}
    assert members == {one.outside_id for one in mine.values() if ann.classes[0] in one.classes}
    assert all(one.password_for_app is None for one in mine.values()), "the app was told the first passwords"

    export = Export(12)
    export.pupils[0].form = export.pupils[1].form
    gone = export.pupils.pop(5)
    there.sends(export)
    finishes(browser, there)
    delivers()

    after = there.users()
    [left] = [one for one in after.values() if one.upn == gone.upn]
    assert scim.users()[left.username]["active"] is False
    moved = next(one for one in after.values() if one.upn == export.pupils[0].upn)
    inside = {one["displayName"]: {each["value"] for each in one["members"]} for one in scim.every("Groups")}
    assert [title for title, those in inside.items() if moved.outside_id in those] == moved.classes
    assert progress(there)[0] == 0 and progress(there)[2] == 0
    ledger.drain()
    with sessions.read() as db:
        rows, _ = Read.page(db, Wanted(there.sender.school.id, there.app.id), 1, 1000)
    assert {row.route for row in rows} == {"scim/users", "scim/groups"}


def test_users_that_the_app_has_are_read_and_keep_their_names(browser: Browser, scim: Scim) -> None:
    there = at(scim.address, browser)
    one = there.export.pupils[0]
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "old.name",
        "name": {"givenName": one.given, "familyName": one.family},
        "emails": [{"value": one.email}],
    }
    scim.call("POST", "/Users", body)
    browser.opens(f"{there.path}/existing")
    browser.presses("Read the users from the app")
    assert "The app has 1 users" in browser.text
    finishes(browser, there)
    delivers()

    users = scim.users()
    assert "old.name" in users and len(users) == len(there.users())
    assert there.users()["old.name"].upn == one.upn


def test_what_was_sent_when_the_answer_was_lost_is_found_and_not_made_twice(browser: Browser, scim: Scim) -> None:
    there = at(scim.address, browser)
    finishes(browser, there)
    delivers()
    before = scim.users()
    with sessions.begin(school=there.sender.school.id) as db:
        db.execute(update(AppUser).where(AppUser.school_id == there.sender.school.id).values(outside_id=""))
        db.execute(update(AppGroup).where(AppGroup.school_id == there.sender.school.id).values(outside_id=""))
        db.execute(update(Push).values(done_at=None, next_try_at=now(), tries=1))
    delivers()

    assert scim.users().keys() == before.keys() and progress(there)[0] == 0
    assert {one.outside_id for one in there.users().values()} == {one["id"] for one in before.values()}
    assert len(scim.every("Groups")) == len(there.export.forms)


def test_an_app_that_is_away_gets_everything_once_it_is_back(browser: Browser, scim: Scim) -> None:
    there = at(f"http://127.0.0.1:{free_port()}", browser)
    finishes(browser, there)
    assert pushing.work() == 0
    waiting, done, failed = progress(there)
    assert waiting > 0 and (done, failed) == (0, 0), "nobody is given up because the app is away"

    with sessions.begin() as db:
        app = db.get_one(type(there.app), there.app.id)
        app.scim_url = scim.address
        db.execute(update(Push).where(Push.next_try_at.is_not(None)).values(next_try_at=ago(1)))
    delivers()
    assert progress(there)[0] == 0 and len(scim.users()) == len(there.users())


def test_what_the_app_refuses_is_shown_and_keeps_nobody_else_waiting(browser: Browser, scim: Scim) -> None:
    there = at(scim.address, browser)
    taken = there.plan().new[0].username
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": taken}
    made = scim.call("POST", "/Users", body)
    finishes(browser, there)
    delivers()

    waiting, _, failed = progress(there)
    assert (waiting, failed) == (0, 1)
    browser.opens(f"{there.path}/runs/{newest(there).id}")
    assert f"{taken}: The app answered 409" in browser.text

    scim.call("DELETE", f"/Users/{made['id']}")
    browser.presses("Send these again")
    delivers()
    assert progress(there)[2] == 0 and taken in scim.users()


def test_what_a_school_takes_back_is_not_sent_any_more(browser: Browser, scim: Scim) -> None:
    there = at(scim.address, browser)
    finishes(browser, there)
    with sessions.begin() as db:
        given = Authorisation.active(db, there.sender.school.id, there.app.id)
        assert given and given.pause(db, there.sender.admin.id, "", None)
    delivers()
    assert not scim.users() and progress(there)[0] == 0

    with sessions.begin() as db:
        given = Authorisation.active(db, there.sender.school.id, there.app.id)
        assert given and given.resume(db)
        Push.again(db, newest(there).id)
    delivers()
    assert len(scim.users()) == len(there.users())


def test_a_service_that_asks_for_patience_is_left_alone_for_as_long(browser: Browser) -> None:
    with answering({"Retry-After": "900"}, 429) as address:
        there = at(address, browser)
        finishes(browser, there)
        assert pushing.work() == 0
        with sessions.read() as db:
            first = db.scalars(select(Push).order_by(Push.position).limit(1)).one()
        assert first.next_try_at is not None and first.next_try_at > ahead(800)
        assert first.last_error == "The app answered 429" and pushing.work() == 0


def test_first_passwords_that_nobody_took_are_forgotten_in_time(browser: Browser) -> None:
    there = at("http://127.0.0.1:9/", browser)
    browser.opens(f"{there.path}/classes")
    browser.presses("Next")
    finishes(browser, there)
    assert pushing.forget_passwords() == 0
    with sessions.begin(school=there.sender.school.id) as db:
        [name, *_] = [one.username for one in there.users().values() if one.kind == "pupil"]
        old = update(AppUser).where(AppUser.school_id == there.sender.school.id, AppUser.username == name)
        db.execute(old.values(password_at=ago(31 * 86_400)))
    assert pushing.forget_passwords() == 1
    users = there.users()
    assert (users[name].password_sealed, users[name].password_for_app) == (None, None)
    assert sum(one.password_sealed is not None for one in users.values()) == 11


@contextmanager
def answering(headers: dict[str, str], status: int) -> Iterator[str]:
    """A service that always answers so."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
