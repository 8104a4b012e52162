"""A server that dies where a test tells it to, and is started again: `python -m tests.faults.killable PORT FOLDER`.

The points are put around the functions of the product here, so that the product knows nothing of them. A test orders a
death by writing the name of a point into FOLDER/die-at; the first thread that comes there takes the process with it.
The next life answers on the same socket, as under systemd. FOLDER/pid names the life that is being lived.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.db import sessions
from app.main import create_app
from app.models import backing
from app.models.token import AuthorizationCode, Token

BEFORE, LOCKED, ADDED = "before the group opens", "after the lock", "after the tokens are added"
COMMITTED, HALF_SENT = "after the commit", "while the answer is half sent"
POINTS = (BEFORE, LOCKED, ADDED, COMMITTED, HALF_SENT)


class Failpoints:
    def __init__(self, folder: Path) -> None:
        self._order = folder / "die-at"

    def install(self) -> None:
        for owner, name, point in (
            (backing, "locked_codes", LOCKED),
            (backing, "locked_refresh_tokens", LOCKED),
            (AuthorizationCode, "spend", ADDED),
            (Token, "rotate", ADDED),
        ):
            setattr(owner, name, self._after(getattr(owner, name), point))
        setattr(sessions, "begin_group", self._around(sessions.begin_group))  # noqa: B010

    def reached(self, point: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self._order.read_text() == point:
                self._order.unlink()
                os.kill(os.getpid(), signal.SIGKILL)

    def _after(self, does: Callable[..., Any], point: str) -> Callable[..., Any]:
        def done(*given: Any) -> Any:
            result = does(*given)
            self.reached(point)
            return result

        return done

    def _around(self, open_unit: Callable[[], Any]) -> Callable[[], Any]:
        @contextlib.contextmanager
        def unit() -> Iterator[Any]:
            self.reached(BEFORE)
            with open_unit() as db:
                yield db
            self.reached(COMMITTED)

        return unit

    def sending(self, app: ASGIApp) -> ASGIApp:
        """Say half of every body first."""

        async def answered(scope: Scope, receive: Receive, send: Send) -> None:
            async def in_halves(message: Message) -> None:
                body = message.get("body", b"")
                if scope.get("path") == "/oauth/token" and body:
                    half = len(body) // 2
                    await send({**message, "body": body[:half], "more_body": True})
                    await asyncio.sleep(0.01)  # so that it has left
                    self.reached(HALF_SENT)
                    message = {**message, "body": body[half:]}
                await send(message)

            await app(scope, receive, in_halves)

        return answered


def main(port: int, folder: Path) -> None:
    """Live again and again. Ends when a life ends in any way but by SIGKILL."""
    failpoints = Failpoints(folder)
    failpoints.install()
    app = failpoints.sending(create_app())
    with socket.create_server(("127.0.0.1", port), backlog=128) as listener:
        while True:
            life = os.fork()
            if life == 0:
                uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])
                os._exit(0)
            (folder / "pid").write_text(str(life))
            _, status = os.waitpid(life, 0)
            if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
                raise SystemExit(f"the server ended by itself: {status}")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
