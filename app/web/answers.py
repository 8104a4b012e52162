"""JSON for programs."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

JSON = "application/json"


def fresh(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer for this moment, which no cache may keep."""
    return Response(orjson.dumps(body), status, {"Cache-Control": "no-store", **(headers or {})}, JSON)
