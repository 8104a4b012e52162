"""The sync of a school of that many pupils: its plan, Finish, the plan of a second run, and the login cards.

Run as `python -m app.bench.sync PUPILS`, in an environment that names an empty database. Prints figures as JSON.
"""

import json
import sys
import time
from typing import Any

from alembic import command
from alembic.config import Config

from app.bench.roster import World, taken
from app.bench.roster_data import bundle
from app.db import sessions
from app.models.app_user import AppUser
from app.settings import ROOT
from app.sync import cards, service

PIN = "1256"


def measure(pupils: int) -> dict[str, Any]:
    """Times in seconds."""
    command.upgrade(Config(str(ROOT / "alembic.ini")), "head")
    world = World()
    school = world.add()
    taken(school, bundle(pupils))
    world.reader(school)  # the school agrees
    times: dict[str, float] = {}
    with sessions.read(school=school.id) as db:
        started = time.perf_counter()
        desk = service.look(db, school.id, world.app.id)
        times["look"] = time.perf_counter() - started
        started = time.perf_counter()
        told = service.digest_of(desk.plan)
        times["plan"] = time.perf_counter() - started
    started = time.perf_counter()
    with sessions.begin(school=school.id) as db:
        service.finish(db, school, world.app.id, world.account, told)
    times["finish"] = time.perf_counter() - started
    with sessions.read(school=school.id) as db:
        desk = service.look(db, school.id, world.app.id)
        started = time.perf_counter()
        assert desk.plan.is_empty
        times["plan_again"] = time.perf_counter() - started
        users = AppUser.of_app(db, school.id, world.app.id)
    for layout in cards.LAYOUTS.values():
        started = time.perf_counter()
        for user in users:
            user.password_form = "four-pictures"
        cards.pdf("Bench", [(user, PIN) for user in users], layout)
        times[f"cards_{layout.columns * layout.rows}_on_a_page"] = time.perf_counter() - started
    return {"users": len(users)} | {name: round(value, 3) for name, value in times.items()}


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
