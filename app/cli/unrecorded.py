"""Our server as it would be without the access ledger: the difference is what the ledger costs.

Run as `python -m app.cli.unrecorded --workers N --port N`, by `gatehouse bench ledger` alone: Gatehouse itself gives
out no data that nobody could account for.
"""

import argparse
from typing import Any

from starlette.types import ASGIApp

from app.cli.serve import run


def create_app() -> ASGIApp:
    from app import ledger, main

    ledger.record = _leave_out
    return main.create_app()


def _leave_out(**_: Any) -> None:
    pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int)
    parser.add_argument("--port", type=int)
    given = parser.parse_args()
    run("app.cli.unrecorded:create_app", "127.0.0.1", given.port, given.workers)
