"""The application, put together: one line for each part. Start reading here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import __version__, db, keys, logs
from app.settings import settings
from app.web import errors, home
from app.web.guard import Guard
from app.web.pages import STATIC


def create_app() -> ASGIApp:
    """The whole server as one ASGI application. Refuses (SystemExit) to start on settings that are not safe."""
    if faults := settings.faults():
        raise SystemExit(
            "Gatehouse does not start with these settings:\n" + "\n".join(f"- {fault}" for fault in faults)
        )
    logs.configure()
    app = FastAPI(
        title="Gatehouse",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    errors.install(app)
    app.mount("/static", _Kept(directory=STATIC))
    app.include_router(home.router)
    return Guard(app)


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    with db.sessions.begin() as session:
        keys.ensure(session)
    yield
    db.engine.dispose()


class _Kept(StaticFiles):
    """Static files under an address that holds their digest: browsers may keep them for ever."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_kept(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200 and b"v=" in scope["query_string"]:
                message["headers"].append((b"cache-control", b"public, max-age=31536000, immutable"))
            await send(message)

        await super().__call__(scope, receive, send_kept)
