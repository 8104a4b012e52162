"""Our published keys (RFC 7517): what partners verify our signatures with."""

import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app import keys
from app.db import sessions

KEPT_SECONDS = 30.0


class _Published:
    """The key set, read again every half minute: a rotation reaches every process without a restart."""

    def __init__(self) -> None:
        self._kept: tuple[float, bytes] | None = None

    async def __call__(self) -> bytes:
        if self._kept is None or time.monotonic() - self._kept[0] > KEPT_SECONDS:
            self._kept = (time.monotonic(), await run_in_threadpool(self._read))
        return self._kept[1]

    @staticmethod
    def _read() -> bytes:
        with sessions.read() as db:
            return bytes(JSONResponse(keys.public_set(db)).body)


published = _Published()


async def jwks(_request: Request) -> Response:
    body = await published()
    return Response(body, media_type="application/jwk-set+json", headers={"Cache-Control": "public, max-age=300"})
