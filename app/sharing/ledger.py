"""The school's access ledger: which app read what, how many people, when and from where."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import Session, sessions
from app.models.account import READING
from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.ledger import Read, Wanted
from app.models.partner import App
from app.models.school import School
from app.models.scope import SCOPES
from app.settings import settings
from app.signin.session import at_school
from app.web.forms import Fault
from app.web.pages import LONDON, day, page
from app.web.spreadsheet import download

router = APIRouter(prefix="/school/ledger", include_in_schema=False)

PAGE_ROWS = 50
CHART_DAYS = 30
FIRST_DAY, LAST_DAY = dt.date(2016, 1, 1), dt.date(2999, 12, 31)
FILTERS = ("app", "scope", "since", "until")
PAGE_NUMBER = "page_number"
LONGEST, LONGEST_NUMBER = 100, 6
ABOUT = "About the connection"
HEADING = ("Time (UTC)", "App", "Partner", "Data", "Route", "People", "Network address")


@dataclasses.dataclass(frozen=True)
class Filter:
    """What was chosen, as typed, and what it means; where there are `faults` it means nothing, and nothing is shown."""

    typed: dict[str, str]
    wanted: Wanted
    page_number: int
    faults: list[Fault]

    @property
    def query(self) -> str:
        """The part of an address that chooses the same."""
        return urlencode({name: value for name, value in self.typed.items() if value})


@router.get("")
def ask(request: Request) -> Response:
    """Every read, newest first, with a chart by day."""
    with sessions.read() as db:
        _, school = at_school(request, db, *READING)
        apps = _apps(db, school)
        chosen = _filter(request, school, apps, (*FILTERS, PAGE_NUMBER))
        if chosen.faults:
            return _page(request, chosen, apps, 422)
        rows, total = Read.page(db, chosen.wanted, chosen.page_number, PAGE_ROWS)
        days = Read.days_of_school(db, _charted(chosen.wanted))
    pages = -(-total // PAGE_ROWS)
    shown: dict[str, Any] = {"rows": rows, "total": total, "points": _points(days, _charted(chosen.wanted))}
    shown |= {"pages": pages, "page_number": min(chosen.page_number, max(pages, 1))}
    return _page(request, chosen, apps, **shown)


@router.get(".csv")
def export(request: Request) -> Response:
    """The same rows for a spreadsheet; the page that says what is wrong where that is not clear."""
    with sessions.read() as db:
        _, school = at_school(request, db, *READING)
        apps = _apps(db, school)
    chosen = _filter(request, school, apps, FILTERS)
    if chosen.faults:
        return _page(request, chosen, apps, 422)
    return download(f"access-ledger-{school.urn}", HEADING, _lines(chosen.wanted, {one.id: one for one in apps}))


def _page(request: Request, chosen: Filter, apps: list[App], status: int = 200, **shown: Any) -> Response:
    return page(
        request,
        "sharing/ledger.html",
        status,
        apps={one.id: one for one in apps},
        scopes=SCOPES,
        data=_data,
        chosen=chosen,
        sent=chosen.typed,
        problems=chosen.faults,
        months=settings.ledger_months,
        **shown,
    )


def _apps(db: Session, school: School) -> list[App]:
    """Every app that the school ever authorised, by name."""
    found = {given.app_id: given.app for given in Authorisation.of_school(db, school.id)}
    return sorted(found.values(), key=lambda app: (app.name.lower(), app.id))


def _filter(request: Request, school: School, apps: list[App], names: tuple[str, ...]) -> Filter:
    """What the address chooses. A faulty or unknown filter is a fault: left out, it would show more than was asked."""
    asked = request.query_params
    typed = {name: asked.get(name, "").replace("\x00", "").strip()[:LONGEST] for name in FILTERS}
    faults = [Fault(text) for text in _strange(request, names)]
    app = next((one for one in apps if str(one.id) == typed["app"]), None)
    if typed["app"] and app is None:
        faults.append(Fault(f"“{typed['app']}” is none of the apps in the list. Choose one of them", "app"))
    if typed["scope"] and (typed["scope"] not in SCOPES or SCOPES[typed["scope"]].identity):
        faults.append(Fault(f"“{typed['scope']}” is no kind of data in the list. Choose one of them", "scope"))
    days: dict[str, dt.date | None] = {}
    for name in ("since", "until"):
        try:
            days[name] = _date(typed[name])
            typed[name] = str(days[name] or "")
        except ValueError:
            days[name] = None
            faults.append(Fault("Choose a date, such as 2026-09-01", name))
    first, last = days["since"], days["until"]
    if first and last and last < first:
        faults.append(Fault("The last day is before the first", "until"))
    wanted = Wanted(
        school.id,
        app.id if app else None,
        typed["scope"],
        _midnight(first) if first else None,
        _midnight(last + dt.timedelta(days=1)) if last else None,
    )
    return Filter(typed, wanted, _number(asked.get(PAGE_NUMBER, "")), faults)


def _strange(request: Request, names: tuple[str, ...]) -> Iterator[str]:
    """What is said of each name in the address that is no filter, or is there more than once."""
    asked = request.query_params
    for name in asked:
        if name not in names:
            yield f"There is no filter “{name[:LONGEST]}”. The filters are {', '.join(FILTERS[:-1])} and {FILTERS[-1]}"
        elif len(asked.getlist(name)) > 1:
            yield f"The filter “{name}” is there more than once. Choose again"


def _date(typed: str) -> dt.date | None:
    """Raises ValueError for what is no date, or none of these days."""
    date = dt.date.fromisoformat(typed) if typed else None
    if date and not FIRST_DAY <= date <= LAST_DAY:
        raise ValueError(typed)
    return date


def _midnight(of: dt.date) -> dt.datetime:
    return dt.datetime.combine(of, dt.time(), LONDON).astimezone(dt.UTC)


def _charted(wanted: Wanted) -> Wanted:
    """The last thirty days of what was chosen."""
    until = wanted.until or now() + dt.timedelta(days=1)
    first = _midnight(until.astimezone(LONDON).date() - dt.timedelta(days=CHART_DAYS))
    return dataclasses.replace(wanted, since=max(first, wanted.since) if wanted.since else first, until=until)


def _points(days: dict[dt.date, int], charted: Wanted) -> list[tuple[str, int]]:
    """A bar for each day, those without reads included."""
    first, last = charted.since or now(), charted.until or now()
    count = max(0, min(CHART_DAYS, (last.date() - first.date()).days))
    every = [last.date() - dt.timedelta(days=back) for back in range(count, 0, -1)]
    return [(day(each), days.get(each, 0)) for each in every]


def _lines(wanted: Wanted, apps: dict[uuid.UUID, App]) -> Iterator[tuple[str, ...]]:
    with sessions.read() as db:
        for row in Read.every(db, wanted):
            app = apps.get(row.app_id)
            names = (app.name, app.partner.name) if app else ("", "")
            when = row.read_at.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
            yield (when, *names, _data(row.scopes), row.route, str(row.people), row.address)


def _data(scopes: str) -> str:
    """What a read drew on, in words: some say something of the token or of its use, and nothing of the school."""
    return ", ".join(SCOPES[name].title if name in SCOPES else name for name in scopes.split()) or ABOUT


def _number(typed: str) -> int:
    """Which page; the first for what is no number."""
    return max(1, int(typed[:LONGEST_NUMBER])) if typed.isascii() and typed.isdigit() else 1
