"""A school's roster: what taking it in costs, and reading the whole of it beside dumping the same rows.

Run as `python -m app.bench.roster PUPILS SCHOOLS…`, in an environment that names an empty database: a process of its
own, so that its memory is its own. Prints figures as JSON.
"""

import asyncio
import hashlib
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from alembic import command
from alembic.config import Config
from starlette.types import ASGIApp, Message

from app import db as database
from app.bench.roster_data import bundle
from app.db import sessions
from app.main import create_app
from app.models.account import Account
from app.models.authorisation import Authorisation
from app.models.base import ago, ahead, now
from app.models.partner import App, AppScope, Partner
from app.models.roster import changes
from app.models.roster.batch import ACCEPTED, CHUNK_BYTES, Batch
from app.models.school import VERIFIED, School
from app.models.scope import SCOPES
from app.models.token import ACCESS, Token
from app.roster import intake, uploads
from app.secrets import digest, new_secret
from app.settings import ROOT

ROUNDS = 5
PAGE = 1000
BASE = "/ims/oneroster/rostering/v1p2"
LISTS = ("users", "classes", "courses", "enrollments", "academicSessions", "demographics")
FIRST_URN = 100_000


def measure(pupils: int, schools: Sequence[int]) -> dict[str, Any]:
    """Take schools in and read them whole, at each of these numbers of schools. Times in seconds."""
    command.upgrade(Config(str(ROOT / "alembic.ini")), "head")
    world = World()
    first, other = bundle(pupils), bundle(pupils, changed=0.03)
    found = []
    for wanted in schools:
        while len(world.schools) < wanted - 1:
            taken(world.add(), first)
        found.append({"schools": wanted} | _of_one(world, first, other))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    about = {"database": database.engine.dialect.name, "pupils": pupils, "bundle_kb": len(first) // 1024}
    return about | {"peak_rss_mb": round(peak), "at": found}


def _of_one(world: "World", first: bytes, other: bytes) -> dict[str, Any]:
    school = world.add()
    times = {"first": taken(school, first)}
    times["the_same_file"] = taken(school, first)
    _a_day_ago(school)
    times["unchanged"] = taken(school, first)
    times["changed"] = taken(school, other)
    reader = world.reader(school)
    dumped, whole, again = [], [], []
    counts: dict[str, int] = {}
    for _ in range(ROUNDS):
        dumped.append(_timed(lambda: _dump(school)))
        whole.append(_timed(lambda: counts.update(reader.whole())))
        again.append(_timed(reader.whole))
    ratio = round(statistics.median(whole) / statistics.median(dumped), 2)
    times |= {"read_whole": statistics.median(whole), "dump_alone": statistics.median(dumped)}
    shown = {name: round(value, 3) for name, value in times.items()}
    return shown | {"read_ratio": ratio, "read_worst": round(max(whole + again), 3), "rows": counts}


class World:
    """An app, an account, and schools that have all said yes to every scope of people and groups."""

    def __init__(self) -> None:
        self.server = create_app()
        self.schools: list[School] = []
        self.scopes = [name for name, scope in SCOPES.items() if not scope.identity]
        with sessions.begin() as db:
            partner = Partner(name="Bench Ltd")
            db.add(partner)
            self.account = Account(name="Sam", email="sam@bench.sch.example", password_hash="", username="bench")
            db.add(self.account)
            db.flush()
            self.app = App(client_id="bench", partner_id=partner.id, name="Bench", redirect_uris=["https://b.example/"])
            self.app.is_live = True
            db.add(self.app)
            db.flush()
            for place, scope in enumerate(self.scopes):
                about = {"required": scope == "school", "purpose": "To be measured"}
                db.add(AppScope(app_id=self.app.id, scope=scope, position=place, **about))

    def add(self) -> School:
        with sessions.begin() as db:
            school = School(urn=FIRST_URN + len(self.schools), name="Bench School", status=VERIFIED)
            db.add(school)
            db.flush()
        self.schools.append(school)
        return school

    def reader(self, school: School) -> "_Reader":
        secret = new_secret("gh_at")
        with sessions.begin() as db:
            given = Authorisation(
                school_id=school.id,
                app_id=self.app.id,
                scopes=self.scopes,
                granted_by=self.account.id,
                expires_at=ahead(86_400),
            )
            db.add(given)
            db.flush()
            row = {
                "digest": digest(secret),
                "purpose": ACCESS,
                "family": given.id,
                "app_id": self.app.id,
                "authorisation_id": given.id,
                "scope": " ".join(self.scopes),
                "issued_at": now(),
                "expires_at": ahead(86_400),
            }
            Token.add_all(db, [row])
        return _Reader(self.server, secret)


class _Reader:
    """Calls the application in this process, as a server would: no network is measured."""

    def __init__(self, server: ASGIApp, token: str) -> None:
        self._server, self._token = server, token

    def whole(self) -> dict[str, int]:
        """How many records each list holds, read page by page."""
        return asyncio.run(self._whole())

    async def _whole(self) -> dict[str, int]:
        found = {}
        for name in LISTS:
            offset = 0
            while True:
                page = next(
                    iter(orjson.loads(await self._get(f"{BASE}/{name}", f"limit={PAGE}&offset={offset}")).values())
                )
                offset += len(page)
                if len(page) < PAGE:
                    break
            found[name] = offset
        return found

    async def _get(self, path: str, query: str) -> bytes:
        headers = [(b"host", b"127.0.0.1:8000"), (b"authorization", f"Bearer {self._token}".encode())]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        body, statuses = bytearray(), []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            body.extend(message.get("body", b""))

        await self._server(scope, receive, send)
        if statuses != [200]:
            raise SystemExit(f"{path} answered {statuses}: {bytes(body[:300])!r}")
        return bytes(body)


def taken(school: School, content: bytes) -> float:
    """Seconds from the last part of an upload to the roster. What is held is confirmed: it is none of the bench."""
    with sessions.begin() as db:
        told = hashlib.sha256(content).digest()
        batch, _ = uploads.begin(db, school_id=school.id, name="bench.zip", sha256=told, size=len(content))
        for position in range(uploads.chunks_of(batch)):
            uploads.put(db, batch, position, content[position * CHUNK_BYTES : (position + 1) * CHUNK_BYTES])
        uploads.complete(db, batch)
    seconds = _timed(lambda: intake.take_in(school.id, batch.id))
    with sessions.read() as db:
        done = db.get_one(Batch, batch.id)
    if done.state != ACCEPTED:
        raise SystemExit(f"the batch is {done.state}: {done.faults or done.held_for}")
    return seconds


def _a_day_ago(school: School) -> None:
    """Let what was taken in be yesterday's, so that the same file is read anew."""
    with sessions.begin() as db:
        for batch in Batch.newest(db, school.id):
            batch.decided_at = ago(86_400)


def _dump(school: School) -> None:
    """The same rows, read and dumped with orjson: what no server could do without."""
    with sessions.read(school=school.id) as db:
        for name in changes.TABLES:
            found = changes.everything(db, school.id, name)
            for start in range(0, len(found), PAGE):
                orjson.dumps({name: found[start : start + PAGE]})


def _timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), [int(one) for one in sys.argv[2:]])))
