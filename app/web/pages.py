"""Rendering a page and sending the browser on."""

import datetime as dt
import hashlib
import zoneinfo
from functools import cache
from typing import Any

from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from app.settings import ROOT, settings
from app.web.telephone import phone

LONDON = zoneinfo.ZoneInfo("Europe/London")
STATIC = ROOT / "app/web/static"


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A whole HTML page. `sent` (posted values) and `problems` (what to put right) show a form again as it was.

    `request.state.person`, when a session set it, gives the layout its account area and navigation.
    """
    everywhere = {"person": getattr(request.state, "person", None), "path": request.url.path}
    body = _environment().get_template(template).render(everywhere | {"sent": {}, "problems": []} | context)
    return HTMLResponse(body, status)


def see_other(path: str) -> RedirectResponse:
    """Send the browser on after a post: always 303, so that the post is never repeated elsewhere."""
    return RedirectResponse(path, 303)


@cache
def _environment() -> Environment:
    macros = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    loaders = [FileSystemLoader(ROOT / "templates"), macros]
    made = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=ChainableUndefined,  # the govuk macros read members of members that may be absent
        auto_reload=False,
    )
    made.globals.update(settings=settings, static=_static)
    made.filters.update(day=day, weekday=weekday, clock=clock, when=when, lines=_lines, phone=phone)
    return made


def day(moment: dt.datetime | dt.date | None) -> str:
    """`24 November 2026`, in English time."""
    if moment is None:
        return ""
    local = moment.astimezone(LONDON) if isinstance(moment, dt.datetime) else moment
    return f"{local.day} {local:%B %Y}"


def weekday(moment: dt.datetime) -> str:
    """`Tuesday`, in English time."""
    return f"{moment.astimezone(LONDON):%A}"


def when(moment: dt.datetime | None) -> str:
    """`24 November 2026 at 2:03pm`, in English time."""
    if moment is None:
        return ""
    return f"{day(moment)} at {clock(moment)}"


def clock(moment: dt.datetime) -> str:
    """`2:03pm`, in English time."""
    local = moment.astimezone(LONDON)
    return f"{local.hour % 12 or 12}:{local:%M}{'am' if local.hour < 12 else 'pm'}"


def duration(seconds: int) -> str:
    """`48 hours`, `1 hour`, `30 minutes`: whole hours from one hour on, rounded down."""
    count, unit = (seconds // 3600, "hour") if seconds >= 3600 else (max(1, seconds // 60), "minute")
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _lines(parts: list[str]) -> Markup:
    return Markup("<br>").join(parts)


@cache
def _static(name: str) -> str:
    """The address of a static file, with its digest, so that browsers may keep it for ever."""
    found = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={found}"
