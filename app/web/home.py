"""The first page, and the two questions a load balancer asks."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app import db
from app.web.pages import page

first = APIRouter(include_in_schema=False)
health = APIRouter(include_in_schema=False)


@first.get("/")
def ask(request: Request) -> Response:
    return page(request, "home.html")


@health.get("/health/live")
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@health.get("/health/ready")
def ready() -> JSONResponse:
    """The process can do its work: its database answers."""
    if db.reachable():
        return JSONResponse({"status": "ready"})
    return JSONResponse({"status": "database away"}, 503, {"Retry-After": "5"})
